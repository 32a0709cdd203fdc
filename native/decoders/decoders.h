// Decoding and encoding loops for events, one source for the addon (SSE4.2) and for WebAssembly (SIMD). They give exactly
// what the loops in TypeScript give (src/streams/formats), which say what the formats are; the tests compare them.
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

// Fill the tables of the loops of EVT3; to be called once before them.
void evt3_prepare(void);
void encode_prepare(void);

// Encodes the events of `events`, of which there are `capacity`, from `start` on to `out` from byte `state->length` on;
// gives the event that was reached, and where `state->stopped` is set, the caller deals with that event. There is room for
// the most bytes that each event may become, and ENCODE_SLACK behind them, which may be overwritten.
typedef int32_t EncodeKernel(const Columns* events, int32_t start, uint8_t* out, State* state);

EncodeKernel encode_aedat2;
EncodeKernel encode_aedat4;
EncodeKernel encode_dat;
EncodeKernel encode_es;
EncodeKernel encode_evt2;
EncodeKernel encode_evt3;
EncodeKernel encode_nmnist;

// The most bytes that an event may become: EVT2 and EVT3 with its words of time, Event Stream behind a short silence.
enum {
  AEDAT2_MOST = 8,
  AEDAT4_MOST = 16,
  DAT_MOST = 8,
  ES_MOST = 13,
  EVT2_MOST = 8,
  EVT3_MOST = 8,
  NMNIST_MOST = 5,
  ENCODE_SLACK = 16
};

// Bytes behind the output of lz4_block that it may overwrite.
enum { LZ4_SLACK = 48 };

// Why lz4_block failed.
enum { LZ4_BAD_LITERALS = -1, LZ4_BAD_MATCH = -2, LZ4_BAD_END = -3 };

// Decodes the LZ4 block of `bytes` bytes at `in`, of which `readable` bytes can be read, to `out` from `written` on, up
// to `limit`; gives the new end of the output.
int32_t lz4_block(const uint8_t* in, int32_t bytes, int32_t readable, uint8_t* out, int32_t written, int32_t limit);

// Packs the block of `bytes` bytes at `in` to `out`, which has room for lz4_most(bytes) bytes; gives how many they became.
// `table` has LZ4_TABLE numbers, whatever they are.
int32_t lz4_pack(const uint8_t* in, int32_t bytes, uint8_t* out, int32_t* table);

enum { LZ4_TABLE = 1 << 14 };

// Bytes that a block of `bytes` bytes may become, with those behind them that may be overwritten.
static inline int64_t lz4_most(int64_t bytes) { return bytes + bytes / 255 + 32; }
