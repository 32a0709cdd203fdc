/**
 * AEDAT 2.0 (jAER): lines that start with `#`, then big-endian records of an address and a time in microseconds,
 * 4 bytes each. The header names the chip, and the chip gives the layout of the address. The clock has 32 bits: a
 * step of up to 2^31 µs forward, modulo 2^32, is forward; any other goes back.
 */
import type { EventChunk, SensorSize } from '../../events.ts';
import type { ByteSource } from '../byte-source.ts';
import type { TimeRange } from '../time-range.ts';
import { type Aedat2Chip, guessChip } from './aedat2/chips.ts';
import { Aedat2Encoder, MAGIC } from './aedat2/encoder.ts';
import { Aedat2Header } from './aedat2/header.ts';
import { RECORD_BYTES, setAedat2Layout } from './aedat2/records.ts';
import { formatFault, zeroCounters } from './fault.ts';
import type { DecodeCounters, DecodeOptions, EventDecoder, EventFormat, Seek } from './format.ts';
import type { Kernel } from './kernels/kernel.ts';
import { KernelChunks } from './kernels/kernel-chunks.ts';
import { loops } from './kernels/loops.ts';
import { CLOCK, HEIGHT, LAST, OTHER_MASK, WIDTH, X_TOP, Y_TOP } from './kernels/state.ts';
import { RecordCarry } from './record-carry.ts';
import { findRecord } from './wrapping-records.ts';

/** Records that are looked at to tell the layout where the header names no chip. */
const GUESS_RECORDS = 256;
/** Headers hold the settings of jAER: the longest known have 304 kB. */
const LARGEST_HEADER_BYTES = 1 << 20;

class Aedat2Decoder implements EventDecoder {
  readonly counters: DecodeCounters = zeroCounters();
  readonly #options: DecodeOptions;
  readonly #header: Aedat2Header;
  readonly #carry = new RecordCarry(RECORD_BYTES);
  readonly #chunks = new KernelChunks(this.counters);
  #chip: Aedat2Chip | undefined;
  #sensor: SensorSize | undefined;
  #kernel: Kernel = loops().decode.aedat2;
  #started = false;
  #undecided = new Uint8Array(0);
  #offset = 0;

  constructor(options: DecodeOptions) {
    this.#options = options;
    this.#header = new Aedat2Header(options.path);
  }

  get sensor(): SensorSize | undefined {
    return this.#sensor ?? this.#options.sensor;
  }

  push(block: Uint8Array, emit: (chunk: EventChunk) => void): void {
    this.#offset += block.length;
    if (this.#header.done) {
      this.#body(block, emit);
      return;
    }
    const parts = this.#header.read(block);
    if (this.#header.chip !== undefined) this.#settle(this.#header.chip);
    for (const part of parts) this.#body(part, emit);
  }

  /** Goes on with the record at `byteOffset`, to whose clock `epochMicros` are to be added; only the header was taken. */
  jump(byteOffset: number, epochMicros: number): void {
    this.#offset = byteOffset;
    this.#chunks.moveOrigin(epochMicros, () => undefined);
  }

  handOn(emit: (chunk: EventChunk) => void): void {
    this.#chunks.handOn(emit);
  }

  end(emit: (chunk: EventChunk) => void): void {
    if (!this.#header.done) this.#header.end();
    if (this.#chip === undefined) this.#decideLayout(emit);
    this.#chunks.flush(emit);
    const held = this.#carry.held;
    if (held > 0) {
      const message = `AEDAT 2.0 record of ${RECORD_BYTES} bytes expected, the data end after ${held}`;
      throw formatFault(message, this.#options.path, this.#offset - held);
    }
  }

  #settle(chip: Aedat2Chip): void {
    this.#chip = chip;
    this.#sensor = this.#options.sensor ?? { width: chip.width, height: chip.height };
    const { width, height } = this.#sensor;
    const { state } = this.#chunks;
    setAedat2Layout(state, chip);
    // The columns of a DAVIS count from the side of the sensor that its size tells, whoever gives it.
    const turned = chip.layout === 'dvs128' && this.#options.orientation === 'display';
    state[X_TOP] = chip.layout === 'davis' ? width - 1 : chip.width - 1;
    state[Y_TOP] = chip.layout === 'davis' ? height - 1 : chip.height - 1;
    state[WIDTH] = turned ? height : width;
    state[HEIGHT] = turned ? width : height;
    if (turned) this.#kernel = transposed(this.#kernel);
  }

  #body(bytes: Uint8Array, emit: (chunk: EventChunk) => void): void {
    if (this.#chip !== undefined) {
      this.#carry.feed(bytes, (records) => this.#decode(records, emit));
      return;
    }
    const joined = new Uint8Array(this.#undecided.length + bytes.length);
    joined.set(this.#undecided);
    joined.set(bytes, this.#undecided.length);
    this.#undecided = joined;
    if (joined.length >= GUESS_RECORDS * RECORD_BYTES) this.#decideLayout(emit);
  }

  /** No chip is named: the addresses of the first records tell the layout. */
  #decideLayout(emit: (chunk: EventChunk) => void): void {
    const bytes = this.#undecided;
    this.#undecided = new Uint8Array(0);
    if (bytes.length === 0) return;
    this.#settle(guessChip(bytes.subarray(0, GUESS_RECORDS * RECORD_BYTES)));
    this.#carry.feed(bytes, (records) => this.#decode(records, emit));
  }

  #decode(records: DataView, emit: (chunk: EventChunk) => void): void {
    const { state } = this.#chunks;
    const moveTo = (position: number): number => {
      const clock = records.getInt32(position + 4);
      const moved = this.#started ? (clock - state[CLOCK]!) >>> 0 : clock >>> 0;
      this.#chunks.moveOrigin(this.#chunks.origin + moved, emit);
      state[CLOCK] = clock;
      state[LAST] = 0;
      this.#started = true;
      return position;
    };
    // Times count from the first event; what comes before it is of another kind, and its time does not matter.
    for (let position = 0; position < records.byteLength && !this.#started; position += RECORD_BYTES) {
      if ((records.getInt32(position) & state[OTHER_MASK]!) === 0) moveTo(position);
    }
    this.#chunks.decode(records, 0, this.#kernel, moveTo, emit);
  }
}

/** A kernel that swaps columns and rows. */
function transposed(kernel: Kernel): Kernel {
  return (records, start, chunk, state) =>
    kernel(records, start, { ...chunk, x: chunk.y, y: chunk.x }, state);
}

/** Finds records before a time range by looking into the file; a file that names no chip is read from its front. */
async function seek(
  source: ByteSource,
  { fromMicros }: TimeRange,
  options: DecodeOptions,
): Promise<Seek | undefined> {
  if (fromMicros === undefined) return undefined;
  const head = await source.read(0, LARGEST_HEADER_BYTES);
  const header = new Aedat2Header(options.path);
  const start = head.length - header.read(head).reduce((sum, part) => sum + part.length, 0);
  const { chip } = header;
  if (!header.done || chip === undefined) return undefined;
  const { byteOffset, epochMicros } = await findRecord(
    source,
    {
      start,
      recordBytes: RECORD_BYTES,
      clockAt: (records, position) =>
        (records.getInt32(position) & chip.otherMask) === 0 ? records.getInt32(position + 4) : undefined,
    },
    fromMicros,
  );
  const decoder = new Aedat2Decoder(options);
  decoder.push(head.subarray(0, start), () => undefined);
  decoder.jump(byteOffset, epochMicros);
  return { decoder, start: byteOffset, end: source.size };
}

/** AEDAT 2.0 as jAER writes it: DVS128 and DAVIS. */
export const aedat2: EventFormat = {
  name: 'aedat2',
  title: 'AEDAT 2.0',
  extensions: ['.aedat', '.aedat2'],
  sniff: (head) => (Buffer.from(head.subarray(0, MAGIC.length)).toString('latin1') === MAGIC ? 1 : 0),
  createDecoder: (options = {}) => new Aedat2Decoder(options),
  seek,
  createEncoder: (options) => new Aedat2Encoder(options),
};
