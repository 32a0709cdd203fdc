/**
 * AEDAT 3.1 (cAER, libcaer): lines that start with `#`, then little-endian packets of one kind of record each. The
 * polarity events of the first source are decoded; special events, frames, inertial samples and the events of a
 * second camera are skipped, the first three delivered where they are asked for. DVS128 Gesture is in this format.
 * https://docs.inivation.com/software/software-advanced-usage/file-formats/aedat-3.1.html
 */
import type { EventChunk, SensorSize } from '../../events.ts';
import type { ByteSource } from '../byte-source.ts';
import type { TimeRange } from '../time-range.ts';
import { isAedat3Start, readAedat3Header } from './aedat3/header.ts';
import { readOtherEvents } from './aedat3/other-events.ts';
import { findPackets } from './aedat3/packet-range.ts';
import {
  decodePolarity,
  firstMicros,
  PACKET_HEADER_BYTES,
  PACKET_TYPE,
  type PacketHeader,
  readPacketHeader,
} from './aedat3/packets.ts';
import { ByteWindow, viewOf } from './byte-window.ts';
import { formatFault, zeroCounters } from './fault.ts';
import type { DecodeCounters, DecodeOptions, EventDecoder, EventFormat, Seek } from './format.ts';
import { type DecodeWide, WideChunks } from './wide-chunks.ts';

const LARGEST_HEADER_BYTES = 1 << 20;
/** A step back by more is that of a clock that was set back. */
const RESTART_MICROS = 1_000_000;
/** What coordinates can be where the header names no known camera. */
const ANY_SIZE: SensorSize = { width: 32768, height: 32768 };

/** What the decoder waits for: the header line by line, a packet's header, its body, taken whole but where skipped. */
type Awaited = 'header' | 'packet' | 'events' | 'other' | 'skipped';

class Aedat3Decoder implements EventDecoder {
  readonly counters: DecodeCounters = zeroCounters();
  readonly #options: DecodeOptions;
  readonly #window = new ByteWindow();
  readonly #chunks = new WideChunks();
  #headerSensor: SensorSize | undefined;
  #awaited: Awaited = 'header';
  #packet: PacketHeader | undefined;
  /** Source of the first packet of events. */
  #eventSource: number | undefined;
  /** Bytes of the awaited part, and where its packet starts in the file. */
  #size = 0;
  #start = 0;

  constructor(options: DecodeOptions) {
    this.#options = options;
  }

  get sensor(): SensorSize | undefined {
    return this.#options.sensor ?? this.#headerSensor;
  }

  push(block: Uint8Array, emit: (chunk: EventChunk) => void): void {
    this.#window.push(block);
    try {
      while (this.#advance(emit));
    } catch (error) {
      this.#chunks.flush(emit);
      throw error;
    }
  }

  /** Goes on with the packet at `byteOffset` and the events of a camera; only the header has been taken. */
  jump(byteOffset: number, camera: number | undefined): void {
    this.#eventSource = camera;
    this.#window.skip(this.#window.available);
    this.#window.offset = byteOffset;
  }

  handOn(emit: (chunk: EventChunk) => void): void {
    this.#chunks.handOn(emit);
  }

  end(emit: (chunk: EventChunk) => void): void {
    this.#chunks.flush(emit);
    if (this.#awaited === 'packet' && this.#window.available === 0) return;
    if (this.#awaited !== 'header') this.#fail('packet expected, the data end within it');
    this.#fail('header with #!END-HEADER expected, the data end within it', this.#window.offset);
  }

  /** Takes the awaited part; gives false where its bytes have not come. */
  #advance(emit: (chunk: EventChunk) => void): boolean {
    switch (this.#awaited) {
      case 'header':
        return this.#takeHeader();
      case 'packet':
        return this.#takePacketHeader();
      case 'events':
        return this.#takeEvents(emit);
      case 'other':
        return this.#takeOther();
      case 'skipped':
        this.#size -= this.#window.skip(this.#size);
        if (this.#size > 0) return false;
        this.#awaited = 'packet';
        return true;
    }
  }

  #takeHeader(): boolean {
    const bytes = this.#window.peek(Math.min(this.#window.available, LARGEST_HEADER_BYTES));
    const header = this.#checked('header', () => readAedat3Header(bytes!));
    if (header === undefined) {
      if (this.#window.available >= LARGEST_HEADER_BYTES) {
        this.#fail(`header of at most ${LARGEST_HEADER_BYTES} bytes expected, found no #!END-HEADER`);
      }
      this.#window.peek(this.#window.available + 1); // keeps what has come for the next block
      return false;
    }
    this.#window.skip(header.bytes);
    this.#headerSensor = header.sensor;
    this.#awaited = 'packet';
    return true;
  }

  #takePacketHeader(): boolean {
    const bytes = this.#window.peek(PACKET_HEADER_BYTES);
    if (bytes === undefined) return false;
    this.#start = this.#window.offset;
    const packet = this.#checked('packet', () => readPacketHeader(viewOf(bytes)));
    this.#window.skip(PACKET_HEADER_BYTES);
    this.#packet = packet;
    this.#size = packet.bodyBytes;
    if (packet.type === PACKET_TYPE.polarity) {
      this.#eventSource ??= packet.source;
      if (packet.source === this.#eventSource) {
        this.#awaited = 'events';
        return true;
      }
    }
    this.counters.skipped += packet.type === PACKET_TYPE.polarity ? 1 : packet.events;
    const wanted = this.#options.others !== undefined && packet.type !== PACKET_TYPE.polarity;
    this.#awaited = wanted ? 'other' : 'skipped';
    return true;
  }

  #takeEvents(emit: (chunk: EventChunk) => void): boolean {
    const bytes = this.#window.take(this.#size);
    if (bytes === undefined) return false;
    const body = viewOf(bytes);
    const packet = this.#packet!;
    const sensor = this.sensor ?? ANY_SIZE;
    if (this.#options.restarts && packet.events > 0) {
      const behind = (this.#chunks.lastMicros ?? 0) - firstMicros(body, packet);
      if (behind > RESTART_MICROS) this.#chunks.restart(emit);
    }
    const decode: DecodeWide = (from, to, chunk, originHigh, progress) =>
      decodePolarity(body, packet, from, to, chunk, originHigh, sensor, progress, this.counters);
    const fail = (message: string): never => this.#fail(`packet with ${message}`);
    this.#chunks.add(packet.events, () => packet.timeHigh, decode, fail, emit);
    this.#awaited = 'packet';
    return true;
  }

  #takeOther(): boolean {
    const bytes = this.#window.take(this.#size);
    if (bytes === undefined) return false;
    const packet = this.#packet!;
    this.#checked('packet', () => readOtherEvents(viewOf(bytes), packet, this.#options.others!));
    this.#awaited = 'packet';
    return true;
  }

  /** Runs what reads bytes that may lie: a RangeError becomes a FormatError at the part's start. */
  #checked<T>(part: string, read: () => T): T {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return this.#fail(`${part} is not valid: ${error.message}`, this.#start, error);
    }
  }

  #fail(message: string, byteOffset = this.#start, cause?: unknown): never {
    throw formatFault(`AEDAT 3.1 ${message}`, this.#options.path, byteOffset, cause);
  }
}

/** Finds the packets of a time range by going from packet to packet, without looking at their events but the first. */
async function seek(source: ByteSource, range: TimeRange, options: DecodeOptions): Promise<Seek | undefined> {
  const head = await source.read(0, LARGEST_HEADER_BYTES);
  const header = headerOf(head);
  if (header === undefined) return undefined;
  const { start, end, camera } = await findPackets(source, header.bytes, range);
  const decoder = new Aedat3Decoder(options);
  decoder.push(head.subarray(0, header.bytes), () => undefined);
  decoder.jump(start, camera);
  return { decoder, start, end };
}

/** The header; undefined where it is not valid, as decoding from the front will say. */
function headerOf(head: Uint8Array): ReturnType<typeof readAedat3Header> {
  try {
    return readAedat3Header(head);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** AEDAT 3.1 as cAER and libcaer write it. */
export const aedat3: EventFormat = {
  name: 'aedat3',
  title: 'AEDAT 3.1',
  extensions: ['.aedat', '.aedat3'],
  sniff: (head) => (isAedat3Start(head) ? 1 : 0),
  createDecoder: (options = {}) => new Aedat3Decoder(options),
  seek,
};
