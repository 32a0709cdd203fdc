// Formats whose records hold one event each: eight records at a time, as long as all are plain events; the first one
// that is not (late, outside, of another kind) is taken by itself.
#include "evt.h"
#include "simd.h"

// What vectors hold of the size of the sensor: the last column and row in each lane of 16 bits.
typedef struct {
  Vector column, row;
} Limits;

static inline Limits limits_of(const State* state) {
  const Limits limits = {splat16(least(state->width, 32768) - 1), splat16(least(state->height, 32768) - 1)};
  return limits;
}

// Lanes of 16 bits that are outside: columns and rows below 0 are, too.
static inline Vector outside(Vector x, Vector y, Limits limits) {
  const Vector beyond = v_or(greater16(x, limits.column), greater16(y, limits.row));
  return v_or(beyond, greater16(splat16(0), v_or(x, y)));
}

// Lanes of 16 bits whose time is before that of the lane before.
static inline Vector late(Vector t0, Vector t1, int32_t last) {
  return narrow32(greater32(after32(t0, last), t0), greater32(after32(t1, last32(t0)), t1));
}

static inline void put8(Columns to, int32_t n, Vector t0, Vector t1, Vector x, Vector y, Vector on) {
  store(to.t + n, t0);
  store(to.t + n + 4, t1);
  store(to.x + n, x);
  store(to.y + n, y);
  store_half(to.on + n, narrow16(on, on));
}

static inline void put(Columns to, int32_t n, int32_t t, uint32_t x, uint32_t y, uint32_t on) {
  to.t[n] = (uint32_t)t;
  to.x[n] = (uint16_t)x;
  to.y[n] = (uint16_t)y;
  to.on[n] = (uint8_t)on;
}

// The loops keep what they need of the state and the columns in local variables: stores of vectors might, to the
// compiler, change what pointers lead to.

// Ends a step of eight records. The position must not depend on the data where all are good: the next step would wait
// for it. Otherwise it takes the good ones, and the step goes on with the record behind them.
#define TAKE_GOOD(stops, newest)            \
  if (__builtin_expect((stops) == 0, 1)) {  \
    last = (newest);                        \
    i += 8;                                 \
    n += 8;                                 \
    continue;                               \
  }                                         \
  const int32_t good = __builtin_ctz(stops); \
  if (good > 0) {                           \
    i += good;                              \
    n += good;                              \
    last = (int32_t)to.t[n - 1];      \
  }

int32_t evt2_words(const uint8_t* in, int32_t bytes, const Columns* columns, State* state) {
  const Columns to = *columns;
  const Limits limits = limits_of(state);
  int32_t n = state->length;
  int32_t last = state->last;
  int32_t base = state->base;
  const int32_t end = least(bytes / 4, to.capacity - n);
  const Vector coordinate = splat32(2047);
  int32_t i = 0;
  while (i < end) {
    if (end - i >= 8) {
      const Vector a = load(in + 4 * i);
      const Vector b = load(in + 4 * i + 16);
      const Vector type = narrow32(right32(a, 28), right32(b, 28));
      const Vector x = narrow32(v_and(right32(a, 11), coordinate), v_and(right32(b, 11), coordinate));
      const Vector y = narrow32(v_and(a, coordinate), v_and(b, coordinate));
      const Vector t0 = add32(v_and(right32(a, 22), splat32(63)), splat32(base));
      const Vector t1 = add32(v_and(right32(b, 22), splat32(63)), splat32(base));
      const Vector other = greater16(type, splat16(1));
      const uint32_t stops = bits16(v_or(v_or(other, outside(x, y, limits)), late(t0, t1, last)));
      put8(to, n, t0, t1, x, y, type);
      TAKE_GOOD(stops, last32(t1))
    }
    const uint32_t word = read32(in + 4 * i);
    const uint32_t type = word >> 28;
    if (type > 1) {
      if (!takes_time(state, word)) break;
      base = state->base;
      i++;
      continue;
    }
    i++;
    const int32_t x = (int32_t)(word >> 11 & 2047);
    const int32_t y = (int32_t)(word & 2047);
    if (x >= state->width || y >= state->height) {
      state->out_of_range++;
      continue;
    }
    const int32_t now = base + (int32_t)(word >> 22 & 63);
    if (now < last) state->backward++;
    else last = now;
    put(to, n++, last, x, y, type);
  }
  state->last = last;
  state->length = n;
  return 4 * i;
}

int32_t dat_records(const uint8_t* in, int32_t bytes, const Columns* columns, State* state) {
  const Columns to = *columns;
  const Limits limits = limits_of(state);
  int32_t n = state->length;
  int32_t last = state->last;
  const int32_t end = least(bytes / 8, to.capacity - n);
  const Vector clock = splat32(state->clock);
  const Vector x_mask = splat32(state->x_mask);
  const Vector y_mask = splat32(state->y_mask);
  const Vector one = splat32(1);
  const int32_t y_shift = state->y_shift;
  const int32_t on_shift = state->on_shift;
  int32_t i = 0;
  while (i < end) {
    if (end - i >= 8) {
      const uint8_t* from = in + 8 * i;
      const Vector a = load(from), b = load(from + 16), c = load(from + 32), d = load(from + 48);
      const Vector t0 = sub32(even32(a, b), clock);
      const Vector t1 = sub32(even32(c, d), clock);
      const Vector address0 = odd32(a, b);
      const Vector address1 = odd32(c, d);
      const Vector x = narrow32(v_and(address0, x_mask), v_and(address1, x_mask));
      const Vector y = narrow32(v_and(right32(address0, y_shift), y_mask),
                                v_and(right32(address1, y_shift), y_mask));
      const Vector on = narrow32(v_and(right32(address0, on_shift), one),
                                 v_and(right32(address1, on_shift), one));
      const uint32_t stops = bits16(v_or(outside(x, y, limits), late(t0, t1, last)));
      put8(to, n, t0, t1, x, y, on);
      TAKE_GOOD(stops, last32(t1))
    }
    const uint32_t address = read32(in + 8 * i + 4);
    const int32_t x = (int32_t)address & state->x_mask;
    const int32_t y = (int32_t)(address >> y_shift) & state->y_mask;
    if (x >= state->width || y >= state->height) {
      state->out_of_range++;
      i++;
      continue;
    }
    const int32_t now = (int32_t)(read32(in + 8 * i) - (uint32_t)state->clock);
    if (now < last) {
      if ((int32_t)((uint32_t)now - (uint32_t)last) >= 0) {
        state->stopped = 1;
        break;
      }
      state->backward++;
    } else {
      last = now;
    }
    put(to, n++, last, x, y, address >> on_shift & 1);
    i++;
  }
  state->last = last;
  state->length = n;
  return 8 * i;
}

int32_t aedat2_records(const uint8_t* in, int32_t bytes, const Columns* columns, State* state) {
  const Columns to = *columns;
  const Limits limits = limits_of(state);
  int32_t n = state->length;
  int32_t last = state->last;
  const int32_t end = least(bytes / 8, to.capacity - n);
  const Vector clock = splat32(state->clock);
  const Vector x_mask = splat32(state->x_mask);
  const Vector y_mask = splat32(state->y_mask);
  const Vector x_top = splat16(state->x_top);
  const Vector y_top = splat16(state->y_top);
  const Vector other_mask = splat32(state->other_mask);
  const Vector zero = splat32(0);
  const Vector one = splat32(1);
  const int32_t x_shift = state->x_shift;
  const int32_t y_shift = state->y_shift;
  const int32_t on_shift = state->on_shift;
  const Vector flip = splat16(state->on_flip);
  int32_t i = 0;
  while (i < end) {
    if (end - i >= 8) {
      const uint8_t* from = in + 8 * i;
      const Vector a = load(from), b = load(from + 16), c = load(from + 32), d = load(from + 48);
      const Vector address0 = swapped32(even32(a, b));
      const Vector address1 = swapped32(even32(c, d));
      const Vector t0 = sub32(swapped32(odd32(a, b)), clock);
      const Vector t1 = sub32(swapped32(odd32(c, d)), clock);
      const Vector x = sub16(x_top, narrow32(v_and(right32(address0, x_shift), x_mask),
                                             v_and(right32(address1, x_shift), x_mask)));
      const Vector y = sub16(y_top, narrow32(v_and(right32(address0, y_shift), y_mask),
                                             v_and(right32(address1, y_shift), y_mask)));
      const Vector on = v_xor(narrow32(v_and(right32(address0, on_shift), one),
                                       v_and(right32(address1, on_shift), one)),
                              flip);
      const Vector event0 = equal32(v_and(address0, other_mask), zero);
      const Vector event1 = equal32(v_and(address1, other_mask), zero);
      const Vector other = v_xor(narrow32(event0, event1), splat16(-1));
      const uint32_t stops = bits16(v_or(v_or(other, outside(x, y, limits)), late(t0, t1, last)));
      put8(to, n, t0, t1, x, y, on);
      TAKE_GOOD(stops, last32(t1))
    }
    const uint32_t address = __builtin_bswap32(read32(in + 8 * i));
    if (address & (uint32_t)state->other_mask) {
      state->skipped++;
      i++;
      continue;
    }
    const int32_t x = state->x_top - ((int32_t)(address >> x_shift) & state->x_mask);
    const int32_t y = state->y_top - ((int32_t)(address >> y_shift) & state->y_mask);
    if (x >= state->width || y >= state->height || x < 0 || y < 0) {
      state->out_of_range++;
      i++;
      continue;
    }
    const int32_t now = (int32_t)(__builtin_bswap32(read32(in + 8 * i + 4)) - (uint32_t)state->clock);
    if (now < last) {
      if ((int32_t)((uint32_t)now - (uint32_t)last) >= 0) {
        state->stopped = 1;
        break;
      }
      state->backward++;
    } else {
      last = now;
    }
    put(to, n++, last, x, y, (address >> on_shift & 1) ^ (uint32_t)state->on_flip);
    i++;
  }
  state->last = last;
  state->length = n;
  return 8 * i;
}

int32_t nmnist_records(const uint8_t* in, int32_t bytes, const Columns* columns, State* state) {
  const Columns to = *columns;
  const Limits limits = limits_of(state);
  int32_t n = state->length;
  int32_t last = state->last;
  int32_t overflow = state->clock;
  const int32_t end = least(bytes / 5, to.capacity - n);
  const Vector time_mask = splat32(0x7fffff);
  int32_t i = 0;
  while (i < end) {
    // Eight records are 40 bytes, of which three loads see 46.
    if (end - i >= 10) {
      const uint8_t* from = in + 5 * i;
      const Vector a = load(from), b = load(from + 15), c = load(from + 30);
      const Vector x =
          v_or(v_or(shuffle(a, bytes16(0, -1, 5, -1, 10, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1)),
                    shuffle(b, bytes16(-1, -1, -1, -1, -1, -1, 0, -1, 5, -1, 10, -1, -1, -1, -1, -1))),
               shuffle(c, bytes16(-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 0, -1, 5, -1)));
      const Vector y =
          v_or(v_or(shuffle(a, bytes16(1, -1, 6, -1, 11, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1)),
                    shuffle(b, bytes16(-1, -1, -1, -1, -1, -1, 1, -1, 6, -1, 11, -1, -1, -1, -1, -1))),
               shuffle(c, bytes16(-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 1, -1, 6, -1)));
      // Polarity and time, 24 bits each.
      const Vector rest0 = v_or(shuffle(a, bytes16(4, 3, 2, -1, 9, 8, 7, -1, 14, 13, 12, -1, -1, -1, -1, -1)),
                                shuffle(b, bytes16(-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 4, 3, 2, -1)));
      const Vector rest1 = v_or(shuffle(b, bytes16(9, 8, 7, -1, 14, 13, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1)),
                                shuffle(c, bytes16(-1, -1, -1, -1, -1, -1, -1, -1, 4, 3, 2, -1, 9, 8, 7, -1)));
      const Vector t0 = add32(v_and(rest0, time_mask), splat32(overflow));
      const Vector t1 = add32(v_and(rest1, time_mask), splat32(overflow));
      const Vector on = narrow32(right32(rest0, 23), right32(rest1, 23));
      const Vector other = equal16(y, splat16(240));
      const uint32_t stops = bits16(v_or(v_or(other, outside(x, y, limits)), late(t0, t1, last)));
      put8(to, n, t0, t1, x, y, on);
      TAKE_GOOD(stops, last32(t1))
    }
    const uint8_t* from = in + 5 * i;
    if (from[1] == 240) {
      if (overflow >= REACH_MICROS) {
        state->stopped = 1;
        break;
      }
      state->skipped++;
      overflow += 8192;
      i++;
      continue;
    }
    i++;
    if (from[0] >= state->width || from[1] >= state->height) {
      state->out_of_range++;
      continue;
    }
    const int32_t now = overflow + ((from[2] & 127) << 16 | from[3] << 8 | from[4]);
    if (now < last) state->backward++;
    else last = now;
    put(to, n++, last, from[0], from[1], from[2] >> 7);
  }
  state->clock = overflow;
  state->last = last;
  state->length = n;
  return 5 * i;
}

// Times have 64 bits; `clock` is the upper half that the chunk has, and the lower ones are compared without a sign.
int32_t aedat4_records(const uint8_t* in, int32_t bytes, const Columns* columns, State* state) {
  const Columns to = *columns;
  const Limits limits = limits_of(state);
  int32_t n = state->length;
  int32_t last = state->last;
  const int32_t end = least(bytes / 16, to.capacity - n);
  const Vector sign = splat32(INT32_MIN);
  const Vector clock = splat32(state->clock);
  const Vector one = splat32(1);
  int32_t i = 0;
  while (i < end) {
    if (end - i >= 8) {
      const uint8_t* from = in + 16 * i;
      const Vector a = load(from), b = load(from + 16), c = load(from + 32), d = load(from + 48);
      const Vector e = load(from + 64), f = load(from + 80), g = load(from + 96), h = load(from + 112);
      const Vector ab = even32(a, b), cd = even32(c, d), ef = even32(e, f), gh = even32(g, h);
      const Vector t0 = even32(ab, cd), t1 = even32(ef, gh);
      const Vector xy0 = odd32(ab, cd), xy1 = odd32(ef, gh);
      const Vector upper_ab = odd32(a, b), upper_cd = odd32(c, d), upper_ef = odd32(e, f), upper_gh = odd32(g, h);
      const Vector high0 = even32(upper_ab, upper_cd), high1 = even32(upper_ef, upper_gh);
      const Vector on0 = odd32(upper_ab, upper_cd), on1 = odd32(upper_ef, upper_gh);
      const Vector x = narrow32(signed_right32(left32(xy0, 16), 16), signed_right32(left32(xy1, 16), 16));
      const Vector y = narrow32(signed_right32(xy0, 16), signed_right32(xy1, 16));
      const Vector on = narrow32(v_and(on0, one), v_and(on1, one));
      const Vector same_high = narrow32(equal32(high0, clock), equal32(high1, clock));
      const Vector other = v_xor(same_high, splat16(-1));
      const Vector backward = late(v_xor(t0, sign), v_xor(t1, sign), last ^ INT32_MIN);
      const uint32_t stops = bits16(v_or(v_or(other, outside(x, y, limits)), backward));
      put8(to, n, t0, t1, x, y, on);
      TAKE_GOOD(stops, last32(t1))
    }
    const uint8_t* from = in + 16 * i;
    const int32_t x = (int32_t)read16(from + 8);
    const int32_t y = (int32_t)read16(from + 10);
    if (x >= state->width || y >= state->height) {
      state->out_of_range++;
      i++;
      continue;
    }
    const uint32_t now = read32(from);
    const int32_t high = (int32_t)read32(from + 4);
    if (high != state->clock || now < (uint32_t)last) {
      if (high > state->clock) {
        state->stopped = 1;
        break;
      }
      state->backward++;
    } else {
      last = (int32_t)now;
    }
    put(to, n++, last, x, y, from[12] & 1);
    i++;
  }
  state->last = last;
  state->length = n;
  return 16 * i;
}
