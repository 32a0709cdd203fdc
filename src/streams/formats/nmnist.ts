/**
 * The files of N-MNIST and N-Caltech101 (`.bin`) and of SLAYER (`.bs2`): no header, records of 5 bytes: x, y, then
 * polarity (1 bit, 1 = on) and microseconds (23 bits, big-endian). A record with y = 240 is no event: from it on,
 * 2^13 µs are added to all times.
 */
import { OptionError } from '../../errors.ts';
import type { EventChunk, SensorSize } from '../../events.ts';
import { formatFault, zeroCounters } from './fault.ts';
import type { DecodeCounters, DecodeOptions, EventDecoder, EventEncoder, EventFormat } from './format.ts';
import { GrowingBytes } from './growing-bytes.ts';
import { KernelChunks } from './kernels/kernel-chunks.ts';
import { loops } from './kernels/loops.ts';
import { CLOCK, HEIGHT, WIDTH } from './kernels/state.ts';
import { NMNIST_BYTES, OVERFLOW_MICROS, OVERFLOW_ROW, TIME_MASK } from './nmnist/records.ts';
import { RecordCarry } from './record-carry.ts';

/** A longer silence would be written as 20 MiB of overflow records and more. */
const LONGEST_SILENCE_MICROS = 2 ** 22 * OVERFLOW_MICROS;
/** Coordinates have 8 bits. */
const ANY_SIZE: SensorSize = { width: 256, height: 256 };

class NmnistDecoder implements EventDecoder {
  readonly counters: DecodeCounters = zeroCounters();
  readonly sensor: SensorSize | undefined;
  readonly #path: string | undefined;
  readonly #carry = new RecordCarry(NMNIST_BYTES);
  readonly #chunks = new KernelChunks(this.counters);
  readonly #kernel = loops().nmnist;
  #offset = 0;

  constructor(options: DecodeOptions) {
    this.sensor = options.sensor;
    this.#path = options.path;
    const { width, height } = this.sensor ?? ANY_SIZE;
    this.#chunks.state[WIDTH] = width;
    this.#chunks.state[HEIGHT] = height;
  }

  push(block: Uint8Array, emit: (chunk: EventChunk) => void): void {
    this.#offset += block.length;
    const moveOrigin = (position: number): number => {
      const { state } = this.#chunks;
      this.#chunks.moveOrigin(this.#chunks.origin + state[CLOCK]!, emit);
      state[CLOCK] = 0;
      return position;
    };
    this.#carry.feed(block, (records) => this.#chunks.decode(records, 0, this.#kernel, moveOrigin, emit));
  }

  handOn(emit: (chunk: EventChunk) => void): void {
    this.#chunks.handOn(emit);
  }

  end(emit: (chunk: EventChunk) => void): void {
    this.#chunks.flush(emit);
    const held = this.#carry.held;
    if (held > 0) {
      const message = `N-MNIST record of ${NMNIST_BYTES} bytes expected, the data end after ${held}`;
      throw formatFault(message, this.#path, this.#offset - held);
    }
  }
}

class NmnistEncoder implements EventEncoder {
  #overflows = 0;

  push(chunk: EventChunk, emit: (bytes: Uint8Array) => void): void {
    const { origin, t, x, y, on } = chunk;
    const bytes = new GrowingBytes(NMNIST_BYTES * t.length);
    let { view } = bytes;
    let length = 0;
    let start = origin - this.#overflows * OVERFLOW_MICROS;
    for (let i = 0; i < t.length; i++) {
      const column = x[i]!;
      const row = y[i]!;
      if (column > 255 || row >= OVERFLOW_ROW) {
        throw new OptionError(
          `N-MNIST files hold x up to 255 and y up to ${OVERFLOW_ROW - 1}, not (${column}, ${row})`,
        );
      }
      let time = start + t[i]!;
      if (time > TIME_MASK) {
        if (time > LONGEST_SILENCE_MICROS) {
          throw new OptionError(
            `N-MNIST files count time from 0, without silences of ${LONGEST_SILENCE_MICROS} us; shift the times first`,
          );
        }
        const overflows = Math.ceil((time - TIME_MASK) / OVERFLOW_MICROS);
        view = bytes.reserve(length, NMNIST_BYTES * (overflows + t.length - i));
        for (const end = length + NMNIST_BYTES * overflows; length < end; length += NMNIST_BYTES) {
          view.setUint32(length, OVERFLOW_ROW << 16);
          view.setUint8(length + 4, 0);
        }
        this.#overflows += overflows;
        start -= overflows * OVERFLOW_MICROS;
        time -= overflows * OVERFLOW_MICROS;
      }
      view.setInt32(length, (column << 24) | (row << 16) | (on[i]! << 15) | (time >> 8));
      view.setUint8(length + 4, time);
      length += NMNIST_BYTES;
    }
    emit(bytes.written(length));
  }

  end(): void {}
}

/**
 * How plausible headerless bytes are as records: whole records whose times rise, but for a backward step in a hundred.
 */
function plausibility(head: Uint8Array, size: number | undefined): number {
  if (head.length < NMNIST_BYTES || (size ?? head.length) % NMNIST_BYTES !== 0) return 0;
  let backward = 0;
  let events = 0;
  let first = -1;
  let last = -1;
  for (let i = 0; i + NMNIST_BYTES <= head.length; i += NMNIST_BYTES) {
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
