// EVT3: words of 16 bits that change one field of the state each. Eight words at a time are told apart by their types;
// rows and times are carried forward to the words behind them, and the events are moved together. Words that need more
// (vectors, new values of TIME_HIGH, triggers) end such a step and are taken by themselves.
#include "evt.h"
#include "simd.h"

#define WORD_EVENTS 12

enum { ADDRESS_Y = 0, ADDRESS_X = 2, VECTOR_BASE = 3, VECTOR_12 = 4, VECTOR_8 = 5, TIME_LOW = 6, CONTINUED_4 = 7 };
enum { TIME_HIGH = 8, TRIGGER = 10, CONTINUED_12 = 15 };

// What a word that is no row, time or event is to a step of eight.
enum { IS_ALONE = 1, IS_HIGH = 2, IS_SKIPPED = 3 };

// For eight lanes of 16 bits and a bit for each: where each lane finds the last lane up to it whose bit is set (nowhere:
// an index that gives 0), and where the lanes whose bits are set are found, one after the other, the last one again and
// again.
static uint8_t carry_forward[256][16];
static uint8_t move_together[256][16];

void evt3_prepare(void) {
  for (int mask = 0; mask < 256; mask++) {
    int last = -1;
    int moved = 0;
    for (int lane = 0; lane < 8; lane++) {
      if (mask >> lane & 1) {
        last = lane;
        move_together[mask][2 * moved] = (uint8_t)(2 * lane);
        move_together[mask][2 * moved + 1] = (uint8_t)(2 * lane + 1);
        moved++;
      }
      carry_forward[mask][2 * lane] = last < 0 ? 0x80 : (uint8_t)(2 * last);
      carry_forward[mask][2 * lane + 1] = last < 0 ? 0x80 : (uint8_t)(2 * last + 1);
    }
    for (; moved < 8; moved++) {
      move_together[mask][2 * moved] = last < 0 ? 0x80 : (uint8_t)(2 * last);
      move_together[mask][2 * moved + 1] = last < 0 ? 0x80 : (uint8_t)(2 * last + 1);
    }
  }
}

// Fills lanes without a value of their own: `values` where `mask` has a bit, or had one in a lane before; else `first`.
static inline Vector filled(Vector values, uint32_t mask, int32_t first) {
  const Vector from = load(carry_forward[mask]);
  return v_or(shuffle(values, from), v_and(splat16(first), greater16(splat16(0), from)));
}

static inline int32_t last_lane(uint32_t mask) { return 31 - __builtin_clz(mask); }

// The events of a vector's bits, from column `x` on.
static inline void put_vector(const Columns* to, int32_t n, uint32_t bits, int32_t x, Vector y, Vector on, Vector t) {
  const Vector lanes = bytes16(0, 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0);
  store(to->x + n, add16(shuffle(lanes, load(move_together[bits])), splat16(x)));
  store(to->y + n, y);
  store_half(to->on + n, on);
  store(to->t + n, t);
  store(to->t + n + 4, t);
}

int32_t evt3_words(const uint8_t* in, int32_t bytes, const Columns* columns, State* state) {
  // In registers: stores of vectors might, to the compiler, change what pointers lead to.
  const Columns to = *columns;
  const int32_t width = state->width;
  const int32_t height = state->height;
  const Vector last_column = splat16(least(width, 32768) - 1);
  const Vector last_row = splat16(least(height, 32768) - 1);
  const Vector kind_of_type =
      bytes16(0, IS_SKIPPED, 0, IS_ALONE, IS_ALONE, IS_ALONE, 0, 0, IS_HIGH, IS_SKIPPED, IS_ALONE, IS_SKIPPED,
              IS_SKIPPED, IS_SKIPPED, IS_SKIPPED, 0);
  const Vector coordinate = splat16(2047);
  const Vector value = splat16(4095);
  const Vector one = splat16(1);
  const int32_t end = bytes / 2;
  // Before every word there must be room for the events of a vector.
  const int32_t fullest = to.capacity - WORD_EVENTS;
  int32_t high = state->high;
  int32_t base = state->base;
  int32_t now = state->now;
  int32_t row = state->row;
  // Time of the last event before these, and one that is not before the last event of all.
  const int32_t last_before = state->last;
  int32_t newest = last_before;
  const int32_t first_event = state->length;
  int32_t n = first_event;
  int32_t vector_x = state->vector_x;
  int32_t vector_on = state->vector_on;
  int32_t backward = 0;
  int32_t out_of_range = 0;
  int32_t skipped = 0;
  // Words before this one, and the one that ended a step, are taken one by one.
  int32_t alone = 0;
  int32_t i = 0;
  while (i < end && n <= fullest) {
    uint32_t word = read16(in + 2 * i);
    const int is_vector = (word >> 12) - VECTOR_BASE <= VECTOR_8 - VECTOR_BASE;
    if (!is_vector && end - i >= 8 && n <= fullest - 8 && i >= alone) {
      const Vector words = load(in + 2 * i);
      const Vector types = right16(words, 12);
      const Vector values = v_and(words, value);
      const Vector kinds = shuffle(kind_of_type, types);
      const Vector new_high = v_without(equal16(kinds, splat16(IS_HIGH)), equal16(values, splat16(high)));
      const Vector is_stop = v_or(new_high, equal16(kinds, splat16(IS_ALONE)));
      const uint32_t stops_times = bits16_of_both(is_stop, equal16(types, splat16(TIME_LOW)));
      const uint32_t events_rows = bits16_of_both(equal16(types, splat16(ADDRESS_X)), equal16(types, splat16(ADDRESS_Y)));
      const uint32_t stops = stops_times & 255;
      const int32_t taken = __builtin_ctz(stops | 256);
      const uint32_t within = (1u << taken) - 1;
      if (taken > 0) {
        uint32_t events = events_rows & within;
        const uint32_t rows = events_rows >> 8 & within;
        const uint32_t times = stops_times >> 8 & within;
        const Vector x = v_and(words, coordinate);
        const Vector y = filled(x, rows, row);
        const uint32_t outside = bits16(v_or(greater16(x, last_column), greater16(y, last_row))) & events;
        events &= ~outside;
        const int32_t count = __builtin_popcount(events);
        const Vector together = load(move_together[events]);
        Vector t0, t1;
        // No event is late where the clock is not behind the last one, and does not go back.
        int in_order = now >= newest;
        if (times == 0) {
          t0 = t1 = splat32(now);
        } else {
          // Times of a step are at most 4095 after the last TIME_HIGH, and so is the time before them.
          const Vector t = filled(values, times, now - base);
          in_order &= !any(greater16(after16(t, now - base), t));
          const Vector moved = shuffle(t, together);
          t0 = add32(widen_low(moved), splat32(base));
          t1 = add32(widen_high(moved), splat32(base));
        }
        if (__builtin_expect(in_order, 1)) {
          const Vector on = shuffle(v_and(right16(words, 11), one), together);
          store(to.t + n, t0);
          store(to.t + n + 4, t1);
          store(to.x + n, shuffle(x, together));
          store(to.y + n, shuffle(y, together));
          store_half(to.on + n, narrow16(on, on));
          n += count;
          if (rows != 0) row = (int32_t)read16(in + 2 * (i + last_lane(rows))) & 2047;
          if (times != 0) now = base + ((int32_t)read16(in + 2 * (i + last_lane(times))) & 4095);
          newest = now;
          out_of_range += __builtin_popcount(outside);
          skipped += __builtin_popcount(bits16(equal16(kinds, splat16(IS_SKIPPED))) & within);
          if (__builtin_expect(taken == 8, 1)) {
            i += 8;
            continue;
          }
          i += taken;
          word = read16(in + 2 * i);
        } else {
          alone = i + taken;
        }
      }
    }
    switch (word >> 12) {
      case ADDRESS_X: {
        const int32_t x = (int32_t)(word & 2047);
        if (x >= width || row >= height) {
          out_of_range++;
          break;
        }
        newest = n > first_event ? (int32_t)to.t[n - 1] : last_before;
        if (now < newest) backward++;
        else newest = now;
        to.t[n] = (uint32_t)newest;
        to.x[n] = (uint16_t)x;
        to.y[n] = (uint16_t)row;
        to.on[n] = word >> 11 & 1;
        n++;
        break;
      }
      case ADDRESS_Y:
        row = (int32_t)(word & 2047);
        break;
      case TIME_LOW:
        now = base + (int32_t)(word & 4095);
        break;
      case VECTOR_BASE:
        vector_x = (int32_t)(word & 2047);
        vector_on = word >> 11 & 1;
        break;
      case VECTOR_12:
      case VECTOR_8: {
        const int32_t size = word >> 12 == VECTOR_12 ? 12 : 8;
        const int32_t first = vector_x;
        const uint32_t all = word & ((1u << size) - 1);
        const int32_t inside = row < height ? width - first : 0;
        const uint32_t seen = inside >= size ? all : inside <= 0 ? 0 : all & ((1u << inside) - 1);
        const int32_t count = __builtin_popcount(seen);
        out_of_range += __builtin_popcount(all) - count;
        vector_x = least(first + size, 0xffff);
        if (count == 0) break;
        newest = n > first_event ? (int32_t)to.t[n - 1] : last_before;
        if (now < newest) backward += count;
        else newest = now;
        if (n <= fullest - 8) {
          const Vector t = splat32(newest), y = splat16(row), on = splat8(vector_on);
          put_vector(&to, n, seen & 255, first, y, on, t);
          n += __builtin_popcount(seen & 255);
          if (size == 12) {
            put_vector(&to, n, seen >> 8, first + 8, y, on, t);
            n += __builtin_popcount(seen >> 8);
          }
          break;
        }
        for (int32_t bit = 0; bit < size; bit++) {
          if (!(seen >> bit & 1)) continue;
          to.t[n] = (uint32_t)newest;
          to.x[n] = (uint16_t)(first + bit);
          to.y[n] = (uint16_t)row;
          to.on[n] = (uint8_t)vector_on;
          n++;
        }
        break;
      }
      case TIME_HIGH: {
        const int32_t new_high = (int32_t)(word & 4095);
        if (new_high == high) break;
        const int32_t after = new_high - state->anchor;
        if (after >= REACH_MICROS >> 12 || high - new_high >= 1 << 11) {
          state->stopped = 1;
          goto stopped;
        }
        high = new_high;
        now = base = after * 4096;
        break;
      }
      case TRIGGER:
        state->stopped = 1;
        goto stopped;
      case CONTINUED_4:
      case CONTINUED_12:
        break;
      default:
        skipped++;
    }
    i++;
  }
stopped:
  state->vector_x = vector_x;
  state->vector_on = vector_on;
  state->backward += backward;
  state->out_of_range += out_of_range;
  state->skipped += skipped;
  state->high = high;
  state->base = base;
  state->now = now;
  state->row = row;
  state->last = n > first_event ? (int32_t)to.t[n - 1] : last_before;
  state->length = n;
  return 2 * i;
}
