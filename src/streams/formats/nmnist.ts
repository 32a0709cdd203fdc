/**
 * The files of N-MNIST and N-Caltech101 (`.bin`) and of SLAYER (`.bs2`): no header, records of 5 bytes: x, y, then
 * polarity (1 bit, 1 = on) and microseconds (23 bits, big-endian). A record with y = 240 is no event: from it on,
 * 2^13 µs are added to all times.
 */
import { OptionError } from '../../errors.ts';
import type { EventChunk, SensorSize } from '../../events.ts';
import { ChunkBuilder } from './chunk-builder.ts';
import { formatFault, zeroCounters } from './fault.ts';
import type { DecodeCounters, DecodeOptions, EventDecoder, EventEncoder, EventFormat } from './format.ts';
import { RecordCarry } from './record-carry.ts';

const RECORD_BYTES = 5;
const OVERFLOW_ROW = 240;
const OVERFLOW_MICROS = 8192;
const TIME_MASK = 0x7fffff;
/** The origin moves before offsets reach this, so that times stay below 2^31. */
const FARTHEST_MICROS = 2 ** 30;

class NmnistDecoder implements EventDecoder {
  readonly counters: DecodeCounters = zeroCounters();
  readonly sensor: SensorSize | undefined;
  readonly #path: string | undefined;
  readonly #carry = new RecordCarry(RECORD_BYTES);
  readonly #chunks = new ChunkBuilder();
  #offset = 0;
  #overflowMicros = 0;
  #last = 0;

  constructor(options: DecodeOptions) {
    this.sensor = options.sensor;
    this.#path = options.path;
  }

  push(block: Uint8Array, emit: (chunk: EventChunk) => void): void {
    this.#offset += block.length;
    this.#carry.feed(block, (records) => {
      for (let position = 0; position < records.byteLength; ) {
        position = this.#decode(records, position, emit);
      }
    });
  }

  end(emit: (chunk: EventChunk) => void): void {
    this.#chunks.flush(emit);
    const held = this.#carry.held;
    if (held > 0) {
      const message = `N-MNIST record of ${RECORD_BYTES} bytes expected, the data end after ${held}`;
      throw formatFault(message, this.#path, this.#offset - held);
    }
  }

  /** Decodes records into the open chunk until either ends; gives the position reached. */
  #decode(records: DataView, start: number, emit: (chunk: EventChunk) => void): number {
    const { t, x, y, on } = this.#chunks.open();
    const room = t.length - this.#chunks.length;
    const { width, height } = this.sensor ?? { width: 256, height: 256 };
    const counters = this.counters;
    const end = records.byteLength;
    const stop = Math.min(end, start + room * RECORD_BYTES);
    let n = this.#chunks.length;
    let last = this.#last;
    let overflow = this.#overflowMicros;
    let position = start;
    for (; position < stop; position += RECORD_BYTES) {
      const word = records.getInt32(position); // x, y, polarity and the upper 15 bits of the time
      const row = (word >> 16) & 255;
      const column = word >>> 24;
      if (row === OVERFLOW_ROW) {
        counters.skipped++;
        overflow += OVERFLOW_MICROS;
        if (overflow < FARTHEST_MICROS) continue;
        position += RECORD_BYTES;
        break;
      }
      if (column >= width || row >= height) {
        counters.outOfRange++;
        continue;
      }
      let time = ((((word << 8) | records.getUint8(position + 4)) & TIME_MASK) + overflow) | 0;
      if (time < last) {
        counters.backward++;
        time = last;
      }
      t[n] = time;
      x[n] = column;
      y[n] = row;
      on[n] = (word >> 15) & 1;
      n++;
      last = time;
    }
    counters.events += n - this.#chunks.length;
    this.#last = last;
    this.#overflowMicros = overflow;
    this.#chunks.advance(n, emit);
    if (overflow >= FARTHEST_MICROS) this.#moveOrigin(emit);
    return position;
  }

  #moveOrigin(emit: (chunk: EventChunk) => void): void {
    this.#chunks.moveOrigin(this.#chunks.origin + this.#overflowMicros, emit);
    this.#last -= this.#overflowMicros;
    this.#overflowMicros = 0;
  }
}

class NmnistEncoder implements EventEncoder {
  #overflows = 0;

  push(chunk: EventChunk, emit: (bytes: Uint8Array) => void): void {
    const bytes: number[] = [];
    for (let i = 0; i < chunk.t.length; i++) {
      const x = chunk.x[i]!;
      const y = chunk.y[i]!;
      if (x > 255 || y >= OVERFLOW_ROW) {
        throw new OptionError(
          `N-MNIST files hold x up to 255 and y up to ${OVERFLOW_ROW - 1}, not (${x}, ${y})`,
        );
      }
      const micros = chunk.origin + chunk.t[i]!;
      for (; micros - this.#overflows * OVERFLOW_MICROS > TIME_MASK; this.#overflows++) {
        bytes.push(0, OVERFLOW_ROW, 0, 0, 0);
      }
      const time = micros - this.#overflows * OVERFLOW_MICROS;
      bytes.push(x, y, (chunk.on[i]! << 7) | (time >> 16), (time >> 8) & 255, time & 255);
    }
    emit(Uint8Array.from(bytes));
  }

  end(): void {}
}

/**
 * How plausible headerless bytes are as records: whole records whose times rise, but for a backward step in a hundred.
 */
function plausibility(head: Uint8Array, size: number | undefined): number {
  if (head.length < RECORD_BYTES || (size ?? head.length) % RECORD_BYTES !== 0) return 0;
  let backward = 0;
  let events = 0;
  let first = -1;
  let last = -1;
  for (let i = 0; i + RECORD_BYTES <= head.length; i += RECORD_BYTES) {
    const row = head[i + 1]!;
    if (row > OVERFLOW_ROW) return 0;
    if (row === OVERFLOW_ROW) {
      last = -1;
      continue;
    }
    const time = ((head[i + 2]! & 127) << 16) | (head[i + 3]! << 8) | head[i + 4]!;
    if (time < last) backward++;
    if (first < 0) first = time;
    last = time;
    events++;
  }
  const still = events > 8 && last === first;
  return still || backward * 100 > events ? 0 : 0.5;
}

/** N-MNIST, N-Caltech101 and SLAYER `.bs2`; the sensor size is not in the file. */
export const nmnist: EventFormat = {
  name: 'nmnist',
  title: 'N-MNIST',
  extensions: ['.bin', '.bs2'],
  sniff: plausibility,
  createDecoder: (options = {}) => new NmnistDecoder(options),
  createEncoder: () => new NmnistEncoder(),
};
