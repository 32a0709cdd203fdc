// Convolutions by oneDNN. Primitives are kept by shape; tensors are plain NHWC at the border, and are reordered where
// the primitive wants another layout.
#include "dense-convolution.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <vector>

#include "dnnl.h"

namespace rxspike {

namespace {

using dnnl::memory;
using tag = memory::format_tag;

enum class Direction { forward, inputGradient, filterGradient };

struct Geometry {
  memory::desc input, filter, anyFilter, output;
  memory::dims strides, dilation, padBefore, padAfter;
};

memory::desc floats(const memory::dims& dims, tag layout) { return {dims, memory::data_type::f32, layout}; }

// With maps in NHWC, or in whatever layout a primitive prefers.
Geometry geometry(const ConvolutionShape& s, tag maps = tag::nhwc) {
  const memory::dims filter = {s.outChannels, s.inChannels, s.filterHeight, s.filterWidth};
  const auto after = [](int in, int out, int stride, int kernel, int dilation, int before) {
    return memory::dim((out - 1) * stride + (kernel - 1) * dilation + 1 - in - before);
  };
  return {
      floats({s.batch, s.inChannels, s.inHeight, s.inWidth}, maps),
      floats(filter, tag::hwio),
      floats(filter, tag::any),
      floats({s.batch, s.outChannels, s.outHeight, s.outWidth}, maps),
      {s.strideHeight, s.strideWidth},
      {s.dilationHeight - 1, s.dilationWidth - 1},
      {s.padTop, s.padLeft},
      {after(s.inHeight, s.outHeight, s.strideHeight, s.filterHeight, s.dilationHeight, s.padTop),
       after(s.inWidth, s.outWidth, s.strideWidth, s.filterWidth, s.dilationWidth, s.padLeft)},
  };
}

// A primitive with the layouts that it wants.
struct Prepared {
  BoundPrimitive primitive;
  memory::desc input, filter, output;
};

Prepared prepare(const ConvolutionShape& shape, Direction direction, dnnl::algorithm method, tag maps) {
  const Geometry g = geometry(shape, maps);
  const auto forward = describe<dnnl::convolution_forward>(
      dnnl::prop_kind::forward_training, direction == Direction::forward ? method : dnnl::algorithm::convolution_direct,
      g.input, g.anyFilter, g.output, g.strides, g.dilation, g.padBefore, g.padAfter);
  if (direction == Direction::forward) {
    Prepared prepared{BoundPrimitive(dnnl::convolution_forward(forward), forward), forward.src_desc(),
                      forward.weights_desc(), forward.dst_desc()};
    prepared.primitive.add(DNNL_ARG_SRC, prepared.input);
    prepared.primitive.add(DNNL_ARG_WEIGHTS, prepared.filter);
    prepared.primitive.add(DNNL_ARG_DST, prepared.output);
    return prepared;
  }
  if (direction == Direction::inputGradient) {
    const auto backward = describeAfter<dnnl::convolution_backward_data>(
        forward, method, g.input, g.anyFilter, g.output, g.strides, g.dilation, g.padBefore, g.padAfter);
    Prepared prepared{BoundPrimitive(dnnl::convolution_backward_data(backward), backward), backward.diff_src_desc(),
                      backward.weights_desc(), backward.diff_dst_desc()};
    prepared.primitive.add(DNNL_ARG_DIFF_DST, prepared.output);
    prepared.primitive.add(DNNL_ARG_WEIGHTS, prepared.filter);
    prepared.primitive.add(DNNL_ARG_DIFF_SRC, prepared.input);
    return prepared;
  }
  const auto backward = describeAfter<dnnl::convolution_backward_weights>(
      forward, method, g.input, g.anyFilter, g.output, g.strides, g.dilation, g.padBefore, g.padAfter);
  Prepared prepared{BoundPrimitive(dnnl::convolution_backward_weights(backward), backward), backward.src_desc(),
                    backward.diff_weights_desc(), backward.diff_dst_desc()};
  prepared.primitive.add(DNNL_ARG_SRC, prepared.input);
  prepared.primitive.add(DNNL_ARG_DIFF_DST, prepared.output);
  prepared.primitive.add(DNNL_ARG_DIFF_WEIGHTS, prepared.filter);
  return prepared;
}

// Winograd's F(4x4, 3x3) takes a quarter of the products, but maps in blocks of 16 channels, into which they must be
// reordered: that pays for many channels, where a frame fills tiles of 4x4, and the batch is more than a few frames. A
// rule of the shape alone, since what decides must not change from run to run.
bool suitsWinograd(const ConvolutionShape& s, Direction direction) {
  const auto fills = [](int side) { return side >= 4 && 4 * side >= 3 * ((side + 3) / 4 * 4); };
  const bool plain = s.filterHeight == 3 && s.filterWidth == 3 && s.strideHeight == 1 && s.strideWidth == 1 &&
                     s.dilationHeight == 1 && s.dilationWidth == 1;
  const bool blocks = s.inChannels % 16 == 0 && s.outChannels % 16 == 0;
  // Products saved for each value that is reordered.
  const int gain = s.inChannels * s.outChannels / (s.inChannels + s.outChannels);
  const int enough = direction == Direction::forward ? 64 : 20;
  return plain && blocks && gain >= enough && s.batch >= 8 && fills(s.outHeight) && fills(s.outWidth);
}

// Of the stream's thread, like the primitives that it decides on.
thread_local bool winogradAllowed = true;

Prepared prepare(const ConvolutionShape& shape, Direction direction) {
  if (winogradAllowed && suitsWinograd(shape, direction)) {
    try {
      return prepare(shape, direction, dnnl::algorithm::convolution_winograd, tag::any);
    } catch (const dnnl::error&) {
      // Not on every processor, nor in every version.
    }
  }
  return prepare(shape, direction, dnnl::algorithm::convolution_direct, tag::nhwc);
}

constexpr std::size_t kMaxPrepared = 512;

using PreparedByShape = std::map<std::pair<ConvolutionShape, Direction>, Prepared>;

PreparedByShape& preparedByShape() {
  thread_local PreparedByShape cache;
  return cache;
}

Prepared& prepared(const ConvolutionShape& shape, Direction direction) {
  PreparedByShape& cache = preparedByShape();
  const std::pair key{shape, direction};
  const auto found = cache.find(key);
  if (found != cache.end()) return found->second;
  if (cache.size() >= kMaxPrepared) cache.clear();
  return cache.emplace(key, prepare(shape, direction)).first->second;
}

struct ReorderedFilter {
  memory::desc layout;
  AlignedMemory values;
};

std::map<double, std::vector<ReorderedFilter>>& keptFilters() {
  thread_local std::map<double, std::vector<ReorderedFilter>> kept;
  return kept;
}

ReorderedFilter reordered(const float* filter, const memory::desc& from, const memory::desc& to) {
  ReorderedFilter copy{to, allocateAligned(to.get_size())};
  reorder(from, filter, to, copy.values.get());
  return copy;
}

// Runs `use` with the filter in the layout that the primitive wants.
template <class Use>
void withFilter(const float* filter, const ConvolutionShape& shape, const memory::desc& wanted, double filterId,
                const Use& use) {
  const memory::desc plain = geometry(shape).filter;
  if (plain == wanted) return use(filter);
  if (filterId == 0) return use(reordered(filter, plain, wanted).values.get());
  auto& copies = keptFilters()[filterId];
  auto copy = std::find_if(copies.begin(), copies.end(), [&](const auto& kept) { return kept.layout == wanted; });
  if (copy == copies.end()) copy = copies.insert(copies.end(), reordered(filter, plain, wanted));
  use(copy->values.get());
}

std::size_t outputSize(const ConvolutionShape& s) {
  return std::size_t(s.batch) * s.outHeight * s.outWidth * s.outChannels;
}

// Memory for what a call reorders: its input, and its output or that one's gradient.
enum class Staged { input, output };

void* staging(Staged which, std::size_t bytes) {
  thread_local AlignedMemory memory[2];
  thread_local std::size_t sizes[2] = {};
  const auto i = static_cast<std::size_t>(which);
  if (bytes > sizes[i]) {
    memory[i].reset();
    sizes[i] = 0;
    memory[i] = allocateAligned(bytes);
    sizes[i] = bytes;
  }
  return memory[i].get();
}

// Values in the layout that a primitive reads.
const void* asWanted(const float* values, const memory::desc& plain, const memory::desc& wanted, Staged which) {
  if (plain == wanted) return values;
  void* copy = staging(which, wanted.get_size());
  reorder(plain, values, wanted, copy);
  return copy;
}

// Runs `use` with memory in the layout that a primitive writes, then puts the result where it belongs.
template <class Use>
void written(float* values, const memory::desc& plain, const memory::desc& wanted, Staged which, const Use& use) {
  if (plain == wanted) return use(values);
  void* result = staging(which, wanted.get_size());
  use(result);
  reorder(wanted, result, plain, values);
}

}  // namespace

void convolve(const float* input, const float* filter, float* output, const ConvolutionShape& shape, double filterId) {
  if (outputSize(shape) == 0) return;
  Prepared& forward = prepared(shape, Direction::forward);
  const Geometry plain = geometry(shape);
  withFilter(filter, shape, forward.filter, filterId, [&](const void* weights) {
    forward.primitive.bind(DNNL_ARG_SRC, asWanted(input, plain.input, forward.input, Staged::input));
    forward.primitive.bind(DNNL_ARG_WEIGHTS, weights);
    written(output, plain.output, forward.output, Staged::output, [&](void* result) {
      forward.primitive.bind(DNNL_ARG_DST, result);
      forward.primitive.run();
    });
  });
}

void convolveInputGradient(const float* outputGradient, const float* filter, float* inputGradient,
                           const ConvolutionShape& shape, double filterId) {
  if (outputSize(shape) == 0) return;
  Prepared& backward = prepared(shape, Direction::inputGradient);
  const Geometry plain = geometry(shape);
  withFilter(filter, shape, backward.filter, filterId, [&](const void* weights) {
    backward.primitive.bind(DNNL_ARG_DIFF_DST, asWanted(outputGradient, plain.output, backward.output, Staged::output));
    backward.primitive.bind(DNNL_ARG_WEIGHTS, weights);
    written(inputGradient, plain.input, backward.input, Staged::input, [&](void* result) {
      backward.primitive.bind(DNNL_ARG_DIFF_SRC, result);
      backward.primitive.run();
    });
  });
}

void convolveFilterGradient(const float* input, const float* outputGradient, float* filterGradient,
                            const ConvolutionShape& shape) {
  const std::size_t filterSize =
      std::size_t(shape.filterHeight) * shape.filterWidth * shape.inChannels * shape.outChannels;
  if (outputSize(shape) == 0) {
    std::memset(filterGradient, 0, filterSize * sizeof(float));
    return;
  }
  Prepared& backward = prepared(shape, Direction::filterGradient);
  const Geometry plain = geometry(shape);
  backward.primitive.bind(DNNL_ARG_SRC, asWanted(input, plain.input, backward.input, Staged::input));
  backward.primitive.bind(DNNL_ARG_DIFF_DST, asWanted(outputGradient, plain.output, backward.output, Staged::output));
  const bool direct = plain.filter == backward.filter;
  const AlignedMemory own = direct ? nullptr : allocateAligned(backward.filter.get_size());
  backward.primitive.bind(DNNL_ARG_DIFF_WEIGHTS, direct ? filterGradient : own.get());
  backward.primitive.run();
  if (!direct) reorder(backward.filter, own.get(), plain.filter, filterGradient);
}

void forgetFilter(double filterId) { keptFilters().erase(filterId); }

void allowWinograd(bool allowed) {
  winogradAllowed = allowed;
  preparedByShape().clear();
  keptFilters().clear();
}

}  // namespace rxspike
