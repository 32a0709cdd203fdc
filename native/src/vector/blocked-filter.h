// A convolution's filter as the kernels of vectors read it: in tiles of outputs, which fill registers, and in blocks of
// inputs, which the first-level cache keeps.
#pragma once

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "dense-convolution.h"
#include "parallel.h"
#include "vector/lanes.h"

namespace rxspike {
namespace {  // compiled once for each instruction set: must not be merged by the linker

// A block has 288 rows of 32 outputs (16 where fewer are left): 36 KiB.
constexpr int kTileLanes = 2;
constexpr int kBlockRows = 288;
inline int blockInputs(const ConvolutionShape& s) {
  return std::clamp(kBlockRows / (s.filterHeight * s.filterWidth), 1, s.inChannels);
}

// Rows of a block.
inline int blockRows(const ConvolutionShape& s) { return s.filterHeight * s.filterWidth * blockInputs(s); }

inline int blockCount(const ConvolutionShape& s) { return (s.inChannels + blockInputs(s) - 1) / blockInputs(s); }

inline int tileCount(const ConvolutionShape& s) { return (s.outChannels + kTileLanes * kLanes - 1) / (kTileLanes * kLanes); }

// visit(first channel, vectors of a row) for the tiles [begin, end) of the outputs, the latter a constant.
template <class Visit>
void forTiles(const ConvolutionShape& s, int begin, int end, const Visit& visit) {
  for (int channel = begin * kTileLanes * kLanes; begin < end; begin++, channel += kTileLanes * kLanes) {
    if (s.outChannels - channel >= kTileLanes * kLanes) visit(channel, std::integral_constant<int, kTileLanes>());
    else visit(channel, std::integral_constant<int, 1>());
  }
}

// A filter in blocks, [tile of outputs][block of inputs][height][width][input][output].
class BlockedFilter {
 public:
  BlockedFilter(const float* filter, const ConvolutionShape& s)
      : blocks_(blockCount(s)),
        rows_(blockRows(s)),
        values_(Index{rows_} * blocks_ * (s.outChannels / kLanes)) {
    const int inputs = blockInputs(s);
    parallelFor(tileCount(s), 1, [&](Index begin, Index end, int) {
      forTiles(s, static_cast<int>(begin), static_cast<int>(end), [&](int channel, auto lanes) {
        for (int place = 0; place < s.filterHeight * s.filterWidth; place++) {
          for (int input = 0; input < s.inChannels; input++) {
            const float* from = filter + (Index{place} * s.inChannels + input) * s.outChannels + channel;
            Lanes* block = values_.data() + start(channel, input / inputs, lanes());
            Lanes* to = block + (place * inputs + input % inputs) * lanes();
            std::memcpy(to, from, lanes() * sizeof(Lanes));
          }
        }
      });
    });
  }

  // Rows of `lanes` vectors, [height][width][input].
  const Lanes* block(int channel, int block, int lanes) const { return values_.data() + start(channel, block, lanes); }

 private:
  Index start(int channel, int block, int lanes) const {
    return Index{rows_} * (Index{blocks_} * (channel / kLanes) + Index{block} * lanes);
  }

  int blocks_, rows_;
  LaneArray values_;
};

}  // namespace
}  // namespace rxspike
