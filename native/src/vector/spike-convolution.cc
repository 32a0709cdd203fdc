// The active inputs of an image are listed by pixel, so that those a row of the filter stands on follow each other.
// For each the filter's rows are added to the sums of the outputs above, at and below it, which are in registers. The
// filter is cut into blocks that the first-level cache keeps while the pixels pass; where so few inputs are active that
// the passes cost more than the filter's rows, several blocks are one. Every sum is taken in one order, whatever the
// number of threads.
#include "spike-convolution.h"

#include <map>
#include <optional>
#include <vector>

#include "vector/blocked-filter.h"
#include "vector/dense-rows.h"

namespace rxspike::VECTOR_LEVEL {

namespace {

// Active inputs of a pixel that are worth a pass, and blocks that pass together at most: the second-level cache has them.
constexpr Index kPassEntries = 4;
constexpr Index kPassBlocks = 8;
// Rows of an output that are worth a thread of their own.
constexpr int kBandRows = 8;

// The active inputs that some rows of the output see of an image: pass after pass, pixel after pixel.
class ActiveInputs {
 public:
  void collect(const float* image, const ConvolutionShape& s, int fromRow, int toRow) {
    const int inputs = blockInputs(s);
    const int blocks = blockCount(s);
    const int fromInput = std::clamp(fromRow - s.padTop, 0, s.inHeight);
    const int toInput = std::clamp(toRow - s.padTop + s.filterHeight - 1, fromInput, s.inHeight);
    firstPixel_ = Index{fromInput} * s.inWidth;
    pixels_ = Index{toInput - fromInput} * s.inWidth;
    const Index active = countActive(image + firstPixel_ * s.inChannels, pixels_ * s.inChannels);
    const Index enough = active == 0 ? blocks : kPassEntries * pixels_ * blocks / active;
    together_ = static_cast<int>(std::clamp<Index>(enough, 1, std::min<Index>(blocks, kPassBlocks)));
    passes_ = (blocks + together_ - 1) / together_;
    // Lanes are written sixteen at a time, whatever of them is active.
    const Index room = pixels_ * inputs * together_ + kLanes;
    starts_.resize(passes_ * (pixels_ + 1));
    rows_.resize(passes_ * room);
    values_.resize(passes_ * room);
    unsigned others = 0;
    for (int pass = 0; pass < passes_; pass++) {
      const int first = pass * together_;
      const int end = std::min(first + together_, blocks);
      std::int32_t* starts = starts_.data() + pass * (pixels_ + 1);
      auto next = static_cast<std::int32_t>(pass * room);
      for (Index pixel = 0; pixel < pixels_; pixel++) {
        starts[pixel] = next;
        for (int block = first; block < end; block++) {
          const float* in = image + (firstPixel_ + pixel) * s.inChannels + block * inputs;
          const std::int32_t channels = std::min(inputs, s.inChannels - block * inputs);
          const auto row =
              static_cast<std::int32_t>((block - first) * blockRows(s) + pixel % s.inWidth * inputs);
          std::int32_t c = 0;
          for (; c + kLanes <= channels; c += kLanes) next = addLanes(in + c, row + c, next, others);
          for (; c < channels; c++) {
            rows_[next] = row + c;
            values_[next] = in[c];
            next += in[c] != 0 ? 1 : 0;
            others |= in[c] != 0 && in[c] != 1 ? 1u : 0u;
          }
        }
      }
      starts[pixels_] = next;
    }
    ones_ = others == 0;
  }

  // Passes over the pixels, each with so many blocks of the filter (the last perhaps with fewer).
  int passes() const { return passes_; }
  int together() const { return together_; }
  // True if no value is other than 0 and 1.
  bool ones() const { return ones_; }
  // Where the entries of each pixel of a row of the image begin, and after the last one's where they end.
  const std::int32_t* starts(int pass, Index row, int width) const {
    return starts_.data() + pass * (pixels_ + 1) + row * width - firstPixel_;
  }
  // A row of the pass's first block, but for where the filter stands: rows of a block * block + inputs of a block * column
  // + input.
  const std::int32_t* rows() const { return rows_.data(); }
  const float* values() const { return values_.data(); }

 private:
  std::int32_t addLanes(const float* in, std::int32_t row, std::int32_t next, unsigned& others) {
    const LaneBits bits = activeLanes(in);
    others |= bits.others;
#if defined(__AVX512F__)
    const __m512i counting = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m512i rows = _mm512_add_epi32(_mm512_set1_epi32(row), counting);
    const auto active = static_cast<__mmask16>(bits.active);
    _mm512_storeu_si512(rows_.data() + next, _mm512_maskz_compress_epi32(active, rows));
    _mm512_storeu_ps(values_.data() + next, _mm512_maskz_compress_ps(active, _mm512_loadu_ps(in)));
    return next + __builtin_popcount(bits.active);
#else
    for (unsigned active = bits.active; active != 0; active &= active - 1) {
      const int lane = __builtin_ctz(active);
      rows_[next] = row + lane;
      values_[next++] = in[lane];
    }
    return next;
#endif
  }

  std::vector<std::int32_t> rows_, starts_;
  std::vector<float> values_;
  Index firstPixel_ = 0, pixels_ = 0;
  int passes_ = 0, together_ = 1;
  bool ones_ = false;
};

// Adds what an input row gives, by `height` rows of the filter's block, to as many output rows, the first of them the
// lowest. `out` are those rows' first outputs, `pitch` values apart.
template <int lanes, int height, bool ones>
void addInputRow(const ActiveInputs& active, int pass, int row, const Lanes* filter, float* out, Index pitch,
                 const ConvolutionShape& s) {
  const int inputs = blockInputs(s);
  const Index filterPitch = Index{s.filterWidth} * inputs * lanes;
  const std::int32_t* starts = active.starts(pass, row, s.inWidth);
  for (int x = 0; x < s.outWidth; x++) {
    const int left = x - s.padLeft;
    const int from = std::max(left, 0);
    const int to = std::min(left + s.filterWidth, s.inWidth);
    if (from >= to) continue;
    const std::int32_t* rows = active.rows() + starts[from];
    const float* values = active.values() + starts[from];
    const Index count = starts[to] - starts[from];
    float* at = out + Index{x} * s.outChannels;
    Lanes sums[height * lanes];
#pragma GCC unroll 16
    for (int i = 0; i < height * lanes; i++) sums[i] = loadLanes(at - i / lanes * pitch + i % lanes * kLanes);
    const Lanes* place = filter - Index{left} * inputs * lanes;
    for (Index i = 0; i < count; i++) {
      const Lanes* vectors = place + Index{rows[i]} * lanes;
#pragma GCC unroll 16
      for (int j = 0; j < height * lanes; j++) {
        const Lanes vector = vectors[j / lanes * filterPitch + j % lanes];
        if constexpr (ones) sums[j] += vector;
        else sums[j] += values[i] * vector;
      }
    }
#pragma GCC unroll 16
    for (int i = 0; i < height * lanes; i++) storeLanes(sums[i], at - i / lanes * pitch + i % lanes * kLanes);
  }
}

// The output rows [fromRow, toRow) of an image, for a tile of outputs; the first lies at `out`.
template <int lanes, bool ones>
void convolveRows(const ActiveInputs& active, const BlockedFilter& filter, int channel, float* out,
                  const ConvolutionShape& s, int fromRow, int toRow) {
  const Index pitch = Index{s.outWidth} * s.outChannels;
  float* first = out + channel;
  for (Index pixel = 0; pixel < Index{toRow - fromRow} * s.outWidth; pixel++) {
    std::memset(first + pixel * s.outChannels, 0, lanes * sizeof(Lanes));
  }
  const int firstInput = std::max(0, fromRow - s.padTop);
  const int endInput = std::min(s.inHeight, toRow - s.padTop + s.filterHeight - 1);
  for (int pass = 0; pass < active.passes(); pass++) {
    const int block = pass * active.together();
    const Lanes* rows = filter.block(channel, block, lanes);
    const Index filterPitch = Index{s.filterWidth} * blockInputs(s) * lanes;
    // While a block is used, the next one is fetched.
    const Lanes* next = filter.block(channel, std::min(block + active.together(), blockCount(s) - 1), lanes);
    const Index ahead = s.filterHeight * filterPitch / std::max(1, endInput - firstInput);
    for (int row = firstInput; row < endInput; row++) {
      for (Index i = 0; i < ahead; i++) __builtin_prefetch(next + (row - firstInput) * ahead + i, 0, 2);
      // A filter's row ky takes an input row to the output row `lowest` - ky.
      const int lowest = row + s.padTop;
      int ky = std::max(0, lowest - (toRow - 1));
      const int end = std::min(s.filterHeight, lowest - fromRow + 1);
      const auto add = [&](auto height) {
        for (; end - ky >= height(); ky += height()) {
          addInputRow<lanes, height(), ones>(active, pass, row, rows + ky * filterPitch,
                                             first + (lowest - ky - fromRow) * pitch, pitch, s);
        }
      };
      add(std::integral_constant<int, 3>());
      add(std::integral_constant<int, 1>());
    }
  }
}

// The same for the tiles [begin, end).
void convolveTiles(const ActiveInputs& active, const BlockedFilter& filter, float* out, const ConvolutionShape& s,
                   int fromRow, int toRow, int begin, int end) {
  forTiles(s, begin, end, [&](int channel, auto lanes) {
    const auto rows = active.ones() ? convolveRows<lanes(), true> : convolveRows<lanes(), false>;
    rows(active, filter, channel, out, s, fromRow, toRow);
  });
}

void convolve(const float* input, const BlockedFilter& filter, float* output, const ConvolutionShape& s) {
  const Index inSize = Index{s.inHeight} * s.inWidth * s.inChannels;
  const Index outSize = Index{s.outHeight} * s.outWidth * s.outChannels;
  // Of a few images threads share bands of rows, as they do in what comes before and after, and where rows are few, the
  // outputs.
  const int tiles = tileCount(s);
  const int parts = s.batch >= 2 * threadCount() ? 1 : threadCount();
  const int bands = std::clamp(s.outHeight / kBandRows, 1, parts);
  const int shares = std::min((parts + bands - 1) / bands, tiles);
  parallelFor(Index{s.batch} * shares * bands, 1, [&](Index begin, Index end, int) {
    thread_local ActiveInputs active;
    for (Index part = begin; part < end; part++) {
      const Index image = part / (shares * bands);
      const auto share = static_cast<int>(part % shares);
      const auto band = static_cast<int>(part / shares % bands);
      const int fromRow = band * s.outHeight / bands;
      const int toRow = (band + 1) * s.outHeight / bands;
      float* out = output + image * outSize + Index{fromRow} * s.outWidth * s.outChannels;
      active.collect(input + image * inSize, s, fromRow, toRow);
      convolveTiles(active, filter, out, s, fromRow, toRow, share * tiles / shares, (share + 1) * tiles / shares);
    }
  });
}

// Copies of filters, by their number, until they are forgotten.
std::map<double, BlockedFilter>& blockedFilters() {
  thread_local std::map<double, BlockedFilter> kept;
  return kept;
}

// The filter in blocks, by its number or, where it has none, made for once.
class FilterInBlocks {
 public:
  FilterInBlocks(const float* filter, double filterId, const ConvolutionShape& s) {
    if (filterId == 0) own_.emplace(filter, s);
    else kept_ = &blockedFilters().try_emplace(filterId, filter, s).first->second;
  }
  const BlockedFilter& get() const { return own_ ? *own_ : *kept_; }

 private:
  std::optional<BlockedFilter> own_;
  const BlockedFilter* kept_ = nullptr;
};

}  // namespace

void spikeConvolve(const float* input, const float* filter, float* output, const ConvolutionShape& s, double filterId) {
  convolve(input, FilterInBlocks(filter, filterId, s).get(), output, s);
}

struct RowConvolution::Parts {
  const float* input;
  FilterInBlocks filter;
  ConvolutionShape shape;
  bool sparse;
};

RowConvolution::RowConvolution(const float* input, const float* filter, double filterId, const ConvolutionShape& s,
                               bool sparse)
    : parts_(new Parts{input, FilterInBlocks(filter, filterId, s), s, sparse}) {}

RowConvolution::~RowConvolution() = default;

void RowConvolution::compute(int image, int fromRow, int toRow, float* out) const {
  const auto& [input, filter, s, sparse] = *parts_;
  const float* frame = input + Index{image} * s.inHeight * s.inWidth * s.inChannels;
  if (sparse) {
    thread_local ActiveInputs active;
    active.collect(frame, s, fromRow, toRow);
    convolveTiles(active, filter.get(), out, s, fromRow, toRow, 0, tileCount(s));
  } else {
    multiplyRows(frame, filter.get(), out, s, fromRow, toRow);
  }
}

void forgetBlockedFilter(double filterId) { blockedFilters().erase(filterId); }

}  // namespace rxspike::VECTOR_LEVEL
