// Formats whose events are of few bytes, or share a word: Event Stream and EVT2.1. One event follows from the other, so
// that they are taken one by one.
#include "evt.h"
#include "simd.h"

// A DVS: a byte of time and polarity, then column and row; or a byte alone, which adds to the time where it is 0xff.
int32_t es_events(const uint8_t* in, int32_t bytes, const Columns* columns, State* state) {
  enum { EVENT_BYTES = 5, ALONE = 0xfe, OVERFLOWS = 0xff, OVERFLOW_MICROS = 127 };
  const Columns to = *columns;
  const int32_t width = state->width;
  const int32_t height = state->height;
  const int32_t top = state->y_top;
  int32_t now = state->now;
  int32_t n = state->length;
  int32_t out_of_range = 0;
  int32_t i = 0;
  while (i < bytes && n < to.capacity) {
    if (now >= REACH_MICROS) {
      state->stopped = 1;
      break;
    }
    const int32_t head = in[i];
    if (head >= ALONE) {
      if (head == OVERFLOWS) now += OVERFLOW_MICROS;
      i++;
      continue;
    }
    if (bytes - i < EVENT_BYTES) {
      if (i == 0) state->stopped = 1;
      break;
    }
    now += head >> 1;
    const int32_t x = (int32_t)read16(in + i + 1);
    const int32_t y = top - (int32_t)read16(in + i + 3);
    i += EVENT_BYTES;
    if (x >= width || y >= height || y < 0) {
      out_of_range++;
      continue;
    }
    to.t[n] = (uint32_t)now;
    to.x[n] = (uint16_t)x;
    to.y[n] = (uint16_t)y;
    to.on[n] = head & 1;
    n++;
  }
  state->now = now;
  state->last = now;
  state->length = n;
  state->out_of_range += out_of_range;
  return i;
}

// Words of two halves: one like a word of EVT2, at `word_at`, the other a mask of 32 pixels from its column on.
int32_t evt21_words(const uint8_t* in, int32_t bytes, const Columns* columns, State* state) {
  enum { WORD_BYTES = 8, WORD_EVENTS = 32 };
  const Columns to = *columns;
  const int32_t width = state->width;
  const int32_t height = state->height;
  const int32_t word_at = state->word_at;
  int32_t base = state->base;
  int32_t last = state->last;
  int32_t n = state->length;
  int32_t i = 0;
  for (; bytes - i >= WORD_BYTES && n + WORD_EVENTS <= to.capacity; i += WORD_BYTES) {
    const uint32_t word = read32(in + i + word_at);
    const uint32_t type = word >> 28;
    if (type > 1) {
      if (!takes_time(state, word)) break;
      base = state->base;
      continue;
    }
    const int32_t y = (int32_t)(word & 2047);
    const int32_t first = (int32_t)(word >> 11 & 2047);
    const int32_t now = base + (int32_t)(word >> 22 & 63);
    const int32_t late = now < last;
    const int32_t time = late ? last : now;
    for (uint32_t bits = read32(in + i + 4 - word_at); bits != 0; bits &= bits - 1) {
      const int32_t x = first + __builtin_ctz(bits);
      if (x >= width || y >= height) {
        state->out_of_range++;
        continue;
      }
      state->backward += late;
      to.t[n] = (uint32_t)time;
      to.x[n] = (uint16_t)x;
      to.y[n] = (uint16_t)y;
      to.on[n] = (uint8_t)type;
      n++;
      last = time;
    }
  }
  state->last = last;
  state->length = n;
  return i;
}
