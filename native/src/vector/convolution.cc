// Convolution by the inputs that are not zero: for each output pixel the filter rows of its active inputs are added
// up, so the work is the number of active inputs and not of inputs. Faster than a dense product where few are active.
#include <cstring>
#include <memory>
#include <vector>

#include "dense-convolution.h"
#include "parallel.h"
#include "vector/tables.h"

namespace rxspike::VECTOR_LEVEL {

namespace {

constexpr int kTile = 64;  // output channels summed in registers at a time

struct Active {
  std::int32_t channel;
  float value;
};

// The active inputs of each pixel of one image, pixel after pixel.
struct ActiveInputs {
  std::vector<Active> entries;
  std::vector<std::int32_t> starts;

  void collect(const float* image, Index pixels, int channels) {
    entries.resize(pixels * channels);
    starts.resize(pixels + 1);
    std::int32_t count = 0;
    for (Index pixel = 0; pixel < pixels; pixel++) {
      starts[pixel] = count;
      const float* in = image + pixel * channels;
      for (int c = 0; c < channels; c++) {
        entries[count] = {c, in[c]};
        count += in[c] != 0 ? 1 : 0;
      }
    }
    starts[pixels] = count;
  }
};

// out[0..width) += the values times the filter rows of the active inputs.
template <int width>
inline void addRows(const Active* from, const Active* to, const float* filter, int outChannels, float* sums) {
  for (const Active* a = from; a != to; a++) {
    const float* row = filter + Index{a->channel} * outChannels;
#pragma omp simd
    for (int c = 0; c < width; c++) sums[c] += a->value * row[c];
  }
}

inline void addRowsPart(const Active* from, const Active* to, const float* filter, int outChannels, int width, float* sums) {
  for (const Active* a = from; a != to; a++) {
    const float* row = filter + Index{a->channel} * outChannels;
#pragma omp simd
    for (int c = 0; c < width; c++) sums[c] += a->value * row[c];
  }
}

void convolveImage(const ActiveInputs& active, const float* filter, float* out, const ConvolutionShape& s) {
  const Index filterPixel = Index{s.inChannels} * s.outChannels;
  for (int y = 0; y < s.outHeight; y++) {
    for (int x = 0; x < s.outWidth; x++) {
      float* to = out + (Index{y} * s.outWidth + x) * s.outChannels;
      for (int tile = 0; tile < s.outChannels; tile += kTile) {
        const int width = std::min(kTile, s.outChannels - tile);
        float sums[kTile] = {};
        for (int ky = 0; ky < s.filterHeight; ky++) {
          const int iy = y * s.strideHeight - s.padTop + ky * s.dilationHeight;
          if (iy < 0 || iy >= s.inHeight) continue;
          for (int kx = 0; kx < s.filterWidth; kx++) {
            const int ix = x * s.strideWidth - s.padLeft + kx * s.dilationWidth;
            if (ix < 0 || ix >= s.inWidth) continue;
            const Index pixel = Index{iy} * s.inWidth + ix;
            const Active* from = active.entries.data() + active.starts[pixel];
            const Active* end = active.entries.data() + active.starts[pixel + 1];
            const float* rows = filter + (Index{ky} * s.filterWidth + kx) * filterPixel + tile;
            if (width == kTile) addRows<kTile>(from, end, rows, s.outChannels, sums);
            else if (width == kTile / 2) addRows<kTile / 2>(from, end, rows, s.outChannels, sums);
            else addRowsPart(from, end, rows, s.outChannels, width, sums);
          }
        }
        std::memcpy(to + tile, sums, width * sizeof(float));
      }
    }
  }
}

void sparseConvolve(const float* input, const float* filter, float* output, const ConvolutionShape& s) {
  const Index inSize = Index{s.inHeight} * s.inWidth * s.inChannels;
  const Index outSize = Index{s.outHeight} * s.outWidth * s.outChannels;
  parallelFor(s.batch, 1, [&](Index begin, Index end, int) {
    ActiveInputs active;
    for (Index image = begin; image < end; image++) {
      active.collect(input + image * inSize, Index{s.inHeight} * s.inWidth, s.inChannels);
      convolveImage(active, filter, output + image * outSize, s);
    }
  });
}

struct ActivePixel {
  std::int32_t y, x;
  float value;
};

// The active pixels of the channels [from, to) of one image, channel after channel.
struct ActivePixels {
  std::vector<ActivePixel> entries;
  std::vector<std::int32_t> starts;

  void collect(const float* image, const ConvolutionShape& s, int from, int to) {
    const int channels = to - from;
    starts.assign(channels + 1, 0);
    const Index pixels = Index{s.inHeight} * s.inWidth;
    for (Index pixel = 0; pixel < pixels; pixel++) {
      const float* in = image + pixel * s.inChannels + from;
      for (int c = 0; c < channels; c++) starts[c + 1] += in[c] != 0 ? 1 : 0;
    }
    for (int c = 0; c < channels; c++) starts[c + 1] += starts[c];
    entries.resize(starts[channels]);
    std::vector<std::int32_t> next(starts.begin(), starts.end() - 1);
    for (int y = 0; y < s.inHeight; y++) {
      for (int x = 0; x < s.inWidth; x++) {
        const float* in = image + (Index{y} * s.inWidth + x) * s.inChannels + from;
        for (int c = 0; c < channels; c++) {
          if (in[c] != 0) entries[next[c]++] = {y, x, in[c]};
        }
      }
    }
  }
};

// Adds one image's share to the filter rows of one input channel.
void addFilterRows(const ActivePixel* from, const ActivePixel* to, const float* outputGradient, float* filterGradient,
                   int channel, const ConvolutionShape& s) {
  for (int ky = 0; ky < s.filterHeight; ky++) {
    for (int kx = 0; kx < s.filterWidth; kx++) {
      float* row = filterGradient + ((Index{ky} * s.filterWidth + kx) * s.inChannels + channel) * s.outChannels;
      for (int tile = 0; tile < s.outChannels; tile += kTile) {
        const int width = std::min(kTile, s.outChannels - tile);
        float sums[kTile] = {};
        for (const ActivePixel* a = from; a != to; a++) {
          const int top = a->y + s.padTop - ky * s.dilationHeight;
          const int left = a->x + s.padLeft - kx * s.dilationWidth;
          if (top < 0 || left < 0 || top % s.strideHeight != 0 || left % s.strideWidth != 0) continue;
          const int y = top / s.strideHeight;
          const int x = left / s.strideWidth;
          if (y >= s.outHeight || x >= s.outWidth) continue;
          const float* gradient = outputGradient + (Index{y} * s.outWidth + x) * s.outChannels + tile;
          if (width == kTile) {
#pragma omp simd
            for (int c = 0; c < kTile; c++) sums[c] += a->value * gradient[c];
          } else {
#pragma omp simd
            for (int c = 0; c < width; c++) sums[c] += a->value * gradient[c];
          }
        }
        for (int c = 0; c < width; c++) row[tile + c] += sums[c];
      }
    }
  }
}

void sparseFilterGradient(const float* input, const float* outputGradient, float* filterGradient, const ConvolutionShape& s) {
  const Index inSize = Index{s.inHeight} * s.inWidth * s.inChannels;
  const Index outSize = Index{s.outHeight} * s.outWidth * s.outChannels;
  std::memset(filterGradient, 0, sizeof(float) * s.filterHeight * s.filterWidth * s.inChannels * s.outChannels);
  // A thread owns input channels, so no two write to one filter row.
  parallelFor(s.inChannels, 1, [&](Index begin, Index end, int) {
    ActivePixels active;
    for (Index image = 0; image < s.batch; image++) {
      active.collect(input + image * inSize, s, static_cast<int>(begin), static_cast<int>(end));
      for (Index c = begin; c < end; c++) {
        const ActivePixel* entries = active.entries.data();
        addFilterRows(entries + active.starts[c - begin], entries + active.starts[c - begin + 1],
                      outputGradient + image * outSize, filterGradient, static_cast<int>(c), s);
      }
    }
  });
}

// Share of inputs that are not zero.
double densityOf(const float* input, Index count) {
  const int threads = threadCount();
  std::vector<Index> active(threads);
  parallelFor(count, 1 << 14, [&](Index begin, Index end, int thread) {
    Index sum = 0;
    for (Index from = begin; from < end; from += 1 << 14) {
      const Index to = std::min(end, from + (1 << 14));
      std::int32_t part = 0;
#pragma omp simd reduction(+ : part)
      for (Index i = from; i < to; i++) part += input[i] != 0 ? 1 : 0;
      sum += part;
    }
    active[thread] = sum;
  });
  Index sum = 0;
  for (const Index part : active) sum += part;
  return count == 0 ? 0 : static_cast<double>(sum) / static_cast<double>(count);
}

bool isSparse(const float* input, const ConvolutionShape& s, double threshold) {
  if (threshold <= 0) return false;
  return threshold >= 1 || densityOf(input, Index{s.batch} * s.inHeight * s.inWidth * s.inChannels) < threshold;
}

ConvolutionShape shapeOf(int batch, int inHeight, int inWidth, int inChannels, int filterHeight, int filterWidth,
                         int outHeight, int outWidth, int outChannels, int strideHeight, int strideWidth, int padTop,
                         int padLeft, int dilationHeight, int dilationWidth) {
  return {batch,     inHeight,    inWidth,      inChannels,  filterHeight, filterWidth,    outHeight,    outWidth,
          outChannels, strideHeight, strideWidth, padTop, padLeft, dilationHeight, dilationWidth};
}

#define SHAPE_PARAMETERS                                                                                              \
  int batch, int inHeight, int inWidth, int inChannels, int filterHeight, int filterWidth, int outHeight, int outWidth, \
      int outChannels, int strideHeight, int strideWidth, int padTop, int padLeft, int dilationHeight, int dilationWidth
#define SHAPE                                                                                                         \
  shapeOf(batch, inHeight, inWidth, inChannels, filterHeight, filterWidth, outHeight, outWidth, outChannels,          \
          strideHeight, strideWidth, padTop, padLeft, dilationHeight, dilationWidth)

// The convolutions, by active inputs where their share is below `threshold`: 0 is always dense, 1 always sparse.
void convolution(const float* input, const float* filter, float* output, double filterId,
                 double threshold, SHAPE_PARAMETERS) {
  const ConvolutionShape shape = SHAPE;
  if (isSparse(input, shape, threshold)) sparseConvolve(input, filter, output, shape);
  else convolve(input, filter, output, shape, filterId);
}

void convolutionFilterGradient(const float* input, const float* outputGradient, float* filterGradient, double threshold,
                               SHAPE_PARAMETERS) {
  const ConvolutionShape shape = SHAPE;
  if (isSparse(input, shape, threshold)) sparseFilterGradient(input, outputGradient, filterGradient, shape);
  else convolveFilterGradient(input, outputGradient, filterGradient, shape);
}

void convolutionInputGradient(const float* outputGradient, const float* filter, float* inputGradient, double filterId,
                              SHAPE_PARAMETERS) {
  convolveInputGradient(outputGradient, filter, inputGradient, SHAPE, filterId);
}

constexpr Operation kOperations[] = {
    operation<convolution>("convolution"),
    operation<convolutionFilterGradient>("convolutionFilterGradient"),
    operation<convolutionInputGradient>("convolutionInputGradient"),
};

}  // namespace

Operations convolutionOperations() { return kOperations; }

}  // namespace rxspike::VECTOR_LEVEL
