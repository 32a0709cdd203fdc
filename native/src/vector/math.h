// Functions that the compiler can turn into vectors.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

namespace rxspike {
namespace {  // compiled once for each instruction set: must not be merged by the linker

// e^x within 2 units in the last place: x = n ln 2 + r, a polynomial in r, and n added to the exponent (Cephes'
// coefficients for the interval). Overflows to infinity above 88.7, is 0 below -87.3, and keeps NaN.
inline float exponential(float x) {
  const float bounded = x > 88.8f ? 88.8f : (x < -87.4f ? -87.4f : x);
  const float shifted = bounded * 1.44269504f + 12582912.f;  // 1.5 * 2^23 rounds to a whole number
  const float n = shifted - 12582912.f;
  const float r = (bounded - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  const float value = p * r * r + r + 1.f;
  // Half of n twice keeps the exponent in range up to the overflow.
  const auto whole = static_cast<std::int32_t>(n == n ? n : 0.f);
  const std::int32_t half = whole / 2;
  const float scaleA = std::bit_cast<float>((half + 127) << 23);
  const float scaleB = std::bit_cast<float>((whole - half + 127) << 23);
  const float result = value * scaleA * scaleB;
  return x != x ? x : (x < -87.4f ? 0.f : result);
}

// ln x of a positive normal number within 2 units in the last place: x = m 2^n with m from sqrt(1/2) to sqrt(2), and a
// polynomial in m - 1 (Cephes' coefficients).
inline float logarithm(float x) {
  const auto bits = std::bit_cast<std::int32_t>(x);
  const float half = std::bit_cast<float>((bits & 0x007fffff) | 0x3f000000);
  const bool small = half < 0.707106781f;
  const float n = static_cast<float>((bits >> 23) - 126 - (small ? 1 : 0));
  const float r = (small ? half + half : half) - 1.f;
  const float square = r * r;
  float p = 7.0376836292e-2f;
  p = p * r - 1.1514610310e-1f;
  p = p * r + 1.1676998740e-1f;
  p = p * r - 1.2420140846e-1f;
  p = p * r + 1.4249322787e-1f;
  p = p * r - 1.6668057665e-1f;
  p = p * r + 2.0000714765e-1f;
  p = p * r - 2.4999993993e-1f;
  p = p * r + 3.3333331174e-1f;
  const float low = r * square * p - 0.5f * square - n * 2.12194440e-4f;
  return r + low + n * 0.693359375f;
}

inline float sigmoid(float x) { return 1.f / (1.f + exponential(-x)); }

}  // namespace
}  // namespace rxspike
