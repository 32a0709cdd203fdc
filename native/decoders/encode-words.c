// EVT2 and EVT3: words of time wherever it is new. Eight events are taken at a time: all words that they may need are laid
// out, and those that say nothing new are left out as the words are moved together.
#include "encode.h"

// `high` is the value of the last TIME_HIGH word, `base` the time in the chunk that it stands for, modulo 2^32; `last` the
// time of the event before. Stops where the time goes back, or leaps or wraps.
int32_t encode_evt2(const Columns* events, int32_t start, uint8_t* out, State* state) {
  enum { TIME_HIGH = 8, LOW_BITS = 6, LOW_MASK = 63, HIGH_BITS = 28 };
  // Of a TIME_HIGH word and an event twice, without the TIME_HIGH words whose bit is not set.
  const Vector kept[4] = {
      bytes16(4, 5, 6, 7, 12, 13, 14, 15, -1, -1, -1, -1, -1, -1, -1, -1),
      bytes16(0, 1, 2, 3, 4, 5, 6, 7, 12, 13, 14, 15, -1, -1, -1, -1),
      bytes16(4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, -1, -1, -1, -1),
      bytes16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
  };
  const Columns from = *events;
  const int32_t width = state->width, height = state->height;
  const Sides sides = sides_of(state);
  const int32_t high = state->high;
  const uint32_t base = (uint32_t)state->base;
  int32_t written = high;
  uint32_t last = (uint32_t)state->last;
  uint8_t* to = out + state->length;
  int32_t i = start;
  while (i < from.capacity) {
    if (from.capacity - i >= 8) {
      const Vector t0 = load(from.t + i), t1 = load(from.t + i + 4);
      const Vector x = load(from.x + i), y = load(from.y + i);
      const Vector low0 = sub32(t0, splat32(base)), low1 = sub32(t1, splat32(base));
      const Vector high0 = add32(signed_right32(low0, LOW_BITS), splat32(high));
      const Vector high1 = add32(signed_right32(low1, LOW_BITS), splat32(high));
      const Vector steps = v_or(astray(t0, last), astray(t1, (uint32_t)last32(t0)));
      const Vector wraps = right32(v_or(high0, high1), HIGH_BITS);
      const Vector stops = v_or(wraps, right32(v_or(v_or(low0, low1), steps), 31));
      if (__builtin_expect(!any(v_or(stops, outside(x, y, sides))), 1)) {
        const Vector on = v_and(widen8(load_half(from.on + i)), splat16(1));
        const Vector place0 = v_or(left32(widen_low(x), 11), widen_low(y));
        const Vector place1 = v_or(left32(widen_high(x), 11), widen_high(y));
        const Vector event0 = v_or(v_or(left32(widen_low(on), HIGH_BITS), place0),
                                   left32(v_and(low0, splat32(LOW_MASK)), 22));
        const Vector event1 = v_or(v_or(left32(widen_high(on), HIGH_BITS), place1),
                                   left32(v_and(low1, splat32(LOW_MASK)), 22));
        const uint32_t same = bits32(equal32(high0, after32(high0, written))) |
                              bits32(equal32(high1, after32(high1, last32(high0)))) << 4;
        const uint32_t fresh = same ^ 255;
        const Vector type = splat32((uint32_t)TIME_HIGH << HIGH_BITS);
        const Vector word0 = v_or(high0, type), word1 = v_or(high1, type);
        store(to, shuffle(interleave_low32(word0, event0), kept[fresh & 3]));
        store(to + 8 + 4 * __builtin_popcount(fresh & 3), shuffle(interleave_high32(word0, event0), kept[fresh >> 2 & 3]));
        store(to + 16 + 4 * __builtin_popcount(fresh & 15), shuffle(interleave_low32(word1, event1), kept[fresh >> 4 & 3]));
        store(to + 24 + 4 * __builtin_popcount(fresh & 63), shuffle(interleave_high32(word1, event1), kept[fresh >> 6]));
        to += 32 + 4 * __builtin_popcount(fresh);
        written = last32(high1);
        last = (uint32_t)last32(t1);
        i += 8;
        continue;
      }
    }
    const int32_t x = from.x[i], y = from.y[i];
    const uint32_t t = from.t[i];
    const int32_t low = (int32_t)(t - base);
    const int32_t value = high + (low >> LOW_BITS);
    if (x >= width || y >= height || is_astray(t, last) || low < 0 || value >> HIGH_BITS != 0) {
      state->stopped = 1;
      break;
    }
    last = t;
    if (value != written) {
      write32(to, (uint32_t)TIME_HIGH << HIGH_BITS | (uint32_t)value);
      to += 4;
      written = value;
    }
    const uint32_t on = from.on[i] & 1u;
    write32(to, on << HIGH_BITS | (uint32_t)(low & LOW_MASK) << 22 | (uint32_t)(x << 11 | y));
    to += 4;
    i++;
  }
  state->high = written;
  state->base = (int32_t)(base + ((uint32_t)(written - high) << LOW_BITS));
  state->last = (int32_t)last;
  state->length = (int32_t)(to - out);
  return i;
}

enum { ADDRESS_Y = 0, ADDRESS_X = 2, VECTOR_BASE = 3, VECTOR_12 = 4, VECTOR_8 = 5, TIME_LOW = 6, TIME_HIGH = 8 };
// Columns of a vector, and the fewest events that are written as one.
enum { VECTOR_COLUMNS = 32, VECTOR_EVENTS = 5 };

static inline uint8_t* put_word(uint8_t* to, uint32_t type, uint32_t value) {
  write16(to, type << 12 | value);
  return to + 2;
}

// Of a time, a row, a column and nothing, twice, the words that are kept: every column; time and row where the bits of the
// two events are set, those of the times first.
static uint8_t kept_words[16][16];

void encode_prepare(void) {
  for (int fresh = 0; fresh < 16; fresh++) {
    int length = 0;
    for (int event = 0; event < 2; event++) {
      for (int word = 0; word < 3; word++) {
        if (word < 2 && !(fresh >> (2 * word + event) & 1)) continue;
        kept_words[fresh][length++] = (uint8_t)(8 * event + 2 * word);
        kept_words[fresh][length++] = (uint8_t)(8 * event + 2 * word + 1);
      }
    }
    while (length < 16) kept_words[fresh][length++] = 0x80;
  }
}

// A bit for each of eight events behind which comes one that may follow it in a vector: of its time, row and polarity, and
// to its right.
static inline uint32_t followed(const Columns* from, int32_t i) {
  const Vector same_time = narrow32(equal32(load(from->t + i), load(from->t + i + 1)),
                                    equal32(load(from->t + i + 4), load(from->t + i + 5)));
  const Vector same_row = equal16(load(from->y + i), load(from->y + i + 1));
  const Vector polarities = v_xor(widen8(load_half(from->on + i)), widen8(load_half(from->on + i + 1)));
  const Vector same_polarity = equal16(left16(polarities, 15), splat16(0));
  const Vector rising = greater16(load(from->x + i + 1), load(from->x + i));
  return bits16(v_and(v_and(same_time, same_row), v_and(same_polarity, rising)));
}

// As EVT2; `now` is the lower part of the last time that was written, -1 where the next is to be written whatever it is.
int32_t encode_evt3(const Columns* events, int32_t start, uint8_t* out, State* state) {
  enum { LOW_BITS = 12, LOW_MASK = 4095, HIGHEST = 4095 };
  const Columns from = *events;
  const int32_t width = state->width, height = state->height;
  const Sides sides = sides_of(state);
  int32_t high = state->high;
  uint32_t base = (uint32_t)state->base;
  int32_t now = state->now;
  int32_t row = state->row;
  uint32_t last = (uint32_t)state->last;
  uint8_t* to = out + state->length;
  int32_t i = start;
  while (i < from.capacity) {
    if (from.capacity - i > 16) {
      const Vector t0 = load(from.t + i), t1 = load(from.t + i + 4);
      const Vector x = load(from.x + i), y = load(from.y + i);
      const Vector low0 = sub32(t0, splat32(base)), low1 = sub32(t1, splat32(base));
      const Vector steps = v_or(astray(t0, last), astray(t1, (uint32_t)last32(t0)));
      const Vector stops = v_or(right32(v_or(low0, low1), LOW_BITS), right32(steps, 31));
      if (__builtin_expect(!any(v_or(stops, outside(x, y, sides))), 1)) {
        // Events that begin a vector: four follow, the last of them near enough.
        const uint32_t runs = followed(&from, i) | followed(&from, i + 8) << 8;
        const Vector span = sub16(load(from.x + i + VECTOR_EVENTS - 1), x);
        const uint32_t within_vector = bits16(greater16(splat16(VECTOR_COLUMNS), span));
        const uint32_t vectors = runs & runs >> 1 & runs >> 2 & runs >> 3 & within_vector;
        const int32_t taken = __builtin_ctz(vectors | 256);
        const Vector low = narrow32(low0, low1);
        const Vector on = v_and(widen8(load_half(from.on + i)), splat16(1));
        const uint32_t same = bits16_of_both(equal16(low, after16(low, now)), equal16(y, after16(y, row)));
        const uint32_t within = (1u << taken) - 1;
        const uint32_t times = ~same & within, rows = ~(same >> 8) & within;
        const Vector time = v_or(low, splat16(TIME_LOW << 12));
        const Vector column = v_or(v_or(x, left16(on, 11)), splat16(ADDRESS_X << 12));
        const Vector nothing = splat16(0);
        const Vector words[4] = {interleave_low16(time, y), interleave_high16(time, y),
                                 interleave_low16(column, nothing), interleave_high16(column, nothing)};
        for (int32_t pair = 0; pair < 4; pair++) {
          const Vector first = words[pair >> 1], second = words[2 + (pair >> 1)];
          const Vector both = pair & 1 ? interleave_high32(first, second) : interleave_low32(first, second);
          const uint32_t before = (1u << 2 * pair) - 1;
          const int32_t place = 2 * pair + __builtin_popcount(times & before) + __builtin_popcount(rows & before);
          store(to + 2 * place, shuffle(both, load(kept_words[(times >> 2 * pair & 3) | (rows >> 2 * pair & 3) << 2])));
        }
        to += 2 * (taken + __builtin_popcount(times) + __builtin_popcount(rows));
        if (taken > 0) {
          i += taken;
          last = from.t[i - 1];
          now = (int32_t)(last - base);
          row = from.y[i - 1];
        }
        if (taken == 8) continue;
      }
    }
    const int32_t x = from.x[i], y = from.y[i];
    const uint32_t t = from.t[i];
    int32_t low = (int32_t)(t - base);
    const int32_t later = low >> LOW_BITS;
    if (x >= width || y >= height || is_astray(t, last) || low < 0 || high + later > HIGHEST) {
      state->stopped = 1;
      break;
    }
    last = t;
    if (later > 0) {
      high += later;
      base += (uint32_t)later << LOW_BITS;
      low &= LOW_MASK;
      now = -1;
      to = put_word(to, TIME_HIGH, (uint32_t)high);
    }
    if (low != now) to = put_word(to, TIME_LOW, (uint32_t)low);
    if (y != row) to = put_word(to, ADDRESS_Y, (uint32_t)y);
    now = low;
    row = y;
    const uint32_t on = from.on[i] & 1u;
    int32_t end = i + 1;
    uint32_t columns = 1;
    if (from.capacity - i >= VECTOR_EVENTS && from.t[i + VECTOR_EVENTS - 1] == t && from.y[i + VECTOR_EVENTS - 1] == y) {
      for (; end < from.capacity; end++) {
        const int32_t column = from.x[end] - x;
        if (from.t[end] != t || from.y[end] != y || (from.on[end] & 1u) != on || from.x[end] >= width) break;
        if (from.x[end] <= from.x[end - 1] || column >= VECTOR_COLUMNS) break;
        columns |= 1u << column;
      }
    }
    if (end - i >= VECTOR_EVENTS) {
      to = put_word(to, VECTOR_BASE, on << 11 | (uint32_t)x);
      to = put_word(to, VECTOR_12, columns & 4095);
      to = put_word(to, VECTOR_12, columns >> 12 & 4095);
      to = put_word(to, VECTOR_8, columns >> 24);
      i = end;
    } else {
      to = put_word(to, ADDRESS_X, on << 11 | (uint32_t)x);
      i++;
    }
  }
  state->high = high;
  state->base = (int32_t)base;
  state->now = now;
  state->row = row;
  state->last = (int32_t)last;
  state->length = (int32_t)(to - out);
  return i;
}
