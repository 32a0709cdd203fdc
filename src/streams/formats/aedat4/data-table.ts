/**
 * The data table at the end of an AEDAT 4 file: where each packet is, and what times it spans. Recordings that were
 * cut off lack it, and some programs write zeros into it, so a reader checks it before it relies on it.
 */
import { Builder } from 'flatbuffers';
import { FlatTable } from '../flat-table.ts';

/** Identifier of the table, as its four letters make a big-endian number: FTAB. */
export const TABLE_IDENTIFIER = 0x46544142;

/** A packet of a stream, as the table lists it. */
export interface PacketEntry {
  readonly stream: number;
  /** Where its content begins: behind its stream number and size. */
  readonly byteOffset: number;
  /** Bytes of its content as it stands in the file. */
  readonly size: number;
  /** Events or other records in it. */
  readonly elements: number;
  /** Times of its first and last record, in microseconds. */
  readonly firstMicros: number;
  readonly lastMicros: number;
}

/** Packets that a table may list: 16 TB of full ones. */
const MOST_PACKETS = 1 << 22;

/** Reads the table's unpacked content: its size, then the table; a RangeError where it is not valid. */
export function readDataTable(content: DataView): PacketEntry[] {
  if (content.getUint32(8) !== TABLE_IDENTIFIER)
    throw new RangeError('a table with identifier FTAB expected');
  return FlatTable.root(content, 4)
    .tables(0, Math.min(MOST_PACKETS, content.byteLength >> 2))
    .map((entry) => {
      const info = entry.struct(1);
      if (info === undefined) throw new RangeError('a packet with stream and size expected');
      return {
        stream: content.getInt32(info, true),
        size: content.getInt32(info + 4, true),
        byteOffset: entry.int64(0),
        elements: entry.int64(2),
        firstMicros: entry.int64(3),
        lastMicros: entry.int64(4),
      };
    });
}

/** The table's content, not yet packed. */
export function writeDataTable(packets: readonly PacketEntry[]): Uint8Array {
  const builder = new Builder(256 + 64 * packets.length);
  const entries = packets.map(({ stream, byteOffset, size, elements, firstMicros, lastMicros }) => {
    builder.startObject(5);
    builder.addFieldInt64(4, BigInt(lastMicros), 0n);
    builder.addFieldInt64(3, BigInt(firstMicros), 0n);
    builder.addFieldInt64(2, BigInt(elements), 0n);
    builder.addFieldInt64(0, BigInt(byteOffset), 0n);
    builder.prep(4, 8);
    builder.writeInt32(size);
    builder.writeInt32(stream);
    builder.addFieldStruct(1, builder.offset(), 0);
    return builder.endObject();
  });
  builder.startVector(4, entries.length, 4);
  for (const entry of entries.toReversed()) builder.addOffset(entry);
  const vector = builder.endVector();
  builder.startObject(1);
  builder.addFieldOffset(0, vector, 0);
  builder.finishSizePrefixed(builder.endObject(), 'FTAB');
  return builder.asUint8Array();
}
