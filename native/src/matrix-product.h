#pragma once

#include <cstdint>

namespace rxspike {

// product [batch, rows, columns] = left [batch, rows, inner] x right [batch, inner, columns]. A transposed operand is
// stored with its last two axes swapped; a batch stride of 0 uses one matrix for all.
void multiplyMatrices(const float* left, const float* right, float* product, std::int64_t batch, std::int64_t rows,
                      std::int64_t inner, std::int64_t columns, bool transposeLeft, bool transposeRight,
                      std::int64_t leftStride, std::int64_t rightStride);

}  // namespace rxspike
