// LZ4 blocks, decoded with every length checked. https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md
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
