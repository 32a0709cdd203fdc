// Runs the decoding loops over random records, and the encoding ones over random events, with columns and bytes that end
// where their memory ends, so that a sanitizer sees every byte too far: cmake -DRXSPIKE_TESTS=ON -DRXSPIKE_SANITIZE=address, then decoders-test.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decoders.h"

enum { CASES = 100000, KERNELS = 8, ENCODERS = 7 };

static const struct {
  const char* name;
  Kernel* run;
  int32_t bytes;
} kernels[KERNELS] = {
    {"aedat2", aedat2_records, 8}, {"aedat4", aedat4_records, 16}, {"dat", dat_records, 8},
    {"es", es_events, 5},          {"evt2", evt2_words, 4},        {"evt21", evt21_words, 8},
    {"evt3", evt3_words, 2},       {"nmnist", nmnist_records, 5},
};

static const struct {
  EncodeKernel* run;
  int32_t most;
} encoders[ENCODERS] = {
    {encode_aedat2, AEDAT2_MOST}, {encode_aedat4, AEDAT4_MOST}, {encode_dat, DAT_MOST},       {encode_es, ES_MOST},
    {encode_evt2, EVT2_MOST},     {encode_evt3, EVT3_MOST},     {encode_nmnist, NMNIST_MOST},
};

static uint64_t seed = 88172645463325252u;

// A number below `limit`.
static uint32_t below(uint32_t limit) {
  seed ^= seed << 13;
  seed ^= seed >> 7;
  seed ^= seed << 17;
  return limit == 0 ? 0 : (uint32_t)(seed >> 11) % limit;
}

static void* memory(size_t bytes) {
  void* block = malloc(bytes == 0 ? 1 : bytes);
  if (block == NULL) abort();
  return block;
}

static void fail(const char* what) {
  fprintf(stderr, "%s\n", what);
  exit(1);
}

// Words that are mostly of kinds that exist, so that loops get further than the first.
static void fill(uint8_t* bytes, int32_t length, int32_t kernel) {
  static const uint8_t evt3_types[] = {0, 2, 2, 2, 3, 4, 4, 5, 6, 6, 8, 8, 7, 14, 15, 10, 1};
  const uint32_t values = below(2) ? 8 : 4096;
  for (int32_t i = 0; i < length; i++) bytes[i] = (uint8_t)below(256);
  if (below(2)) return;
  if (kernels[kernel].run == evt3_words) {
    for (int32_t i = 0; i + 1 < length; i += 2) {
      const uint16_t word = (uint16_t)(evt3_types[below(sizeof evt3_types)] << 12 | below(values));
      memcpy(bytes + i, &word, sizeof word);
    }
  } else if (kernels[kernel].run == evt2_words || kernels[kernel].run == evt21_words) {
    for (int32_t i = 0; i + 3 < length; i += 4) {
      const uint32_t word = (below(9) == 0 ? 8 : below(2)) << 28 | below(values << 12);
      memcpy(bytes + i, &word, sizeof word);
    }
  }
}

static State any_state(int32_t capacity) {
  State state;
  memset(&state, 0, sizeof state);
  state.length = (int32_t)below((uint32_t)capacity + 1);
  state.width = (int32_t)below(below(3) ? 1400 : 70000);
  state.height = (int32_t)below(below(3) ? 800 : 70000);
  state.x_shift = (int32_t)below(20);
  state.y_shift = (int32_t)below(20);
  state.on_shift = (int32_t)below(32);
  state.x_mask = 1023;
  state.y_mask = 511;
  state.x_top = state.width - 1;
  state.y_top = state.height - 1;
  state.other_mask = below(2) ? 0x400 : 0;
  state.high = (int32_t)below(4096);
  state.anchor = state.high - (int32_t)below(100);
  state.base = (state.high - state.anchor) * 4096;
  state.now = state.base + (int32_t)below(4096);
  state.last = (int32_t)below(below(2) ? 1 : 1000000);
  state.row = (int32_t)below(2048);
  state.vector_x = (int32_t)below(65536);
  state.clock = (int32_t)below(1 << 30);
  state.word_at = 4 * (int32_t)below(2);
  return state;
}

static void run_kernel(int32_t kernel) {
  const int32_t size = kernels[kernel].bytes;
  const int32_t length = (int32_t)below(200) * size + (int32_t)below((uint32_t)size);
  uint8_t* records = memory((size_t)length);
  fill(records, length, kernel);
  const int32_t capacity = (int32_t)below(below(3) ? 300 : 30);
  const size_t room = (size_t)capacity;
  const Columns columns = {memory(4 * room), memory(2 * room), memory(2 * room), memory(room), capacity};
  State state = any_state(capacity);
  for (int32_t position = 0; position <= length;) {
    state.stopped = 0;
    const int32_t taken = kernels[kernel].run(records + position, length - position, &columns, &state);
    if (taken < 0 || taken > length - position) fail("took bytes that are not there");
    if (state.length < 0 || state.length > capacity) fail("gave events without room");
    position += taken;
    if (state.stopped) position += size;
    else if (taken == 0 && state.length == 0) break;
    else if (taken == 0) state.length = 0;
  }
  free(records);
  free(columns.t);
  free(columns.x);
  free(columns.y);
  free(columns.on);
}

// Events in bursts, at times that mostly rise, mostly inside the sensor; where a loop stops, the next event is tried.
static void run_encoder(int32_t kernel) {
  const int32_t events = (int32_t)below(200);
  const size_t room = (size_t)events;
  const Columns columns = {memory(4 * room), memory(2 * room), memory(2 * room), memory(room), events};
  State state = any_state(0);
  const uint32_t most_step = below(4) ? 1u << below(14) : UINT32_MAX;
  const uint32_t wildness = below(2) ? 4000 : 50;
  uint32_t t = below(1000), x = 0, y = 0;
  for (int32_t i = 0; i < events; i++) {
    if (below(4) == 0) t += below(most_step);
    if (below(6) == 0) y = below((uint32_t)state.height);
    x = below(5) ? x + 1 : below((uint32_t)state.width);
    columns.t[i] = below(wildness) ? t : below(UINT32_MAX);
    columns.x[i] = (uint16_t)(below(wildness) && state.width > 0 ? x % (uint32_t)state.width : below(65536));
    columns.y[i] = (uint16_t)(below(wildness) ? y : below(65536));
    columns.on[i] = (uint8_t)(below(9) ? i >> 5 & 1 : below(256));
  }
  const int32_t head = (int32_t)below(50);
  const int32_t most = head + encoders[kernel].most * events + ENCODE_SLACK;
  uint8_t* out = memory((size_t)most);
  state.length = head;
  state.now = -1;
  state.row = -1;
  for (int32_t i = 0; i < events;) {
    // As a caller does: the time of this event is the one that others count from.
    state.last = (int32_t)columns.t[i];
    state.base = (int32_t)(columns.t[i] - below(64));
    state.now = encoders[kernel].run == encode_evt3 ? -1 : 0;
    state.stopped = 0;
    const int32_t reached = encoders[kernel].run(&columns, i, out, &state);
    if (reached < i || reached > events) fail("encoded events that are not there");
    if (reached < events && !state.stopped) fail("left events");
    if (state.length < head || state.length > head + encoders[kernel].most * reached) fail("wrote too much");
    i = state.stopped ? reached + 1 : reached;
  }
  free(out);
  free(columns.t);
  free(columns.x);
  free(columns.y);
  free(columns.on);
}

static void run_lz4_pack(void) {
  static int32_t table[LZ4_TABLE];
  const int32_t length = (int32_t)below(below(3) ? 300 : 5000);
  uint8_t* block = memory((size_t)length);
  const uint32_t repeats = 1 + below(40);
  for (int32_t i = 0; i < length; i++) block[i] = i > 20 && below(repeats) ? block[i - 16] : (uint8_t)below(256);
  uint8_t* packed = memory((size_t)lz4_most(length));
  const int32_t bytes = lz4_pack(block, length, packed, table);
  uint8_t* output = memory((size_t)length + LZ4_SLACK);
  if (lz4_block(packed, bytes, bytes, output, 0, length) != length) fail("lz4: not all came back");
  if (memcmp(block, output, (size_t)length) != 0) fail("lz4: something else came back");
  free(block);
  free(packed);
  free(output);
}

static void run_lz4(void) {
  const int32_t length = (int32_t)below(300);
  uint8_t* block = memory((size_t)length);
  for (int32_t i = 0; i < length; i++) block[i] = (uint8_t)below(below(3) ? 40 : 256);
  const int32_t limit = (int32_t)below(2000);
  const int32_t written = (int32_t)below((uint32_t)limit + 1);
  uint8_t* output = memory((size_t)limit + LZ4_SLACK);
  memset(output, 7, (size_t)limit + LZ4_SLACK);
  const int32_t end = lz4_block(block, length, length, output, written, limit);
  if (end > limit || (end >= 0 && end < written) || end < LZ4_BAD_END) fail("lz4: an end that cannot be");
  free(block);
  free(output);
}

int main(void) {
  evt3_prepare();
  encode_prepare();
  for (int i = 0; i < CASES; i++) {
    run_kernel((int32_t)below(KERNELS));
    run_encoder((int32_t)below(ENCODERS));
    run_lz4();
    run_lz4_pack();
  }
  printf("%d cases of records, of events and of LZ4 blocks\n", CASES);
  return 0;
}
