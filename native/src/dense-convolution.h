#pragma once

#include <compare>

namespace rxspike {

// Sizes of a convolution over [batch, height, width, channels] with a filter [height, width, inputs, outputs].
struct ConvolutionShape {
  int batch, inHeight, inWidth, inChannels;
  int filterHeight, filterWidth;
  int outHeight, outWidth, outChannels;
  int strideHeight, strideWidth;
  int padTop, padLeft;
  int dilationHeight, dilationWidth;

  auto operator<=>(const ConvolutionShape&) const = default;
};

// The sizes as an operation's parameters, and the shape that they are.
#define CONVOLUTION_PARAMETERS                                                                                         \
  int maps, int inHeight, int inWidth, int inChannels, int filterHeight, int filterWidth, int outHeight, int outWidth, \
      int outChannels, int strideHeight, int strideWidth, int padTop, int padLeft, int dilationHeight, int dilationWidth
#define CONVOLUTION                                                                                                  \
  ConvolutionShape {                                                                                                 \
    maps, inHeight, inWidth, inChannels, filterHeight, filterWidth, outHeight, outWidth, outChannels, strideHeight,  \
        strideWidth, padTop, padLeft, dilationHeight, dilationWidth                                                  \
  }

// `filterId` names a filter that does not change, so that its reordered copy is kept until `forgetFilter`; 0 names
// none.
void convolve(const float* input, const float* filter, float* output, const ConvolutionShape& shape, double filterId);
void convolveInputGradient(const float* outputGradient, const float* filter, float* inputGradient,
                           const ConvolutionShape& shape, double filterId);
void convolveFilterGradient(const float* input, const float* outputGradient, float* filterGradient,
                            const ConvolutionShape& shape);
void forgetFilter(double filterId);
// Whether Winograd's algorithm may be chosen from now on, as it may at first; without it sums are those of a direct
// convolution.
void allowWinograd(bool allowed);

}  // namespace rxspike
