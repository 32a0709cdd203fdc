import { FormatError } from '../../../errors.ts';
import type { EventChunk, SensorSize } from '../../../events.ts';
import { viewOf } from '../../formats/byte-window.ts';
import type { Intake } from '../intake.ts';
import { DatagramPacker } from './datagram-packer.ts';
import {
  type LiveDecoder,
  type LiveEncoder,
  type Protocol,
  plausibility,
  type SendingOptions,
} from './protocol.ts';

/**
 * SPIF datagrams, as SpiNNaker peripheral interface boards and AEStream send them: little-endian 32-bit words, one an
 * event: bit 31 clear where a timestamp follows (a second word, microseconds), bits 30-16 x, bit 15 set for brighter,
 * bits 14-0 y. Each word says for itself whether a timestamp follows. There is no header and no sequence number.
 *
 * AEStream fills datagrams with 128 events without timestamps, with 32 otherwise; it counts the bytes of its last
 * timed datagram twice, so a stream of its may end in old or meaningless words.
 * https://github.com/SpiNNakerManchester/spif, https://github.com/aestream/aestream
 */
const UNTIMED = 0x80000000;
const ON = 0x8000;
const COORDINATE = 0x7fff;
const EVENTS_A_DATAGRAM = { timed: 32, untimed: 128 } as const;

class SpifDecoder implements LiveDecoder {
  readonly #intake: Intake;

  constructor(intake: Intake) {
    this.#intake = intake;
  }

  push(datagram: Uint8Array): void {
    const intake = this.#intake;
    const view = viewOf(datagram);
    if (!isWhole(view)) {
      intake.tally.add('malformed');
      return;
    }
    for (let at = 0; at < view.byteLength; at += 4) {
      const word = view.getUint32(at, true);
      const x = (word >>> 16) & COORDINATE;
      const y = word & COORDINATE;
      const on = (word >>> 15) & 1;
      if (word < UNTIMED) {
        at += 4;
        intake.timed(view.getUint32(at, true), x, y, on);
      } else intake.untimed(x, y, on);
    }
  }

  restart(): void {}
}

/** True where a datagram is a whole number of events, and at least one. */
function isWhole(view: DataView): boolean {
  const length = view.byteLength;
  if (length === 0 || length % 4 !== 0) return false;
  let at = 0;
  while (at < length) at += view.getUint32(at, true) < UNTIMED ? 8 : 4;
  return at === length;
}

function fitsDatagram(datagram: Uint8Array, { sensor }: { sensor: SensorSize }): number {
  const view = viewOf(datagram);
  if (!isWhole(view)) return 0;
  const times: number[] = [];
  let events = 0;
  let inside = 0;
  for (let at = 0; at < view.byteLength; at += 4) {
    const word = view.getUint32(at, true);
    events++;
    if (((word >>> 16) & COORDINATE) < sensor.width && (word & COORDINATE) < sensor.height) inside++;
    if (word >= UNTIMED) continue;
    at += 4;
    times.push(view.getUint32(at, true));
  }
  return plausibility(events, inside, times.length, (i) => times[i]!);
}

/** Times are sent as their low 32 bits. */
class SpifEncoder implements LiveEncoder {
  readonly #timestamps: boolean;
  readonly #packer: DatagramPacker;

  constructor({ timestamps = true, eventsPerPacket }: SendingOptions) {
    this.#timestamps = timestamps;
    const events = eventsPerPacket ?? EVENTS_A_DATAGRAM[timestamps ? 'timed' : 'untimed'];
    this.#packer = new DatagramPacker(timestamps ? 8 : 4, events);
  }

  push(chunk: EventChunk, emit: (datagram: Uint8Array) => void): void {
    const packer = this.#packer;
    for (let i = 0; i < chunk.t.length; i++) {
      const x = chunk.x[i]!;
      const y = chunk.y[i]!;
      if ((x | y) > COORDINATE) {
        throw new FormatError(`SPIF: expected coordinates up to ${COORDINATE}, found (${x}, ${y})`);
      }
      const event = ((x << 16) | (chunk.on[i]! === 0 ? 0 : ON) | y) >>> 0;
      const at = packer.next();
      packer.view.setUint32(at, this.#timestamps ? event : event + UNTIMED, true);
      if (this.#timestamps) packer.view.setUint32(at + 4, (chunk.origin + chunk.t[i]!) % 4294967296, true);
      if (packer.full) packer.flush(emit);
    }
  }

  end(emit: (datagram: Uint8Array) => void): void {
    this.#packer.flush(emit);
  }
}

/** SPIF, with and without timestamps. */
export const spif: Protocol = {
  name: 'spif',
  title: 'SPIF',
  carriers: ['datagrams'],
  ports: { datagrams: 3333 },
  fitsDatagram,
  createDecoder: (intake) => new SpifDecoder(intake),
  createEncoder: (options) => new SpifEncoder(options),
};
