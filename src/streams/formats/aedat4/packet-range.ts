import type { ByteSource } from '../../byte-source.ts';
import type { TimeRange } from '../../time-range.ts';
import { viewOf } from '../byte-window.ts';
import { readInt64 } from '../flat-table.ts';
import { type PacketEntry, readDataTable } from './data-table.ts';
import { EVENT_BYTES, locateEvents } from './event-packet.ts';
import type { IoHeader } from './io-header.ts';
import { LARGEST_PACKET_BYTES, Unpacker } from './unpacker.ts';

/** Bytes before a packet's content: its stream number and size. */
const PACKET_HEADER_BYTES = 8;
/** Bytes that are read at a time to go from packet to packet. */
const WALK_BYTES = 1 << 16;

/** A stretch of a file, from the start of a packet to the start of another or the end of the file. */
export interface PacketRange {
  readonly start: number;
  readonly end: number;
}

/** Where a packet of events is, and the times of its first and last event. */
interface TimedPacket {
  readonly start: number;
  readonly end: number;
  readonly firstMicros: number;
  readonly lastMicros: number;
}

/**
 * The packets that hold a time range, by the data table where it is there and true, else by unpacking some packets
 * of events; undefined where neither tells.
 */
export async function packetRange(
  source: ByteSource,
  header: IoHeader,
  headerBytes: number,
  range: TimeRange,
): Promise<PacketRange | undefined> {
  const listed = await listedPackets(source, header);
  if (listed !== undefined) return rangeOf(listed.length, async (i) => listed[i]!, range);
  const places = await walkPackets(source, header, headerBytes);
  const unpacker = new Unpacker();
  const read = async (i: number): Promise<TimedPacket> => {
    const { start, end } = places[i]!;
    const packet = await source.read(start + PACKET_HEADER_BYTES, end);
    const content = viewOf(unpacker.unpack(packet, header.compression));
    const events = locateEvents(content);
    if (events.length === 0) throw new RangeError('a packet with events expected');
    const timeOf = (event: number): number => readInt64(content, events.start + event * EVENT_BYTES);
    return { start, end, firstMicros: timeOf(0), lastMicros: timeOf(events.length - 1) };
  };
  try {
    return await rangeOf(places.length, read, range);
  } catch (error) {
    if (error instanceof RangeError) return undefined; // decoding from the front will say what is wrong
    throw error;
  }
}

/** The packets from the last that begins before the range, and one more, to the first that begins after it. */
async function rangeOf(
  count: number,
  read: (index: number) => Promise<TimedPacket>,
  { fromMicros = Number.NEGATIVE_INFINITY, toMicros = Number.POSITIVE_INFINITY }: TimeRange,
): Promise<PacketRange | undefined> {
  if (count === 0) return undefined;
  const firstAt = async (micros: number): Promise<number> => {
    let low = 0;
    let high = count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((await read(middle)).firstMicros < micros) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  let first = Math.max(0, (await firstAt(fromMicros)) - 1);
  // Times that go back at the start of a packet are raised to the last of the packet before it.
  for (; first > 0; first--) {
    if ((await read(first - 1)).lastMicros <= (await read(first)).firstMicros) break;
  }
  const after = await firstAt(toMicros);
  return {
    start: (await read(first)).start,
    end: after >= count ? Number.POSITIVE_INFINITY : (await read(after)).start,
  };
}

/** The event packets of the data table; undefined where there is none, or it does not agree with the file. */
async function listedPackets(source: ByteSource, header: IoHeader): Promise<TimedPacket[] | undefined> {
  const { tablePosition, compression, eventStream } = header;
  if (tablePosition <= 0 || tablePosition >= source.size) return undefined;
  if (source.size - tablePosition > LARGEST_PACKET_BYTES) return undefined;
  let entries: PacketEntry[];
  try {
    const packed = await source.read(tablePosition, source.size);
    entries = readDataTable(viewOf(new Unpacker().unpack(packed, compression)));
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
  const packets = entries
    .filter(({ stream, elements }) => stream === eventStream && elements > 0)
    .map(({ byteOffset, size, firstMicros, lastMicros }) => ({
      start: byteOffset - PACKET_HEADER_BYTES,
      end: byteOffset + size,
      firstMicros,
      lastMicros,
    }));
  const ordered = packets.every(
    ({ start, end, firstMicros, lastMicros }, i) =>
      firstMicros <= lastMicros &&
      end <= tablePosition &&
      (i === 0 || (start >= packets[i - 1]!.end && firstMicros >= packets[i - 1]!.firstMicros)),
  );
  if (!ordered || (packets.at(-1)?.lastMicros ?? 0) === 0) return undefined;
  for (const { start, end } of [packets[0]!, packets.at(-1)!]) {
    const view = viewOf(await source.read(start, start + PACKET_HEADER_BYTES));
    if (view.byteLength < PACKET_HEADER_BYTES || view.getInt32(0, true) !== eventStream) return undefined;
    if (view.getInt32(4, true) !== end - start - PACKET_HEADER_BYTES) return undefined;
  }
  return packets;
}

/** Where the event packets are, from header to header; ends where the next one makes no sense. */
async function walkPackets(
  source: ByteSource,
  header: IoHeader,
  headerBytes: number,
): Promise<PacketRange[]> {
  const packets: PacketRange[] = [];
  let block = new Uint8Array(0);
  let blockStart = 0;
  for (let start = headerBytes; start + PACKET_HEADER_BYTES <= source.size; ) {
    if (start < blockStart || start + PACKET_HEADER_BYTES > blockStart + block.length) {
      block = new Uint8Array(await source.read(start, start + WALK_BYTES));
      blockStart = start;
    }
    const view = viewOf(block.subarray(start - blockStart));
    const stream = view.getInt32(0, true);
    const size = view.getInt32(4, true);
    const end = start + PACKET_HEADER_BYTES + size;
    if (!header.streams.has(stream) || size < 4 || size > LARGEST_PACKET_BYTES || end > source.size) break;
    if (stream === header.eventStream) packets.push({ start, end });
    start = end;
  }
  return packets;
}
