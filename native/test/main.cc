// Tests of the addon's own parts, run under the sanitizers: the stream, every instruction set against the plainest,
// convolutions and products by active inputs against oneDNN's, convolutions into neurons, and random spikes.
#include <omp.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <future>
#include <stdexcept>
#include <string>
#include <vector>

#include "operations.h"
#include "stream.h"

namespace {

using rxspike::Operation;
using Values = std::vector<float>;

int failures = 0;

void expect(bool holds, const std::string& what) {
  if (holds) return;
  std::fprintf(stderr, "failed: %s\n", what.c_str());
  failures++;
}

void expectClose(const Values& actual, const Values& expected, float tolerance, const std::string& what) {
  float worst = 0;
  for (std::size_t i = 0; i < expected.size(); i++) worst = std::max(worst, std::fabs(actual[i] - expected[i]));
  expect(actual.size() == expected.size() && worst <= tolerance, what + ", off by " + std::to_string(worst));
}

double at(const void* memory) { return static_cast<double>(reinterpret_cast<std::uintptr_t>(memory)); }

// Values that look like nothing in particular, in [-1.5, 1.5].
Values values(std::size_t count, float phase = 0) {
  Values result(count);
  for (std::size_t i = 0; i < count; i++) result[i] = 1.5f * std::sin(static_cast<float>(i) * 1.37f + phase);
  return result;
}

Operation find(const std::vector<Operation>& operations, const std::string& name) {
  for (const Operation& operation : operations) {
    if (name == operation.name) return operation;
  }
  throw std::invalid_argument("no operation " + name);
}

void run(const std::vector<Operation>& operations, const std::string& name, const std::vector<double>& operands) {
  const Operation operation = find(operations, name);
  expect(operation.arity == static_cast<int>(operands.size()), name + " takes " + std::to_string(operation.arity));
  operation.run(operands.data());
}

void add(double* to, double value) { *to = *to * 10 + value; }
void fail() { throw std::runtime_error("on purpose"); }

void testStream() {
  const Operation adding = rxspike::operation<add>("add");
  const Operation failing = rxspike::operation<fail>("fail");
  double total = 0;
  {
    rxspike::Stream stream(2);
    for (int i = 1; i <= 5; i++) stream.submit(&adding, {at(&total), static_cast<double>(i)});
    expect(stream.wait().empty() && total == 12345, "operations run in order");
    stream.submit(&failing, {});
    stream.submit(&adding, {at(&total), 6});
    std::promise<std::string> reported;
    stream.notify([&](std::string failure) { reported.set_value(failure); });
    expect(reported.get_future().get() == "fail: on purpose", "a failure is reported");
    expect(stream.wait().empty() && total == 123456, "a failure is reported once, and the stream goes on");
    total = 0;
    const std::vector<double> operands = {at(&total), 1, at(&total), 2, at(&total), 3};
    stream.submitAll({{&adding, 0}, {&adding, 2}, {&adding, 4}}, operands);
    expect(stream.wait().empty() && total == 123, "operations that come together run in order");
    stream.submitAll({{&adding, 0}, {&failing, 0}, {&adding, 2}}, operands);
    expect(stream.wait() == "fail: on purpose" && total == 1231, "what follows a failure among them is left out");
    total = 123456;
    for (int i = 0; i < 1000; i++) stream.submit(&adding, {at(&total), 0});
  }
}

// Results of the vector kernels on odd sizes.
struct NeuronCase {
  const char* name;
  std::size_t variables, learned;
};

// Every neuron, forward and back, with learned numbers of each channel.
std::vector<Values> neuronResults(const std::vector<Operation>& operations) {
  std::vector<Values> results;
  const std::size_t batch = 2, steps = 5, columns = 35, channels = 6, state = batch * columns * channels;
  const Values in = values(steps * state), gradient = values(steps * state, 5);
  const std::vector<double> sizes = {batch, steps, 1, columns, channels, 1, 1, 0};
  for (const auto& [name, variables, count] :
       {NeuronCase{"Lif", 1, 2}, NeuronCase{"RefractoryLif", 2, 2}, NeuronCase{"CurrentLif", 2, 3},
        NeuronCase{"AdaptiveLif", 3, 4}, NeuronCase{"LeakyIntegrator", 1, 1}}) {
    Values first(variables * state), last(first.size()), out(in.size()), potentials(in.size()), learned(count * channels);
    for (std::size_t i = 0; i < learned.size(); i++) learned[i] = 0.9f - 0.01f * static_cast<float>(i);
    const std::vector<double> neuron = {at(learned.data()), 1, 1.2, 1, 0.1, 1, 1, 0, 0, 1, 1, 0};
    const auto operandsOf = [&](std::vector<double> own, std::vector<double> end) {
      for (const auto& part : {sizes, neuron, end}) own.insert(own.end(), part.begin(), part.end());
      return own;
    };
    run(operations, (std::string(name) + "Forward").c_str(),
        operandsOf({at(in.data()), at(first.data()), at(out.data()), at(last.data()), at(potentials.data()), 0, 0, 0}, {}));
    Values inputGradient(in.size()), stateGradient(first.size()), learnedGradient(learned.size());
    run(operations, (std::string(name) + "Backward").c_str(),
        operandsOf({at(inputGradient.data()), at(stateGradient.data()), at(learnedGradient.data()), at(in.data()),
                    at(first.data()), at(gradient.data()), at(last.data()), at(gradient.data()), 0, 0, 0},
                   {0, 3, 1, 1, 1}));
    results.insert(results.end(), {out, last, potentials, inputGradient, stateGradient, learnedGradient});
  }
  return results;
}

// What an encoder layer is made of, forward and back.
std::vector<Values> layerResults(const std::vector<Operation>& operations) {
  const double batch = 9, tokens = 5, heads = 3, depth = 7, rows = batch * tokens, width = heads * depth;
  const auto count = [](double product) { return static_cast<std::size_t>(product); };
  const Values projected = values(count(rows * 3 * width)), gradient = values(count(rows * width), 1);
  Values attended(gradient.size()), projectedGradient(projected.size());
  const std::vector<double> sizes = {batch, tokens, heads, depth};
  const auto withSizes = [&](std::vector<double> operands) {
    operands.insert(operands.end(), sizes.begin(), sizes.end());
    return operands;
  };
  run(operations, "selfAttention", withSizes({at(projected.data()), at(attended.data())}));
  run(operations, "selfAttentionGradient",
      withSizes({at(projected.data()), at(gradient.data()), at(projectedGradient.data())}));

  const double outputs = 11;
  const Values weight = values(count(width * outputs), 2), bias = values(count(outputs), 3),
               slopes = values(count(rows * outputs), 4);
  Values output(slopes.size()), inputGradient(gradient.size()), weightGradient(weight.size()), biasGradient(bias.size());
  run(operations, "linear",
      {at(gradient.data()), at(weight.data()), at(bias.data()), at(output.data()), rows, width, outputs, 1});
  run(operations, "linearGradient",
      {at(gradient.data()), at(weight.data()), at(output.data()), at(slopes.data()), at(inputGradient.data()),
       at(weightGradient.data()), at(biasGradient.data()), rows, width, outputs, 1});

  const Values gamma = values(count(width), 5), beta = values(count(width), 6);
  Values normal(gradient.size()), normalGradient(gradient.size()), gammaGradient(gamma.size()), betaGradient(beta.size());
  run(operations, "layerNorm",
      {at(gradient.data()), at(gamma.data()), at(beta.data()), at(normal.data()), rows, width, 1e-5});
  run(operations, "layerNormGradient",
      {at(gradient.data()), at(gamma.data()), at(attended.data()), at(normalGradient.data()), at(gammaGradient.data()),
       at(betaGradient.data()), rows, width, 1e-5});
  return {attended, projectedGradient, output,        inputGradient,  weightGradient,
          biasGradient, normal,        normalGradient, gammaGradient, betaGradient};
}

std::vector<Values> vectorResults(const std::vector<Operation>& operations) {
  std::vector<Values> results;
  const double batch = 2, steps = 5, height = 5, width = 7, channels = 6;
  const std::size_t size = 2 * 5 * 5 * 7 * 6, state = size / 5, pooled = 2 * 5 * 2 * 3 * 6;
  const Values in = values(size), first = values(state, 1), scale = values(6, 2), offset = values(6, 3), learned{0.9f, 1};
  const std::vector<double> constants = {at(learned.data()), 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0};
  Values spikes(pooled), last(state), potentials(size), counts(10);
  std::vector<double> operands = {at(in.data()),    at(first.data()),      at(spikes.data()), at(last.data()),
                                  at(potentials.data()), at(counts.data()), at(scale.data()), at(offset.data()),
                                  batch, steps, height, width, channels, 1, 2, 0};
  operands.insert(operands.end(), constants.begin(), constants.end());
  run(operations, "LifForward", operands);
  results.insert(results.end(), {spikes, last, potentials, counts});

  for (int surrogate = 0; surrogate < 10; surrogate++) {
    Values gradient(size), stateGradient(state), learnedGradient(2), gamma(6), beta(6);
    const Values mean = values(6, 4), inverse(6, 0.8f), spikeGradient = values(pooled, 5), lastGradient = values(state, 6),
                 countGradient = values(10, 8);
    operands = {at(gradient.data()), at(gamma.data()), at(beta.data()), at(mean.data()), at(inverse.data()), 1,
                at(stateGradient.data()), at(learnedGradient.data()), at(in.data()), at(first.data()),
                at(spikeGradient.data()), at(lastGradient.data()), 0, at(countGradient.data()), at(scale.data()), at(offset.data()),
                batch, steps, height, width, channels, 1, 2, 0};
    operands.insert(operands.end(), constants.begin(), constants.end());
    operands.insert(operands.end(), {static_cast<double>(surrogate), 1.3, 0.7, 0.5, 1});
    run(operations, "NormalisedLifBackward", operands);
    results.insert(results.end(), {gradient, stateGradient, learnedGradient, gamma, beta});
  }

  const std::vector<Values> neurons = neuronResults(operations);
  results.insert(results.end(), neurons.begin(), neurons.end());

  Values sums(7), totals(1), probabilities(700);
  const Values rows = values(700, 7);
  run(operations, "sum", {at(rows.data()), at(sums.data()), 1, 100, 7, 0.5});
  run(operations, "sum", {at(rows.data()), at(totals.data()), 1, 700, 1, 1});
  run(operations, "softmax", {at(rows.data()), at(probabilities.data()), 70, 10, 1});
  Values losses(70), slopes(700), labels(70);
  for (std::size_t i = 0; i < labels.size(); i++) labels[i] = static_cast<float>(i % 10);
  run(operations, "crossEntropy",
      {at(rows.data()), at(labels.data()), at(losses.data()), at(slopes.data()), 70, 10, 0.1});
  results.insert(results.end(), {sums, totals, probabilities, losses, slopes});
  Values maxima(2 * 2 * 3 * 6), maximaGradient(2 * 5 * 7 * 6);
  const std::vector<double> pool = {2, 5, 7, 6, 2, 3, 2, 2, 2, 2, 0, 0};
  operands = {at(in.data()), at(maxima.data())};
  operands.insert(operands.end(), pool.begin(), pool.end());
  run(operations, "maximumPool", operands);
  operands = {at(in.data()), at(first.data()), at(maximaGradient.data())};
  operands.insert(operands.end(), pool.begin(), pool.end());
  run(operations, "maximumPoolGradient", operands);
  results.insert(results.end(), {maxima, maximaGradient});
  const std::vector<Values> layers = layerResults(operations);
  results.insert(results.end(), layers.begin(), layers.end());
  return results;
}

void testLevels() {
  const auto expected = vectorResults(rxspike::operationsFor("baseline"));
  for (const std::string& level : rxspike::vectorLevels()) {
    const auto actual = vectorResults(rxspike::operationsFor(level));
    for (std::size_t i = 0; i < expected.size(); i++) {
      expectClose(actual[i], expected[i], 2e-4f, level + " against baseline, result " + std::to_string(i));
    }
    expect(actual == vectorResults(rxspike::operationsFor(level)), level + " gives the same bits twice");
  }
}

// Inputs [batch, 19, 8, 20] of which a fourth is active, to 80 channels, by active inputs and by oneDNN.
void testSparseConvolution(double batch, double stride, double outHeight, double outWidth) {
  const auto operations = rxspike::operationsFor(rxspike::vectorLevels().front());
  Values in = values(static_cast<std::size_t>(batch * 19 * 8 * 20));
  for (float& value : in) value = value > 0.7f ? value : 0;
  const Values filter = values(9 * 20 * 80, 1);
  const std::size_t outputs = static_cast<std::size_t>(batch * outHeight * outWidth * 80);
  const Values gradient = values(outputs, 2);
  const std::vector<double> sizes = {batch, 19, 8, 20, 3, 3, outHeight, outWidth, 80, stride, stride, 1, 1, 1, 1};
  std::vector<Values> out(2, Values(outputs)), filterGradient(2, Values(filter.size()));
  for (int sparse = 0; sparse < 2; sparse++) {
    std::vector<double> operands = {at(in.data()), at(filter.data()), at(out[sparse].data()), 0, double(sparse)};
    operands.insert(operands.end(), sizes.begin(), sizes.end());
    run(operations, "convolution", operands);
    operands = {at(in.data()), at(gradient.data()), at(filterGradient[sparse].data()), double(sparse)};
    operands.insert(operands.end(), sizes.begin(), sizes.end());
    run(operations, "convolutionFilterGradient", operands);
  }
  expectClose(out[1], out[0], 1e-4f, "convolution by active inputs");
  expectClose(filterGradient[1], filterGradient[0], 1e-3f, "filter gradient by active inputs");
}

// Convolutions [6, 11, 9, 12] to 48 channels that go into neurons, of two samples of three frames shown twice, at every
// level, dense and by active inputs, against one operation after the other. All sums are exact.
void testConvolvedLif() {
  const auto quarters = [](std::size_t count, float phase) {
    Values result = values(count, phase);
    for (float& value : result) value = std::round(4 * value) / 4;
    return result;
  };
  Values in = quarters(6 * 11 * 9 * 12, 0);
  for (float& value : in) value = std::max(value, 0.f);
  const Values filter = quarters(9 * 12 * 48, 1), first = quarters(2 * 11 * 9 * 48, 2), scale = quarters(48, 3),
               offset = quarters(48, 4), learned{0.5f, 1};
  const std::vector<double> sizes = {6, 11, 9, 12, 3, 3, 11, 9, 48, 1, 1, 1, 1, 1, 1};
  const auto results = [&](const std::string& level, const auto& convolve) {
    const auto operations = rxspike::operationsFor(level);
    std::vector<Values> out = {Values(2 * 6 * 5 * 4 * 48), Values(first.size()), Values(12)};
    const std::vector<double> neurons = {at(first.data()), at(out[0].data()), at(out[1].data()), 0, at(out[2].data()),
                                         at(scale.data()), at(offset.data()), 2, 6, 11, 9, 48, 2, 2, 0,
                                         at(learned.data()), 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0};
    convolve(operations, neurons);
    return out;
  };
  const auto expected = results("baseline", [&](const auto& operations, const auto& neurons) {
    Values maps(6 * 11 * 9 * 48);
    std::vector<double> operands = {at(in.data()), at(filter.data()), at(maps.data()), 0, 0};
    operands.insert(operands.end(), sizes.begin(), sizes.end());
    run(operations, "convolution", operands);
    operands = {at(maps.data())};
    operands.insert(operands.end(), neurons.begin(), neurons.end());
    run(operations, "LifForward", operands);
  });
  for (const std::string& level : rxspike::vectorLevels()) {
    for (const double limit : {0., 1.}) {
      const auto actual = results(level, [&](const auto& operations, const auto& neurons) {
        std::vector<double> operands = {at(in.data()), at(filter.data()), 0, limit};
        operands.insert(operands.end(), sizes.begin(), sizes.end());
        operands.insert(operands.end(), neurons.begin(), neurons.end());
        run(operations, "convolvedLif", operands);
      });
      expect(actual == expected, level + " convolves into neurons, limit " + std::to_string(limit));
    }
  }
}

// Products of a matrix of which a fifth is active, by active places and by oneDNN.
void testSpikeProduct(std::size_t rows, std::size_t inner, std::size_t columns) {
  const auto operations = rxspike::operationsFor(rxspike::vectorLevels().front());
  Values left = values(rows * inner);
  for (float& value : left) value = value > 1.2f ? 1.f : 0.f;
  const Values right = values(inner * columns, 1), bias = values(columns, 2), gradient = values(rows * columns, 3);
  std::vector<Values> product(2, Values(rows * columns)), transposed(2, Values(inner * columns));
  const double r = static_cast<double>(rows), i = static_cast<double>(inner), c = static_cast<double>(columns);
  for (int sparse = 0; sparse < 2; sparse++) {
    const double limit = sparse;
    run(operations, "spikeProduct",
        {at(left.data()), at(right.data()), at(bias.data()), at(product[sparse].data()), r, i, c, limit});
    run(operations, "spikeTransposedProduct",
        {at(left.data()), at(gradient.data()), at(transposed[sparse].data()), r, i, c, limit});
  }
  expectClose(product[1], product[0], 1e-4f, "product by active places");
  expectClose(transposed[1], transposed[0], 1e-3f, "transposed product by active places");
}

// Draws of two streams at every level, whole and cut in two.
void testBernoulli() {
  const std::size_t size = 37, steps = 6;
  Values limits = values(2 * size);
  for (float& limit : limits) limit = limit > 0 ? limit * (1 << 23) : 0.f;
  const Values streams = {1, 65535, 7, 9, 40000, 3, 0, 12};
  const auto draw = [&](const std::string& level, double from, std::size_t count) {
    Values spikes(2 * count * size);
    run(rxspike::operationsFor(level), "bernoulli",
        {at(limits.data()), at(streams.data()), at(spikes.data()), 2, static_cast<double>(count), double(size), from, 42, 1});
    return spikes;
  };
  const Values expected = draw("baseline", 0, steps);
  for (const std::string& level : rxspike::vectorLevels()) {
    expect(draw(level, 0, steps) == expected, level + " draws the same spikes");
    const Values late = draw(level, 2, steps - 2);
    for (std::size_t sample = 0; sample < 2; sample++) {
      const float* whole = expected.data() + (sample * steps + 2) * size;
      expect(std::equal(whole, whole + (steps - 2) * size, late.data() + sample * (steps - 2) * size),
             level + " draws the same spikes from the third step on");
    }
  }
}

}  // namespace

int main() {
  omp_set_num_threads(2);
  testStream();
  testLevels();
  testSparseConvolution(1, 1, 19, 8);
  testSparseConvolution(9, 1, 19, 8);
  testSparseConvolution(2, 2, 10, 4);
  testConvolvedLif();
  testSpikeProduct(5, 9, 16);
  testSpikeProduct(1100, 13, 250);
  testBernoulli();
  if (failures == 0) std::puts("all native tests passed");
  return failures == 0 ? 0 : 1;
}
