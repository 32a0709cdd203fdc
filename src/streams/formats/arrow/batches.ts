import type { ByteSource } from '../../byte-source.ts';
import { viewOf } from '../byte-window.ts';
import { FlatTable, readInt64 } from '../flat-table.ts';
import { MAGIC } from './layout.ts';
import { readBatch, readMessage, readSchema } from './reader.ts';

const LARGEST_FOOTER_BYTES = 1 << 26;
const LARGEST_MESSAGE_BYTES = 1 << 20;
/** Bytes of a place in the footer: offset, length of the message, padding, length of the body. */
const BLOCK_BYTES = 24;

/** Where the record batches of a file begin, and which column is which. */
export interface BatchPlaces {
  readonly places: readonly number[];
  readonly order: readonly number[];
}

/** The batches of a file by its footer; undefined where there is none, or it makes no sense. */
export async function batchPlaces(source: ByteSource): Promise<BatchPlaces | undefined> {
  const tailBytes = 4 + MAGIC.length;
  const tail = await source.read(Math.max(0, source.size - tailBytes), source.size);
  if (tail.length < tailBytes || !MAGIC.every((byte, i) => tail[4 + i] === byte)) return undefined;
  const length = viewOf(tail).getInt32(0, true);
  const end = source.size - tailBytes;
  if (length < 8 || length > Math.min(LARGEST_FOOTER_BYTES, end)) return undefined;
  return tolerant(async () => {
    const view = viewOf(await source.read(end - length, end));
    const footer = FlatTable.root(view);
    const schema = footer.table(1);
    const { start, length: batches } = footer.vector(3, BLOCK_BYTES);
    const places = Array.from({ length: batches }, (_, i) => readInt64(view, start + i * BLOCK_BYTES));
    const ordered = places.every((place, i) => place > (places[i - 1] ?? 0) && place < end);
    if (schema === undefined || !ordered || batches === 0 || places[0]! > LARGEST_MESSAGE_BYTES)
      return undefined;
    return { places, order: readSchema(schema).order };
  });
}

/** Time of the first event of the batch at a place; undefined where none is there. */
export function firstTime(
  source: ByteSource,
  place: number,
  order: readonly number[],
): Promise<number | undefined> {
  return tolerant(async () => {
    const size = viewOf(await source.read(place, place + 8)).getInt32(4, true);
    if (size < 8 || size > LARGEST_MESSAGE_BYTES) return undefined;
    const message = readMessage(await source.read(place + 8, place + 8 + size));
    if (message.kind !== 'batch') return undefined;
    const { rows, columns } = readBatch(message.table, message.bodyBytes, order);
    if (rows === 0) return undefined;
    const at = place + 8 + size + columns[0]!;
    return readInt64(viewOf(await source.read(at, at + 8)), 0);
  });
}

/** What `read` gives; undefined where the bytes are not what they should be: decoding from the front says why. */
async function tolerant<T>(read: () => Promise<T | undefined>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
