import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { OptionError } from '../errors.ts';
import type { EventChunk, Recording, SensorSize } from '../events.ts';
import { openAtomicFile } from './atomic-file.ts';
import { type DecodedRecording, decodeBlocks } from './decoding.ts';
import { fileBlocks } from './file-blocks.ts';
import type { DecodeOptions, EventDecoder, EventFormat } from './formats/format.ts';
import { detectFormat } from './formats/index.ts';

/** Bytes that are looked at to tell a format. */
const HEAD_BYTES = 1 << 16;
/** Bytes that are decoded at a time until the header is over. */
const HEADER_STEP_BYTES = 1 << 12;

/** A recording in a file of its own. */
export interface RecordingFile extends DecodedRecording {
  readonly path: string;
  readonly format: EventFormat;
  /** Length of the file. */
  readonly bytes: number;
}

/** How a recording is read, and what is known of it besides its bytes. */
export interface RecordingOptions extends DecodeOptions {
  /** Default: the file's name. */
  readonly id?: string;
  /** Class index. */
  readonly label?: number;
  /** Marks events that no sensor saw, where the file does not say so itself. */
  readonly simulated?: boolean;
}

/** Opens an event file, whatever its name ends in: its content tells the format, and its header is read. */
export async function openRecording(path: string, options: RecordingOptions = {}): Promise<RecordingFile> {
  const decodeOptions = { ...options, path };
  let format: EventFormat | undefined;
  let decoder: EventDecoder | undefined;
  let bytes = 0;
  for await (const block of fileBlocks(path, HEAD_BYTES)) {
    if (decoder === undefined) {
      bytes = (await stat(path)).size;
      format = detectFormat(block, bytes, path);
      await format.prepare?.(block);
      decoder = format.createDecoder(decodeOptions);
    }
    if (readHeader(decoder, block)) break;
  }
  format ??= detectFormat(new Uint8Array(0), 0, path);
  const { createDecoder } = format;
  return {
    ...facts(basename(path), options, decoder),
    path,
    format,
    bytes,
    chunks: () =>
      decodeBlocks(
        () => fileBlocks(path),
        async () => createDecoder(decodeOptions),
      ),
  };
}

/** A recording in memory or in an archive; `read` is called anew for each pass. */
export function recordingFromBytes(
  read: () => Promise<Uint8Array>,
  options: RecordingOptions & { readonly id: string },
): DecodedRecording {
  async function* blocks(): AsyncGenerator<Uint8Array> {
    yield await read();
  }
  return {
    ...facts(options.id, options),
    chunks: () =>
      decodeBlocks(blocks, async (bytes) => {
        const format = detectFormat(bytes.subarray(0, HEAD_BYTES), bytes.length, options.path ?? options.id);
        await format.prepare?.(bytes);
        return format.createDecoder({ path: options.id, ...options });
      }),
  };
}

/** Writes chunks to a file, under a temporary name until it is complete; its folder exists. */
export async function writeRecording(
  path: string,
  chunks: AsyncIterable<EventChunk> | Iterable<EventChunk>,
  options: { readonly format: EventFormat; readonly sensor: SensorSize; readonly simulated?: boolean },
): Promise<void> {
  const { format, sensor, simulated = false } = options;
  const encoder = format.createEncoder?.({ sensor, simulated });
  if (encoder === undefined) throw new OptionError(`${format.title} can be read but not written`);
  const parts: Uint8Array[] = [];
  const collect = (part: Uint8Array): number => parts.push(part);
  const file = await openAtomicFile(path);
  try {
    for await (const chunk of chunks) {
      encoder.push(chunk, collect);
      for (const part of parts.splice(0)) await file.write(part);
    }
    encoder.end(collect);
    for (const part of parts) await file.write(part);
    await file.commit(false);
  } catch (error) {
    await file.abort();
    throw error;
  }
}

/** Feeds a decoder until its header is over: true once the sensor is known or an event has come. */
function readHeader(decoder: EventDecoder, block: Uint8Array): boolean {
  const over = (): boolean => decoder.sensor !== undefined || decoder.counters.events > 0;
  for (let start = 0; start < block.length && !over(); start += HEADER_STEP_BYTES) {
    try {
      decoder.push(block.subarray(start, start + HEADER_STEP_BYTES), () => undefined);
    } catch (error) {
      // A fault behind the first events is told to who iterates them.
      if (!over()) throw error;
    }
  }
  return over();
}

/** What a recording says of itself before its events. */
function facts(id: string, options: RecordingOptions, decoder?: EventDecoder): Omit<Recording, 'chunks'> {
  const sensor = options.sensor ?? decoder?.sensor;
  return {
    id: options.id ?? id,
    simulated: options.simulated === true || decoder?.simulated === true,
    ...(options.label === undefined ? {} : { label: options.label }),
    ...(sensor === undefined ? {} : { sensor }),
  };
}
