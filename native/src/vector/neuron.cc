// Neurons over all steps of a sequence in one pass over memory, alone or with the normalisation before them and the pool
// after them. An input may have fewer frames, each of which is shown for `repeat` steps. The way back computes the steps
// again from the input, which costs less than keeping them.
#include <cstring>
#include <type_traits>
#include <utility>
#include <vector>

#include "vector/neuron-forward.h"
#include "vector/tables.h"

namespace rxspike::VECTOR_LEVEL {

namespace {

void loadInput(const float* in, const float* scale, const float* offset, float* out, Index lanes) {
  if (scale == nullptr) {
    std::memcpy(out, in, lanes * sizeof(float));
    return;
  }
#pragma omp simd
  for (Index i = 0; i < lanes; i++) out[i] = in[i] * scale[i] + offset[i];
}

// Gives the gradients of mean pools to the neurons under them; zero to those under none.
void spreadPooled(const float* gradient, float* out, const StripRow& row) {
  const Index channels = row.layout->channels;
  const Index pool = row.layout->pool;
  const float share = row.layout->share();
  const Index columns = row.pooledColumns();
  for (Index x = 0; x < columns; x++) {
    for (Index i = 0; i < pool; i++) {
      float* to = out + (x * pool + i) * channels;
#pragma omp simd
      for (Index c = 0; c < channels; c++) to[c] = gradient[x * channels + c] * share;
    }
  }
  std::fill(out + columns * pool * channels, out + row.lanes, 0.f);
}

// Notes where the first spike of each pool is: `winner` is 0 before, and 1 + its place, row by row, after.
void noteWinners(const float* spikes, float* winner, const StripRow& row) {
  const Index channels = row.layout->channels;
  const Index pool = row.layout->pool;
  for (Index x = 0; x < row.pooledColumns(); x++) {
    float* first = winner + x * channels;
    for (Index i = 0; i < pool; i++) {
      const float* from = spikes + (x * pool + i) * channels;
      const float place = static_cast<float>(1 + row.y % pool * pool + i);
#pragma omp simd
      for (Index c = 0; c < channels; c++) first[c] = first[c] == 0 && from[c] != 0 ? place : first[c];
    }
  }
}

// Gives the gradients of maximum pools to the first spike under them, or to the first neuron where none fired.
void spreadToWinners(const float* gradient, const float* winner, float* out, const StripRow& row) {
  const Index channels = row.layout->channels;
  const Index pool = row.layout->pool;
  const Index columns = row.pooledColumns();
  for (Index x = 0; x < columns; x++) {
    const float* first = winner + x * channels;
    for (Index i = 0; i < pool; i++) {
      float* to = out + (x * pool + i) * channels;
      const float place = static_cast<float>(1 + row.y % pool * pool + i);
#pragma omp simd
      for (Index c = 0; c < channels; c++) {
        to[c] = std::max(first[c], 1.f) == place ? gradient[x * channels + c] : 0.f;
      }
    }
  }
  std::fill(out + columns * pool * channels, out + row.lanes, 0.f);
}

template <int variables>
void loadState(const float* state, const StripRow& row, float* to, Index capacity) {
  for (int v = 0; v < variables; v++) {
    std::memcpy(to + v * capacity, state + row.stateAt(v, variables), row.lanes * sizeof(float));
  }
}

template <int variables>
void storeState(const float* from, const StripRow& row, float* state, Index capacity) {
  for (int v = 0; v < variables; v++) {
    std::memcpy(state + row.stateAt(v, variables), from + v * capacity, row.lanes * sizeof(float));
  }
}

template <int count, std::size_t... row>
Values<count> plus(Values<count> a, Values<count> b, std::index_sequence<row...>) {
  return {(a.of[row] + b.of[row])...};
}
template <int count>
Values<count> plus(Values<count> a, Values<count> b) {
  return plus(a, b, std::make_index_sequence<count>());
}

// One step of a row from one state to another.
template <class Neuron>
void advanceRow(const Neuron neuron, const float* __restrict learned, const float* __restrict x,
                const float* __restrict before, float* __restrict after, Index capacity, Index lanes) {
#pragma omp simd
  for (Index i = 0; i < lanes; i++) stepAt(neuron, learned, capacity, x[i], before, capacity, after, capacity, i);
}

template <int place, class Neuron>
LANE float distanceAt(const Neuron& neuron, const float* learned, const float* x, const float* before, Index capacity,
                      Index i) {
  return neuron.distances(valuesAt<Neuron::kLearned>(learned, capacity, i),
                          valuesAt<Neuron::kVariables>(before, capacity, i), x[i])[place];
}

// One of the places where the surrogate of each neuron is taken.
template <int place, class Neuron>
void distanceRow(const Neuron neuron, const float* __restrict learned, const float* __restrict x,
                 const float* __restrict before, float* __restrict out, Index capacity, Index lanes) {
#pragma omp simd
  for (Index i = 0; i < lanes; i++) out[i] = distanceAt<place>(neuron, learned, x, before, capacity, i);
}

// What a step back of a row takes and gives.
struct BackwardRow {
  const float *learned, *x, *before, *spikeGradient, *slopes;
  float *carried, *gradient;
  float* learnedSums;  // where the gradients of the learned numbers are added, if they are wanted
  Index capacity, lanes;
};

template <bool learns, class Neuron>
LANE void stepBackAt(const Neuron& neuron, const float* learned, const float* x, const float* before,
                     const float* spikeGradient, const float* slopes, float* carried, float* gradient,
                     float* learnedSums, Index capacity, Index i) {
  const auto back = neuron.stepBack(
      valuesAt<Neuron::kLearned>(learned, capacity, i), valuesAt<Neuron::kVariables>(before, capacity, i), x[i],
      spikeGradient[i], valuesAt<Neuron::kDistances>(slopes, capacity, i),
      valuesAt<Neuron::kVariables>(carried, capacity, i));
  storeAt(back.state, carried, capacity, i);
  gradient[i] = back.input;
  if constexpr (learns) {
    storeAt(plus(valuesAt<Neuron::kLearned>(learnedSums, capacity, i), back.learned), learnedSums, capacity, i);
  }
}

// Gives the inputs' gradients, and those of the learned numbers; replaces the states' gradients.
template <bool learns, class Neuron>
void stepBackRow(const Neuron neuron, const BackwardRow& row) {
  const float* __restrict learned = row.learned;
  const float* __restrict x = row.x;
  const float* __restrict before = row.before;
  const float* __restrict spikeGradient = row.spikeGradient;
  const float* __restrict slopes = row.slopes;
  float* __restrict carried = row.carried;
  float* __restrict gradient = row.gradient;
  float* __restrict learnedSums = row.learnedSums;
  const Index capacity = row.capacity, lanes = row.lanes;
#pragma omp simd
  for (Index i = 0; i < lanes; i++) {
    stepBackAt<learns>(neuron, learned, x, before, spikeGradient, slopes, carried, gradient, learnedSums, capacity, i);
  }
}

// Spikes (pooled), the state after the last step and, unless null, potentials after each step and the number of spikes
// of each sample and step. `scale` and `offset`, by channel, may be null.
template <class Neuron>
void forward(const float* in, const float* state, float* spikes, float* lastState, float* potentials, float* counts,
             const float* scale, const float* offset, LAYOUT_PARAMETERS, NEURON_PARAMETERS) {
  const ForwardMemory memory{state, spikes, lastState, potentials, counts, scale, offset, learned, byChannel};
  ForwardWalk<Neuron> walk(LAYOUT, NEURON, memory);
  const InputFrames frames{in, height};
  forStrips(walk.layout(), [&](const StripRow& row, int thread) { walk.strip(row, frames, thread); });
  walk.finish();
}

// A surrogate as src/engines/kernels/surrogate.ts has it.
struct Surrogate {
  int kind;
  float slope, amplitude, shape;
};

using DerivativesOf = void (*)(float* distances, const Surrogate& surrogate, Index count);

template <class Shape>
void derivativesOf(float* distances, const Surrogate& surrogate, Index count) {
  const float slope = surrogate.slope, amplitude = surrogate.amplitude, shape = surrogate.shape;
#pragma omp simd
  for (Index i = 0; i < count; i++) distances[i] = amplitude * Shape::of(slope * distances[i], shape);
}

// What the way back needs beside the sequence; gradients are those of the outputs of `forward`.
struct BackwardInputs {
  const float *in, *state, *spikeGradient, *lastStateGradient;
  const float* potentialGradient;  // or null
  const float* countGradient;      // of the number of spikes of each sample and step, or null
  float* stateGradient;
  double* learnedGradient;  // for each thread, as the learned numbers lie; null where they are not wanted
  const float *scale, *offset;
  const float* learned;
  bool byChannel;
  Surrogate surrogate;
};

// Takes the gradients of the neurons' inputs, row after row, the last step first.
class InputGradients {
 public:
  virtual void take(const StripRow& row, Index step, const float* gradient, int thread) = 0;

 protected:
  ~InputGradients() = default;
};

// use(place) for the numbers from 0 to below `count`, as constants.
template <int count, class Use>
void forEachPlace(const Use& use) {
  [&]<int... place>(std::integer_sequence<int, place...>) {
    (use(std::integral_constant<int, place>{}), ...);
  }(std::make_integer_sequence<int, count>{});
}

template <class Neuron>
void walkBack(const Layout& layout, const BackwardInputs& given, const Neuron& neuron, InputGradients& gradients) {
  constexpr int variables = Neuron::kVariables;
  DerivativesOf derivatives = nullptr;
  withSurrogate(given.surrogate.kind, [&](auto shape) { derivatives = derivativesOf<decltype(shape)>; });
  const LaneValues scales(given.scale, layout), offsets(given.offset, layout);
  const LaneValues learned(given.learned, given.byChannel, Neuron::kLearned, layout);
  const bool learns = given.learnedGradient != nullptr;
  const Index capacity = layout.lanes();
  const Index stateSize = capacity * variables;
  const Index steps = layout.steps;
  const Index winnerSize = layout.poolsMaximum() ? capacity * steps : 0;
  std::vector<std::vector<float>> memory(threadCount());
  forStrips(layout, [&](StripRow row, int thread) {
    const Index rows = steps + 2 + Neuron::kDistances + Neuron::kLearned;
    memory[thread].resize(stateSize * (steps + 2) + capacity * rows + winnerSize);
    float* states = memory[thread].data();  // before each step
    float* carried = states + stateSize * (steps + 1);
    float* inputs = carried + stateSize;
    float* spread = inputs + capacity * steps;
    float* gradient = spread + capacity;
    float* slopes = gradient + capacity;
    float* learnedSums = slopes + capacity * Neuron::kDistances;
    float* winners = learnedSums + capacity * Neuron::kLearned;  // of each step
    std::fill(slopes, winners, 0.f);
    const Index last = std::min(row.y + layout.pool, layout.height);
    if (layout.poolsMaximum()) {
      std::fill(winners, winners + winnerSize, 0.f);
      for (StripRow ahead = row; ahead.y < last; ahead.y++) {
        loadState<variables>(given.state, ahead, states, capacity);
        for (Index t = 0; t < steps; t++) {
          loadInput(given.in + ahead.inputAt(t), scales.get(), offsets.get(), inputs, ahead.lanes);
          const InputRow input = {inputs, nullptr, nullptr};
          stepRow(neuron, learned.get(), capacity, input, {states, capacity}, {states, capacity}, spread, ahead.lanes);
          noteWinners(spread, winners + t * capacity, ahead);
        }
      }
    }
    for (; row.y < last; row.y++) {
      loadState<variables>(given.state, row, states, capacity);
      for (Index t = 0; t < steps; t++) {
        float* x = inputs + t * capacity;
        const float* before = states + t * stateSize;
        float* after = states + (t + 1) * stateSize;
        loadInput(given.in + row.inputAt(t), scales.get(), offsets.get(), x, row.lanes);
        visitPlain(neuron, [&](const auto& plain) {
          advanceRow(plain, learned.get(), x, before, after, capacity, row.lanes);
        });
      }
      loadState<variables>(given.lastStateGradient, row, carried, capacity);
      for (Index t = steps - 1; t >= 0; t--) {
        const float* x = inputs + t * capacity;
        const float* before = states + t * stateSize;
        const float* spikeGradient = layout.pool > 1 ? spread : given.spikeGradient + row.at(t);
        if (layout.poolsMaximum()) {
          spreadToWinners(given.spikeGradient + row.pooledAt(t), winners + t * capacity, spread, row);
        } else if (layout.pool > 1) {
          spreadPooled(given.spikeGradient + row.pooledAt(t), spread, row);
        }
        const float more = given.countGradient == nullptr ? 0.f : given.countGradient[row.sample * steps + t];
        if (more != 0) {
          for (Index i = 0; i < row.lanes; i++) spread[i] = spikeGradient[i] + more;
          spikeGradient = spread;
        }
        if (given.potentialGradient != nullptr) {
          const float* added = given.potentialGradient + row.at(t);
#pragma omp simd
          for (Index i = 0; i < row.lanes; i++) carried[i] += added[i];
        }
        forEachPlace<Neuron::kDistances>([&](auto place) {
          if (!neuron.uses(place)) return;
          float* slope = slopes + place * capacity;
          visitPlain(neuron, [&](const auto& plain) {
            distanceRow<place>(plain, learned.get(), x, before, slope, capacity, row.lanes);
          });
          derivatives(slope, given.surrogate, row.lanes);
        });
        const BackwardRow back{learned.get(), x,        before,      spikeGradient, slopes,
                               carried,       gradient, learnedSums, capacity,      row.lanes};
        visitPlain(neuron, [&](const auto& plain) {
          if (learns) stepBackRow<true>(plain, back);
          else stepBackRow<false>(plain, back);
        });
        gradients.take(row, t, gradient, thread);
      }
      storeState<variables>(carried, row, given.stateGradient, capacity);
    }
    if (!learns) return;
    const Index channels = given.byChannel ? layout.channels : 1;
    double* sums = given.learnedGradient + thread * Neuron::kLearned * channels;
    for (Index number = 0; number < Neuron::kLearned; number++) {
      for (Index i = 0; i < row.lanes; i++) sums[number * channels + i % channels] += learnedSums[number * capacity + i];
    }
  });
}

#define BACKWARD_PARAMETERS                                                                                         \
  float *stateGradient, float *learnedGradient, const float *in, const float *state, const float *spikeGradient,    \
      const float *lastStateGradient, const float *potentialGradient, const float *countGradient,                   \
      const float *scale, const float *offset,                                                                      \
      LAYOUT_PARAMETERS, NEURON_PARAMETERS, int surrogate, float slope, float amplitude, float shape, bool learns
#define BACKWARD                                                                                                    \
  BackwardInputs {                                                                                                  \
    in, state, spikeGradient, lastStateGradient, potentialGradient, countGradient, stateGradient,                   \
        learnedSums.get(), scale, offset, learned, byChannel, Surrogate { surrogate, slope, amplitude, shape }                                        \
  }

// The gradients of learned numbers, summed by each thread on its own.
class LearnedSums {
 public:
  LearnedSums(bool wanted, Index size) : size_(size), sums_(wanted ? threadCount() * size : 0) {}
  double* get() { return sums_.empty() ? nullptr : sums_.data(); }
  void store(float* out) const {
    std::fill(out, out + size_, 0.f);
    for (Index i = 0; i < size_ && !sums_.empty(); i++) {
      double sum = 0;
      for (int thread = 0; thread < threadCount(); thread++) sum += sums_[thread * size_ + i];
      out[i] = static_cast<float>(sum);
    }
  }

 private:
  Index size_;
  std::vector<double> sums_;
};

class StoreGradients final : public InputGradients {
 public:
  explicit StoreGradients(float* out) : out_(out) {}
  void take(const StripRow& row, Index step, const float* gradient, int) override {
    std::memcpy(out_ + row.at(step), gradient, row.lanes * sizeof(float));
  }

 private:
  float* out_;
};

// The gradients of input, first state and learned numbers.
template <class Neuron>
void backward(float* inputGradient, BACKWARD_PARAMETERS) {
  LearnedSums learnedSums(learns, Neuron::kLearned * (byChannel ? channels : 1));
  StoreGradients gradients(inputGradient);
  walkBack(LAYOUT, BACKWARD, NEURON, gradients);
  learnedSums.store(learnedGradient);
}

// By channel: sums of the gradient and of the gradient times (in - mean).
class SumGradients final : public InputGradients {
 public:
  SumGradients(const float* in, const float* mean, const Layout& layout)
      : in_(in), means_(mean, layout), channels_(layout.channels), lanes_(layout.stripColumns() * layout.channels),
        laneSums_(threadCount() * 2 * lanes_), sums_(threadCount() * 2 * channels_) {}

  void take(const StripRow& row, Index step, const float* gradient, int thread) override {
    float* first = laneSums_.data() + thread * 2 * lanes_;
    float* second = first + lanes_;
    const float* x = in_ + row.inputAt(step);
    const float* mean = means_.get();
#pragma omp simd
    for (Index i = 0; i < row.lanes; i++) {
      first[i] += gradient[i];
      second[i] += gradient[i] * (x[i] - mean[i]);
    }
    if (step == 0) flush(first, second, row.lanes, thread);
  }

  void store(float* gradientSum, float* productSum) const {
    for (Index c = 0; c < channels_; c++) {
      double first = 0, second = 0;
      for (int thread = 0; thread < threadCount(); thread++) {
        first += sums_[thread * 2 * channels_ + c];
        second += sums_[(thread * 2 + 1) * channels_ + c];
      }
      gradientSum[c] = static_cast<float>(first);
      productSum[c] = static_cast<float>(second);
    }
  }

 private:
  void flush(float* first, float* second, Index lanes, int thread) {
    double* sums = sums_.data() + thread * 2 * channels_;
    for (Index column = 0; column < lanes; column += channels_) {
#pragma omp simd
      for (Index c = 0; c < channels_; c++) {
        sums[c] += first[column + c];
        sums[channels_ + c] += second[column + c];
      }
    }
    std::fill(first, first + 2 * lanes_, 0.f);
  }

  const float* in_;
  LaneValues means_;
  Index channels_, lanes_;
  std::vector<float> laneSums_;
  std::vector<double> sums_;
};

// Gradients times `scale`, by channel, summed over the steps that a frame is shown for.
class ScaleGradients final : public InputGradients {
 public:
  ScaleGradients(float* out, const float* scale, const Layout& layout) : out_(out), scales_(scale, layout) {}

  void take(const StripRow& row, Index step, const float* gradient, int) override {
    const float* scale = scales_.get();
    float* out = out_ + row.inputAt(step);
    if ((step + 1) % row.layout->repeat == 0) {
#pragma omp simd
      for (Index i = 0; i < row.lanes; i++) out[i] = gradient[i] * scale[i];
    } else {
#pragma omp simd
      for (Index i = 0; i < row.lanes; i++) out[i] += gradient[i] * scale[i];
    }
  }

 private:
  float* out_;
  LaneValues scales_;
};

class BothGradients final : public InputGradients {
 public:
  BothGradients(InputGradients& first, InputGradients& second) : first_(first), second_(second) {}
  void take(const StripRow& row, Index step, const float* gradient, int thread) override {
    first_.take(row, step, gradient, thread);
    second_.take(row, step, gradient, thread);
  }

 private:
  InputGradients &first_, &second_;
};

// The gradients of a batch normalisation before the neurons: of its input, gamma and beta. Where the statistics are of
// this batch, a second pass adds what flows through them. `scale` is gamma / deviation, `offset` beta - mean scale.
template <class Neuron>
void normalisedBackward(float* inputGradient, float* gammaGradient, float* betaGradient, const float* mean,
                        const float* inverseDeviation, bool batchStatistics, BACKWARD_PARAMETERS) {
  const Layout layout = LAYOUT;
  const Neuron neuron = NEURON;
  LearnedSums learnedSums(learns, Neuron::kLearned * (byChannel ? channels : 1));
  SumGradients sums(in, mean, layout);
  ScaleGradients scaled(inputGradient, scale, layout);
  BothGradients both(sums, scaled);
  walkBack(layout, BACKWARD, neuron, both);
  learnedSums.store(learnedGradient);
  std::vector<float> sum(channels), product(channels), perInput(channels), constant(channels);
  sums.store(sum.data(), product.data());
  // Of each frame once: what is shown for several steps is so counted.
  const Index rows = batch * (steps / repeat) * height * width;
  for (Index i = 0; i < channels; i++) {
    gammaGradient[i] = product[i] * inverseDeviation[i];
    betaGradient[i] = sum[i];
    const double through = -double{scale[i]} * product[i] * inverseDeviation[i] * inverseDeviation[i] / rows;
    perInput[i] = static_cast<float>(through);
    constant[i] = static_cast<float>(-double{scale[i]} * sum[i] / rows - through * mean[i]);
  }
  if (!batchStatistics) return;
  parallelFor(rows, 64, [&](Index begin, Index end, int) {
    for (Index row = begin; row < end; row++) {
      const float* x = in + row * channels;
      float* out = inputGradient + row * channels;
#pragma omp simd
      for (Index i = 0; i < channels; i++) out[i] += x[i] * perInput[i] + constant[i];
    }
  });
}

#define NEURON_OPERATIONS(Neuron, name) \
  operation<forward<Neuron>>(name "Forward"), operation<backward<Neuron>>(name "Backward")

constexpr Operation kOperations[] = {
    NEURON_OPERATIONS(Lif, "Lif"),
    NEURON_OPERATIONS(RefractoryLif, "RefractoryLif"),
    NEURON_OPERATIONS(CurrentLif, "CurrentLif"),
    NEURON_OPERATIONS(AdaptiveLif, "AdaptiveLif"),
    NEURON_OPERATIONS(LeakyIntegrator, "LeakyIntegrator"),
    operation<normalisedBackward<Lif>>("NormalisedLifBackward"),
};

}  // namespace

Operations neuronOperations() { return kOperations; }

}  // namespace rxspike::VECTOR_LEVEL
