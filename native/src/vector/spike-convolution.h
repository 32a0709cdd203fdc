// Convolutions by the inputs that are not zero, as spikes are: the work is the number of active inputs and not of
// inputs. Faster than a dense product where few are active.
#pragma once

#include <memory>

#include "dense-convolution.h"

namespace rxspike::VECTOR_LEVEL {

// True for shapes that the functions below take: steps of one, output channels in sixteens.
bool takesSpikes(const ConvolutionShape& shape);
// Whether the share of inputs that are active is below `threshold`: 0 is never, 1 always.
bool isSparse(const float* input, const ConvolutionShape& shape, double threshold);
// `filterId` names a filter that does not change, whose copy is kept until `forgetBlockedFilter`; 0 names none.
void spikeConvolve(const float* input, const float* filter, float* output, const ConvolutionShape& shape,
                   double filterId);
void spikeFilterGradient(const float* input, const float* outputGradient, float* filterGradient,
                         const ConvolutionShape& shape);
void forgetBlockedFilter(double filterId);

// A convolution of which any thread computes the rows that it needs next: by active inputs, or dense.
class RowConvolution {
 public:
  RowConvolution(const float* input, const float* filter, double filterId, const ConvolutionShape& shape, bool sparse);
  ~RowConvolution();
  // The output rows [fromRow, toRow) of an image.
  void compute(int image, int fromRow, int toRow, float* out) const;

 private:
  struct Parts;
  std::unique_ptr<const Parts> parts_;
};

}  // namespace rxspike::VECTOR_LEVEL
