// Layer normalisation of rows of [rows, width]. Rows are added in parts that do not depend on the number of threads.
#include <cmath>
#include <vector>

#include "parallel.h"
#include "vector/tables.h"

namespace rxspike::VECTOR_LEVEL {

namespace {

constexpr Index kPartRows = 64;

struct Moments {
  float mean, inverse;
};

Moments momentsOf(const float* x, Index width, float epsilon) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (Index i = 0; i < width; i++) sum += x[i];
  const float mean = sum / static_cast<float>(width);
  float squares = 0;
#pragma omp simd reduction(+ : squares)
  for (Index i = 0; i < width; i++) squares += (x[i] - mean) * (x[i] - mean);
  return {mean, 1 / std::sqrt(squares / static_cast<float>(width) + epsilon)};
}

void layerNorm(const float* in, const float* gamma, const float* beta, float* out, Index rows, Index width, float epsilon) {
  parallelFor(rows, kPartRows, [&](Index begin, Index end, int) {
    for (Index row = begin; row < end; row++) {
      const float* x = in + row * width;
      float* y = out + row * width;
      const auto [mean, inverse] = momentsOf(x, width, epsilon);
#pragma omp simd
      for (Index i = 0; i < width; i++) y[i] = (x[i] - mean) * inverse * gamma[i] + beta[i];
    }
  });
}

void layerNormGradient(const float* in, const float* gamma, const float* outputGradient, float* inputGradient,
                       float* gammaGradient, float* betaGradient, Index rows, Index width, float epsilon) {
  const Index parts = (rows + kPartRows - 1) / kPartRows;
  std::vector<float> sums(parts * 2 * width);
  parallelFor(parts, 1, [&](Index begin, Index end, int) {
    for (Index part = begin; part < end; part++) {
      float* gammaSum = sums.data() + part * 2 * width;
      float* betaSum = gammaSum + width;
      for (Index row = part * kPartRows; row < std::min(rows, (part + 1) * kPartRows); row++) {
        const float *x = in + row * width, *dy = outputGradient + row * width;
        float* dx = inputGradient + row * width;
        const auto [mean, inverse] = momentsOf(x, width, epsilon);
        float scaledSum = 0, along = 0;
#pragma omp simd reduction(+ : scaledSum, along)
        for (Index i = 0; i < width; i++) {
          const float scaled = dy[i] * gamma[i];
          scaledSum += scaled;
          along += scaled * (x[i] - mean) * inverse;
        }
        scaledSum /= static_cast<float>(width);
        along /= static_cast<float>(width);
#pragma omp simd
        for (Index i = 0; i < width; i++) {
          const float normal = (x[i] - mean) * inverse;
          dx[i] = inverse * (dy[i] * gamma[i] - scaledSum - normal * along);
          gammaSum[i] += dy[i] * normal;
          betaSum[i] += dy[i];
        }
      }
    }
  });
  for (Index i = 0; i < width; i++) {
    double gammaSum = 0, betaSum = 0;
    for (Index part = 0; part < parts; part++) {
      gammaSum += sums[part * 2 * width + i];
      betaSum += sums[(part * 2 + 1) * width + i];
    }
    gammaGradient[i] = static_cast<float>(gammaSum);
    betaGradient[i] = static_cast<float>(betaSum);
  }
}

constexpr Operation kOperations[] = {
    operation<layerNorm>("layerNorm"),
    operation<layerNormGradient>("layerNormGradient"),
};

}  // namespace

Operations layerNormOperations() { return kOperations; }

}  // namespace rxspike::VECTOR_LEVEL
