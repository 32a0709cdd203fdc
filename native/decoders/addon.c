// The addon's face to JavaScript: kernels over typed arrays of any chunk, and LZ4 blocks.
#include <node_api.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "decoders.h"

// Memory of an ArrayBufferView; false where the argument is none.
static int view_of(napi_env env, napi_value argument, uint8_t** data, size_t* bytes) {
  bool is_view = false;
  if (napi_is_dataview(env, argument, &is_view) == napi_ok && is_view) {
    return napi_get_dataview_info(env, argument, bytes, (void**)data, NULL, NULL) == napi_ok;
  }
  if (napi_is_typedarray(env, argument, &is_view) != napi_ok || !is_view) return 0;
  napi_typedarray_type type;
  size_t length;
  if (napi_get_typedarray_info(env, argument, &type, &length, (void**)data, NULL, NULL) != napi_ok) return 0;
  switch (type) {
    case napi_int16_array:
    case napi_uint16_array:
      *bytes = 2 * length;
      return 1;
    case napi_int32_array:
    case napi_uint32_array:
      *bytes = 4 * length;
      return 1;
    default:
      *bytes = length;
      return type == napi_uint8_array || type == napi_int8_array || type == napi_uint8_clamped_array;
  }
}

static napi_value fail(napi_env env, const char* message) {
  napi_throw_type_error(env, NULL, message);
  return NULL;
}

static napi_value number(napi_env env, int32_t value) {
  napi_value result;
  return napi_create_int32(env, value, &result) == napi_ok ? result : NULL;
}

// kernel(records, start, t, x, y, on, state): the byte that was reached.
static napi_value run_kernel(napi_env env, napi_callback_info info) {
  napi_value arguments[7];
  size_t count = 7;
  void* kernel;
  int32_t start;
  uint8_t *records, *t, *x, *y, *on, *state;
  size_t bytes, t_bytes, x_bytes, y_bytes, on_bytes, state_bytes;
  if (napi_get_cb_info(env, info, &count, arguments, NULL, &kernel) != napi_ok || count != 7 ||
      napi_get_value_int32(env, arguments[1], &start) != napi_ok || !view_of(env, arguments[0], &records, &bytes) ||
      !view_of(env, arguments[2], &t, &t_bytes) || !view_of(env, arguments[3], &x, &x_bytes) ||
      !view_of(env, arguments[4], &y, &y_bytes) || !view_of(env, arguments[5], &on, &on_bytes) ||
      !view_of(env, arguments[6], &state, &state_bytes)) {
    return fail(env, "expected records, start, t, x, y, on, state");
  }
  const size_t capacity = on_bytes;
  State* const carried = (State*)state;
  if (start < 0 || (size_t)start > bytes || bytes > INT32_MAX || capacity > INT32_MAX || t_bytes != 4 * capacity ||
      x_bytes != 2 * capacity || y_bytes != 2 * capacity || state_bytes != sizeof(State) || carried->length < 0 ||
      (size_t)carried->length > capacity) {
    return fail(env, "lengths do not fit");
  }
  const Columns columns = {(uint32_t*)t, (uint16_t*)x, (uint16_t*)y, on, (int32_t)capacity};
  const int32_t taken = (*(Kernel**)kernel)(records + start, (int32_t)bytes - start, &columns, carried);
  return number(env, start + taken);
}

typedef struct {
  EncodeKernel* run;
  size_t most;
} Encoder;

// kernel(t, x, y, on, start, bytes, state): the event that was reached.
static napi_value run_encoder(napi_env env, napi_callback_info info) {
  napi_value arguments[7];
  size_t count = 7;
  void* data;
  int32_t start;
  uint8_t *t, *x, *y, *on, *out, *state;
  size_t t_bytes, x_bytes, y_bytes, on_bytes, out_bytes, state_bytes;
  if (napi_get_cb_info(env, info, &count, arguments, NULL, &data) != napi_ok || count != 7 ||
      napi_get_value_int32(env, arguments[4], &start) != napi_ok || !view_of(env, arguments[0], &t, &t_bytes) ||
      !view_of(env, arguments[1], &x, &x_bytes) || !view_of(env, arguments[2], &y, &y_bytes) ||
      !view_of(env, arguments[3], &on, &on_bytes) || !view_of(env, arguments[5], &out, &out_bytes) ||
      !view_of(env, arguments[6], &state, &state_bytes)) {
    return fail(env, "expected t, x, y, on, start, bytes, state");
  }
  const Encoder* const encoder = data;
  const size_t events = on_bytes;
  State* const carried = (State*)state;
  if (start < 0 || (size_t)start > events || events > INT32_MAX || out_bytes > INT32_MAX || t_bytes != 4 * events ||
      x_bytes != 2 * events || y_bytes != 2 * events || state_bytes != sizeof(State) || carried->length < 0 ||
      (size_t)carried->length + encoder->most * (events - (size_t)start) + ENCODE_SLACK > out_bytes) {
    return fail(env, "lengths do not fit");
  }
  const Columns columns = {(uint32_t*)t, (uint16_t*)x, (uint16_t*)y, on, (int32_t)events};
  return number(env, encoder->run(&columns, start, out, carried));
}

// lz4Block(source, start, end, output, written, limit): the new end of the output, or why it failed.
static napi_value run_lz4_block(napi_env env, napi_callback_info info) {
  napi_value arguments[6];
  size_t count = 6;
  int32_t start, end, written, limit;
  uint8_t *source, *output;
  size_t source_bytes, output_bytes;
  if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok || count != 6 ||
      !view_of(env, arguments[0], &source, &source_bytes) || napi_get_value_int32(env, arguments[1], &start) != napi_ok ||
      napi_get_value_int32(env, arguments[2], &end) != napi_ok || !view_of(env, arguments[3], &output, &output_bytes) ||
      napi_get_value_int32(env, arguments[4], &written) != napi_ok ||
      napi_get_value_int32(env, arguments[5], &limit) != napi_ok) {
    return fail(env, "expected source, start, end, output, written, limit");
  }
  if (start < 0 || end < start || (size_t)end > source_bytes || source_bytes > INT32_MAX || written < 0 ||
      limit < written || (size_t)limit + LZ4_SLACK > output_bytes) {
    return fail(env, "lengths do not fit");
  }
  return number(env, lz4_block(source + start, end - start, (int32_t)source_bytes - start, output, written, limit));
}

// lz4Pack(block, output, start, table): the end of the output.
static napi_value run_lz4_pack(napi_env env, napi_callback_info info) {
  napi_value arguments[4];
  size_t count = 4;
  int32_t start;
  uint8_t *block, *output, *table;
  size_t bytes, output_bytes, table_bytes;
  if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok || count != 4 ||
      !view_of(env, arguments[0], &block, &bytes) || !view_of(env, arguments[1], &output, &output_bytes) ||
      napi_get_value_int32(env, arguments[2], &start) != napi_ok || !view_of(env, arguments[3], &table, &table_bytes)) {
    return fail(env, "expected block, output, start, table");
  }
  if (start < 0 || bytes > INT32_MAX || output_bytes > INT32_MAX || table_bytes != LZ4_TABLE * sizeof(int32_t) ||
      start + lz4_most((int64_t)bytes) > (int64_t)output_bytes) {
    return fail(env, "lengths do not fit");
  }
  return number(env, start + lz4_pack(block, (int32_t)bytes, output + start, (int32_t*)table));
}

static int add(napi_env env, napi_value exports, const char* name, napi_callback call, void* data) {
  napi_value function;
  return napi_create_function(env, name, NAPI_AUTO_LENGTH, call, data, &function) == napi_ok &&
         napi_set_named_property(env, exports, name, function) == napi_ok;
}

static int add_object(napi_env env, napi_value exports, const char* name, napi_value* object) {
  return napi_create_object(env, object) == napi_ok && napi_set_named_property(env, exports, name, *object) == napi_ok;
}

// Lets freed memory of up to 64 MB be used again. By itself glibc gives it back to the system whenever chunks are freed,
// as soon as it is twice as long as the longest of them, and each chunk would be touched anew, page by page. The limits
// are those that it goes up to itself for longer arrays.
static void keep_freed_memory(void) {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 64 << 20);
#endif
}

NAPI_MODULE_INIT() {
  static Kernel* kernels[] = {aedat2_records, aedat4_records, dat_records, es_events,
                              evt2_words,     evt21_words,    evt3_words,  nmnist_records};
  static const char* names[] = {"aedat2", "aedat4", "dat", "es", "evt2", "evt21", "evt3", "nmnist"};
  static Encoder encoders[] = {
      {encode_aedat2, AEDAT2_MOST}, {encode_aedat4, AEDAT4_MOST}, {encode_dat, DAT_MOST},       {encode_es, ES_MOST},
      {encode_evt2, EVT2_MOST},     {encode_evt3, EVT3_MOST},     {encode_nmnist, NMNIST_MOST},
  };
  static const char* encoded[] = {"aedat2", "aedat4", "dat", "es", "evt2", "evt3", "nmnist"};
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("sse4.2") || !__builtin_cpu_supports("popcnt")) {
    return fail(env, "this processor has no SSE4.2");
  }
  evt3_prepare();
  encode_prepare();
  keep_freed_memory();
  napi_value decode, encode;
  int added = add(env, exports, "lz4Block", run_lz4_block, NULL) && add(env, exports, "lz4Pack", run_lz4_pack, NULL) &&
              add_object(env, exports, "decode", &decode) && add_object(env, exports, "encode", &encode);
  for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++) {
    added = added && add(env, decode, names[i], run_kernel, &kernels[i]);
  }
  for (size_t i = 0; i < sizeof encoders / sizeof *encoders; i++) {
    added = added && add(env, encode, encoded[i], run_encoder, &encoders[i]);
  }
  return added ? exports : NULL;
}
