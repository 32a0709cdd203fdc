import type { EventChunk, SensorSize, Stage } from '../../../events.ts';
import type { Intake } from '../intake.ts';

/** Whether a protocol comes in messages with borders (UDP, WebSocket) or as a stream of bytes (TCP, unix sockets, pipes). */
export type Carrier = 'datagrams' | 'bytes';

/** What is known of a stream besides its bytes, and what protocols leave open. */
export interface ProtocolOptions {
  readonly sensor: SensorSize;
  /** Whose addresses jAER sends; default: the chip of the sensor's size. */
  readonly chip?: string;
  /** Order of the bytes of jAER's numbers; default `big`. */
  readonly endian?: 'big' | 'little';
}

/**
 * Takes datagrams one by one, or blocks of a stream of bytes. A datagram that makes no sense is counted as malformed
 * and dropped; a stream that makes no sense cannot be followed any further, which is a FormatError.
 */
export interface LiveDecoder {
  push(bytes: Uint8Array): void;
  /** The next bytes are those of a new connection or sender; an event of which a part has come is counted as malformed. */
  restart(): void;
  /** Size of the sensor, where the stream says it and has come that far. */
  readonly sensor?: SensorSize | undefined;
}

/** How events are packed. */
export interface SendingOptions extends ProtocolOptions {
  readonly carrier: Carrier;
  /** SPIF: false leaves the timestamps out; default true. */
  readonly timestamps?: boolean;
  /** Events of a full datagram or packet; by default what the protocol's own senders use. */
  readonly eventsPerPacket?: number;
}

/** Turns chunks into datagrams, or into parts of a stream of bytes. */
export type LiveEncoder = Stage<EventChunk, Uint8Array>;

/** A wire protocol: how it is recognised, decoder beside encoder. */
export interface Protocol {
  /** As `?protocol=` takes it. */
  readonly name: string;
  /** Name for people. */
  readonly title: string;
  readonly carriers: readonly Carrier[];
  /** Ports that its senders use by default. */
  readonly ports?: Readonly<Partial<Record<Carrier, number>>>;
  /**
   * How well a datagram fits, from 0 (it cannot be this) to 1. Absent where only the name can tell.
   */
  fitsDatagram?(datagram: Uint8Array, options: ProtocolOptions): number;
  /** Whether a stream starts so; undefined where more bytes could tell. Absent where only the name can tell. */
  startsStream?(head: Uint8Array): boolean | undefined;
  /** Loads what decoding needs; to be awaited once before a decoder is made. */
  prepare?(): Promise<void>;
  createDecoder(intake: Intake, carrier: Carrier, options: ProtocolOptions): LiveDecoder;
  createEncoder(options: SendingOptions): LiveEncoder;
}

/** True where `head` starts with these bytes, false where it cannot, undefined where it is too short to tell. */
export function startsWith(head: Uint8Array, start: Uint8Array): boolean | undefined {
  for (let i = 0; i < start.length; i++) {
    if (i === head.length) return undefined;
    if (head[i] !== start[i]) return false;
  }
  return true;
}

/** Fewer events than this say little by their times. */
const FEW_EVENTS = 4;

/**
 * How well records fit as events, 0 to 1: the share of steps in time that go forward by less than a second, and of places
 * on the sensor. Where there are times enough, places count half: the size of the sensor may be wrong.
 */
export function plausibility(
  events: number,
  inside: number,
  count: number,
  timeAt: (i: number) => number,
): number {
  const places = inside / events;
  let forward = 0;
  for (let i = 1; i < count; i++) {
    const step = timeAt(i) - timeAt(i - 1);
    if (step >= 0 && step < 1e6) forward++;
  }
  return count < FEW_EVENTS
    ? places * (count < 2 ? 1 : forward / (count - 1))
    : ((1 + places) / 2) * (forward / (count - 1));
}
