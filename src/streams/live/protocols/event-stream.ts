import type { EventChunk, SensorSize } from '../../../events.ts';
import { viewOf } from '../../formats/byte-window.ts';
import { MAGIC } from '../../formats/event-stream/encoder.ts';
import { DVS_OVERFLOW_MICROS, KINDS } from '../../formats/event-stream/events.ts';
import type { Intake } from '../intake.ts';
import {
  type LiveDecoder,
  type LiveEncoder,
  type Protocol,
  type SendingOptions,
  startsWith,
} from './protocol.ts';

/**
 * Event Stream datagrams: a time of 64 bits, little-endian, then an Event Stream of a DVS of its own, whose times are
 * steps from that time on; rows count from the bottom. No sequence number.
 * https://github.com/neuromorphicsystems/event_stream
 */
const TIME_BYTES = 8;
const HEADER_BYTES = TIME_BYTES + MAGIC.length + 8;
const EVENT_BYTES = 5;
const OVERFLOW = 0xff;
const RESET = 0xfe;
/** Leaves an Ethernet frame room for some overflows. */
const EVENTS_A_DATAGRAM = 256;
const DATAGRAM_BYTES = 1472;
/** Upper halves of 64-bit times in microseconds from here on make numbers that are not exact. */
const EXACT_HIGH = 2 ** 21;

class EventStreamDatagrams implements LiveDecoder {
  readonly #intake: Intake;

  constructor(intake: Intake) {
    this.#intake = intake;
  }

  push(datagram: Uint8Array): void {
    const view = viewOf(datagram);
    if (!isWhole(datagram, view)) {
      this.#intake.tally.add('malformed');
      return;
    }
    const height = view.getUint16(HEADER_BYTES - 2, true);
    let micros = view.getUint32(4, true) * 4294967296 + view.getUint32(0, true);
    for (let at = HEADER_BYTES; at < view.byteLength; ) {
      const first = view.getUint8(at);
      if (first >= RESET) {
        if (first === OVERFLOW) micros += DVS_OVERFLOW_MICROS;
        at++;
        continue;
      }
      micros += first >> 1;
      // Below 0 becomes far outside of any sensor.
      const y = (height - 1 - view.getUint16(at + 3, true)) >>> 0;
      this.#intake.wide(micros, view.getUint16(at + 1, true), y, first & 1);
      at += EVENT_BYTES;
    }
  }

  restart(): void {}
}

/** True for a header of a DVS and whole events behind it. */
function isWhole(datagram: Uint8Array, view: DataView): boolean {
  if (datagram.length < HEADER_BYTES || view.getUint32(4, true) >= EXACT_HIGH - 1) return false;
  if (startsWith(datagram.subarray(TIME_BYTES), MAGIC) !== true) return false;
  if (KINDS[datagram[HEADER_BYTES - 5]!] !== 'DVS') return false;
  let at = HEADER_BYTES;
  while (at < datagram.length) at += datagram[at]! >= RESET ? 1 : EVENT_BYTES;
  return at === datagram.length;
}

class EventStreamDatagramEncoder implements LiveEncoder {
  readonly #sensor: SensorSize;
  readonly #limit: number;
  #bytes = new Uint8Array(DATAGRAM_BYTES);
  #used = 0;
  #events = 0;
  #micros = 0;

  constructor({ sensor, eventsPerPacket = EVENTS_A_DATAGRAM }: SendingOptions) {
    this.#sensor = sensor;
    this.#limit = eventsPerPacket;
  }

  push({ origin, t, x, y, on }: EventChunk, emit: (datagram: Uint8Array) => void): void {
    for (let i = 0; i < t.length; i++) {
      const micros = origin + t[i]!;
      let overflows = Math.floor((micros - this.#micros) / DVS_OVERFLOW_MICROS);
      if (this.#used + overflows + EVENT_BYTES > DATAGRAM_BYTES || this.#events === this.#limit)
        this.end(emit);
      if (this.#used === 0) {
        this.#head(micros);
        overflows = 0;
      }
      this.#bytes.fill(OVERFLOW, this.#used, this.#used + overflows);
      this.#used += overflows;
      const view = viewOf(this.#bytes);
      view.setUint8(this.#used, ((micros - this.#micros - overflows * DVS_OVERFLOW_MICROS) << 1) | on[i]!);
      view.setUint16(this.#used + 1, x[i]!, true);
      view.setUint16(this.#used + 3, this.#sensor.height - 1 - y[i]!, true);
      this.#used += EVENT_BYTES;
      this.#events++;
      this.#micros = micros;
    }
  }

  end(emit: (datagram: Uint8Array) => void): void {
    if (this.#used === 0) return;
    const datagram = this.#bytes.subarray(0, this.#used);
    this.#bytes = new Uint8Array(DATAGRAM_BYTES);
    this.#used = 0;
    this.#events = 0;
    emit(datagram);
  }

  #head(micros: number): void {
    const view = viewOf(this.#bytes);
    view.setUint32(0, micros % 4294967296, true);
    view.setUint32(4, micros / 4294967296, true);
    this.#bytes.set(MAGIC, TIME_BYTES);
    this.#bytes.set([2, 0, 0, KINDS.indexOf('DVS')], TIME_BYTES + MAGIC.length);
    view.setUint16(HEADER_BYTES - 4, this.#sensor.width, true);
    view.setUint16(HEADER_BYTES - 2, this.#sensor.height, true);
    this.#used = HEADER_BYTES;
    this.#micros = micros;
  }
}

/** Event Stream in datagrams. */
export const eventStreamDatagrams: Protocol = {
  name: 'es',
  title: 'Event Stream datagrams',
  carriers: ['datagrams'],
  fitsDatagram: (datagram) => (isWhole(datagram, viewOf(datagram)) ? 1 : 0),
  createDecoder: (intake) => new EventStreamDatagrams(intake),
  createEncoder: (options) => new EventStreamDatagramEncoder(options),
};
