// Pooling over [batch, height, width, channels]. Of equal maxima the first takes the gradient; NaN is kept.
#include <cstring>
#include <memory>

#include "parallel.h"
#include "vector/tables.h"

namespace rxspike::VECTOR_LEVEL {

namespace {

struct Window {
  int yFrom, yTo, xFrom, xTo;  // inside the input
  float size() const { return static_cast<float>((yTo - yFrom) * (xTo - xFrom)); }
};

struct Pooling {
  int inHeight, inWidth, channels, outHeight, outWidth, filterHeight, filterWidth, strideHeight, strideWidth, padTop, padLeft;

  Window window(int y, int x) const {
    const int top = y * strideHeight - padTop;
    const int left = x * strideWidth - padLeft;
    return {std::max(top, 0), std::min(top + filterHeight, inHeight), std::max(left, 0),
            std::min(left + filterWidth, inWidth)};
  }
  Index inSize() const { return Index{inHeight} * inWidth * channels; }
  Index outSize() const { return Index{outHeight} * outWidth * channels; }
  Index inAt(int y, int x) const { return (Index{y} * inWidth + x) * channels; }
  Index outAt(int y, int x) const { return (Index{y} * outWidth + x) * channels; }
};

#define POOLING_PARAMETERS                                                                                      \
  int inHeight, int inWidth, int channels, int outHeight, int outWidth, int filterHeight, int filterWidth,      \
      int strideHeight, int strideWidth, int padTop, int padLeft
#define POOLING                                                                                                 \
  Pooling {                                                                                                     \
    inHeight, inWidth, channels, outHeight, outWidth, filterHeight, filterWidth, strideHeight, strideWidth, padTop, \
        padLeft                                                                                                 \
  }

// visit(image, y, x) for all outputs.
template <class Visit>
void forOutputs(int batch, const Pooling& p, const Visit& visit) {
  parallelFor(Index{batch} * p.outHeight, 1, [&](Index begin, Index end, int) {
    for (Index row = begin; row < end; row++) {
      for (int x = 0; x < p.outWidth; x++) visit(row / p.outHeight, static_cast<int>(row % p.outHeight), x);
    }
  });
}

void averagePool(const float* in, float* out, int batch, POOLING_PARAMETERS) {
  const Pooling p = POOLING;
  forOutputs(batch, p, [&](Index image, int y, int x) {
    const Window w = p.window(y, x);
    float* to = out + image * p.outSize() + p.outAt(y, x);
    std::memset(to, 0, channels * sizeof(float));
    for (int iy = w.yFrom; iy < w.yTo; iy++) {
      for (int ix = w.xFrom; ix < w.xTo; ix++) {
        const float* from = in + image * p.inSize() + p.inAt(iy, ix);
#pragma omp simd
        for (int c = 0; c < channels; c++) to[c] += from[c];
      }
    }
    const float share = 1 / w.size();
#pragma omp simd
    for (int c = 0; c < channels; c++) to[c] *= share;
  });
}

void averagePoolGradient(const float* gradient, float* inputGradient, int batch, POOLING_PARAMETERS) {
  const Pooling p = POOLING;
  parallelFor(batch, 1, [&](Index begin, Index end, int) {
    std::memset(inputGradient + begin * p.inSize(), 0, (end - begin) * p.inSize() * sizeof(float));
    for (Index image = begin; image < end; image++) {
      for (int y = 0; y < outHeight; y++) {
        for (int x = 0; x < outWidth; x++) {
          const Window w = p.window(y, x);
          const float share = 1 / w.size();
          const float* from = gradient + image * p.outSize() + p.outAt(y, x);
          for (int iy = w.yFrom; iy < w.yTo; iy++) {
            for (int ix = w.xFrom; ix < w.xTo; ix++) {
              float* to = inputGradient + image * p.inSize() + p.inAt(iy, ix);
#pragma omp simd
              for (int c = 0; c < channels; c++) to[c] += from[c] * share;
            }
          }
        }
      }
    }
  });
}

bool above(float a, float b) { return a > b || a != a; }

void maximumPool(const float* in, float* out, int batch, POOLING_PARAMETERS) {
  const Pooling p = POOLING;
  forOutputs(batch, p, [&](Index image, int y, int x) {
    const Window w = p.window(y, x);
    const float* base = in + image * p.inSize();
    float* to = out + image * p.outSize() + p.outAt(y, x);
    std::memcpy(to, base + p.inAt(w.yFrom, w.xFrom), channels * sizeof(float));
    for (int iy = w.yFrom; iy < w.yTo; iy++) {
      for (int ix = w.xFrom; ix < w.xTo; ix++) {
        const float* from = base + p.inAt(iy, ix);
#pragma omp simd
        for (int c = 0; c < channels; c++) to[c] = above(from[c], to[c]) ? from[c] : to[c];
      }
    }
  });
}

void maximumPoolGradient(const float* in, const float* gradient, float* inputGradient, int batch, POOLING_PARAMETERS) {
  const Pooling p = POOLING;
  parallelFor(batch, 1, [&](Index begin, Index end, int) {
    const auto best = std::make_unique<float[]>(channels);
    const auto chosen = std::make_unique<int[]>(channels);
    std::memset(inputGradient + begin * p.inSize(), 0, (end - begin) * p.inSize() * sizeof(float));
    for (Index image = begin; image < end; image++) {
      const float* base = in + image * p.inSize();
      for (int y = 0; y < outHeight; y++) {
        for (int x = 0; x < outWidth; x++) {
          const Window w = p.window(y, x);
          float* top = best.get();
          int* choice = chosen.get();
          std::memcpy(top, base + p.inAt(w.yFrom, w.xFrom), channels * sizeof(float));
          std::memset(choice, 0, channels * sizeof(int));
          int position = 0;
          for (int iy = w.yFrom; iy < w.yTo; iy++) {
            for (int ix = w.xFrom; ix < w.xTo; ix++, position++) {
              const float* from = base + p.inAt(iy, ix);
#pragma omp simd
              for (int c = 0; c < channels; c++) {
                const bool larger = above(from[c], top[c]);
                top[c] = larger ? from[c] : top[c];
                choice[c] = larger ? position : choice[c];
              }
            }
          }
          const float* given = gradient + image * p.outSize() + p.outAt(y, x);
          position = 0;
          for (int iy = w.yFrom; iy < w.yTo; iy++) {
            for (int ix = w.xFrom; ix < w.xTo; ix++, position++) {
              float* to = inputGradient + image * p.inSize() + p.inAt(iy, ix);
#pragma omp simd
              for (int c = 0; c < channels; c++) to[c] += choice[c] == position ? given[c] : 0.f;
            }
          }
        }
      }
    }
  });
}

constexpr Operation kOperations[] = {
    operation<averagePool>("averagePool"),
    operation<averagePoolGradient>("averagePoolGradient"),
    operation<maximumPool>("maximumPool"),
    operation<maximumPoolGradient>("maximumPoolGradient"),
};

}  // namespace

Operations poolingOperations() { return kOperations; }

}  // namespace rxspike::VECTOR_LEVEL
