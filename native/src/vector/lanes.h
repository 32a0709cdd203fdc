// Sixteen floats at a time; the compiler makes of them what the instruction set has.
#pragma once

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

namespace rxspike {
namespace {  // compiled once for each instruction set: must not be merged by the linker

typedef float Lanes __attribute__((vector_size(64)));
constexpr int kLanes = 16;

inline Lanes loadLanes(const float* from) {
  Lanes lanes;
  std::memcpy(&lanes, from, sizeof(lanes));
  return lanes;
}

inline void storeLanes(const Lanes& lanes, float* to) { std::memcpy(to, &lanes, sizeof(lanes)); }

// Vectors of zeros.
class LaneArray {
 public:
  LaneArray() = default;
  explicit LaneArray(std::size_t count) { clear(count); }

  // `count` zeros, whatever was there before.
  void clear(std::size_t count) {
    if (count > size_) {
      lanes_.reset(static_cast<Lanes*>(std::aligned_alloc(alignof(Lanes), count * sizeof(Lanes))));
      if (lanes_ == nullptr) throw std::bad_alloc();
      size_ = count;
    }
    std::memset(static_cast<void*>(lanes_.get()), 0, count * sizeof(Lanes));
  }
  Lanes* data() { return lanes_.get(); }
  const Lanes* data() const { return lanes_.get(); }

 private:
  struct Free {
    void operator()(Lanes* lanes) const { std::free(lanes); }
  };
  std::unique_ptr<Lanes, Free> lanes_;
  std::size_t size_ = 0;
};

// Bits of the lanes that are not zero, and of those that are neither 0 nor 1.
struct LaneBits {
  unsigned active, others;
};

inline LaneBits activeLanes(const float* in) {
#if defined(__AVX512F__)
  const __m512 lanes = _mm512_loadu_ps(in);
  const __mmask16 active = _mm512_cmp_ps_mask(lanes, _mm512_setzero_ps(), _CMP_NEQ_UQ);
  LaneBits bits{active, _mm512_mask_cmp_ps_mask(active, lanes, _mm512_set1_ps(1), _CMP_NEQ_UQ)};
  // In registers: of a mask in memory GCC 12 writes 16 bits and reads 32.
  asm("" : "+r"(bits.active), "+r"(bits.others));
  return bits;
#else
  LaneBits bits{0, 0};
#if defined(__AVX2__)
  for (int half = 0; half < 2; half++) {
    const __m256 lanes = _mm256_loadu_ps(in + 8 * half);
    const auto differ = [&](float from) {
      return static_cast<unsigned>(_mm256_movemask_ps(_mm256_cmp_ps(lanes, _mm256_set1_ps(from), _CMP_NEQ_UQ)));
    };
    bits.active |= differ(0) << (8 * half);
    bits.others |= (differ(0) & differ(1)) << (8 * half);
  }
#else
  for (int i = 0; i < kLanes; i++) {
    bits.active |= (in[i] != 0 ? 1u : 0u) << i;
    bits.others |= (in[i] != 0 && in[i] != 1 ? 1u : 0u) << i;
  }
#endif
  return bits;
#endif
}

// How many values are not zero.
inline std::int64_t countActive(const float* in, std::int64_t count) {
  std::int64_t sum = 0, i = 0;
  for (; i + kLanes <= count; i += kLanes) sum += __builtin_popcount(activeLanes(in + i).active);
  for (; i < count; i++) sum += in[i] != 0 ? 1 : 0;
  return sum;
}

}  // namespace
}  // namespace rxspike
