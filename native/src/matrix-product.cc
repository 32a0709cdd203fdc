#include "matrix-product.h"

#include <algorithm>
#include <atomic>
#include <limits>
#include <stdexcept>
#include <vector>

#include "dnnl.h"
#include "parallel.h"

namespace rxspike {

void multiplyMatrices(const float* left, const float* right, float* product, std::int64_t batch, std::int64_t rows,
                      std::int64_t inner, std::int64_t columns, bool transposeLeft, bool transposeRight,
                      std::int64_t leftStride, std::int64_t rightStride) {
  const std::int64_t size = rows * columns;
  if (inner == 0) std::fill(product, product + batch * size, 0.f);
  if (size == 0 || inner == 0) return;
  std::atomic<bool> failed = false;
  const auto multiply = [&](std::int64_t i) {
    const auto status = dnnl_sgemm(transposeLeft ? 'T' : 'N', transposeRight ? 'T' : 'N', rows, columns, inner, 1.f,
                                   left + i * leftStride, transposeLeft ? rows : inner, right + i * rightStride,
                                   transposeRight ? inner : columns, 0.f, product + i * size, columns);
    if (status != dnnl_success) failed = true;
  };
  // Many products go one to a thread, few on all threads together.
  if (batch >= threadCount()) {
    parallelFor(batch, 1, [&](Index begin, Index end, int) {
      for (Index i = begin; i < end; i++) multiply(i);
    });
  } else {
    for (std::int64_t i = 0; i < batch; i++) multiply(i);
  }
  if (failed) throw std::runtime_error("oneDNN could not multiply the matrices");
}

void linear(const float* input, const float* weight, const float* bias, float* output, std::int64_t rows,
            std::int64_t inputs, std::int64_t outputs, bool rectify) {
  multiplyMatrices(input, weight, output, 1, rows, inputs, outputs, false, false, 0, 0);
  const float least = rectify ? 0.f : -std::numeric_limits<float>::infinity();
  parallelFor(rows, std::max<Index>(1, 16384 / std::max<Index>(outputs, 1)), [&](Index begin, Index end, int) {
    for (Index row = begin; row < end; row++) {
      float* y = output + row * outputs;
      for (Index i = 0; i < outputs; i++) {
        const float sum = y[i] + bias[i];
        y[i] = sum < least ? least : sum;  // keeps what is not a number
      }
    }
  });
}

void linearGradient(const float* input, const float* weight, const float* output, const float* outputGradient,
                    float* inputGradient, float* weightGradient, float* biasGradient, std::int64_t rows,
                    std::int64_t inputs, std::int64_t outputs, bool rectify) {
  std::vector<float> active;
  if (rectify) {
    active.resize(rows * outputs);
    for (Index i = 0; i < rows * outputs; i++) active[i] = output[i] > 0 ? outputGradient[i] : 0.f;
    outputGradient = active.data();
  }
  multiplyMatrices(outputGradient, weight, inputGradient, 1, rows, outputs, inputs, false, true, 0, 0);
  multiplyMatrices(input, outputGradient, weightGradient, 1, inputs, rows, outputs, true, false, 0, 0);
  std::vector<double> sums(outputs);
  for (Index row = 0; row < rows; row++) {
    for (Index i = 0; i < outputs; i++) sums[i] += outputGradient[row * outputs + i];
  }
  std::copy(sums.begin(), sums.end(), biasGradient);
}

}  // namespace rxspike
