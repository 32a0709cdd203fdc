// Formats that write a record for each event. Where records are of one size and say the time themselves, eight events are
// taken at a time, as long as all lie inside the sensor.
#include "encode.h"

// Records of a time and an address: of DAT in this order; of AEDAT 2.0 in the other one, big-endian, and with columns and
// rows that count down.
static inline int32_t addressed(const Columns* events, int32_t start, uint8_t* out, State* state, const int is_aedat2) {
  const Columns from = *events;
  const int32_t width = state->width, height = state->height;
  const Sides sides = sides_of(state);
  const int32_t x_shift = state->x_shift, y_shift = state->y_shift, on_shift = state->on_shift;
  const int32_t x_top = state->x_top, y_top = state->y_top, flip = state->on_flip;
  const int32_t clock = state->clock;
  uint8_t* to = out + state->length;
  int32_t i = start;
  while (i < from.capacity) {
    if (from.capacity - i >= 8) {
      Vector x = load(from.x + i), y = load(from.y + i);
      if (__builtin_expect(!any(outside(x, y, sides)), 1)) {
        const Vector on = v_and(v_xor(widen8(load_half(from.on + i)), splat16(flip)), splat16(1));
        if (is_aedat2) {
          x = sub16(splat16(x_top), x);
          y = sub16(splat16(y_top), y);
        }
        const Vector address0 = v_or(v_or(left32(widen_low(x), x_shift), left32(widen_low(y), y_shift)),
                                     left32(widen_low(on), on_shift));
        const Vector address1 = v_or(v_or(left32(widen_high(x), x_shift), left32(widen_high(y), y_shift)),
                                     left32(widen_high(on), on_shift));
        const Vector t0 = add32(load(from.t + i), splat32(clock));
        const Vector t1 = add32(load(from.t + i + 4), splat32(clock));
        if (is_aedat2) {
          store(to, swapped32(interleave_low32(address0, t0)));
          store(to + 16, swapped32(interleave_high32(address0, t0)));
          store(to + 32, swapped32(interleave_low32(address1, t1)));
          store(to + 48, swapped32(interleave_high32(address1, t1)));
        } else {
          store(to, interleave_low32(t0, address0));
          store(to + 16, interleave_high32(t0, address0));
          store(to + 32, interleave_low32(t1, address1));
          store(to + 48, interleave_high32(t1, address1));
        }
        i += 8;
        to += 64;
        continue;
      }
    }
    const int32_t x = from.x[i], y = from.y[i];
    if (x >= width || y >= height) {
      state->stopped = 1;
      break;
    }
    const uint32_t column = (uint32_t)(is_aedat2 ? x_top - x : x) << x_shift;
    const uint32_t row = (uint32_t)(is_aedat2 ? y_top - y : y) << y_shift;
    const uint32_t address = column | row | (uint32_t)((from.on[i] ^ flip) & 1) << on_shift;
    const uint32_t time = from.t[i] + (uint32_t)clock;
    write32(to, is_aedat2 ? __builtin_bswap32(address) : time);
    write32(to + 4, is_aedat2 ? __builtin_bswap32(time) : address);
    i++;
    to += 8;
  }
  state->length = (int32_t)(to - out);
  return i;
}

int32_t encode_aedat2(const Columns* events, int32_t start, uint8_t* out, State* state) {
  return addressed(events, start, out, state, 1);
}

int32_t encode_dat(const Columns* events, int32_t start, uint8_t* out, State* state) {
  return addressed(events, start, out, state, 0);
}

// The origin's lower 32 bits are `clock`, its upper ones `high`.
int32_t encode_aedat4(const Columns* events, int32_t start, uint8_t* out, State* state) {
  const Columns from = *events;
  const int32_t width = state->width, height = state->height;
  const Sides sides = sides_of(state);
  const uint32_t clock = (uint32_t)state->clock;
  const uint32_t high = (uint32_t)state->high;
  const Vector sign = splat32(INT32_MIN);
  uint8_t* to = out + state->length;
  int32_t i = start;
  while (i < from.capacity) {
    if (from.capacity - i >= 8) {
      const Vector x = load(from.x + i), y = load(from.y + i);
      if (__builtin_expect(!any(outside(x, y, sides)), 1)) {
        const Vector on = v_and(widen8(load_half(from.on + i)), splat16(1));
        for (int32_t half = 0; half < 2; half++) {
          const Vector low = add32(load(from.t + i + 4 * half), splat32(clock));
          const Vector wrapped = greater32(splat32(clock ^ INT32_MIN), v_xor(low, sign));
          const Vector upper = sub32(splat32(high), wrapped);
          const Vector xy = half ? interleave_high16(x, y) : interleave_low16(x, y);
          const Vector polarity = half ? widen_high(on) : widen_low(on);
          const Vector time01 = interleave_low32(low, upper), time23 = interleave_high32(low, upper);
          const Vector rest01 = interleave_low32(xy, polarity), rest23 = interleave_high32(xy, polarity);
          store(to, interleave_low64(time01, rest01));
          store(to + 16, interleave_high64(time01, rest01));
          store(to + 32, interleave_low64(time23, rest23));
          store(to + 48, interleave_high64(time23, rest23));
          to += 64;
        }
        i += 8;
        continue;
      }
    }
    const int32_t x = from.x[i], y = from.y[i];
    if (x >= width || y >= height) {
      state->stopped = 1;
      break;
    }
    const uint32_t low = clock + from.t[i];
    write32(to, low);
    write32(to + 4, high + (low < clock));
    write32(to + 8, (uint32_t)x | (uint32_t)y << 16);
    write32(to + 12, from.on[i] & 1u);
    i++;
    to += 16;
  }
  state->length = (int32_t)(to - out);
  return i;
}

// Time is written as the step from the event before, whose time is `last`, and `now` more for the first; stops where it goes
// back, or too far.
int32_t encode_es(const Columns* events, int32_t start, uint8_t* out, State* state) {
  enum { OVERFLOW_MICROS = 127, MOST_OVERFLOWS = 8 };
  const Columns from = *events;
  const int32_t width = state->width, height = state->height;
  const int32_t top = state->y_top;
  uint32_t last = (uint32_t)state->last;
  uint32_t more = (uint32_t)state->now;
  uint8_t* to = out + state->length;
  int32_t i = start;
  for (; i < from.capacity; i++) {
    const int32_t x = from.x[i], y = from.y[i];
    const uint32_t t = from.t[i];
    const uint32_t step = t - last + more;
    if (x >= width || y >= height || t < last || step >= (MOST_OVERFLOWS + 1) * OVERFLOW_MICROS) {
      state->stopped = 1;
      break;
    }
    last = t;
    more = 0;
    const uint32_t overflows = step / OVERFLOW_MICROS;
    write64(to, UINT64_MAX);
    to += overflows;
    const uint32_t head = (step - overflows * OVERFLOW_MICROS) << 1 | (from.on[i] & 1u);
    write64(to, head | (uint32_t)x << 8 | (uint64_t)(top - y) << 24);
    to += 5;
  }
  state->last = (int32_t)last;
  state->now = (int32_t)more;
  state->length = (int32_t)(to - out);
  return i;
}

// `now` is the time of the event before in the file, `last` in the chunk; stops where 23 bits do not say the time.
int32_t encode_nmnist(const Columns* events, int32_t start, uint8_t* out, State* state) {
  enum { TIME_MASK = 0x7fffff };
  const Columns from = *events;
  const int32_t width = state->width, height = state->height;
  uint32_t now = (uint32_t)state->now;
  uint32_t last = (uint32_t)state->last;
  uint8_t* to = out + state->length;
  int32_t i = start;
  for (; i < from.capacity; i++) {
    const int32_t x = from.x[i], y = from.y[i];
    const uint32_t t = from.t[i];
    const uint32_t step = t - last;
    if (x >= width || y >= height || t < last || step > TIME_MASK - now) {
      state->stopped = 1;
      break;
    }
    last = t;
    now += step;
    const uint32_t rest = __builtin_bswap32((from.on[i] & 1u) << 31 | now << 8);
    write64(to, (uint32_t)(x | y << 8) | (uint64_t)rest << 16);
    to += 5;
  }
  state->now = (int32_t)now;
  state->last = (int32_t)last;
  state->length = (int32_t)(to - out);
  return i;
}
