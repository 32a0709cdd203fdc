// LZ4 blocks: decoded with every length checked, and packed. https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md
#include "decoders.h"
#include "simd.h"

// A short run, with room for it on both sides, is copied by one step.
enum { STEP = 16 };

// Copies in steps, past the end.
static inline void copy_past(uint8_t* to, const uint8_t* from, int32_t length) {
  int32_t i = 0;
  do {
    store(to + i, load(from + i));
    i += STEP;
  } while (i < length);
}

// Copies what was written `distance` bytes before; where that is less than a step, the bytes repeat.
static inline void copy_match(uint8_t* to, int32_t distance, int32_t length) {
  const uint8_t* from = to - distance;
  if (distance >= STEP) {
    copy_past(to, from, length);
  } else if (distance >= 8) {
    for (int32_t i = 0; i < length; i += 8) __builtin_memcpy(to + i, from + i, 8);
  } else {
    for (int32_t i = 0; i < length; i++) to[i] = from[i];
  }
}

// The rest of a length whose first four bits are all set.
static inline int32_t long_length(const uint8_t* in, int32_t bytes, int32_t* position) {
  int32_t length = 15;
  uint8_t more = 255;
  while (more == 255 && *position < bytes) {
    more = in[(*position)++];
    length += more;
  }
  return length;
}

int32_t lz4_block(const uint8_t* in, int32_t bytes, int32_t readable, uint8_t* out, int32_t written, int32_t limit) {
  int32_t position = 0;
  while (position < bytes) {
    const int32_t token = in[position++];
    int32_t length = token >> 4;
    // Most sequences are short, and repeat what is not too near: they are copied past their ends, without a loop.
    if (length < 15 && (token & 15) < 15 && position + STEP + 2 <= bytes) {
      store(out + written, load(in + position));
      const int32_t distance = (int32_t)read16(in + position + length);
      const int32_t start = written + length;
      const int32_t end = start + (token & 15) + 4;
      if (distance >= STEP && distance <= start && end <= limit) {
        const uint8_t* from = out + start - distance;
        store(out + start, load(from));
        if (end - start > STEP) store(out + start + STEP, load(from + STEP));
        position += length + 2;
        written = end;
        continue;
      }
    }
    if (length == 15) length = long_length(in, bytes, &position);
    if (position + length > bytes || written + length > limit) return LZ4_BAD_LITERALS;
    if (position + length + STEP <= readable) {
      copy_past(out + written, in + position, length);
    } else {
      for (int32_t i = 0; i < length; i++) out[written + i] = in[position + i];
    }
    position += length;
    written += length;
    if (position == bytes) return written;
    if (position + 2 > bytes) break;
    const int32_t distance = (int32_t)read16(in + position);
    position += 2;
    length = token & 15;
    if (length == 15) length = long_length(in, bytes, &position);
    length += 4;
    if (distance == 0 || distance > written || written + length > limit) return LZ4_BAD_MATCH;
    copy_match(out + written, distance, length);
    written += length;
  }
  return LZ4_BAD_END;
}

enum { HASH_BITS = 14, SHORTEST_MATCH = 4, FARTHEST_MATCH = 65535 };
// A block ends with at least five literals, and its last match begins at least twelve bytes before its end.
enum { LAST_LITERALS = 5, MATCH_MARGIN = 12 };

static inline uint8_t* put_length(uint8_t* to, int32_t rest) {
  for (; rest >= 255; rest -= 255) *to++ = 255;
  *to++ = (uint8_t)rest;
  return to;
}

// Literals, and how they and the match behind them, of which there are `more` bytes beyond the shortest, are begun.
static inline uint8_t* put_literals(uint8_t* to, const uint8_t* from, int32_t length, int32_t more, int32_t readable) {
  *to++ = (uint8_t)(least(length, 15) << 4 | least(more, 15));
  if (length >= 15) to = put_length(to, length - 15);
  if (length + STEP <= readable) {
    copy_past(to, from, length);
  } else {
    for (int32_t i = 0; i < length; i++) to[i] = from[i];
  }
  return to + length;
}

// How many bytes from `at` on, before `end`, are those `distance` before them.
static inline int32_t match_length(const uint8_t* in, int32_t at, int32_t distance, int32_t end) {
  const int32_t start = at;
  for (; at + 8 <= end; at += 8) {
    const uint64_t differs = read64(in + at) ^ read64(in + at - distance);
    if (differs != 0) return at - start + (__builtin_ctzll(differs) >> 3);
  }
  while (at < end && in[at] == in[at - distance]) at++;
  return at - start;
}

int32_t lz4_pack(const uint8_t* in, int32_t bytes, uint8_t* out, int32_t* table) {
  const int32_t last_match = bytes - MATCH_MARGIN;
  const int32_t most_end = bytes - LAST_LITERALS;
  for (int32_t i = 0; i < LZ4_TABLE; i++) table[i] = -FARTHEST_MATCH - 1;
  uint8_t* to = out;
  int32_t anchor = 0;
  int32_t misses = 0;
  for (int32_t at = 0; at <= last_match;) {
    const uint32_t word = read32(in + at);
    const uint32_t slot = word * 0x9e3779b1u >> (32 - HASH_BITS);
    int32_t match = table[slot];
    table[slot] = at;
    if (at - match > FARTHEST_MATCH || read32(in + match) != word) {
      at += 1 + (misses++ >> 6);
      continue;
    }
    misses = 0;
    const int32_t distance = at - match;
    while (at > anchor && match > 0 && in[at - 1] == in[match - 1]) {
      at--;
      match--;
    }
    const int32_t end = at + SHORTEST_MATCH + match_length(in, at + SHORTEST_MATCH, distance, most_end);
    const int32_t more = end - at - SHORTEST_MATCH;
    to = put_literals(to, in + anchor, at - anchor, more, bytes - anchor);
    write16(to, (uint32_t)distance);
    to += 2;
    if (more >= 15) to = put_length(to, more - 15);
    anchor = at = end;
  }
  return (int32_t)(put_literals(to, in + anchor, bytes - anchor, 0, bytes - anchor) - out);
}
