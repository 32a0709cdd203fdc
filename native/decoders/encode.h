// What the encoding loops share.
#pragma once
#include "decoders.h"
#include "simd.h"

// The last column and row of the sensor in each lane of 16 bits.
typedef struct {
  Vector column, row;
} Sides;

static inline Sides sides_of(const State* state) {
  const Sides sides = {splat16(state->width - 1), splat16(state->height - 1)};
  return sides;
}

// Lanes whose upper bit is set are of events before the one before them, or 2^31 us and more behind it; `last` is the time
// before the first.
static inline Vector astray(Vector t, uint32_t last) {
  const Vector before = after32(t, (int32_t)last);
  const Vector sign = splat32(INT32_MIN);
  return v_or(greater32(v_xor(before, sign), v_xor(t, sign)), sub32(t, before));
}

static inline int is_astray(uint32_t t, uint32_t last) { return t < last || t - last > INT32_MAX; }

// Lanes of 16 bits that lie outside the sensor are not 0.
static inline Vector outside(Vector x, Vector y, Sides sides) {
  return v_or(above16(x, sides.column), above16(y, sides.row));
}
