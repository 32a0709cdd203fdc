// A convolution, a given normalisation, LIF neurons and a pool at once: bands of the convolution's rows, for all steps, go
// from the cache into the neurons, and are nowhere else.
#include "vector/neuron-forward.h"
#include "vector/spike-convolution.h"
#include "vector/tables.h"

namespace rxspike::VECTOR_LEVEL {

namespace {

// Of a band's convolved rows, what the second-level cache keeps beside the filter.
constexpr Index kBandBytes = 512 << 10;

// Inputs of a filter's place from which on those that are zero are worth leaving out.
constexpr int kManyInputs = 8;

// Bands of a sample's rows, each of whole rows of the pool: as many for each thread.
Index bandCount(const Layout& layout) {
  const Index poolRow = layout.steps / layout.repeat * layout.row() * layout.pool * Index{sizeof(float)};
  const Index most = std::max<Index>(1, kBandBytes / poolRow);
  const Index enough = (layout.bands() + most - 1) / most;
  const Index threads = threadCount();
  return std::min((enough + threads - 1) / threads * threads, layout.bands());
}

// What `convolution` reads, then what `LifForward` reads and gives.
void convolvedLif(const float* input, const float* filter, double filterId, double threshold, CONVOLUTION_PARAMETERS,
                  const float* state, float* spikes, float* lastState, float* potentials, float* counts,
                  const float* scale, const float* offset, LAYOUT_PARAMETERS, NEURON_PARAMETERS) {
  using Neuron = Lif;
  const ConvolutionShape shape = CONVOLUTION;
  const bool sparse = (threshold >= 1 || inChannels >= kManyInputs) && isSparse(input, shape, threshold);
  const RowConvolution convolution(input, filter, filterId, shape, sparse);
  const ForwardMemory memory{state, spikes, lastState, potentials, counts, scale, offset, learned, byChannel};
  ForwardWalk<Neuron> walk(LAYOUT, NEURON, memory);
  const Layout& layout = walk.layout();
  const Index bands = bandCount(layout);
  const Index frames = steps / repeat;
  parallelFor(batch * bands, 1, [&](Index begin, Index end, int thread) {
    thread_local std::vector<float> convolved;
    for (Index i = begin; i < end; i++) {
      const Index sample = i / bands;
      const Index firstPool = i % bands * layout.bands() / bands;
      const Index endPool = (i % bands + 1) * layout.bands() / bands;
      const Index from = firstPool * pool;
      const Index rows = std::min(endPool * pool, height) - from;
      convolved.resize(frames * rows * layout.row());
      for (Index frame = 0; frame < frames; frame++) {
        convolution.compute(static_cast<int>(sample * frames + frame), static_cast<int>(from),
                            static_cast<int>(from + rows), convolved.data() + frame * rows * layout.row());
      }
      const InputFrames band{convolved.data(), rows, from, sample * frames};
      for (Index y = firstPool; y < endPool; y++) {
        forStripsOf(layout, sample, y, [&](const StripRow& row) { walk.strip(row, band, thread); });
      }
    }
  });
  walk.finish();
}

constexpr Operation kOperations[] = {operation<convolvedLif>("convolvedLif")};

}  // namespace

Operations convolvedLifOperations() { return kOperations; }

}  // namespace rxspike::VECTOR_LEVEL
