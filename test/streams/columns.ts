import { createHash } from 'node:crypto';
import type { EventChunk } from '../../src/events.ts';
import type { DecodeOptions, EventDecoder, EventFormat } from '../../src/streams/formats/format.ts';

/** All events of some chunks, time absolute, for tests that compare them. */
export interface Columns {
  t: number[];
  x: number[];
  y: number[];
  on: number[];
}

/** Joins chunks; fails where time goes back. */
export function joinColumns(chunks: readonly EventChunk[]): Columns {
  const joined: Columns = { t: [], x: [], y: [], on: [] };
  let last = Number.NEGATIVE_INFINITY;
  for (const chunk of chunks) {
    for (let i = 0; i < chunk.t.length; i++) {
      const time = chunk.origin + chunk.t[i]!;
      if (time < last) throw new Error(`time goes back from ${last} to ${time}`);
      last = time;
      joined.t.push(time);
      joined.x.push(chunk.x[i]!);
      joined.y.push(chunk.y[i]!);
      joined.on.push(chunk.on[i]!);
    }
  }
  return joined;
}

/**
 * Decodes bytes block by block; what was emitted before an error is kept beside it. As from a file, blocks are views of
 * one Buffer, which is overwritten when a block has been decoded: nobody may keep a view of it.
 */
export function decodeBytes(
  format: EventFormat,
  bytes: Uint8Array,
  blockBytes: (position: number) => number = () => 1 << 20,
  options: DecodeOptions = {},
): { chunks: EventChunk[]; decoder: EventDecoder; error?: unknown } {
  const decoder = format.createDecoder(options);
  const chunks: EventChunk[] = [];
  const emit = (chunk: EventChunk): number => chunks.push(chunk);
  const memory = Buffer.alloc(bytes.length);
  try {
    for (let position = 0; position < bytes.length; ) {
      const end = Math.min(bytes.length, position + blockBytes(position));
      memory.set(bytes.subarray(position, end));
      decoder.push(memory.subarray(0, end - position), emit);
      memory.fill(0xa5, 0, end - position);
      position = end;
    }
    decoder.end(emit);
  } catch (error) {
    return { chunks, decoder, error };
  }
  return { chunks, decoder };
}

/** SHA3-224 of each column: t as u64, x and y as u16, little-endian, on as bytes. */
export function columnDigests({ t, x, y, on }: Columns): Record<string, string> {
  const digest = (bytes: Uint8Array): string => createHash('sha3-224').update(bytes).digest('hex');
  const words = (values: number[]): Uint8Array => new Uint8Array(Uint16Array.from(values).buffer);
  return {
    t_u64le: digest(new Uint8Array(BigUint64Array.from(t, BigInt).buffer)),
    x_u16le: digest(words(x)),
    y_u16le: digest(words(y)),
    on_u8: digest(Uint8Array.from(on)),
  };
}

/** Origin, length and content of each chunk in short, to compare long lists of chunks fast. */
export function fingerprints(chunks: readonly EventChunk[]): string[] {
  return chunks.map(({ origin, t, x, y, on }) => {
    const hash = createHash('sha1');
    for (const { buffer, byteOffset, byteLength } of [t, x, y, on]) {
      hash.update(new Uint8Array(buffer, byteOffset, byteLength));
    }
    return `${origin} ${t.length} ${hash.digest('hex')}`;
  });
}

/** All values of an iteration. */
export async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const value of values) collected.push(value);
  return collected;
}
