// Convolutions by the inputs that are not zero, as spikes are: the work is the number of active inputs and not of
// inputs. Faster than a dense product where few are active.
#pragma once

#include "dense-convolution.h"

namespace rxspike::VECTOR_LEVEL {

// True for shapes that the functions below take: steps of one, output channels in sixteens.
bool takesSpikes(const ConvolutionShape& shape);
// `filterId` names a filter that does not change, whose copy is kept until `forgetBlockedFilter`; 0 names none.
void spikeConvolve(const float* input, const float* filter, float* output, const ConvolutionShape& shape,
                   double filterId);
void spikeFilterGradient(const float* input, const float* outputGradient, float* filterGradient,
                         const ConvolutionShape& shape);
void forgetBlockedFilter(double filterId);

}  // namespace rxspike::VECTOR_LEVEL
