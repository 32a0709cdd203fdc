// Convolutions by oneDNN. Primitives are kept by shape; tensors are plain NHWC at the border, filters are reordered
// into the layout that a primitive asks for.
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

Geometry geometry(const ConvolutionShape& s) {
  const memory::dims filter = {s.outChannels, s.inChannels, s.filterHeight, s.filterWidth};
  const auto after = [](int in, int out, int stride, int kernel, int dilation, int before) {
    return memory::dim((out - 1) * stride + (kernel - 1) * dilation + 1 - in - before);
  };
  return {
      floats({s.batch, s.inChannels, s.inHeight, s.inWidth}, tag::nhwc),
      floats(filter, tag::hwio),
      floats(filter, tag::any),
      floats({s.batch, s.outChannels, s.outHeight, s.outWidth}, tag::nhwc),
      {s.strideHeight, s.strideWidth},
      {s.dilationHeight - 1, s.dilationWidth - 1},
      {s.padTop, s.padLeft},
      {after(s.inHeight, s.outHeight, s.strideHeight, s.filterHeight, s.dilationHeight, s.padTop),
       after(s.inWidth, s.outWidth, s.strideWidth, s.filterWidth, s.dilationWidth, s.padLeft)},
  };
}

// A primitive with the layout that it wants its filter in.
struct Prepared {
  BoundPrimitive primitive;
  memory::desc filter;
};

Prepared prepare(const ConvolutionShape& shape, Direction direction) {
  constexpr auto method = dnnl::algorithm::convolution_direct;
  const Geometry g = geometry(shape);
  const auto forward = describe<dnnl::convolution_forward>(dnnl::prop_kind::forward_training, method, g.input, g.anyFilter,
                                                           g.output, g.strides, g.dilation, g.padBefore, g.padAfter);
  if (direction == Direction::forward) {
    Prepared prepared{BoundPrimitive(dnnl::convolution_forward(forward), forward), forward.weights_desc()};
    prepared.primitive.add(DNNL_ARG_SRC, forward.src_desc());
    prepared.primitive.add(DNNL_ARG_WEIGHTS, forward.weights_desc());
    prepared.primitive.add(DNNL_ARG_DST, forward.dst_desc());
    return prepared;
  }
  if (direction == Direction::inputGradient) {
    const auto backward = describeAfter<dnnl::convolution_backward_data>(
        forward, method, g.input, g.anyFilter, g.output, g.strides, g.dilation, g.padBefore, g.padAfter);
    Prepared prepared{BoundPrimitive(dnnl::convolution_backward_data(backward), backward), backward.weights_desc()};
    prepared.primitive.add(DNNL_ARG_DIFF_DST, backward.diff_dst_desc());
    prepared.primitive.add(DNNL_ARG_WEIGHTS, backward.weights_desc());
    prepared.primitive.add(DNNL_ARG_DIFF_SRC, backward.diff_src_desc());
    return prepared;
  }
  const auto backward = describeAfter<dnnl::convolution_backward_weights>(
      forward, method, g.input, g.anyFilter, g.output, g.strides, g.dilation, g.padBefore, g.padAfter);
  Prepared prepared{BoundPrimitive(dnnl::convolution_backward_weights(backward), backward),
                    backward.diff_weights_desc()};
  prepared.primitive.add(DNNL_ARG_SRC, backward.src_desc());
  prepared.primitive.add(DNNL_ARG_DIFF_DST, backward.diff_dst_desc());
  prepared.primitive.add(DNNL_ARG_DIFF_WEIGHTS, backward.diff_weights_desc());
  return prepared;
}

constexpr std::size_t kMaxPrepared = 512;

Prepared& prepared(const ConvolutionShape& shape, Direction direction) {
  thread_local std::map<std::pair<ConvolutionShape, Direction>, Prepared> cache;
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

}  // namespace

void convolve(const float* input, const float* filter, float* output, const ConvolutionShape& shape, double filterId) {
  if (outputSize(shape) == 0) return;
  Prepared& forward = prepared(shape, Direction::forward);
  withFilter(filter, shape, forward.filter, filterId, [&](const void* values) {
    forward.primitive.bind(DNNL_ARG_SRC, input);
    forward.primitive.bind(DNNL_ARG_WEIGHTS, values);
    forward.primitive.bind(DNNL_ARG_DST, output);
    forward.primitive.run();
  });
}

void convolveInputGradient(const float* outputGradient, const float* filter, float* inputGradient,
                           const ConvolutionShape& shape, double filterId) {
  if (outputSize(shape) == 0) return;
  Prepared& backward = prepared(shape, Direction::inputGradient);
  withFilter(filter, shape, backward.filter, filterId, [&](const void* values) {
    backward.primitive.bind(DNNL_ARG_DIFF_DST, outputGradient);
    backward.primitive.bind(DNNL_ARG_WEIGHTS, values);
    backward.primitive.bind(DNNL_ARG_DIFF_SRC, inputGradient);
    backward.primitive.run();
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
  const memory::desc plain = geometry(shape).filter;
  const bool direct = plain == backward.filter;
  const AlignedMemory own = direct ? nullptr : allocateAligned(backward.filter.get_size());
  backward.primitive.bind(DNNL_ARG_SRC, input);
  backward.primitive.bind(DNNL_ARG_DIFF_DST, outputGradient);
  backward.primitive.bind(DNNL_ARG_DIFF_WEIGHTS, direct ? filterGradient : own.get());
  backward.primitive.run();
  if (!direct) reorder(backward.filter, own.get(), plain, filterGradient);
}

void forgetFilter(double filterId) { keptFilters().erase(filterId); }

}  // namespace rxspike
