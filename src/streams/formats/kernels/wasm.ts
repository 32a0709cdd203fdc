import { CHUNK_EVENTS, type EventChunk } from '../../../events.ts';
import { LZ4_TABLE_LENGTH, lz4MostBytes } from '../aedat4/lz4-pack.ts';
import { wasmBase64 } from './decoders-wasm.ts';
import { ENCODE_SLACK_BYTES, type EncodeKernel, type Kernel } from './kernel.ts';
import type { Loops, Lz4Block, Lz4Pack } from './loops.ts';
import { LENGTH, STATE_LENGTH } from './state.ts';

type WasmKernel = (input: number, bytes: number, columns: number, state: number) => number;
type WasmEncodeKernel = (columns: number, start: number, output: number, state: number) => number;

interface WasmExports {
  readonly memory: WebAssembly.Memory;
  readonly __heap_base: WebAssembly.Global;
  readonly aedat2_records: WasmKernel;
  readonly aedat4_records: WasmKernel;
  readonly dat_records: WasmKernel;
  readonly es_events: WasmKernel;
  readonly evt2_words: WasmKernel;
  readonly evt21_words: WasmKernel;
  readonly evt3_words: WasmKernel;
  readonly nmnist_records: WasmKernel;
  readonly encode_aedat2: WasmEncodeKernel;
  readonly encode_aedat4: WasmEncodeKernel;
  readonly encode_dat: WasmEncodeKernel;
  readonly encode_es: WasmEncodeKernel;
  readonly encode_evt2: WasmEncodeKernel;
  readonly encode_evt3: WasmEncodeKernel;
  readonly encode_nmnist: WasmEncodeKernel;
  evt3_prepare(): void;
  encode_prepare(): void;
  lz4_block(
    input: number,
    bytes: number,
    readable: number,
    output: number,
    written: number,
    limit: number,
  ): number;
  lz4_pack(input: number, bytes: number, output: number, table: number): number;
}

/** Bytes of records that are copied in at a time: a multiple of the size of all whose records have one. */
const INPUT_BYTES = 65520;
/** The most bytes that an event becomes, of any format. */
const MOST_EVENT_BYTES = 16;
const PAGE_BYTES = 65536;
/** Behind its input and output, the LZ4 block may read and write this many bytes. */
const SLACK_BYTES = 64;
/** Matches of LZ4 reach back this far. */
const LZ4_HISTORY_BYTES = 65536;

/**
 * The module with its memory: first what its kernels need, a state, the addresses of the columns, records and columns;
 * behind that what is encoded, or what LZ4 blocks need, as large as it must be. Nothing is kept in it between calls, so one is enough.
 */
class WasmLoops {
  readonly exports: WasmExports;
  readonly #state: number;
  readonly #columns: number;
  readonly #input: number;
  readonly #t: number;
  readonly #x: number;
  readonly #y: number;
  readonly #on: number;
  readonly #end: number;
  // Views of the memory, made anew when it grows.
  #memory = new ArrayBuffer(0);
  #bytes = new Uint8Array(0);
  #states = new Int32Array(0);
  #capacity = new Int32Array(0);
  #ts = new Uint32Array(0);
  #xs = new Uint16Array(0);
  #ys = new Uint16Array(0);
  #ons = new Uint8Array(0);

  constructor(module: WebAssembly.Module) {
    this.exports = new WebAssembly.Instance(module).exports as unknown as WasmExports;
    this.exports.evt3_prepare();
    this.exports.encode_prepare();
    this.#state = align(this.exports.__heap_base.value as number);
    this.#columns = this.#state + 4 * STATE_LENGTH;
    this.#input = align(this.#columns + 20);
    this.#t = align(this.#input + INPUT_BYTES + SLACK_BYTES);
    this.#x = this.#t + 4 * CHUNK_EVENTS;
    this.#y = this.#x + 2 * CHUNK_EVENTS;
    this.#on = this.#y + 2 * CHUNK_EVENTS;
    this.#end = align(this.#on + CHUNK_EVENTS);
    this.#reserve(this.#end);
    new Int32Array(this.#memory, this.#columns, 4).set([this.#t, this.#x, this.#y, this.#on]);
  }

  /** A kernel that copies records in and events out. */
  kernel(run: WasmKernel): Kernel {
    return (records: DataView, start: number, chunk: EventChunk, state: Int32Array): number => {
      const length = state[LENGTH]!;
      const bytes = Math.min(records.byteLength - start, INPUT_BYTES);
      this.#bytes.set(new Uint8Array(records.buffer, records.byteOffset + start, bytes), this.#input);
      this.#states.set(state);
      this.#states[LENGTH] = 0;
      this.#capacity[0] = Math.min(CHUNK_EVENTS, chunk.t.length - length);
      const taken = run(this.#input, bytes, this.#columns, this.#state);
      state.set(this.#states);
      const made = state[LENGTH]!;
      chunk.t.set(this.#ts.subarray(0, made), length);
      chunk.x.set(this.#xs.subarray(0, made), length);
      chunk.y.set(this.#ys.subarray(0, made), length);
      chunk.on.set(this.#ons.subarray(0, made), length);
      state[LENGTH] = length + made;
      return start + taken;
    };
  }

  /** A kernel that copies events in and bytes out. */
  encodeKernel(run: WasmEncodeKernel): EncodeKernel {
    return ({ t, x, y, on }: EventChunk, start: number, bytes: DataView, state: Int32Array): number => {
      const events = Math.min(CHUNK_EVENTS, t.length - start);
      const end = start + events;
      this.#reserve(this.#end + MOST_EVENT_BYTES * CHUNK_EVENTS + ENCODE_SLACK_BYTES);
      this.#ts.set(t.subarray(start, end));
      this.#xs.set(x.subarray(start, end));
      this.#ys.set(y.subarray(start, end));
      this.#ons.set(on.subarray(start, end));
      const length = state[LENGTH]!;
      this.#states.set(state);
      this.#states[LENGTH] = 0;
      this.#capacity[0] = events;
      const reached = run(this.#columns, 0, this.#end, this.#state);
      state.set(this.#states);
      const made = state[LENGTH]!;
      const output = new Uint8Array(bytes.buffer, bytes.byteOffset + length, made);
      output.set(this.#bytes.subarray(this.#end, this.#end + made));
      state[LENGTH] = length + made;
      return start + reached;
    };
  }

  /** Copies the block in and what it becomes out. */
  readonly lz4Pack: Lz4Pack = (block, output, start) => {
    const input = this.#end;
    const target = align(input + block.length);
    const table = align(target + lz4MostBytes(block.length));
    this.#reserve(table + 4 * LZ4_TABLE_LENGTH);
    this.#bytes.set(block, input);
    const length = this.exports.lz4_pack(input, block.length, target, table);
    output.set(this.#bytes.subarray(target, target + length), start);
    return start + length;
  };

  /** Copies the block in, with what its matches may refer to, and its content out. */
  readonly lz4Block: Lz4Block = (source, start, end, output, written, limit) => {
    const history = Math.min(written, LZ4_HISTORY_BYTES);
    const input = this.#end;
    const target = align(input + end - start + SLACK_BYTES);
    this.#reserve(target + history + limit - written + SLACK_BYTES);
    this.#bytes.set(source.subarray(start, end), input);
    this.#bytes.set(output.subarray(written - history, written), target);
    const bytes = end - start;
    const room = history + limit - written;
    const reached = this.exports.lz4_block(input, bytes, bytes + SLACK_BYTES, target, history, room);
    if (reached < 0) return reached;
    output.set(this.#bytes.subarray(target + history, target + reached), written);
    return written + reached - history;
  };

  #reserve(bytes: number): void {
    const { memory } = this.exports;
    const missing = bytes - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / PAGE_BYTES));
    if (memory.buffer === this.#memory) return;
    this.#memory = memory.buffer as ArrayBuffer;
    this.#bytes = new Uint8Array(this.#memory);
    this.#states = new Int32Array(this.#memory, this.#state, STATE_LENGTH);
    this.#capacity = new Int32Array(this.#memory, this.#columns + 16, 1);
    this.#ts = new Uint32Array(this.#memory, this.#t, CHUNK_EVENTS);
    this.#xs = new Uint16Array(this.#memory, this.#x, CHUNK_EVENTS);
    this.#ys = new Uint16Array(this.#memory, this.#y, CHUNK_EVENTS);
    this.#ons = new Uint8Array(this.#memory, this.#on, CHUNK_EVENTS);
  }
}

function align(address: number): number {
  return Math.ceil(address / 16) * 16;
}

/** The loops in WebAssembly; undefined where it, or its SIMD, does not work, or memory is not little-endian. */
export function wasmLoops(): Loops | undefined {
  if (new Uint8Array(new Uint16Array([1]).buffer)[0] !== 1) return undefined;
  let loops: WasmLoops;
  try {
    loops = new WasmLoops(new WebAssembly.Module(Buffer.from(wasmBase64, 'base64')));
  } catch {
    return undefined;
  }
  const { exports } = loops;
  return {
    decode: {
      aedat2: loops.kernel(exports.aedat2_records),
      aedat4: loops.kernel(exports.aedat4_records),
      dat: loops.kernel(exports.dat_records),
      es: loops.kernel(exports.es_events),
      evt2: loops.kernel(exports.evt2_words),
      evt21: loops.kernel(exports.evt21_words),
      evt3: loops.kernel(exports.evt3_words),
      nmnist: loops.kernel(exports.nmnist_records),
    },
    encode: {
      aedat2: loops.encodeKernel(exports.encode_aedat2),
      aedat4: loops.encodeKernel(exports.encode_aedat4),
      dat: loops.encodeKernel(exports.encode_dat),
      es: loops.encodeKernel(exports.encode_es),
      evt2: loops.encodeKernel(exports.encode_evt2),
      evt3: loops.encodeKernel(exports.encode_evt3),
      nmnist: loops.encodeKernel(exports.encode_nmnist),
    },
    lz4Block: loops.lz4Block,
    lz4Pack: loops.lz4Pack,
  };
}
