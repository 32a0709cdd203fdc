// Vectors of 128 bits, as WebAssembly and SSE4.2 both have them. Lanes count from the lowest address.
#pragma once
#include <stdint.h>

#ifdef __wasm_simd128__
#include <wasm_simd128.h>

typedef v128_t Vector;

#define load(from) wasm_v128_load(from)
#define store(to, v) wasm_v128_store(to, v)
#define load_half(from) wasm_v128_load64_zero(from)
#define store_half(to, v) wasm_v128_store64_lane(to, v, 0)

#define splat8(n) wasm_i8x16_splat(n)
#define splat16(n) wasm_i16x8_splat(n)
#define splat32(n) wasm_i32x4_splat(n)
#define bytes16(...) wasm_i8x16_make(__VA_ARGS__)

#define v_and(a, b) wasm_v128_and(a, b)
#define v_or(a, b) wasm_v128_or(a, b)
#define v_xor(a, b) wasm_v128_xor(a, b)
#define v_without(a, b) wasm_v128_andnot(a, b)

#define add16(a, b) wasm_i16x8_add(a, b)
#define sub16(a, b) wasm_i16x8_sub(a, b)
// How far a is above b, without signs; 0 where it is not.
#define above16(a, b) wasm_u16x8_sub_sat(a, b)
#define add32(a, b) wasm_i32x4_add(a, b)
#define sub32(a, b) wasm_i32x4_sub(a, b)
#define equal16(a, b) wasm_i16x8_eq(a, b)
#define equal32(a, b) wasm_i32x4_eq(a, b)
#define greater16(a, b) wasm_i16x8_gt(a, b)
#define greater32(a, b) wasm_i32x4_gt(a, b)
#define right16(v, bits) wasm_u16x8_shr(v, bits)
#define left16(v, bits) wasm_i16x8_shl(v, bits)
#define right32(v, bits) wasm_u32x4_shr(v, bits)
#define left32(v, bits) wasm_i32x4_shl(v, bits)
#define signed_right32(v, bits) wasm_i32x4_shr(v, bits)

// Bytes of v by index; 0 where the index has its upper bit set.
#define shuffle(v, indices) wasm_i8x16_swizzle(v, indices)
// The lanes of two vectors in one of half as wide lanes; values fit.
#define narrow32(a, b) wasm_i16x8_narrow_i32x4(a, b)
#define narrow16(a, b) wasm_u8x16_narrow_i16x8(a, b)
// The lower eight lanes of 8 bits, as 16; the lower and upper four of 16 bits, as 32.
#define widen8(v) wasm_u16x8_extend_low_u8x16(v)
#define widen_low(v) wasm_u32x4_extend_low_u16x8(v)
#define widen_high(v) wasm_u32x4_extend_high_u16x8(v)
// The lower or upper halves of a and b, lane by lane.
#define interleave_low16(a, b) wasm_i16x8_shuffle(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define interleave_high16(a, b) wasm_i16x8_shuffle(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#define interleave_low32(a, b) wasm_i32x4_shuffle(a, b, 0, 4, 1, 5)
#define interleave_high32(a, b) wasm_i32x4_shuffle(a, b, 2, 6, 3, 7)
#define interleave_low64(a, b) wasm_i64x2_shuffle(a, b, 0, 2)
#define interleave_high64(a, b) wasm_i64x2_shuffle(a, b, 1, 3)
// Lanes 0 and 2, or 1 and 3, of a and of b.
#define even32(a, b) wasm_i32x4_shuffle(a, b, 0, 2, 4, 6)
#define odd32(a, b) wasm_i32x4_shuffle(a, b, 1, 3, 5, 7)
// The lanes moved up by one; the first becomes `first`.
#define after16(v, first) \
  wasm_i16x8_replace_lane(wasm_i8x16_shuffle(v, v, 0, 1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13), 0, first)
#define after32(v, first) wasm_i32x4_replace_lane(wasm_i32x4_shuffle(v, v, 0, 0, 1, 2), 0, first)
#define last32(v) wasm_i32x4_extract_lane(v, 3)

// A bit for each lane of 16 or 32 bits whose upper bit is set; of 16, of two vectors at once, whose lanes are all set or not.
#define bits16(v) ((uint32_t)wasm_i16x8_bitmask(v))
#define bits32(v) ((uint32_t)wasm_i32x4_bitmask(v))
#define any(v) wasm_v128_any_true(v)
#define bits16_of_both(a, b) ((uint32_t)wasm_i8x16_bitmask(wasm_i8x16_narrow_i16x8(a, b)))

#else
#include <nmmintrin.h>

typedef __m128i Vector;

#define load(from) _mm_loadu_si128((const __m128i*)(from))
#define store(to, v) _mm_storeu_si128((__m128i*)(to), v)
#define load_half(from) _mm_loadl_epi64((const __m128i*)(from))
#define store_half(to, v) _mm_storel_epi64((__m128i*)(to), v)

#define splat8(n) _mm_set1_epi8((char)(n))
#define splat16(n) _mm_set1_epi16((short)(n))
#define splat32(n) _mm_set1_epi32((int)(n))
#define bytes16(...) _mm_setr_epi8(__VA_ARGS__)

#define v_and(a, b) _mm_and_si128(a, b)
#define v_or(a, b) _mm_or_si128(a, b)
#define v_xor(a, b) _mm_xor_si128(a, b)
#define v_without(a, b) _mm_andnot_si128(b, a)

#define add16(a, b) _mm_add_epi16(a, b)
#define sub16(a, b) _mm_sub_epi16(a, b)
#define above16(a, b) _mm_subs_epu16(a, b)
#define add32(a, b) _mm_add_epi32(a, b)
#define sub32(a, b) _mm_sub_epi32(a, b)
#define equal16(a, b) _mm_cmpeq_epi16(a, b)
#define equal32(a, b) _mm_cmpeq_epi32(a, b)
#define greater16(a, b) _mm_cmpgt_epi16(a, b)
#define greater32(a, b) _mm_cmpgt_epi32(a, b)
#define right16(v, bits) _mm_srli_epi16(v, bits)
#define left16(v, bits) _mm_slli_epi16(v, bits)
#define right32(v, bits) _mm_srli_epi32(v, bits)
#define left32(v, bits) _mm_slli_epi32(v, bits)
#define signed_right32(v, bits) _mm_srai_epi32(v, bits)

#define shuffle(v, indices) _mm_shuffle_epi8(v, indices)
#define narrow32(a, b) _mm_packs_epi32(a, b)
#define narrow16(a, b) _mm_packus_epi16(a, b)
#define widen8(v) _mm_unpacklo_epi8(v, _mm_setzero_si128())
#define widen_low(v) _mm_unpacklo_epi16(v, _mm_setzero_si128())
#define widen_high(v) _mm_unpackhi_epi16(v, _mm_setzero_si128())
#define interleave_low16(a, b) _mm_unpacklo_epi16(a, b)
#define interleave_high16(a, b) _mm_unpackhi_epi16(a, b)
#define interleave_low32(a, b) _mm_unpacklo_epi32(a, b)
#define interleave_high32(a, b) _mm_unpackhi_epi32(a, b)
#define interleave_low64(a, b) _mm_unpacklo_epi64(a, b)
#define interleave_high64(a, b) _mm_unpackhi_epi64(a, b)
#define even32(a, b) \
  _mm_castps_si128(_mm_shuffle_ps(_mm_castsi128_ps(a), _mm_castsi128_ps(b), _MM_SHUFFLE(2, 0, 2, 0)))
#define odd32(a, b) \
  _mm_castps_si128(_mm_shuffle_ps(_mm_castsi128_ps(a), _mm_castsi128_ps(b), _MM_SHUFFLE(3, 1, 3, 1)))
#define after16(v, first) _mm_insert_epi16(_mm_slli_si128(v, 2), first, 0)
#define after32(v, first) _mm_insert_epi32(_mm_slli_si128(v, 4), first, 0)
#define last32(v) _mm_extract_epi32(v, 3)

#define bits16(v) ((uint32_t)_mm_movemask_epi8(_mm_packs_epi16(v, _mm_setzero_si128())))
#define bits32(v) ((uint32_t)_mm_movemask_ps(_mm_castsi128_ps(v)))
#define any(v) (!_mm_testz_si128(v, v))
#define bits16_of_both(a, b) ((uint32_t)_mm_movemask_epi8(_mm_packs_epi16(a, b)))

#endif

// Each lane of 32 bits in the other order of bytes.
static inline Vector swapped32(Vector v) {
  return shuffle(v, bytes16(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12));
}

static inline uint32_t read32(const uint8_t* from) {
  uint32_t value;
  __builtin_memcpy(&value, from, sizeof value);
  return value;
}

static inline uint32_t read16(const uint8_t* from) {
  uint16_t value;
  __builtin_memcpy(&value, from, sizeof value);
  return value;
}

static inline uint64_t read64(const uint8_t* from) {
  uint64_t value;
  __builtin_memcpy(&value, from, sizeof value);
  return value;
}

static inline void write16(uint8_t* to, uint32_t value) {
  const uint16_t stored = (uint16_t)value;
  __builtin_memcpy(to, &stored, sizeof stored);
}

static inline void write32(uint8_t* to, uint32_t value) { __builtin_memcpy(to, &value, sizeof value); }

static inline void write64(uint8_t* to, uint64_t value) { __builtin_memcpy(to, &value, sizeof value); }

static inline int32_t least(int32_t a, int32_t b) { return a < b ? a : b; }
