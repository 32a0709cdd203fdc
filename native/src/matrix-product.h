#pragma once

#include <cstdint>

namespace rxspike {

// product [batch, rows, columns] = left [batch, rows, inner] x right [batch, inner, columns]. A transposed operand is
// stored with its last two axes swapped; a batch stride of 0 uses one matrix for all.
void multiplyMatrices(const float* left, const float* right, float* product, std::int64_t batch, std::int64_t rows,
                      std::int64_t inner, std::int64_t columns, bool transposeLeft, bool transposeRight,
                      std::int64_t leftStride, std::int64_t rightStride);

// output [rows, outputs] = input [rows, inputs] x weight [inputs, outputs] + bias [outputs], and 0 for less than 0 where
// it is rectified.
void linear(const float* input, const float* weight, const float* bias, float* output, std::int64_t rows,
            std::int64_t inputs, std::int64_t outputs, bool rectify);

// The gradients of all three.
void linearGradient(const float* input, const float* weight, const float* output, const float* outputGradient,
                    float* inputGradient, float* weightGradient, float* biasGradient, std::int64_t rows,
                    std::int64_t inputs, std::int64_t outputs, bool rectify);

}  // namespace rxspike
