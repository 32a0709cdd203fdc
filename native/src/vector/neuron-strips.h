// Sequences [batch, steps, height, width, channels] of neurons, with a pool over them, cut into strips, and a step of
// the neurons of a row.
//
// A thread takes strips: neighbouring neurons of the rows under one row of the pool, few enough that what their steps
// leave behind stays in the cache. It walks a strip through all steps. State is [batch, variables, height, width,
// channels].
#pragma once

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "parallel.h"
#include "vector/neuron-definitions.h"

namespace rxspike {
namespace {  // compiled once for each instruction set: must not be merged by the linker

constexpr Index kStripValues = 4096;  // neurons times steps in a strip, 16 KiB an array
constexpr Index kStripLanes = 1024;   // neurons in a strip, of whom a step needs several arrays

// Sizes of a sequence, steps that a frame of its input is shown for, and side of its pool, 1 for none; what does not
// fill a pool is left out of it.
struct Layout {
  Index batch, steps, height, width, channels, repeat, pool;
  bool maximum;  // what a pool gives: the maximum, or the mean

  bool poolsMaximum() const { return maximum && pool > 1; }

  Index row() const { return width * channels; }
  Index pooledHeight() const { return height / pool; }
  Index pooledWidth() const { return width / pool; }
  Index bands() const { return (height + pool - 1) / pool; }
  // Columns of a strip, a multiple of the pool.
  Index stripColumns() const {
    const Index wanted = std::min(kStripValues / steps, kStripLanes) / (channels * pool) * pool;
    return std::min((width + pool - 1) / pool * pool, std::max(pool, wanted));
  }
  // Neurons of a row of a strip.
  Index lanes() const { return stripColumns() * channels; }
  float share() const { return 1.f / static_cast<float>(pool * pool); }
};

// Neighbouring neurons of one row of one sample.
struct StripRow {
  const Layout* layout;
  Index sample, y, column, lanes;

  Index at(Index step) const { return frameAt(sample * layout->steps + step); }
  // Where the input of a step lies.
  Index inputAt(Index step) const {
    return frameAt(sample * (layout->steps / layout->repeat) + step / layout->repeat);
  }
  Index stateAt(Index variable, Index variables) const {
    return ((sample * variables + variable) * layout->height + y) * layout->row() + column * layout->channels;
  }
  Index pooledAt(Index step) const {
    const Index row = (sample * layout->steps + step) * layout->pooledHeight() + y / layout->pool;
    return (row * layout->pooledWidth() + column / layout->pool) * layout->channels;
  }
  // Columns of the pool's output over this row.
  Index pooledColumns() const {
    if (y / layout->pool >= layout->pooledHeight()) return 0;
    const Index end = std::min(column + lanes / layout->channels, layout->pooledWidth() * layout->pool);
    return end > column ? (end - column) / layout->pool : 0;
  }

 private:
  Index frameAt(Index frame) const {
    return (frame * layout->height + y) * layout->row() + column * layout->channels;
  }
};

// Values by channel, repeated for every column of a strip; null stays null.
class LaneValues {
 public:
  LaneValues(const float* perChannel, const Layout& layout) {
    if (perChannel != nullptr) append(perChannel, layout);
  }
  // Learned numbers, `count` rows of one value for all or one for each channel.
  LaneValues(const float* learned, bool byChannel, Index count, const Layout& layout) {
    for (Index row = 0; row < count; row++) {
      if (byChannel) append(learned + row * layout.channels, layout);
      else values_.insert(values_.end(), layout.lanes(), learned[row]);
    }
  }
  const float* get() const { return values_.empty() ? nullptr : values_.data(); }

 private:
  void append(const float* perChannel, const Layout& layout) {
    for (Index i = 0; i < layout.stripColumns(); i++) values_.insert(values_.end(), perChannel, perChannel + layout.channels);
  }
  std::vector<float> values_;
};

// The first row of the strip at a column of a band, the rows under one row of the pool.
inline StripRow stripAt(const Layout& layout, Index sample, Index band, Index column) {
  const Index lanes = std::min(layout.stripColumns(), layout.width - column) * layout.channels;
  return {&layout, sample, band * layout.pool, column, lanes};
}

// visit(first row of a strip), for the strips of a band.
template <class Visit>
void forStripsOf(const Layout& layout, Index sample, Index band, const Visit& visit) {
  const Index columns = layout.stripColumns();
  for (Index column = 0; column < layout.width; column += columns) visit(stripAt(layout, sample, band, column));
}

// visit(first row of a strip, thread), for all strips.
template <class Visit>
void forStrips(const Layout& layout, const Visit& visit) {
  const Index columns = layout.stripColumns();
  const Index strips = (layout.width + columns - 1) / columns;
  parallelFor(layout.batch * layout.bands() * strips, 1, [&](Index begin, Index end, int thread) {
    for (Index i = begin; i < end; i++) {
      const Index band = i / strips;
      visit(stripAt(layout, band / layout.bands(), band % layout.bands(), i % strips * columns), thread);
    }
  });
}

// The values of neuron i, rows of which lie `stride` apart.
template <int count, std::size_t... row>
Values<count> valuesAt(const float* rows, Index stride, Index i, std::index_sequence<row...>) {
  return {rows[static_cast<Index>(row) * stride + i]...};
}
template <int count>
Values<count> valuesAt(const float* rows, Index stride, Index i) {
  return valuesAt<count>(rows, stride, i, std::make_index_sequence<count>());
}

template <int count, std::size_t... row>
void storeAt(Values<count> values, float* rows, Index stride, Index i, std::index_sequence<row...>) {
  ((rows[static_cast<Index>(row) * stride + i] = values.of[row]), ...);
}
template <int count>
void storeAt(Values<count> values, float* rows, Index stride, Index i) {
  storeAt(values, rows, stride, i, std::make_index_sequence<count>());
}

// The loops over the neurons of a row; values of a neuron lie `capacity` apart. They take the neuron by value: what could
// lie in the memory that they write would be read again for each neuron.

// The bodies of the loops are functions of their own: values that are declared in a loop itself keep it from becoming
// vectors.
#define LANE [[gnu::always_inline]] inline

template <class Neuron>
LANE float stepAt(const Neuron& neuron, const float* learned, Index capacity, float x, const float* before,
                  Index beforePitch, float* after, Index afterPitch, Index i) {
  const auto stepped = neuron.step(valuesAt<Neuron::kLearned>(learned, capacity, i),
                                   valuesAt<Neuron::kVariables>(before, beforePitch, i), x);
  storeAt(stepped.state, after, afterPitch, i);
  return stepped.spike;
}

// A row's input, and what normalises it; null, null for nothing.
struct InputRow {
  const float *in, *scale, *offset;
};

// States of a row, the variables `pitch` values apart.
template <class Value>
struct StateRow {
  Value* at;
  Index pitch;
};

// One step of a row: gives the state after it, which may be that before, the spikes and their number.
template <class Neuron>
float stepRow(const Neuron neuron, const float* __restrict learned, Index capacity, const InputRow& input,
              StateRow<const float> before, StateRow<float> after, float* __restrict spikes, Index lanes) {
  const float *in = input.in, *scale = input.scale, *offset = input.offset;
  float count = 0;
  if (scale == nullptr) {
#pragma omp simd reduction(+ : count)
    for (Index i = 0; i < lanes; i++) {
      spikes[i] = stepAt(neuron, learned, capacity, in[i], before.at, before.pitch, after.at, after.pitch, i);
      count += spikes[i];
    }
  } else {
#pragma omp simd reduction(+ : count)
    for (Index i = 0; i < lanes; i++) {
      spikes[i] = stepAt(neuron, learned, capacity, in[i] * scale[i] + offset[i], before.at, before.pitch, after.at,
                         after.pitch, i);
      count += spikes[i];
    }
  }
  return count;
}

#define LAYOUT_PARAMETERS \
  Index batch, Index steps, Index height, Index width, Index channels, Index repeat, Index pool, bool maximum
#define LAYOUT \
  Layout { batch, steps, height, width, channels, repeat, pool, maximum }
// Learned numbers, [numbers] or by channel, [numbers, channels], and constants.
#define NEURON_PARAMETERS                                                                                           \
  const float *learned, bool byChannel, float c0, float c1, float c2, float c3, float c4, float c5, float c6,       \
      float c7, float c8, float c9
#define NEURON \
  neuronOf<Neuron>({c0, c1, c2, c3, c4, c5, c6, c7, c8, c9})

template <class Neuron>
Neuron neuronOf(const float (&constants)[kNeuronConstants]) {
  return Neuron(constants);
}

}  // namespace
}  // namespace rxspike
