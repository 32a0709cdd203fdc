// Batch normalisation of [outer, groups, inner, channels], each group with statistics of its own. Sums are taken over
// fixed parts of the rows, in double from part to part, so they have the same bits for any number of threads.
#include <cmath>
#include <vector>

#include "parallel.h"
#include "vector/tables.h"

namespace rxspike::VECTOR_LEVEL {

namespace {

constexpr Index kStrip = 64;  // rows added in float before they go to double
constexpr Index kMaxParts = 128;

struct Groups {
  Index outer, groups, inner, channels;

  Index rows() const { return outer * inner; }
  // Where a row of a group begins.
  Index at(Index group, Index row) const {
    return ((row / inner * groups + group) * inner + row % inner) * channels;
  }
};

// sums[2][channels] of the two values that `add(offset of a row, first, second)` adds for each row of a group.
template <class Add>
void sumPairs(const Groups& groups, Index group, double* sums, const Add& add) {
  const Index channels = groups.channels;
  const Index rows = groups.rows();
  const Index strips = (rows + kStrip - 1) / kStrip;
  const Index partRows = std::max<Index>(1, (strips + kMaxParts - 1) / kMaxParts) * kStrip;
  const Index parts = (rows + partRows - 1) / partRows;
  std::vector<double> partial(parts * 2 * channels);
  parallelFor(parts, 1, [&](Index begin, Index end, int) {
    std::vector<float> strip(2 * channels);
    for (Index part = begin; part < end; part++) {
      double* total = partial.data() + part * 2 * channels;
      const Index last = std::min(rows, (part + 1) * partRows);
      for (Index from = part * partRows; from < last; from += kStrip) {
        std::fill(strip.begin(), strip.end(), 0.f);
        for (Index row = from; row < std::min(last, from + kStrip); row++) {
          add(groups.at(group, row), strip.data(), strip.data() + channels);
        }
        for (Index i = 0; i < 2 * channels; i++) total[i] += strip[i];
      }
    }
  });
  std::fill(sums, sums + 2 * channels, 0.);
  for (Index part = 0; part < parts; part++) {
    for (Index i = 0; i < 2 * channels; i++) sums[i] += partial[part * 2 * channels + i];
  }
}

// visit(offset of a row) for all rows of a group.
template <class Visit>
void forRows(const Groups& groups, Index group, const Visit& visit) {
  parallelFor(groups.rows(), 64, [&](Index begin, Index end, int) {
    for (Index row = begin; row < end; row++) visit(groups.at(group, row));
  });
}

#define GROUP_PARAMETERS Index outer, Index groups, Index inner, Index channels
#define GROUPS \
  Groups { outer, groups, inner, channels }

// Mean, unbiased variance and 1 / sqrt(biased variance + epsilon) by channel, each row counted `repeat` times.
// Deviations are taken from the first row, so that a large mean costs no digits.
void batchNormMoments(const float* in, float* mean, float* variance, float* inverse, GROUP_PARAMETERS, Index repeat,
                      float epsilon) {
  const Groups g = GROUPS;
  std::vector<double> sums(2 * channels);
  for (Index group = 0; group < groups; group++) {
    const float* origin = in + g.at(group, 0);
    sumPairs(g, group, sums.data(), [&](Index at, float* first, float* second) {
      const float* x = in + at;
#pragma omp simd
      for (Index c = 0; c < channels; c++) {
        const float d = x[c] - origin[c];
        first[c] += d;
        second[c] += d * d;
      }
    });
    const double count = static_cast<double>(g.rows());
    for (Index c = 0; c < channels; c++) {
      const double shift = sums[c] / count;
      const double spread = sums[channels + c] / count - shift * shift;
      const double biased = spread < 0 ? 0 : spread;
      mean[group * channels + c] = static_cast<float>(origin[c] + shift);
      const double counted = count * static_cast<double>(repeat);
      variance[group * channels + c] = static_cast<float>(biased * counted / std::max(1., counted - 1));
      inverse[group * channels + c] = static_cast<float>(1 / std::sqrt(biased + epsilon));
    }
  }
}

// scale = gamma * inverse deviation and offset = beta - mean * scale, by group and channel.
void batchNormScale(const float* gamma, const float* beta, const float* mean, const float* inverse, float* scale,
                    float* offset, Index groups, Index channels) {
  for (Index i = 0; i < groups * channels; i++) {
    scale[i] = gamma[i % channels] * inverse[i];
    offset[i] = beta[i % channels] - mean[i] * scale[i];
  }
}

// 1 / sqrt(variance * factor + epsilon).
void inverseDeviation(const float* variance, float* inverse, Index count, float factor, float epsilon) {
  for (Index i = 0; i < count; i++) inverse[i] = 1 / std::sqrt(variance[i] * factor + epsilon);
}

// Scale and offset by given statistics, which are copied, by channel.
void givenNormalisation(const float* gamma, const float* beta, const float* mean, const float* variance,
                        float* meanCopy, float* varianceCopy, float* scale, float* offset, Index channels,
                        float epsilon) {
  for (Index i = 0; i < channels; i++) {
    meanCopy[i] = mean[i];
    varianceCopy[i] = variance[i];
    scale[i] = gamma[i] * (1 / std::sqrt(variance[i] + epsilon));
    offset[i] = beta[i] - mean[i] * scale[i];
  }
}

// out = in * scale + offset, by group and channel.
void scaleChannels(const float* in, const float* scale, const float* offset, float* out, GROUP_PARAMETERS) {
  const Groups g = GROUPS;
  for (Index group = 0; group < groups; group++) {
    const float* a = scale + group * channels;
    const float* b = offset + group * channels;
    forRows(g, group, [&](Index at) {
      const float* x = in + at;
      float* y = out + at;
#pragma omp simd
      for (Index c = 0; c < channels; c++) y[c] = x[c] * a[c] + b[c];
    });
  }
}

// The gradients of the input, gamma and beta.
void batchNormGradient(const float* in, const float* gamma, const float* mean, const float* inverse,
                       const float* outputGradient, float* inputGradient, float* gammaGradient, float* betaGradient,
                       GROUP_PARAMETERS) {
  const Groups g = GROUPS;
  const double count = static_cast<double>(g.rows());
  std::vector<double> sums(2 * channels), gammaSum(channels), betaSum(channels);
  std::vector<float> a(channels), b(channels), c(channels);
  for (Index group = 0; group < groups; group++) {
    const float* m = mean + group * channels;
    const float* r = inverse + group * channels;
    sumPairs(g, group, sums.data(), [&](Index at, float* first, float* second) {
      const float* x = in + at;
      const float* dy = outputGradient + at;
#pragma omp simd
      for (Index i = 0; i < channels; i++) {
        first[i] += dy[i];
        second[i] += dy[i] * (x[i] - m[i]);
      }
    });
    for (Index i = 0; i < channels; i++) {
      const double product = sums[channels + i] * r[i];
      betaSum[i] += sums[i];
      gammaSum[i] += product;
      const double scale = double{gamma[i]} * r[i];
      const double slope = -scale * product * r[i] / count;
      a[i] = static_cast<float>(scale);
      b[i] = static_cast<float>(slope);
      c[i] = static_cast<float>(-scale * sums[i] / count - slope * m[i]);
    }
    forRows(g, group, [&](Index at) {
      const float* x = in + at;
      const float* dy = outputGradient + at;
      float* dx = inputGradient + at;
#pragma omp simd
      for (Index i = 0; i < channels; i++) dx[i] = dy[i] * a[i] + (x[i] * b[i] + c[i]);
    });
  }
  for (Index i = 0; i < channels; i++) {
    gammaGradient[i] = static_cast<float>(gammaSum[i]);
    betaGradient[i] = static_cast<float>(betaSum[i]);
  }
}

constexpr Operation kOperations[] = {
    operation<batchNormMoments>("batchNormMoments"),
    operation<batchNormScale>("batchNormScale"),
    operation<inverseDeviation>("inverseDeviation"),
    operation<givenNormalisation>("givenNormalisation"),
    operation<scaleChannels>("scaleChannels"),
    operation<batchNormGradient>("batchNormGradient"),
};

}  // namespace

Operations batchNormOperations() { return kOperations; }

}  // namespace rxspike::VECTOR_LEVEL
