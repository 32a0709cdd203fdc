// Convolution by the inputs that are not zero: for each output pixel the filter rows of its active inputs are added
// up, so the work is the number of active inputs and not of inputs. Faster than a dense product where few are active.
#include <cstring>
#include <type_traits>
#include <vector>

#include "dense-convolution.h"
#include "parallel.h"
#include "vector/tables.h"

namespace rxspike::VECTOR_LEVEL {

namespace {

// Sixteen floats; the compiler makes of them what the instruction set has.
typedef float Lanes __attribute__((vector_size(64)));
constexpr int kLanes = 16;
constexpr int kMaxTile = 8;  // registers of sums

inline Lanes loadLanes(const float* from) {
  Lanes lanes;
  std::memcpy(&lanes, from, sizeof(lanes));
  return lanes;
}

// sums += the values times `count` rows; `rowOf(i)` gives where row i is, `valueOf(i)` its value.
template <int tile, class RowOf, class ValueOf>
inline void addRows(Lanes (&sums)[tile], Index count, const RowOf& rowOf, const ValueOf& valueOf) {
  for (Index i = 0; i < count; i++) {
    const float* row = rowOf(i);
    const float value = valueOf(i);
    for (int j = 0; j < tile; j++) sums[j] += value * loadLanes(row + j * kLanes);
  }
}

// visit(first channel, tile) for tiles of channels, `tile` a constant: 8, 4, 2 or 1 times 16 channels. Sparse
// convolutions need output channels in sixteens.
template <class Visit>
inline void forTiles(int channels, const Visit& visit) {
  int from = 0;
  const auto all = [&](auto tile) {
    for (; channels - from >= tile() * kLanes; from += tile() * kLanes) visit(from, tile);
  };
  all(std::integral_constant<int, kMaxTile>());
  all(std::integral_constant<int, 4>());
  all(std::integral_constant<int, 2>());
  all(std::integral_constant<int, 1>());
}

struct Active {
  std::int32_t row;  // (column * inputs + input) * outputs: its filter row, but for where the filter stands
  float value;
};

// The active inputs of each pixel of one image, pixel after pixel, so that neighbours in a row follow each other.
struct ActiveInputs {
  std::vector<Active> entries;
  std::vector<std::int32_t> starts;

  void collect(const float* image, const ConvolutionShape& s) {
    const Index pixels = Index{s.inHeight} * s.inWidth;
    entries.resize(pixels * s.inChannels + 1);
    starts.resize(pixels + 1);
    std::int32_t count = 0;
    for (Index pixel = 0; pixel < pixels; pixel++) {
      starts[pixel] = count;
      const float* in = image + pixel * s.inChannels;
      const auto column = static_cast<std::int32_t>(pixel % s.inWidth) * s.inChannels;
      for (std::int32_t c = 0; c < s.inChannels; c++) {
        entries[count] = {(column + c) * s.outChannels, in[c]};
        count += in[c] != 0 ? 1 : 0;
      }
    }
    starts[pixels] = count;
  }
};

void convolveImage(const ActiveInputs& active, const float* filter, float* out, const ConvolutionShape& s) {
  const Index pixelRows = Index{s.inChannels} * s.outChannels;
  for (int y = 0; y < s.outHeight; y++) {
    for (int x = 0; x < s.outWidth; x++) {
      const int left = x * s.strideWidth - s.padLeft;
      const int from = std::max(left, 0);
      const int to = std::min(left + s.filterWidth, s.inWidth);
      float* sumsAt = out + (Index{y} * s.outWidth + x) * s.outChannels;
      forTiles(s.outChannels, [&](int channel, auto tile) {
        Lanes sums[tile()] = {};
        for (int ky = 0; ky < s.filterHeight; ky++) {
          const int iy = y * s.strideHeight - s.padTop + ky;
          if (iy < 0 || iy >= s.inHeight || from >= to) continue;
          const std::int32_t* starts = active.starts.data() + Index{iy} * s.inWidth;
          const Active* entries = active.entries.data() + starts[from];
          const float* rows = filter + (Index{ky} * s.filterWidth - left) * pixelRows + channel;
          addRows(
              sums, starts[to] - starts[from], [&](Index i) { return rows + entries[i].row; },
              [&](Index i) { return entries[i].value; });
        }
        std::memcpy(sumsAt + channel, sums, sizeof(sums));
      });
    }
  }
}

void sparseConvolve(const float* input, const float* filter, float* output, const ConvolutionShape& s) {
  const Index inSize = Index{s.inHeight} * s.inWidth * s.inChannels;
  const Index outSize = Index{s.outHeight} * s.outWidth * s.outChannels;
  parallelFor(s.batch, 1, [&](Index begin, Index end, int) {
    ActiveInputs active;
    for (Index image = begin; image < end; image++) {
      active.collect(input + image * inSize, s);
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

// Adds one image's share to the filter rows of one input channel. `places` has room for the active pixels.
void addFilterRows(const ActivePixel* from, const ActivePixel* to, const float* outputGradient, float* filterGradient,
                   int channel, const ConvolutionShape& s, std::vector<Active>& places) {
  for (int ky = 0; ky < s.filterHeight; ky++) {
    for (int kx = 0; kx < s.filterWidth; kx++) {
      places.clear();
      for (const ActivePixel* a = from; a != to; a++) {
        const int top = a->y + s.padTop - ky;
        const int left = a->x + s.padLeft - kx;
        if (top < 0 || left < 0 || top % s.strideHeight != 0 || left % s.strideWidth != 0) continue;
        const int y = top / s.strideHeight;
        const int x = left / s.strideWidth;
        if (y < s.outHeight && x < s.outWidth) places.push_back({(y * s.outWidth + x) * s.outChannels, a->value});
      }
      float* row = filterGradient + ((Index{ky} * s.filterWidth + kx) * s.inChannels + channel) * s.outChannels;
      forTiles(s.outChannels, [&](int first, auto tile) {
        Lanes sums[tile()];
        std::memcpy(sums, row + first, sizeof(sums));
        addRows(
            sums, static_cast<Index>(places.size()), [&](Index i) { return outputGradient + places[i].row + first; },
            [&](Index i) { return places[i].value; });
        std::memcpy(row + first, sums, sizeof(sums));
      });
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
    std::vector<Active> places;
    for (Index image = 0; image < s.batch; image++) {
      active.collect(input + image * inSize, s, static_cast<int>(begin), static_cast<int>(end));
      for (Index c = begin; c < end; c++) {
        const ActivePixel* entries = active.entries.data();
        addFilterRows(entries + active.starts[c - begin], entries + active.starts[c - begin + 1],
                      outputGradient + image * outSize, filterGradient, static_cast<int>(c), s, places);
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
  const bool possible = s.outChannels % kLanes == 0 && s.dilationHeight == 1 && s.dilationWidth == 1;
  if (threshold <= 0 || !possible) return false;
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
