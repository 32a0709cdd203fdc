// Decoding loops for events, one source for the addon (SSE4.2) and for WebAssembly (SIMD). They give exactly what the
// loops in TypeScript give (src/streams/formats), which say what the formats are; the tests compare them.
#pragma once
#include <stdint.h>

// What a loop carries from one call to the next; the order is that of src/streams/formats/kernels/state.ts.
typedef struct {
  int32_t length;
  int32_t last;
  int32_t stopped;
  int32_t backward;
  int32_t out_of_range;
  int32_t skipped;
  int32_t width;
  int32_t height;
  int32_t clock;
  int32_t high;
  int32_t anchor;
  int32_t base;
  int32_t now;
  int32_t row;
  int32_t vector_x;
  int32_t vector_on;
  int32_t x_shift;
  int32_t x_mask;
  int32_t y_shift;
  int32_t y_mask;
  int32_t on_shift;
  int32_t other_mask;
  int32_t x_top;
  int32_t y_top;
  int32_t on_flip;
  int32_t word_at;
  int32_t unused[6];
} State;

// The columns of a chunk, with room for `capacity` events, of which `state->length` are there.
typedef struct {
  uint32_t* t;
  uint16_t* x;
  uint16_t* y;
  uint8_t* on;
  int32_t capacity;
} Columns;

// Decodes whole records from the first `bytes` bytes of `in` on; gives the bytes that were taken.
typedef int32_t Kernel(const uint8_t* in, int32_t bytes, const Columns* columns, State* state);

Kernel aedat2_records;
Kernel aedat4_records;
Kernel dat_records;
Kernel es_events;
Kernel evt2_words;
Kernel evt21_words;
Kernel evt3_words;
Kernel nmnist_records;

// Fills the tables of evt3_words; to be called once before it.
void evt3_prepare(void);

// Bytes behind the output of lz4_block that it may overwrite.
enum { LZ4_SLACK = 48 };

// Why lz4_block failed.
enum { LZ4_BAD_LITERALS = -1, LZ4_BAD_MATCH = -2, LZ4_BAD_END = -3 };

// Decodes the LZ4 block of `bytes` bytes at `in`, of which `readable` bytes can be read, to `out` from `written` on, up
// to `limit`; gives the new end of the output.
int32_t lz4_block(const uint8_t* in, int32_t bytes, int32_t readable, uint8_t* out, int32_t written, int32_t limit);
