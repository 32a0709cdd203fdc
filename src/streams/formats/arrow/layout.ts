/**
 * What reader and writer of Arrow event files share: the columns, and numbers of Arrow's format.
 * https://arrow.apache.org/docs/format/Columnar.html#serialization-and-interprocess-communication-ipc
 */

/** First and last bytes of an Arrow file. */
export const MAGIC: Uint8Array = Buffer.from('ARROW1', 'latin1');

/** The columns of an event file, by name, with Arrow's names of their types. */
export const COLUMNS = [
  { name: 't', type: 'timestamp[us]', valueBits: 64 },
  { name: 'x', type: 'uint16', valueBits: 16 },
  { name: 'y', type: 'uint16', valueBits: 16 },
  { name: 'on', type: 'bool', valueBits: 1 },
] as const;

/** Numbers of the message headers. */
export const HEADER = { schema: 1, recordBatch: 3 } as const;

/** Numbers of the types. */
export const TYPE = { int: 2, bool: 6, timestamp: 10 } as const;

/** Bytes up to the next multiple of 8, at which Arrow aligns everything. */
export function padded(bytes: number): number {
  return Math.ceil(bytes / 8) * 8;
}
