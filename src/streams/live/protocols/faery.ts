import { FormatError } from '../../../errors.ts';
import type { EventChunk } from '../../../events.ts';
import { viewOf } from '../../formats/byte-window.ts';
import type { Intake } from '../intake.ts';
import { DatagramPacker } from './datagram-packer.ts';
import {
  type LiveDecoder,
  type LiveEncoder,
  type Protocol,
  type ProtocolOptions,
  plausibility,
  type SendingOptions,
} from './protocol.ts';

/**
 * The two datagrams of faery, little-endian records without a header or a sequence number, 100 in a datagram:
 * `t64_x16_y16_on8`, 13 bytes an event: u64 t, u16 x, u16 y, u8 on; `t32_x16_y15_on1`, 8 bytes: the low 32 bits of t,
 * u16 x, u16 y and polarity (y << 1 | on; faery's sender masks this to 15 bits, so that y is below 16384). Rows count
 * from the top. https://github.com/aestream/faery
 */
const EVENTS_A_DATAGRAM = 100;
/** Upper halves of 64-bit times in microseconds from here on make numbers that are not exact. */
const EXACT_HIGH = 2 ** 21;

interface Layout {
  readonly recordBytes: number;
  /** Bytes before x. */
  readonly xOffset: number;
  /** Time of the record at a byte. */
  timeAt(view: DataView, at: number): number;
  /** False where a record can be no event. */
  isEvent(view: DataView, at: number): boolean;
  take(view: DataView, at: number, intake: Intake): void;
  yAt(view: DataView, at: number): number;
  put(view: DataView, at: number, micros: number, x: number, y: number, on: number): void;
}

const wide: Layout = {
  recordBytes: 13,
  xOffset: 8,
  timeAt: (view, at) => view.getUint32(at + 4, true) * 4294967296 + view.getUint32(at, true),
  isEvent: (view, at) => view.getUint8(at + 12) <= 1 && view.getUint32(at + 4, true) < EXACT_HIGH,
  yAt: (view, at) => view.getUint16(at + 10, true),
  take(view, at, intake) {
    intake.wide(
      this.timeAt(view, at),
      view.getUint16(at + 8, true),
      this.yAt(view, at),
      view.getUint8(at + 12),
    );
  },
  put(view, at, micros, x, y, on) {
    view.setUint32(at, micros % 4294967296, true);
    view.setUint32(at + 4, micros / 4294967296, true);
    view.setUint16(at + 8, x, true);
    view.setUint16(at + 10, y, true);
    view.setUint8(at + 12, on);
  },
};

const packed: Layout = {
  recordBytes: 8,
  xOffset: 4,
  timeAt: (view, at) => view.getUint32(at, true),
  isEvent: () => true,
  yAt: (view, at) => view.getUint16(at + 6, true) >> 1,
  take(view, at, intake) {
    const on = view.getUint16(at + 6, true) & 1;
    intake.timed(view.getUint32(at, true), view.getUint16(at + 4, true), this.yAt(view, at), on);
  },
  put(view, at, micros, x, y, on) {
    if (y > 0x7fff) throw new FormatError(`faery t32_x16_y15_on1: expected y up to 32767, found ${y}`);
    view.setUint32(at, micros % 4294967296, true);
    view.setUint16(at + 4, x, true);
    view.setUint16(at + 6, (y << 1) | on, true);
  },
};

class FaeryDecoder implements LiveDecoder {
  readonly #intake: Intake;
  readonly #layout: Layout;
  #last: number | undefined;

  constructor(intake: Intake, layout: Layout) {
    this.#intake = intake;
    this.#layout = layout;
  }

  push(datagram: Uint8Array): void {
    const layout = this.#layout;
    const { recordBytes } = layout;
    const view = viewOf(datagram);
    if (!isWhole(view, layout)) {
      this.#intake.tally.add('malformed');
      return;
    }
    // Without sequence numbers, only times tell that datagrams have passed each other.
    const last = layout.timeAt(view, view.byteLength - recordBytes);
    if (this.#last !== undefined && last < this.#last && this.#last - last < 1e6)
      this.#intake.tally.add('late');
    else this.#last = last;
    for (let at = 0; at < view.byteLength; at += recordBytes) layout.take(view, at, this.#intake);
  }

  restart(): void {
    this.#last = undefined;
  }
}

/** True where a datagram is a whole number of events, and at least one. */
function isWhole(view: DataView, layout: Layout): boolean {
  const { recordBytes } = layout;
  if (view.byteLength === 0 || view.byteLength % recordBytes !== 0) return false;
  for (let at = 0; at < view.byteLength; at += recordBytes) if (!layout.isEvent(view, at)) return false;
  return true;
}

function fitsDatagram(datagram: Uint8Array, layout: Layout, { sensor }: ProtocolOptions): number {
  const view = viewOf(datagram);
  if (!isWhole(view, layout)) return 0;
  const events = view.byteLength / layout.recordBytes;
  let inside = 0;
  for (let i = 0; i < events; i++) {
    const at = i * layout.recordBytes;
    if (view.getUint16(at + layout.xOffset, true) < sensor.width && layout.yAt(view, at) < sensor.height)
      inside++;
  }
  return plausibility(events, inside, events, (i) => layout.timeAt(view, i * layout.recordBytes));
}

class FaeryEncoder implements LiveEncoder {
  readonly #layout: Layout;
  readonly #packer: DatagramPacker;

  constructor(layout: Layout, { eventsPerPacket = EVENTS_A_DATAGRAM }: SendingOptions) {
    this.#layout = layout;
    this.#packer = new DatagramPacker(layout.recordBytes, eventsPerPacket);
  }

  push({ origin, t, x, y, on }: EventChunk, emit: (datagram: Uint8Array) => void): void {
    const packer = this.#packer;
    for (let i = 0; i < t.length; i++) {
      this.#layout.put(packer.view, packer.next(), origin + t[i]!, x[i]!, y[i]!, on[i]!);
      if (packer.full) packer.flush(emit);
    }
  }

  end(emit: (datagram: Uint8Array) => void): void {
    this.#packer.flush(emit);
  }
}

function protocol(name: string, title: string, layout: Layout): Protocol {
  return {
    name,
    title,
    carriers: ['datagrams'],
    fitsDatagram: (datagram, options) => fitsDatagram(datagram, layout, options),
    createDecoder: (intake) => new FaeryDecoder(intake, layout),
    createEncoder: (options) => new FaeryEncoder(layout, options),
  };
}

/** faery's default: 13 bytes an event. */
export const faery: Protocol = protocol('faery', 'faery t64_x16_y16_on8', wide);
/** faery's packed datagrams: 8 bytes an event. */
export const faeryPacked: Protocol = protocol('faery-t32', 'faery t32_x16_y15_on1', packed);
