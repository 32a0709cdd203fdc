// The time of EVT2, EVT2.1 and EVT3.
#pragma once
#include "decoders.h"

// Microseconds after the origin that times may reach, as TIME_HIGH words tell them (KERNEL_REACH_MICROS).
#define REACH_MICROS (1 << 30)

// Takes a word of EVT2 or EVT2.1 that is no event: a TIME_HIGH word, of 28 bits, gives the time that the words behind it count from. False,
// and the loop stops, at every other type, and where time leaps or wraps.
static inline int takes_time(State* state, uint32_t word) {
  enum { TIME_HIGH = 8, LOW_BITS = 6, HIGH_BITS = 28 };
  const int32_t value = (int32_t)(word & 0xfffffff);
  const int32_t after = value - state->anchor;
  const int32_t reach = REACH_MICROS >> LOW_BITS;
  if (word >> HIGH_BITS != TIME_HIGH || after >= reach || after < -reach ||
      state->high - value >= 1 << (HIGH_BITS - 1)) {
    state->stopped = 1;
    return 0;
  }
  state->high = value;
  state->base = after * (1 << LOW_BITS);
  return 1;
}
