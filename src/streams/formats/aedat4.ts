/**
 * AEDAT 4 (iniVation DV): a magic line, a header table, then packets of numbered streams, each a compressed
 * flatbuffer. The first stream of events is decoded; the events of a second camera are skipped, and so are frames,
 * inertial samples and triggers unless they are asked for. The data table at the end, and what the header says of it,
 * is not relied on: recordings that were cut off lack it or have a false one.
 */
import type { EventChunk, SensorSize } from '../../events.ts';
import type { ByteSource } from '../byte-source.ts';
import type { TimeRange } from '../time-range.ts';
import { TABLE_IDENTIFIER } from './aedat4/data-table.ts';
import { Aedat4Encoder, MAGIC } from './aedat4/encoder.ts';
import { EVENT_BYTES, locateEvents, timeHigh } from './aedat4/event-packet.ts';
import { type IoHeader, readIoHeader } from './aedat4/io-header.ts';
import { LZ4_MAGIC } from './aedat4/lz4.ts';
import { readOtherPacket } from './aedat4/other-packets.ts';
import { packetRange } from './aedat4/packet-range.ts';
import { LARGEST_PACKET_BYTES, Unpacker } from './aedat4/unpacker.ts';
import { loadZstd, ZSTD_MAGIC } from './aedat4/zstd.ts';
import { loadZstdEncoder } from './aedat4/zstd-encoder.ts';
import { ByteWindow, viewOf } from './byte-window.ts';
import { formatFault, zeroCounters } from './fault.ts';
import type { DecodeCounters, DecodeOptions, EventDecoder, EventFormat, Seek } from './format.ts';
import { KernelChunks } from './kernels/kernel-chunks.ts';
import { loops } from './kernels/loops.ts';
import { CLOCK, HEIGHT, LAST, WIDTH } from './kernels/state.ts';

const LARGEST_HEADER_BYTES = 1 << 20;
/** A step back by more is that of a clock that was set back. */
const RESTART_MICROS = 1_000_000;
/** Upper halves of 64-bit times in microseconds from here on make numbers that are not exact. */
const EXACT_HIGH = 2 ** 21;
/** What coordinates can be where the header names no sensor size. */
const ANY_SIZE: SensorSize = { width: 32768, height: 32768 };

/** What the decoder waits for: a part of the file that it takes whole, but for `skipped` packets and the `table`. */
type Awaited = 'magic' | 'header' | 'packet' | 'events' | 'other' | 'skipped' | 'table';

class Aedat4Decoder implements EventDecoder {
  readonly counters: DecodeCounters = zeroCounters();
  readonly #options: DecodeOptions;
  readonly #window = new ByteWindow();
  readonly #chunks = new KernelChunks(this.counters);
  readonly #kernel = loops().decode.aedat4;
  #started = false;
  readonly #unpacker = new Unpacker();
  #header: IoHeader | undefined;
  #awaited: Awaited = 'magic';
  /** Bytes of the awaited part, and where it starts in the file. */
  #size = 0;
  #start = 0;

  constructor(options: DecodeOptions) {
    this.#options = options;
  }

  get sensor(): SensorSize | undefined {
    return this.#options.sensor ?? this.#header?.sensor;
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

  /** Goes on with the packet at `byteOffset`; the header has been taken, and nothing else. */
  jump(byteOffset: number): void {
    this.#window.skip(this.#window.available);
    this.#window.offset = byteOffset;
    this.#await('packet', 0);
  }

  handOn(emit: (chunk: EventChunk) => void): void {
    this.#chunks.handOn(emit);
  }

  end(emit: (chunk: EventChunk) => void): void {
    this.#chunks.flush(emit);
    const between = this.#awaited === 'packet' && this.#window.available === 0;
    if (between || this.#awaited === 'table') return;
    const part = {
      magic: 'magic',
      header: 'header',
      packet: 'packet',
      events: 'event packet',
      other: 'packet',
      skipped: 'packet',
    };
    this.#fail(`${part[this.#awaited]} expected, the data end within it`);
  }

  /** Takes the awaited part; gives false where its bytes have not come. */
  #advance(emit: (chunk: EventChunk) => void): boolean {
    switch (this.#awaited) {
      case 'magic':
        return this.#takeMagic();
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
        this.#await('packet', 0);
        return true;
      case 'table':
        this.#window.skip(this.#window.available);
        return false;
    }
  }

  #await(part: Awaited, size: number): void {
    this.#awaited = part;
    this.#size = size;
    if (part !== 'events' && part !== 'other' && part !== 'skipped') this.#start = this.#window.offset;
  }

  #takeMagic(): boolean {
    const bytes = this.#window.take(MAGIC.length + 4);
    if (bytes === undefined) return false;
    if (!startsWithMagic(bytes)) this.#fail('magic #!AER-DAT4.0 expected');
    const size = viewOf(bytes).getUint32(MAGIC.length, true);
    if (size > LARGEST_HEADER_BYTES) {
      this.#fail(`header of at most ${LARGEST_HEADER_BYTES} bytes expected, found ${size}`);
    }
    this.#await('header', size);
    return true;
  }

  #takeHeader(): boolean {
    const bytes = this.#window.take(this.#size);
    if (bytes === undefined) return false;
    this.#header = this.#checked(() => readIoHeader(bytes));
    this.#await('packet', 0);
    return true;
  }

  #takePacketHeader(): boolean {
    const bytes = this.#window.peek(12);
    if (bytes === undefined) return false;
    const view = viewOf(bytes);
    const magic = view.getUint32(0, true);
    if (magic === LZ4_MAGIC || magic === ZSTD_MAGIC || view.getUint32(8) === TABLE_IDENTIFIER) {
      this.#await('table', 0);
      return true;
    }
    const stream = view.getInt32(0, true);
    const size = view.getInt32(4, true);
    const { streams, eventStream } = this.#header!;
    if (!streams.has(stream)) this.#fail(`packet of a stream in the header expected, found stream ${stream}`);
    if (size < 4 || size > LARGEST_PACKET_BYTES) {
      this.#fail(`packet of 4 to ${LARGEST_PACKET_BYTES} bytes expected, found ${size}`);
    }
    this.#window.skip(8);
    if (stream === eventStream) this.#await('events', size);
    else {
      this.counters.skipped++;
      const wanted = this.#options.others !== undefined && streams.get(stream) !== 'EVTS';
      this.#await(wanted ? 'other' : 'skipped', size);
    }
    return true;
  }

  #takeEvents(emit: (chunk: EventChunk) => void): boolean {
    const bytes = this.#window.take(this.#size);
    if (bytes === undefined) return false;
    const content = viewOf(this.#checked(() => this.#unpack(bytes)));
    const { start, length } = this.#checked(() => locateEvents(content));
    const events = new DataView(content.buffer, content.byteOffset + start, length * EVENT_BYTES);
    const moveTo = (position: number): number => this.#moveOrigin(timeHigh(events, position), position, emit);
    if (length > 0 && this.#options.restarts && this.#started) {
      const first = timeHigh(events, 0) * 2 ** 32 + events.getUint32(0, true);
      const last = this.#chunks.origin + (this.#chunks.state[LAST]! >>> 0);
      this.#started = last - first <= RESTART_MICROS;
    }
    if (!this.#started && length > 0) moveTo(0);
    this.#chunks.decode(events, 0, this.#kernel, moveTo, emit);
    this.#await('packet', 0);
    return true;
  }

  /** Upper halves of times make the origins of chunks; a new one, every 71 minutes, begins a new chunk. */
  #moveOrigin(high: number, position: number, emit: (chunk: EventChunk) => void): number {
    if (high < -EXACT_HIGH || high >= EXACT_HIGH)
      this.#fail('event packet with times within 2^53 µs expected');
    const { width, height } = this.sensor ?? ANY_SIZE;
    const { state } = this.#chunks;
    this.#chunks.moveOrigin(high * 2 ** 32, emit);
    this.#started = true;
    state[WIDTH] = width;
    state[HEIGHT] = height;
    state[CLOCK] = high;
    state[LAST] = 0;
    return position;
  }

  #takeOther(): boolean {
    const bytes = this.#window.take(this.#size);
    if (bytes === undefined) return false;
    for (const record of this.#checked(() => readOtherPacket(viewOf(this.#unpack(bytes))))) {
      this.#options.others!(record);
    }
    this.#await('packet', 0);
    return true;
  }

  #unpack(packet: Uint8Array): Uint8Array {
    return this.#unpacker.unpack(packet, this.#header!.compression);
  }

  /** Runs what reads bytes that may lie: a RangeError becomes a FormatError at the awaited part's start. */
  #checked<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return this.#fail(
        `${{ header: 'header', other: 'packet' }[this.#awaited as string] ?? 'event packet'} is not valid: ${error.message}`,
        error,
      );
    }
  }

  #fail(message: string, cause?: unknown): never {
    throw formatFault(`AEDAT 4 ${message}`, this.#options.path, this.#start, cause);
  }
}

function startsWithMagic(head: Uint8Array): boolean {
  return MAGIC.every((byte, i) => head[i] === byte);
}

/** The header, its magic and length included; undefined where it cannot be read. */
function headerOf(head: Uint8Array): { bytes: Uint8Array; header: IoHeader } | undefined {
  const start = MAGIC.length + 4;
  if (head.length < start || !startsWithMagic(head)) return undefined;
  const end = start + viewOf(head).getUint32(MAGIC.length, true);
  if (end > head.length) return undefined;
  try {
    return { bytes: head.subarray(0, end), header: readIoHeader(head.subarray(start, end)) };
  } catch {
    return undefined;
  }
}

/** Finds the packets of a time range by the data table, or by looking into a few packets where there is none. */
async function seek(source: ByteSource, range: TimeRange, options: DecodeOptions): Promise<Seek | undefined> {
  const head = headerOf(await source.read(0, LARGEST_HEADER_BYTES));
  if (head === undefined) return undefined;
  if (head.header.compression === 'zstd') await loadZstd();
  const found = await packetRange(source, head.header, head.bytes.length, range);
  if (found === undefined) return undefined;
  const decoder = new Aedat4Decoder(options);
  decoder.push(head.bytes, () => undefined);
  decoder.jump(found.start);
  return { decoder, ...found };
}

/** AEDAT 4 as DV writes it: uncompressed, LZ4 and zstd. */
export const aedat4: EventFormat = {
  name: 'aedat4',
  title: 'AEDAT 4',
  extensions: ['.aedat4'],
  sniff: (head) => (startsWithMagic(head) ? 1 : 0),
  createDecoder: (options = {}) => new Aedat4Decoder(options),
  prepare: async (head) => {
    // A header that cannot be read says nothing.
    if ((headerOf(head)?.header.compression ?? 'zstd') === 'zstd') await loadZstd();
  },
  seek,
  prepareEncoder: async ({ compression }) => {
    if (compression === 'zstd') await loadZstdEncoder();
  },
  createEncoder: (options) => new Aedat4Encoder(options),
};
