// Elementwise operations with broadcasting, reductions, and copies from one layout to another.
#include <cmath>
#include <cstring>

#include "vector/math.h"
#include "parallel.h"
#include "vector/tables.h"

namespace rxspike::VECTOR_LEVEL {

namespace {

constexpr Index kGrain = 4096;  // elements below which threads do not pay

struct Add { static float of(float a, float b) { return a + b; } };
struct Subtract { static float of(float a, float b) { return a - b; } };
struct Multiply { static float of(float a, float b) { return a * b; } };
struct Divide { static float of(float a, float b) { return a / b; } };
// A comparison with NaN is false, so each keeps a NaN of either side.
struct Maximum { static float of(float a, float b) { return a > b || a != a ? a : b; } };
struct Minimum { static float of(float a, float b) { return a < b || a != a ? a : b; } };
struct SquaredDifference { static float of(float a, float b) { return (a - b) * (a - b); } };

template <class F, int strideA, int strideB>
void binaryRow(const float* a, const float* b, float* out, Index count) {
#pragma omp simd
  for (Index i = 0; i < count; i++) out[i] = F::of(a[i * strideA], b[i * strideB]);
}

template <class F>
using BinaryRow = void (*)(const float*, const float*, float*, Index);

// out [n0, n1, n2, n3] = F(a, b), each with its own strides; those of the last axis are 0 or 1.
template <class F>
void binary(const float* a, const float* b, float* out, Index n0, Index n1, Index n2, Index n3, Index a0, Index a1,
            Index a2, Index a3, Index b0, Index b1, Index b2, Index b3) {
  const BinaryRow<F> row = a3 == 0 ? (b3 == 0 ? binaryRow<F, 0, 0> : binaryRow<F, 0, 1>)
                                   : (b3 == 0 ? binaryRow<F, 1, 0> : binaryRow<F, 1, 1>);
  if (n0 * n1 * n2 == 1) {
    parallelFor(n3, kGrain, [&](Index begin, Index end, int) {
      row(a + begin * a3, b + begin * b3, out + begin, end - begin);
    });
    return;
  }
  const Index rowGrain = std::max<Index>(1, kGrain / std::max<Index>(n3, 1));
  parallelFor(n0 * n1 * n2, rowGrain, [&](Index begin, Index end, int) {
    for (Index i = begin; i < end; i++) {
      const Index i2 = i % n2;
      const Index i1 = i / n2 % n1;
      const Index i0 = i / n2 / n1;
      row(a + i0 * a0 + i1 * a1 + i2 * a2, b + i0 * b0 + i1 * b1 + i2 * b2, out + i * n3, n3);
    }
  });
}

struct Negate { static float of(float x) { return -x; } };
struct Absolute { static float of(float x) { return std::fabs(x); } };
struct Square { static float of(float x) { return x * x; } };
struct SquareRoot { static float of(float x) { return std::sqrt(x); } };
struct ReciprocalRoot { static float of(float x) { return 1 / std::sqrt(x); } };
struct Exponential { static float of(float x) { return exponential(x); } };
struct Sigmoid { static float of(float x) { return sigmoid(x); } };
struct Step { static float of(float x) { return x > 0 ? 1.f : x != x ? x : 0.f; } };
struct Rectify { static float of(float x) { return x < 0 ? 0 : x; } };

template <class F>
void unary(const float* in, float* out, Index count) {
  parallelFor(count, kGrain, [&](Index begin, Index end, int) {
#pragma omp simd
    for (Index i = begin; i < end; i++) out[i] = F::of(in[i]);
  });
}

void fill(float* out, Index count, float value) {
  parallelFor(count, kGrain, [&](Index begin, Index end, int) { std::fill(out + begin, out + end, value); });
}

void copyValues(const float* in, float* out, Index count) { std::memcpy(out, in, count * sizeof(float)); }

// Copies [n0, n1, n2, n3, n4] from one set of strides to another. With the strides of a transposed, sliced, reversed,
// joined or repeated tensor it does what that operation does.
void copy(const float* in, float* out, Index n0, Index n1, Index n2, Index n3, Index n4, Index i0, Index i1, Index i2,
          Index i3, Index i4, Index o0, Index o1, Index o2, Index o3, Index o4) {
  const Index rowGrain = std::max<Index>(1, kGrain / std::max<Index>(n4, 1));
  parallelFor(n0 * n1 * n2 * n3, rowGrain, [&](Index begin, Index end, int) {
    for (Index row = begin; row < end; row++) {
      const Index x3 = row % n3;
      const Index x2 = row / n3 % n2;
      const Index x1 = row / n3 / n2 % n1;
      const Index x0 = row / n3 / n2 / n1;
      const float* from = in + x0 * i0 + x1 * i1 + x2 * i2 + x3 * i3;
      float* to = out + x0 * o0 + x1 * o1 + x2 * o2 + x3 * o3;
      if (i4 == 1 && o4 == 1) {
        std::memcpy(to, from, n4 * sizeof(float));
      } else {
        for (Index x = 0; x < n4; x++) to[x * o4] = from[x * i4];
      }
    }
  });
}

constexpr Index kBlock = 1024;

float sumOfBlock(const float* values, Index count) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (Index i = 0; i < count; i++) sum += values[i];
  return sum;
}

float squaresOfBlock(const float* values, Index count) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (Index i = 0; i < count; i++) sum += values[i] * values[i];
  return sum;
}

// Blocks in float, their sum in double: the same bits for any number of threads.
template <float (*ofBlock)(const float*, Index)>
double sumOfBlocks(const float* values, Index count) {
  if (count == 0) return 0;
  constexpr Index kMaxParts = 256;
  double parts[kMaxParts] = {};
  const Index blocks = (count + kBlock - 1) / kBlock;
  const Index partBlocks = (blocks + kMaxParts - 1) / kMaxParts;
  const Index partSize = partBlocks * kBlock;
  const Index used = (count + partSize - 1) / partSize;
  parallelFor(used, std::max<Index>(1, kGrain / partSize), [&](Index begin, Index end, int) {
    for (Index part = begin; part < end; part++) {
      const Index last = std::min(count, (part + 1) * partSize);
      for (Index i = part * partSize; i < last; i += kBlock) parts[part] += ofBlock(values + i, std::min(kBlock, last - i));
    }
  });
  double sum = 0;
  for (Index part = 0; part < used; part++) sum += parts[part];
  return sum;
}

// out [outer, inner] = scale * sum over the middle axis of [outer, count, inner].
void sum(const float* in, float* out, Index outer, Index count, Index inner, float scale) {
  if (inner == 1 && outer == 1) {
    out[0] = static_cast<float>(sumOfBlocks<sumOfBlock>(in, count) * scale);
    return;
  }
  if (inner == 1) {
    parallelFor(outer, std::max<Index>(1, kGrain / std::max<Index>(count, 1)), [&](Index begin, Index end, int) {
      for (Index o = begin; o < end; o++) {
        double total = 0;
        for (Index i = 0; i < count; i += kBlock) total += sumOfBlock(in + o * count + i, std::min(kBlock, count - i));
        out[o] = static_cast<float>(total * scale);
      }
    });
    return;
  }
  // Each thread owns columns, so the order of additions is that of the axis.
  constexpr Index kColumns = 256;
  const Index strips = (inner + kColumns - 1) / kColumns;
  const bool narrow = outer * strips < threadCount() && inner >= 32;
  const Index width = narrow ? (inner / threadCount() + 15) / 16 * 16 : kColumns;
  const Index pieces = (inner + width - 1) / width;
  parallelFor(outer * pieces, outer * count * inner < kGrain ? outer * pieces : 1, [&](Index begin, Index end, int) {
    for (Index piece = begin; piece < end; piece++) {
      const Index o = piece / pieces;
      const Index from = piece % pieces * width;
      const Index columns = std::min(width, inner - from);
      for (Index c0 = 0; c0 < columns; c0 += kColumns) {
        const Index n = std::min(kColumns, columns - c0);
        double total[kColumns] = {};
        const float* base = in + o * count * inner + from + c0;
        for (Index i = 0; i < count; i += 8) {
          const Index rows = std::min<Index>(8, count - i);
          float part[kColumns] = {};
          for (Index r = 0; r < rows; r++) {
            const float* row = base + (i + r) * inner;
#pragma omp simd
            for (Index c = 0; c < n; c++) part[c] += row[c];
          }
#pragma omp simd
          for (Index c = 0; c < n; c++) total[c] += part[c];
        }
        float* to = out + o * inner + from + c0;
        for (Index c = 0; c < n; c++) to[c] = static_cast<float>(total[c] * scale);
      }
    }
  });
}

void maximumOver(const float* in, float* out, Index outer, Index count, Index inner) {
  parallelFor(outer, std::max<Index>(1, kGrain / std::max<Index>(count * inner, 1)), [&](Index begin, Index end, int) {
    for (Index o = begin; o < end; o++) {
      float* to = out + o * inner;
      std::memcpy(to, in + o * count * inner, inner * sizeof(float));
      for (Index i = 1; i < count; i++) {
        const float* row = in + (o * count + i) * inner;
#pragma omp simd
        for (Index c = 0; c < inner; c++) to[c] = Maximum::of(row[c], to[c]);
      }
    }
  });
}

// Softmax or its logarithm of each row [rows, classes].
void softmax(const float* logits, float* out, Index rows, Index classes, bool logarithm) {
  parallelFor(rows, std::max<Index>(1, kGrain / std::max<Index>(classes, 1)), [&](Index begin, Index end, int) {
    for (Index row = begin; row < end; row++) {
      const float* in = logits + row * classes;
      float* to = out + row * classes;
      float top = in[0];
      for (Index i = 1; i < classes; i++) top = Maximum::of(in[i], top);
      float total = 0;
      for (Index i = 0; i < classes; i++) total += to[i] = std::exp(in[i] - top);
      const float logTotal = std::log(total);
      for (Index i = 0; i < classes; i++) to[i] = logarithm ? in[i] - top - logTotal : to[i] / total;
    }
  });
}

// Of each row of logits the cross-entropy with its class, `smoothing` of which is spread over all classes, and the slope
// of it: softmax less target. A class that there is not counts as none.
void crossEntropy(const float* logits, const float* labels, float* losses, float* slopes, Index rows, Index classes,
                  float smoothing) {
  parallelFor(rows, std::max<Index>(1, kGrain / std::max<Index>(classes, 1)), [&](Index begin, Index end, int) {
    const float share = smoothing / static_cast<float>(classes);
    for (Index row = begin; row < end; row++) {
      const float* in = logits + row * classes;
      float* slope = slopes + row * classes;
      float top = in[0];
      for (Index i = 1; i < classes; i++) top = Maximum::of(in[i], top);
      float total = 0, sum = 0;
      for (Index i = 0; i < classes; i++) {
        total += slope[i] = std::exp(in[i] - top);
        sum += in[i] - top;
      }
      for (Index i = 0; i < classes; i++) slope[i] = slope[i] / total - share;
      const float logTotal = std::log(total);
      float loss = smoothing * logTotal - share * sum;
      const auto label = static_cast<Index>(labels[row]);
      if (label >= 0 && label < classes) {
        slope[label] -= 1 - smoothing;
        loss += (1 - smoothing) * (logTotal - (in[label] - top));
      }
      losses[row] = loss;
    }
  });
}

// out[0] += the sum of squares, as one of many parts of a norm; `first` sets instead.
void addSumOfSquares(const float* in, Index count, double* out, bool first) {
  const double sum = sumOfBlocks<squaresOfBlock>(in, count);
  out[0] = first ? sum : out[0] + sum;
}

constexpr Operation kOperations[] = {
    operation<binary<Add>>("add"),
    operation<binary<Subtract>>("subtract"),
    operation<binary<Multiply>>("multiply"),
    operation<binary<Divide>>("divide"),
    operation<binary<Maximum>>("maximum"),
    operation<binary<Minimum>>("minimum"),
    operation<binary<SquaredDifference>>("squaredDifference"),
    operation<unary<Negate>>("negate"),
    operation<unary<Absolute>>("absolute"),
    operation<unary<Square>>("square"),
    operation<unary<SquareRoot>>("squareRoot"),
    operation<unary<ReciprocalRoot>>("reciprocalRoot"),
    operation<unary<Exponential>>("exponential"),
    operation<unary<Sigmoid>>("sigmoid"),
    operation<unary<Rectify>>("rectify"),
    operation<unary<Step>>("step"),
    operation<fill>("fill"),
    operation<copyValues>("copyValues"),
    operation<copy>("copy"),
    operation<sum>("sum"),
    operation<maximumOver>("maximumOver"),
    operation<softmax>("softmax"),
    operation<crossEntropy>("crossEntropy"),
    operation<addSumOfSquares>("addSumOfSquares"),
};

}  // namespace

Operations elementwiseOperations() { return kOperations; }

}  // namespace rxspike::VECTOR_LEVEL
