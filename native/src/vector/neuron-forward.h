// The walk of neurons forward over all steps, for whatever gives them their input: memory, or the rows of a
// convolution as they are computed.
#pragma once

#include "vector/neuron-strips.h"

namespace rxspike {
namespace {  // compiled once for each instruction set: must not be merged by the linker

// Adds the spikes of a row to the sums of the pools over it.
void addPooled(const float* spikes, float* sums, const StripRow& row) {
  const Index channels = row.layout->channels;
  const Index pool = row.layout->pool;
  for (Index x = 0; x < row.pooledColumns(); x++) {
    float* sum = sums + x * channels;
    for (Index i = 0; i < pool; i++) {
      const float* from = spikes + (x * pool + i) * channels;
#pragma omp simd
      for (Index c = 0; c < channels; c++) sum[c] += from[c];
    }
  }
}

// Frames that neurons take as their input, each but for its first rows and of them `rows`, the first of which is
// `firstRow`; of the sequence the first is `firstFrame`.
struct InputFrames {
  const float* at;
  Index rows, firstRow = 0, firstFrame = 0;

  const float* of(const StripRow& row, Index step) const {
    const Layout& layout = *row.layout;
    const Index frame = row.sample * (layout.steps / layout.repeat) + step / layout.repeat - firstFrame;
    return at + (frame * rows + row.y - firstRow) * layout.row() + row.column * layout.channels;
  }
};

// What neurons read besides their input, and what they give.
struct ForwardMemory {
  const float* state;
  float *spikes, *lastState;  // spikes pooled; the state after the last step
  float* potentials;          // after each step, or null
  float* counts;              // spikes of each sample and step, or null
  const float *scale, *offset;  // of the input, by channel, or null
  const float* learned;
  bool byChannel;
};

template <class Neuron>
class ForwardWalk {
 public:
  ForwardWalk(const Layout& layout, const Neuron& neuron, const ForwardMemory& memory)
      : layout_(layout), neuron_(neuron), memory_(memory), scales_(memory.scale, layout),
        offsets_(memory.offset, layout), numbers_(memory.learned, memory.byChannel, Neuron::kLearned, layout),
        counts_(memory.counts == nullptr ? 0 : threadCount() * layout.batch * layout.steps), strips_(threadCount()) {}

  const Layout& layout() const { return layout_; }

  void strip(StripRow row, const InputFrames& input, int thread) {
    const Index capacity = layout_.lanes();
    const Index steps = layout_.steps, pool = layout_.pool;
    const Index plane = layout_.height * layout_.row();
    std::vector<float>& own = strips_[thread];
    own.resize(capacity * (Neuron::kVariables + 1 + (pool > 1 ? steps : 0)));
    float* present = own.data();
    float* fired = present + capacity * Neuron::kVariables;
    float* sums = fired + capacity;
    if (pool > 1) std::fill(sums, sums + steps * capacity, 0.f);
    const StripRow first = row;
    for (; row.y < std::min(first.y + pool, layout_.height); row.y++) {
      const Index stateAt = row.stateAt(0, Neuron::kVariables);
      for (Index t = 0; t < steps; t++) {
        const InputRow in = {input.of(row, t), scales_.get(), offsets_.get()};
        StateRow<const float> before{present, capacity};
        StateRow<float> after{present, capacity};
        if (t == 0) before = {memory_.state + stateAt, plane};
        if (t == steps - 1) after = {memory_.lastState + stateAt, plane};
        float* out = pool > 1 ? fired : memory_.spikes + row.at(t);
        const float count = visitPlain(neuron_, [&](const auto& plain) {
          return stepRow(plain, numbers_.get(), capacity, in, before, after, out, row.lanes);
        });
        if (memory_.potentials != nullptr) {
          std::memcpy(memory_.potentials + row.at(t), after.at, row.lanes * sizeof(float));
        }
        if (!counts_.empty()) counts_[(thread * layout_.batch + row.sample) * steps + t] += count;
        if (pool > 1) addPooled(fired, sums + t * capacity, row);
      }
    }
    if (pool > 1) storePooled(sums, first);
  }

  // Stores the counts, when all strips are done.
  void finish() const {
    if (counts_.empty()) return;
    const Index size = layout_.batch * layout_.steps;
    for (Index i = 0; i < size; i++) {
      double sum = 0;
      for (std::size_t at = i; at < counts_.size(); at += size) sum += counts_[at];
      memory_.counts[i] = static_cast<float>(sum);
    }
  }

 private:
  void storePooled(const float* sums, const StripRow& first) const {
    const Index lanes = first.pooledColumns() * layout_.channels;
    // Of spikes the maximum is 1 where there is one.
    const float share = layout_.maximum ? 1.f : layout_.share();
    for (Index t = 0; t < layout_.steps; t++) {
      float* to = memory_.spikes + first.pooledAt(t);
      const float* sum = sums + t * layout_.lanes();
#pragma omp simd
      for (Index i = 0; i < lanes; i++) to[i] = std::min(sum[i] * share, 1.f);
    }
  }

  Layout layout_;
  Neuron neuron_;
  ForwardMemory memory_;
  LaneValues scales_, offsets_, numbers_;
  std::vector<double> counts_;  // of each thread
  std::vector<std::vector<float>> strips_;
};

}  // namespace
}  // namespace rxspike
