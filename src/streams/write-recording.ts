import { OptionError } from '../errors.ts';
import type { EventChunk } from '../events.ts';
import { openAtomicFile } from './atomic-file.ts';
import type { EncodeOptions, EventEncoder, RecordingFormat } from './formats/format.ts';
import { giveBack } from './formats/growing-bytes.ts';

/** Files are written in blocks that begin at multiples of this many bytes: file systems take such ones in one piece. */
const BLOCK_BYTES = 1 << 20;

/** How a recording is written. */
export interface WriteOptions extends EncodeOptions {
  readonly format: RecordingFormat;
}

/** Writes chunks to a file, under a temporary name until it is complete; its folder exists. Gives its length. */
export async function writeRecording(
  path: string,
  chunks: AsyncIterable<EventChunk> | Iterable<EventChunk>,
  { format, ...options }: WriteOptions,
): Promise<number> {
  await format.prepareEncoder?.(options);
  const encoder = createEncoder(format, options);
  const file = await openAtomicFile(path);
  let length = 0;
  try {
    const waiting: Uint8Array[] = [];
    let written = 0;
    const collect = (part: Uint8Array): void => {
      waiting.push(part);
      length += part.length;
    };
    const writeUpTo = async (end: number): Promise<void> => {
      const parts: Uint8Array[] = [];
      let rest: Uint8Array | undefined;
      while (written < end) {
        const part = waiting.shift()!;
        if (written + part.length > end) rest = part.subarray(end - written);
        parts.push(rest === undefined ? part : part.subarray(0, end - written));
        written += parts.at(-1)!.length;
      }
      await file.writeAll(parts);
      // The memory of a part that was cut is in use until its rest is written.
      for (const part of parts) if (part.buffer !== rest?.buffer) giveBack(part);
      if (rest !== undefined) waiting.unshift(rest);
    };
    for await (const chunk of chunks) {
      encoder.push(chunk, collect);
      if (length - written >= BLOCK_BYTES) await writeUpTo(length - (length % BLOCK_BYTES));
    }
    encoder.end(collect);
    await writeUpTo(length);
    for (const { byteOffset, bytes } of encoder.patches?.() ?? []) await file.write(bytes, byteOffset);
    await file.commit(false);
  } catch (error) {
    await file.abort();
    throw error;
  }
  return length;
}

/** The bytes of a file of chunks, for a pipe: what needs to be overwritten at the end stays as it is. */
export async function* encodeRecording(
  chunks: AsyncIterable<EventChunk> | Iterable<EventChunk>,
  { format, ...options }: WriteOptions,
): AsyncGenerator<Uint8Array> {
  await format.prepareEncoder?.(options);
  const encoder = createEncoder(format, options);
  const parts: Uint8Array[] = [];
  const collect = (part: Uint8Array): number => parts.push(part);
  for await (const chunk of chunks) {
    encoder.push(chunk, collect);
    yield* parts.splice(0);
  }
  encoder.end(collect);
  yield* parts;
}

function createEncoder(format: RecordingFormat, options: EncodeOptions): EventEncoder {
  const encoder = format.createEncoder?.(options);
  if (encoder === undefined) throw new OptionError(`${format.title} can be read but not written`);
  return encoder;
}
