/**
 * AEDAT 2.0 (jAER): lines that start with `#`, then big-endian records of an address and a time in microseconds,
 * 4 bytes each. The header names the chip, and the chip gives the layout of the address. The clock has 32 bits: a
 * step of up to 2^31 µs forward, modulo 2^32, is forward; any other goes back.
 */
import type { EventChunk, SensorSize } from '../../events.ts';
import { type Aedat2Chip, Aedat2Header, chipForSensor, guessChip } from './aedat2-header.ts';
import { ChunkBuilder, type Progress } from './chunk-builder.ts';
import { formatFault, zeroCounters } from './fault.ts';
import type {
  DecodeCounters,
  DecodeOptions,
  EncodeOptions,
  EventDecoder,
  EventEncoder,
  EventFormat,
} from './format.ts';
import { RecordCarry } from './record-carry.ts';

const RECORD_BYTES = 8;
const MAGIC = '#!AER-DAT2.0';
/** Records that are looked at to tell the layout where the header names no chip. */
const GUESS_RECORDS = 256;

class Aedat2Decoder implements EventDecoder {
  readonly counters: DecodeCounters = zeroCounters();
  readonly #options: DecodeOptions;
  readonly #header: Aedat2Header;
  readonly #carry = new RecordCarry(RECORD_BYTES);
  readonly #chunks = new ChunkBuilder();
  readonly #progress: Progress = { length: 0, last: 0, overflow: false };
  #chip: Aedat2Chip | undefined;
  #sensor: SensorSize | undefined;
  #started = false;
  /** Clock reading, modulo 2^32, at the origin of the open chunk. */
  #base = 0;
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
    if (this.#header.done) this.#body(block, emit);
    else {
      for (const part of this.#header.read(block)) this.#body(part, emit);
      if (this.#header.chip !== undefined) this.#settle(this.#header.chip);
    }
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
    if (this.#chip !== undefined) return;
    this.#chip = chip;
    this.#sensor = this.#options.sensor ?? { width: chip.width, height: chip.height };
  }

  #body(bytes: Uint8Array, emit: (chunk: EventChunk) => void): void {
    if (this.#header.chip !== undefined) this.#settle(this.#header.chip);
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
    const chip = this.#chip!;
    const { width, height } = this.#sensor!;
    const progress = this.#progress;
    const counters = this.counters;
    const end = records.byteLength;
    if (!this.#started) {
      this.#started = true;
      this.#base = records.getInt32(4);
      this.#chunks.moveOrigin(this.#base >>> 0, emit);
    }
    for (let position = 0; position < end; ) {
      const chunk = this.#chunks.open();
      const start = this.#chunks.length;
      const stop = Math.min(end, position + (chunk.t.length - start) * RECORD_BYTES);
      progress.length = start;
      position =
        chip.layout === 'davis'
          ? davisRecords(records, position, stop, chunk, width, height, this.#base, progress, counters)
          : this.#options.orientation === 'display'
            ? dvs128Records(
                records,
                position,
                stop,
                transposed(chunk),
                height,
                width,
                this.#base,
                progress,
                counters,
              )
            : dvs128Records(records, position, stop, chunk, width, height, this.#base, progress, counters);
      counters.events += progress.length - start;
      this.#chunks.advance(progress.length, emit);
      if (progress.overflow) this.#moveOrigin(records.getInt32(position + 4), emit);
    }
  }

  #moveOrigin(clock: number, emit: (chunk: EventChunk) => void): void {
    this.#chunks.moveOrigin(this.#chunks.origin + ((clock - this.#base) >>> 0), emit);
    this.#base = clock;
    this.#progress.last = 0;
    this.#progress.overflow = false;
  }
}

/** The same chunk with x and y in each other's place. */
function transposed(chunk: EventChunk): EventChunk {
  return { origin: chunk.origin, t: chunk.t, x: chunk.y, y: chunk.x, on: chunk.on };
}

/** Decodes records of a DVS128 up to `stop`; gives the position reached. Bit 0 is 0 for on, as jAER has it. */
function dvs128Records(
  records: DataView,
  start: number,
  stop: number,
  { t, x, y, on }: EventChunk,
  width: number,
  height: number,
  clockAtOrigin: number,
  progress: Progress,
  counters: DecodeCounters,
): number {
  const base = clockAtOrigin | 0;
  let last = progress.last | 0;
  let n = progress.length;
  let position = start;
  for (; position < stop; position += RECORD_BYTES) {
    const address = records.getInt32(position);
    if ((address & 0x8000) !== 0) {
      counters.skipped++;
      continue;
    }
    const column = 127 - ((address >> 1) & 127);
    const row = 127 - ((address >> 8) & 127);
    if (column >= width || row >= height) {
      counters.outOfRange++;
      continue;
    }
    let time = (records.getInt32(position + 4) - base) | 0;
    if (time < last) {
      if (((time - last) | 0) >= 0) {
        progress.overflow = true;
        break;
      }
      counters.backward++;
      time = last;
    }
    t[n] = time;
    x[n] = column;
    y[n] = row;
    on[n] = (address & 1) ^ 1;
    n++;
    last = time;
  }
  progress.last = last;
  progress.length = n;
  return position;
}

/** Decodes records of a DAVIS up to `stop`; frames, inertial samples and external events are skipped. */
function davisRecords(
  records: DataView,
  start: number,
  stop: number,
  { t, x, y, on }: EventChunk,
  width: number,
  height: number,
  clockAtOrigin: number,
  progress: Progress,
  counters: DecodeCounters,
): number {
  const base = clockAtOrigin | 0;
  let last = progress.last | 0;
  let n = progress.length;
  let position = start;
  for (; position < stop; position += RECORD_BYTES) {
    const address = records.getInt32(position);
    if ((address & 0x80000400) !== 0) {
      counters.skipped++;
      continue;
    }
    const column = width - 1 - ((address >> 12) & 1023);
    const row = height - 1 - ((address >> 22) & 511);
    if ((column | row) < 0) {
      counters.outOfRange++;
      continue;
    }
    let time = (records.getInt32(position + 4) - base) | 0;
    if (time < last) {
      if (((time - last) | 0) >= 0) {
        progress.overflow = true;
        break;
      }
      counters.backward++;
      time = last;
    }
    t[n] = time;
    x[n] = column;
    y[n] = row;
    on[n] = (address >> 11) & 1;
    n++;
    last = time;
  }
  progress.last = last;
  progress.length = n;
  return position;
}

class Aedat2Encoder implements EventEncoder {
  readonly #chip: Aedat2Chip;
  #headed = false;

  constructor(options: EncodeOptions) {
    this.#chip = chipForSensor(options.sensor);
  }

  push(chunk: EventChunk, emit: (bytes: Uint8Array) => void): void {
    this.#head(emit);
    const { width, height, layout } = this.#chip;
    const bytes = new Uint8Array(chunk.t.length * RECORD_BYTES);
    const view = new DataView(bytes.buffer);
    for (let i = 0; i < chunk.t.length; i++) {
      const column = width - 1 - chunk.x[i]!;
      const row = height - 1 - chunk.y[i]!;
      const address =
        layout === 'davis'
          ? (row << 22) | (column << 12) | (chunk.on[i]! << 11)
          : (row << 8) | (column << 1) | (chunk.on[i]! ^ 1);
      view.setInt32(i * RECORD_BYTES, address);
      view.setUint32(i * RECORD_BYTES + 4, (chunk.origin + chunk.t[i]!) % 4294967296);
    }
    emit(bytes);
  }

  end(emit: (bytes: Uint8Array) => void): void {
    this.#head(emit);
  }

  #head(emit: (bytes: Uint8Array) => void): void {
    if (this.#headed) return;
    this.#headed = true;
    const lines = [
      MAGIC,
      '# Timestamps tick: 1 us',
      `# AEChip: ${this.#chip.name}`,
      '#End Of ASCII Header',
      '',
    ];
    emit(Buffer.from(lines.join('\r\n'), 'latin1'));
  }
}

/** AEDAT 2.0 as jAER writes it: DVS128 and DAVIS. */
export const aedat2: EventFormat = {
  name: 'aedat2',
  title: 'AEDAT 2.0',
  sniff: (head) => (Buffer.from(head.subarray(0, MAGIC.length)).toString('latin1') === MAGIC ? 1 : 0),
  createDecoder: (options = {}) => new Aedat2Decoder(options),
  createEncoder: (options) => new Aedat2Encoder(options),
};
