import { FormatError } from '../../errors.ts';
import type { EventChunk, SensorSize, Stage } from '../../events.ts';
import { LiveClock } from './live-clock.ts';

/**
 * SPIF datagrams, as SpiNNaker peripheral interface boards and AEStream send them: little-endian 32-bit words, one an
 * event: bit 31 clear where a timestamp follows (a second word, microseconds), bits 30-16 x, bit 15 set for brighter,
 * bits 14-0 y. Each word says for itself whether a timestamp follows. There is no header and no sequence number.
 *
 * AEStream fills datagrams with 128 events without timestamps, with 32 otherwise; it counts the bytes of its last
 * timed datagram twice, so a stream of its may end in old or meaningless words.
 */
const UNTIMED = 0x80000000;
const ON = 0x8000;
const COORDINATE = 0x7fff;
const EVENTS_A_DATAGRAM = { timed: 32, untimed: 128 } as const;

/** What a decoder of datagrams met; nothing is dropped without being counted here. */
export interface SpifCounters {
  readonly datagrams: number;
  /** Datagrams whose length cannot be whole words, or whose last word lacks its timestamp; dropped as a whole. */
  readonly malformed: number;
  /** Events in the other datagrams. */
  readonly received: number;
  /** Events outside the sensor, dropped. */
  readonly outOfRange: number;
  /** Events whose time went back and was raised to the time before it. */
  readonly backward: number;
  /** Times that the sender's clock started again. */
  readonly restarts: number;
  /** Events that carried no time and have that of their arrival. */
  readonly untimed: number;
}

/** Turns datagrams into events with one time that never goes back. */
export class SpifDecoder {
  readonly #sensor: SensorSize;
  readonly #clock = new LiveClock();
  #datagrams = 0;
  #malformed = 0;
  #received = 0;
  #outOfRange = 0;
  #untimed = 0;

  constructor(sensor: SensorSize) {
    this.#sensor = sensor;
  }

  get counters(): SpifCounters {
    return {
      datagrams: this.#datagrams,
      malformed: this.#malformed,
      received: this.#received,
      outOfRange: this.#outOfRange,
      backward: this.#clock.backward,
      restarts: this.#clock.restarts,
      untimed: this.#untimed,
    };
  }

  /**
   * Emits the events of a datagram, or counts it as malformed and emits none.
   * @param arrivalMicros when it arrived, on a clock that never goes back
   */
  decode(datagram: Uint8Array, arrivalMicros: number, emit: EmitEvent): void {
    this.#datagrams++;
    const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength);
    if (!isWhole(view)) {
      this.#malformed++;
      return;
    }
    const { width, height } = this.#sensor;
    for (let at = 0; at < view.byteLength; at += 4) {
      const word = view.getUint32(at, true);
      const timed = word < UNTIMED;
      if (timed) at += 4;
      else this.#untimed++;
      this.#received++;
      const x = (word >>> 16) & COORDINATE;
      const y = word & COORDINATE;
      if (x >= width || y >= height) {
        this.#outOfRange++; // its time is not trusted either
        continue;
      }
      const micros = timed
        ? this.#clock.timed(view.getUint32(at, true), arrivalMicros)
        : this.#clock.untimed(arrivalMicros);
      emit(micros, x, y, (word & ON) === 0 ? 0 : 1);
    }
  }
}

/** Takes one event; `micros` never goes back. */
export type EmitEvent = (micros: number, x: number, y: number, on: number) => void;

/** True where a datagram is a whole number of events, and at least one. */
function isWhole(view: DataView): boolean {
  const length = view.byteLength;
  if (length === 0 || length % 4 !== 0) return false;
  let at = 0;
  while (at < length) at += view.getUint32(at, true) < UNTIMED ? 8 : 4;
  return at === length;
}

/** How datagrams are filled. */
export interface SpifEncoding {
  readonly timestamps: boolean;
  /** Default 32 with timestamps and 128 without, as AEStream sends them. */
  readonly eventsPerDatagram?: number;
}

/** Turns chunks into datagrams; times are sent as their low 32 bits. */
export class SpifEncoder implements Stage<EventChunk, Uint8Array> {
  readonly #timestamps: boolean;
  readonly #limit: number;
  #words: Uint32Array;
  #used = 0;

  constructor({ timestamps, eventsPerDatagram }: SpifEncoding) {
    this.#timestamps = timestamps;
    this.#limit = eventsPerDatagram ?? EVENTS_A_DATAGRAM[timestamps ? 'timed' : 'untimed'];
    this.#words = this.#allocate();
  }

  push(chunk: EventChunk, emit: (datagram: Uint8Array) => void): void {
    for (let i = 0; i < chunk.t.length; i++) {
      const x = chunk.x[i]!;
      const y = chunk.y[i]!;
      if ((x | y) > COORDINATE) {
        throw new FormatError(`SPIF: expected coordinates up to ${COORDINATE}, found (${x}, ${y})`);
      }
      const event = (x << 16) | (chunk.on[i]! === 0 ? 0 : ON) | y;
      this.#words[this.#used++] = this.#timestamps ? event : event | UNTIMED;
      if (this.#timestamps) this.#words[this.#used++] = (chunk.origin + chunk.t[i]!) % 4294967296;
      if (this.#used === this.#words.length) this.#flush(emit);
    }
  }

  end(emit: (datagram: Uint8Array) => void): void {
    if (this.#used > 0) this.#flush(emit);
  }

  #allocate(): Uint32Array {
    return new Uint32Array(this.#limit * (this.#timestamps ? 2 : 1));
  }

  #flush(emit: (datagram: Uint8Array) => void): void {
    const bytes = new Uint8Array(4 * this.#used);
    const view = new DataView(bytes.buffer);
    for (let i = 0; i < this.#used; i++) view.setUint32(4 * i, this.#words[i]!, true);
    this.#used = 0;
    emit(bytes);
  }
}
