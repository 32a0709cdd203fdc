// A map is cut into tiles of pixels. In a tile each input channel has the list of its active pixels; the channel's
// gradient for 16 outputs, a vector for each place of the filter, stays in registers while the list passes, and the
// output gradients around each active pixel, which the first-level cache keeps, are added to it. Every sum is taken in
// the same order whatever the number of threads.
#include <algorithm>
#include <cstdint>
#include <vector>

#include "parallel.h"
#include "spike-convolution.h"
#include "vector/lanes.h"

namespace rxspike::VECTOR_LEVEL {

namespace {

constexpr int kTileSide = 16;
constexpr int kLongestFilterSide = 11;
// Inputs whose active pixels are listed at a time, but for those of one image: 6 MiB of lists.
constexpr Index kListedInputs = 1 << 20;

// A rectangle of pixels.
struct Tile {
  int top, left, bottom, right;

  int height() const { return bottom - top; }
  int width() const { return right - left; }
};

// A map's tiles, of nearly equal size.
struct Tiling {
  int height, width;
  int rows = (height + kTileSide - 1) / kTileSide;
  int columns = (width + kTileSide - 1) / kTileSide;

  int count() const { return rows * columns; }
  Tile operator[](int i) const {
    const int row = i / columns;
    const int column = i % columns;
    return {row * height / rows, column * width / columns, (row + 1) * height / rows, (column + 1) * width / columns};
  }
};

// The active pixels of each channel of a tile of an image, as places in a map of the tile with a border around it.
class ActivePixels {
 public:
  // `place` is that of the tile's first pixel, `pitch` the places of a row.
  void collect(const float* image, const ConvolutionShape& s, const Tile& tile, int place, int pitch) {
    capacity_ = Index{tile.height()} * tile.width();
    counts_.assign(s.inChannels, 0);
    places_.resize(capacity_ * s.inChannels);
    values_.resize(capacity_ * s.inChannels);
    ones_ = true;
    for (int y = tile.top; y < tile.bottom; y++) {
      for (int x = tile.left; x < tile.right; x++) {
        const float* in = image + (Index{y} * s.inWidth + x) * s.inChannels;
        const auto at = static_cast<std::uint16_t>(place + (y - tile.top) * pitch + x - tile.left);
        int first = 0;
        for (; first + kLanes <= s.inChannels; first += kLanes) {
          const LaneBits bits = activeLanes(in + first);
          ones_ &= bits.others == 0;
          for (unsigned active = bits.active; active != 0; active &= active - 1) {
            add(first + __builtin_ctz(active), at, in);
          }
        }
        for (; first < s.inChannels; first++) {
          if (in[first] == 0) continue;
          add(first, at, in);
          ones_ &= in[first] == 1;
        }
      }
    }
  }

  // True if no value is other than 0 and 1.
  bool ones() const { return ones_; }
  int count(int channel) const { return counts_[channel]; }
  const std::uint16_t* places(int channel) const { return places_.data() + channel * capacity_; }
  const float* values(int channel) const { return values_.data() + channel * capacity_; }

 private:
  void add(int channel, std::uint16_t place, const float* in) {
    const Index next = channel * capacity_ + counts_[channel]++;
    places_[next] = place;
    values_[next] = in[channel];
  }

  Index capacity_ = 0;
  std::vector<std::int32_t> counts_;
  std::vector<std::uint16_t> places_;
  std::vector<float> values_;
  bool ones_ = true;
};

// A filter's gradient as [block of 16 outputs][input][height][width], a vector each.
class FilterSums {
 public:
  explicit FilterSums(const ConvolutionShape& s)
      : blocks_(s.outChannels / kLanes),
        inputs_(s.inChannels),
        places_(s.filterHeight * s.filterWidth),
        vectors_(Index{blocks_} * inputs_ * places_) {}

  // The vectors of an input channel, a place of the filter after the other.
  Lanes* of(int block, int input) { return vectors_.data() + (Index{block} * inputs_ + input) * places_; }

  // As [height, width, inputs, outputs].
  void copyTo(float* filter) const {
    parallelFor(Index{blocks_} * inputs_, 32, [&](Index begin, Index end, int) {
      for (Index i = begin; i < end; i++) {
        const Index block = i / inputs_, input = i % inputs_;
        for (Index place = 0; place < places_; place++) {
          storeLanes(vectors_.data()[i * places_ + place], filter + ((place * inputs_ + input) * blocks_ + block) * kLanes);
        }
      }
    });
  }

 private:
  int blocks_, inputs_, places_;
  LaneArray vectors_;
};

// The places of a filter, whose number the compiler knows but for `height` 0: then vectors for them are in registers.
template <int height, int width>
struct Places {
  int rows, columns, pitch;

  // visit(number of a place, how far before an active pixel its output lies in a map with `pitch` pixels a row)
  template <class Visit>
  void each(const Visit& visit) const {
    if constexpr (height > 0) {
#pragma GCC unroll 25
      for (int i = 0; i < height * width; i++) visit(i, i / width * pitch + i % width);
    } else {
      for (int i = 0; i < rows * columns; i++) visit(i, i / columns * pitch + i % columns);
    }
  }

  static constexpr int kVectors = height > 0 ? height * width : kLongestFilterSide * kLongestFilterSide;
  int count() const { return rows * columns; }
};

template <class Visit>
void withPlaces(const ConvolutionShape& s, int pitch, const Visit& visit) {
  if (s.filterHeight == 3 && s.filterWidth == 3) visit(Places<3, 3>{3, 3, pitch});
  else if (s.filterHeight == 5 && s.filterWidth == 5) visit(Places<5, 5>{5, 5, pitch});
  else visit(Places<0, 0>{s.filterHeight, s.filterWidth, pitch});
}

// Adds the output gradients around a channel's active pixels to its filter's gradient.
template <bool ones, class FilterPlaces>
void gather(const Lanes* gradients, Lanes* filter, const ActivePixels& active, int channel,
            const FilterPlaces& places) {
  const int count = active.count(channel);
  if (count == 0) return;
  const std::uint16_t* at = active.places(channel);
  const float* values = active.values(channel);
  Lanes vectors[FilterPlaces::kVectors];
  std::memcpy(vectors, filter, places.count() * sizeof(Lanes));
  for (int i = 0; i < count; i++) {
    const Lanes* from = gradients + at[i];
    if constexpr (ones) places.each([&](int place, int before) { vectors[place] += from[-before]; });
    else places.each([&](int place, int before) { vectors[place] += values[i] * from[-before]; });
  }
  std::memcpy(filter, vectors, places.count() * sizeof(Lanes));
}

Index sizeOfInput(const ConvolutionShape& s) { return Index{s.inHeight} * s.inWidth * s.inChannels; }
Index sizeOfOutput(const ConvolutionShape& s) { return Index{s.outHeight} * s.outWidth * s.outChannels; }

// The output gradients of a block of outputs that the inputs of a tile had a part in, zeros where there is none.
void copyGradients(const float* gradient, LaneArray& to, const ConvolutionShape& s, const Tile& tile,
                   int block) {
  const int height = tile.height() + s.filterHeight - 1;
  const int width = tile.width() + s.filterWidth - 1;
  const int top = tile.top + s.padTop - (s.filterHeight - 1);
  const int left = tile.left + s.padLeft - (s.filterWidth - 1);
  to.clear(Index{height} * width);
  for (int y = std::max(0, top); y < std::min(s.outHeight, top + height); y++) {
    for (int x = std::max(0, left); x < std::min(s.outWidth, left + width); x++) {
      to.data()[Index{y - top} * width + x - left] =
          loadLanes(gradient + (Index{y} * s.outWidth + x) * s.outChannels + Index{block} * kLanes);
    }
  }
}

}  // namespace

bool takesSpikes(const ConvolutionShape& s) {
  return s.outChannels % kLanes == 0 && s.dilationHeight == 1 && s.dilationWidth == 1 && s.strideHeight == 1 &&
         s.strideWidth == 1 && s.filterHeight <= kLongestFilterSide && s.filterWidth <= kLongestFilterSide;
}

void spikeFilterGradient(const float* input, const float* outputGradient, float* filterGradient,
                         const ConvolutionShape& s) {
  const Tiling tiles{s.inHeight, s.inWidth};
  const int blocks = s.outChannels / kLanes;
  // A thread owns a part of the filter: blocks of outputs, and where these are few, parts of the inputs.
  const int shares = std::min((threadCount() + blocks - 1) / blocks, s.inChannels);
  FilterSums sums(s);
  // Kept from call to call, as what they have room for is.
  thread_local std::vector<ActivePixels> active;
  const Index images = std::max<Index>(1, std::min<Index>(s.batch, kListedInputs / std::max<Index>(1, sizeOfInput(s))));
  active.resize(std::max<std::size_t>(active.size(), images * tiles.count()));
  ActivePixels* lists = active.data();
  for (Index first = 0; first < s.batch; first += images) {
    const Index count = std::min(images, s.batch - first) * tiles.count();
    const auto imageOf = [&](Index i) { return first + i / tiles.count(); };
    const auto tileOf = [&](Index i) { return tiles[static_cast<int>(i % tiles.count())]; };
    const auto pitchOf = [&](const Tile& tile) { return tile.width() + s.filterWidth - 1; };
    parallelFor(count, 1, [&](Index begin, Index end, int) {
      for (Index i = begin; i < end; i++) {
        const Tile tile = tileOf(i);
        const int pitch = pitchOf(tile);
        const int place = (s.filterHeight - 1) * pitch + s.filterWidth - 1;
        lists[i].collect(input + imageOf(i) * sizeOfInput(s), s, tile, place, pitch);
      }
    });
    parallelFor(Index{blocks} * shares, 1, [&](Index begin, Index end, int) {
      thread_local LaneArray gradients;
      for (Index part = begin; part < end; part++) {
        const auto block = static_cast<int>(part / shares);
        const auto share = static_cast<int>(part % shares);
        for (Index i = 0; i < count; i++) {
          const Tile tile = tileOf(i);
          copyGradients(outputGradient + imageOf(i) * sizeOfOutput(s), gradients, s, tile, block);
          withPlaces(s, pitchOf(tile), [&](const auto& places) {
            const int end = (share + 1) * s.inChannels / shares;
            for (int channel = share * s.inChannels / shares; channel < end; channel++) {
              Lanes* vectors = sums.of(block, channel);
              if (lists[i].ones()) gather<true>(gradients.data(), vectors, lists[i], channel, places);
              else gather<false>(gradients.data(), vectors, lists[i], channel, places);
            }
          });
        }
      }
    });
  }
  sums.copyTo(filterGradient);
}

}  // namespace rxspike::VECTOR_LEVEL
