// Rows of a convolution whose inputs are all multiplied, by one thread: sums of a few pixels and a tile of outputs stay in
// registers while all inputs under the filter pass.
#pragma once

#include <algorithm>
#include <cstring>
#include <vector>

#include "vector/blocked-filter.h"

namespace rxspike {
namespace {  // compiled once for each instruction set: must not be merged by the linker

// With a tile's vectors they fill half of the registers.
#if defined(__AVX512F__)
constexpr int kPixels = 8;
#else
constexpr int kPixels = 2;
#endif

// The rows of an image that some rows of the output see, with zeros around them.
class PaddedRows {
 public:
  // As many columns as whole groups of pixels see.
  void collect(const float* image, const ConvolutionShape& s, int fromRow, int toRow) {
    const int groups = (s.outWidth + kPixels - 1) / kPixels;
    pitch_ = Index{groups * kPixels + s.filterWidth - 1} * s.inChannels;
    const int rows = toRow - fromRow + s.filterHeight - 1;
    values_.resize(rows * pitch_);
    const Index left = Index{s.padLeft} * s.inChannels;
    const Index width = std::min(Index{s.inWidth} * s.inChannels, pitch_ - left);
    for (int row = 0; row < rows; row++) {
      float* to = values_.data() + row * pitch_;
      const int from = fromRow - s.padTop + row;
      if (from < 0 || from >= s.inHeight) {
        std::fill(to, to + pitch_, 0.f);
        continue;
      }
      std::fill(to, to + left, 0.f);
      std::memcpy(to + left, image + Index{from} * s.inWidth * s.inChannels, width * sizeof(float));
      std::fill(to + left + width, to + pitch_, 0.f);
    }
  }
  const float* row(int row) const { return values_.data() + row * pitch_; }
  Index pitch() const { return pitch_; }

 private:
  std::vector<float> values_;
  Index pitch_ = 0;
};

// kPixels pixels for a tile of outputs, of which the first `pixels` are stored; `in` is what the filter's first place sees
// of the first.
template <int lanes>
void multiplyPixels(const float* in, Index pitch, const BlockedFilter& filter, int channel, const ConvolutionShape& s,
                    float* out, int pixels) {
  Lanes sums[kPixels * lanes] = {};
  const int inputs = blockInputs(s);
  const int blocks = blockCount(s);
  // Where a block has all inputs, those under a row of the filter follow each other.
  const int places = blocks == 1 ? 1 : s.filterWidth;
  for (int block = 0; block < blocks; block++) {
    const int count = blocks == 1 ? s.filterWidth * inputs : std::min(inputs, s.inChannels - block * inputs);
    const Lanes* weights = filter.block(channel, block, lanes);
    for (int y = 0; y < s.filterHeight; y++) {
      for (int x = 0; x < places; x++) {
        const float* at = in + y * pitch + (Index{x} * s.inChannels + block * inputs);
        const Lanes* row = weights + Index{y * s.filterWidth + x} * inputs * lanes;
        for (int c = 0; c < count; c++) {
#pragma GCC unroll 32
          for (int i = 0; i < kPixels * lanes; i++) {
            sums[i] += at[i / lanes * Index{s.inChannels} + c] * row[c * lanes + i % lanes];
          }
        }
      }
    }
  }
  // All places are named by constants, else the sums would lie in memory.
#pragma GCC unroll 32
  for (int i = 0; i < kPixels * lanes; i++) {
    if (i / lanes < pixels) storeLanes(sums[i], out + i / lanes * Index{s.outChannels} + i % lanes * kLanes);
  }
}

// The output rows [fromRow, toRow) of an image.
inline void multiplyRows(const float* image, const BlockedFilter& filter, float* out, const ConvolutionShape& s,
                         int fromRow, int toRow) {
  thread_local PaddedRows padded;
  padded.collect(image, s, fromRow, toRow);
  forTiles(s, 0, tileCount(s), [&](int channel, auto lanes) {
    for (int row = fromRow; row < toRow; row++) {
      for (int x = 0; x < s.outWidth; x += kPixels) {
        const float* in = padded.row(row - fromRow) + Index{x} * s.inChannels;
        float* to = out + (Index{row - fromRow} * s.outWidth + x) * s.outChannels + channel;
        multiplyPixels<lanes()>(in, padded.pitch(), filter, channel, s, to, std::min(kPixels, s.outWidth - x));
      }
    }
  });
}

}  // namespace
}  // namespace rxspike
