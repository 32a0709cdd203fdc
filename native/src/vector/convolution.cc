// Convolutions: by active inputs where few are active, else by oneDNN.
#include <vector>

#include "dense-convolution.h"
#include "parallel.h"
#include "spike-convolution.h"
#include "vector/lanes.h"
#include "vector/tables.h"

namespace rxspike::VECTOR_LEVEL {

namespace {

// Share of inputs that are not zero.
double densityOf(const float* input, Index count) {
  const int threads = threadCount();
  std::vector<Index> active(threads);
  parallelFor(count, 1 << 14, [&](Index begin, Index end, int thread) {
    active[thread] = countActive(input + begin, end - begin);
  });
  Index sum = 0;
  for (const Index part : active) sum += part;
  return count == 0 ? 0 : static_cast<double>(sum) / static_cast<double>(count);
}

}  // namespace

bool isSparse(const float* input, const ConvolutionShape& s, double threshold) {
  if (threshold <= 0 || !takesSpikes(s)) return false;
  return threshold >= 1 || densityOf(input, Index{s.batch} * s.inHeight * s.inWidth * s.inChannels) < threshold;
}

namespace {

// The convolutions, by active inputs where their share is below `threshold`: 0 is always dense, 1 always sparse.
void convolution(const float* input, const float* filter, float* output, double filterId,
                 double threshold, CONVOLUTION_PARAMETERS) {
  const ConvolutionShape shape = CONVOLUTION;
  if (isSparse(input, shape, threshold)) spikeConvolve(input, filter, output, shape, filterId);
  else convolve(input, filter, output, shape, filterId);
}

void convolutionFilterGradient(const float* input, const float* outputGradient, float* filterGradient, double threshold,
                               CONVOLUTION_PARAMETERS) {
  const ConvolutionShape shape = CONVOLUTION;
  if (isSparse(input, shape, threshold)) spikeFilterGradient(input, outputGradient, filterGradient, shape);
  else convolveFilterGradient(input, outputGradient, filterGradient, shape);
}

void convolutionInputGradient(const float* outputGradient, const float* filter, float* inputGradient, double filterId,
                              CONVOLUTION_PARAMETERS) {
  convolveInputGradient(outputGradient, filter, inputGradient, CONVOLUTION, filterId);
}

void forgetFilter(double filterId) {
  rxspike::forgetFilter(filterId);
  forgetBlockedFilter(filterId);
}

constexpr Operation kOperations[] = {
    operation<forgetFilter>("forgetFilter"),
    operation<convolution>("convolution"),
    operation<convolutionFilterGradient>("convolutionFilterGradient"),
    operation<convolutionInputGradient>("convolutionInputGradient"),
};

}  // namespace

Operations convolutionOperations() { return kOperations; }

}  // namespace rxspike::VECTOR_LEVEL
