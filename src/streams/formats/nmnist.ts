/**
 * The files of N-MNIST and N-Caltech101 (`.bin`) and of SLAYER (`.bs2`): no header, records of 5 bytes: x, y, then
 * polarity (1 bit, 1 = on) and microseconds (23 bits, big-endian). A record with y = 240 is no event: from it on,
 * 2^13 µs are added to all times.
 */
import { OptionError } from '../../errors.ts';
import type { EventChunk, SensorSize } from '../../events.ts';
import { formatFault, zeroCounters } from './fault.ts';
import type { DecodeCounters, DecodeOptions, EventDecoder, EventEncoder, EventFormat } from './format.ts';
import { KernelBytes } from './kernels/kernel-bytes.ts';
import { KernelChunks } from './kernels/kernel-chunks.ts';
import { loops } from './kernels/loops.ts';
import { CLOCK, HEIGHT, LAST, NOW, WIDTH } from './kernels/state.ts';
import { NMNIST_BYTES, OVERFLOW_MICROS, OVERFLOW_ROW, TIME_MASK } from './nmnist/records.ts';
import { RecordCarry } from './record-carry.ts';

/** A longer silence would be written as 20 MiB of overflow records and more. */
const LONGEST_SILENCE_MICROS = 2 ** 22 * OVERFLOW_MICROS;
/** Coordinates have 8 bits. */
const ANY_SIZE: SensorSize = { width: 256, height: 256 };
/** Another row is no event's. */
const WRITTEN_SIZE: SensorSize = { width: 256, height: OVERFLOW_ROW };

class NmnistDecoder implements EventDecoder {
  readonly counters: DecodeCounters = zeroCounters();
  readonly sensor: SensorSize | undefined;
  readonly #path: string | undefined;
  readonly #carry = new RecordCarry(NMNIST_BYTES);
  readonly #chunks = new KernelChunks(this.counters);
  readonly #kernel = loops().decode.nmnist;
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
  readonly #bytes: KernelBytes;
  /** What overflow records have added to all times. */
  #overflowMicros = 0;

  constructor() {
    const format = { title: 'N-MNIST', kernel: loops().encode.nmnist, mostBytes: NMNIST_BYTES };
    this.#bytes = new KernelBytes(format, WRITTEN_SIZE);
  }

  push(chunk: EventChunk, emit: (bytes: Uint8Array) => void): void {
    if (chunk.t.length > 0) emit(this.#bytes.encode(chunk, (event) => this.#place(chunk, event)));
  }

  end(): void {}

  /** Writes the overflow records that lead to an event. */
  #place({ origin, t }: EventChunk, event: number): void {
    const { state } = this.#bytes;
    let time = origin + t[event]! - this.#overflowMicros;
    if (!(time >= 0 && time <= LONGEST_SILENCE_MICROS)) {
      throw new OptionError(
        `N-MNIST files count time from 0, without silences of ${LONGEST_SILENCE_MICROS} us; shift the times first`,
      );
    }
    const overflows = Math.max(0, Math.ceil((time - TIME_MASK) / OVERFLOW_MICROS));
    const { view, at } = this.#bytes.insert(NMNIST_BYTES * overflows);
    for (let i = 0; i < overflows; i++) {
      view.setInt32(at + NMNIST_BYTES * i, OVERFLOW_ROW << 16);
      view.setUint8(at + NMNIST_BYTES * i + 4, 0);
    }
    this.#overflowMicros += overflows * OVERFLOW_MICROS;
    time -= overflows * OVERFLOW_MICROS;
    state[NOW] = time;
    state[LAST] = t[event]!;
  }
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
