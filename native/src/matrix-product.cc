#include "matrix-product.h"

#include <algorithm>
#include <atomic>
#include <stdexcept>

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

}  // namespace rxspike
