import { FormatError } from '../../../errors.ts';
import type { EventChunk } from '../../../events.ts';
import { PACKET_HEADER_BYTES, PACKET_TYPE, readPacketHeader } from '../../formats/aedat3/packets.ts';
import { aedat3 } from '../../formats/aedat3.ts';
import { viewOf } from '../../formats/byte-window.ts';
import type { Intake } from '../intake.ts';
import {
  type Carrier,
  type LiveDecoder,
  type LiveEncoder,
  type Protocol,
  type SendingOptions,
  startsWith,
} from './protocol.ts';
import { RecordingDecoder } from './recording.ts';
import { SequenceNumbers } from './sequence.ts';

/**
 * AEDAT 3.1 over a network, as cAER, caer-based tools and libcaer's examples send it: a header of 20 bytes (i64 magic,
 * i64 sequence number, u8 version 1, u8 format, i16 source), little-endian, then AEDAT 3.1 packets. Over TCP and unix
 * sockets the header comes once. In datagrams each has one: packets are cut into parts of at most 1452 bytes, numbered
 * one by one, and bit 63 of the number is set in the first part of a packet.
 * https://gitlab.com/inivation/dv/libcaer, include/libcaer/network.h
 */
const MAGIC = Uint8Array.of(0x58, 0x66, 0x9a, 0x0b, 0xc9, 0x8b, 0x37, 0x1d);
const HEADER_BYTES = 20;
const VERSION = 1;
const PART_BYTES = 1452;
const EVENT_BYTES = 8;
const EVENTS_A_PACKET = 4096;
const FILE_HEADER = Buffer.from('#!AER-DAT3.1\r\n#Format: RAW\r\n#!END-HEADER\r\n', 'latin1');

/** Says why a network header cannot be followed; undefined where it can. */
function faultOf(header: Uint8Array): string | undefined {
  if (startsWith(header, MAGIC) !== true) return 'header with the magic number of AEDAT 3 expected';
  if (header[16] !== VERSION) return `version ${VERSION} expected, found ${header[16]}`;
  return header[17] === 0 ? undefined : `uncompressed packets expected, found format ${header[17]}`;
}

/** A stream: the header, then packets. */
class CaerStream implements LiveDecoder {
  readonly #packets: RecordingDecoder;
  #header = new Uint8Array(0);
  #headed = false;

  constructor(intake: Intake) {
    this.#packets = new RecordingDecoder(intake, aedat3, FILE_HEADER);
  }

  push(block: Uint8Array): void {
    if (this.#headed) {
      this.#packets.push(block);
      return;
    }
    this.#header = Buffer.concat([this.#header, block]);
    if (this.#header.length < HEADER_BYTES) return;
    const fault = faultOf(this.#header);
    if (fault !== undefined) throw new FormatError(`cAER: ${fault}`);
    this.#headed = true;
    this.#packets.push(this.#header.subarray(HEADER_BYTES));
    this.#header = new Uint8Array(0);
  }

  restart(): void {
    this.#headed = false;
    this.#header = new Uint8Array(0);
    this.#packets.restart();
  }
}

/** Datagrams: the parts of a packet are joined, and a packet of which one is missing is dropped as a whole. */
class CaerDatagrams implements LiveDecoder {
  readonly #intake: Intake;
  readonly #sequence: SequenceNumbers;
  readonly #packets: RecordingDecoder;
  /** Parts of the packet that is coming, one after another. */
  #parts: Uint8Array[] = [];
  #bytes = 0;
  #packetBytes = 0;
  #next = -1;

  constructor(intake: Intake) {
    this.#intake = intake;
    this.#sequence = new SequenceNumbers(intake.tally);
    this.#packets = new RecordingDecoder(intake, aedat3, FILE_HEADER);
  }

  push(datagram: Uint8Array): void {
    const view = viewOf(datagram);
    const fits = datagram.length > HEADER_BYTES && faultOf(datagram) === undefined;
    const high = fits ? view.getUint32(12, true) : 0;
    const number = fits ? (high & 0x7fffffff) * 4294967296 + view.getUint32(8, true) : 0;
    if (!fits || number > Number.MAX_SAFE_INTEGER) {
      this.#intake.tally.add('malformed');
      return;
    }
    if (!this.#sequence.take(number)) return;
    const part = datagram.subarray(HEADER_BYTES);
    if (high >>> 31 === 1) this.#begin(part);
    else if (number !== this.#next || this.#parts.length === 0) this.#drop();
    if (this.#packetBytes === 0) return;
    this.#next = number + 1;
    this.#parts.push(new Uint8Array(part));
    this.#bytes += part.length;
    if (this.#bytes > this.#packetBytes) this.#drop();
    else if (this.#bytes === this.#packetBytes) this.#finish();
  }

  restart(): void {
    this.#drop();
    this.#sequence.restart();
    this.#packets.restart();
  }

  #begin(part: Uint8Array): void {
    this.#drop();
    try {
      if (part.length < PACKET_HEADER_BYTES) throw new RangeError('a packet header expected');
      this.#packetBytes = PACKET_HEADER_BYTES + readPacketHeader(viewOf(part)).bodyBytes;
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.#intake.tally.add('malformed');
    }
  }

  /** Forgets the packet of which a part is missing. */
  #drop(): void {
    if (this.#parts.length > 0) this.#intake.tally.add('malformed');
    this.#clear();
  }

  #finish(): void {
    const packet = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts);
    this.#clear();
    try {
      this.#packets.push(packet);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      this.#intake.tally.add('malformed');
      this.#packets.restart();
    }
  }

  #clear(): void {
    this.#parts = [];
    this.#bytes = 0;
    this.#packetBytes = 0;
  }
}

class CaerEncoder implements LiveEncoder {
  readonly #datagrams: boolean;
  readonly #limit: number;
  #sequence = 0;

  constructor({ carrier, eventsPerPacket = EVENTS_A_PACKET }: SendingOptions) {
    this.#datagrams = carrier === 'datagrams';
    this.#limit = eventsPerPacket;
  }

  push(chunk: EventChunk, emit: (bytes: Uint8Array) => void): void {
    if (this.#sequence === 0 && !this.#datagrams) {
      emit(networkHeader(0, false));
      this.#sequence = 1;
    }
    for (let start = 0; start < chunk.t.length; ) {
      const packet = polarityPacket(chunk, start, this.#limit);
      start += packet.events;
      if (!this.#datagrams) emit(packet.bytes);
      else this.#emitParts(packet.bytes, emit);
    }
  }

  end(): void {}

  #emitParts(packet: Uint8Array, emit: (bytes: Uint8Array) => void): void {
    for (let at = 0; at < packet.length; at += PART_BYTES) {
      emit(Buffer.concat([networkHeader(this.#sequence++, at === 0), packet.subarray(at, at + PART_BYTES)]));
    }
  }
}

function networkHeader(sequence: number, first: boolean): Uint8Array {
  const header = new Uint8Array(HEADER_BYTES);
  const view = viewOf(header);
  header.set(MAGIC);
  view.setUint32(8, sequence % 4294967296, true);
  view.setUint32(
    12,
    ((Math.floor(sequence / 4294967296) & 0x7fffffff) | (first ? 0x80000000 : 0)) >>> 0,
    true,
  );
  view.setUint8(16, VERSION);
  return header;
}

/** A packet of polarity events from `start` on, at most `limit`, and only those whose times wrap as often. */
function polarityPacket(
  { origin, t, x, y, on }: EventChunk,
  start: number,
  limit: number,
): { bytes: Uint8Array; events: number } {
  const overflow = Math.floor((origin + t[start]!) / 2147483648);
  const end = Math.min(t.length, start + limit);
  const bytes = new Uint8Array(PACKET_HEADER_BYTES + (end - start) * EVENT_BYTES);
  const view = viewOf(bytes);
  let event = start;
  for (; event < end; event++) {
    const micros = origin + t[event]! - overflow * 2147483648;
    if (micros >= 2147483648) break;
    if ((x[event]! | y[event]!) > 0x7fff) {
      throw new FormatError(`cAER: expected coordinates up to 32767, found (${x[event]}, ${y[event]})`);
    }
    const at = PACKET_HEADER_BYTES + (event - start) * EVENT_BYTES;
    view.setUint32(at, ((x[event]! << 17) | (y[event]! << 2) | (on[event]! << 1) | 1) >>> 0, true);
    view.setInt32(at + 4, micros, true);
  }
  const events = event - start;
  view.setInt16(0, PACKET_TYPE.polarity, true);
  view.setInt32(4, EVENT_BYTES, true);
  view.setInt32(8, 4, true); // where an event's time stands
  view.setInt32(12, overflow, true);
  for (const at of [16, 20, 24]) view.setInt32(at, events, true); // capacity, number, valid
  return { bytes: bytes.subarray(0, PACKET_HEADER_BYTES + events * EVENT_BYTES), events };
}

/** cAER's network streams and datagrams. */
export const caer: Protocol = {
  name: 'caer',
  title: 'cAER (AEDAT 3.1)',
  carriers: ['datagrams', 'bytes'],
  ports: { datagrams: 8888, bytes: 7777 },
  fitsDatagram: (datagram) => (datagram.length > HEADER_BYTES && faultOf(datagram) === undefined ? 1 : 0),
  startsStream: (head) => startsWith(head, MAGIC),
  createDecoder: (intake: Intake, carrier: Carrier) =>
    carrier === 'datagrams' ? new CaerDatagrams(intake) : new CaerStream(intake),
  createEncoder: (options) => new CaerEncoder(options),
};
