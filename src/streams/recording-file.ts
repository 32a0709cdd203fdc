import { statSync } from 'node:fs';
import { basename } from 'node:path';
import { InputError } from '../errors.ts';
import type { Recording, SensorSize } from '../events.ts';
import { memorySource } from './byte-source.ts';
import { type DecodedRecording, decodeBlocks, decodeWithin, type OpenedChunks } from './decoding.ts';
import { fileBlocks } from './file-blocks.ts';
import type { AnyFormat, DecodeOptions, EventDecoder } from './formats/format.ts';
import { detectFormat } from './formats/index.ts';
import { isTextWith, text } from './formats/text.ts';
import { fileChunks, isIndexed, openPass, readTables } from './recording-passes.ts';
import type { TimeRange } from './time-range.ts';

export { encodeRecording, type WriteOptions, writeRecording } from './write-recording.ts';

/** Bytes that are looked at to tell a format. */
const HEAD_BYTES = 1 << 16;
/** Bytes that are decoded at a time until the header is over. */
const HEADER_STEP_BYTES = 1 << 12;

/** A recording in a file of its own. */
export interface RecordingFile extends DecodedRecording {
  readonly path: string;
  readonly format: AnyFormat;
  /** Length of the file. */
  readonly bytes: number;
}

/** How a recording is read, and what is known of it besides its bytes. */
export interface RecordingOptions extends DecodeOptions, TimeRange {
  /** Default: the file's name. */
  readonly id?: string;
  /** Class index. */
  readonly label?: number;
  /** Marks events that no sensor saw, where the file does not say so itself. */
  readonly simulated?: boolean;
  /** Reads the file as this format, whatever it looks like. */
  readonly format?: AnyFormat;
}

/**
 * Opens an event file: its content tells the format, and its header is read. With `fromMicros` or `toMicros` only
 * the events between them are given, and where the format allows it, only they are decoded.
 */
export async function openRecording(path: string, options: RecordingOptions = {}): Promise<RecordingFile> {
  const decodeOptions = { ...options, path };
  let format: AnyFormat | undefined = options.format;
  let decoder: EventDecoder | undefined;
  let bytes = 0;
  for await (const block of fileBlocks(path, HEAD_BYTES)) {
    if (decoder === undefined) {
      bytes = statSync(path).size;
      format ??= formatOf(block, bytes, decodeOptions);
      if (isIndexed(format)) break;
      await format.prepare?.(block);
      decoder = format.createDecoder(withoutOthers(decodeOptions));
    }
    if (readHeader(decoder, block)) break;
  }
  format ??= detectFormat(new Uint8Array(0), 0, path);
  const said = isIndexed(format) ? await readTables(format, path, decodeOptions) : decoder;
  const found = format;
  return {
    ...facts(basename(path), options, said),
    path,
    format,
    bytes,
    chunks: () => fileChunks(found, path, decodeOptions),
  };
}

/** A recording in memory or in an archive; `read` is called anew for each pass. */
export function recordingFromBytes(
  read: () => Promise<Uint8Array>,
  options: RecordingOptions & { readonly id: string },
): DecodedRecording {
  const decodeOptions = { path: options.id, ...options };
  const open = async (): Promise<OpenedChunks> => {
    const bytes = await read();
    const format = options.format ?? formatOf(bytes.subarray(0, HEAD_BYTES), bytes.length, decodeOptions);
    if (isIndexed(format)) {
      return openPass(format, memorySource(bytes, decodeOptions.path), decodeOptions);
    }
    await format.prepare?.(bytes);
    const chunks = decodeBlocks(
      () => only(bytes),
      async () => format.createDecoder(decodeOptions),
    );
    return { chunks, state: () => chunks };
  };
  return { ...facts(options.id, options), chunks: () => decodeWithin(options, open) };
}

/**
 * A recording that comes through a pipe: read once, from front to back. Its first bytes tell the format, and its
 * header is read, before this resolves.
 */
export async function recordingFromPipe(
  pipe: AsyncIterable<Uint8Array>,
  options: RecordingOptions,
): Promise<DecodedRecording & { readonly format: AnyFormat }> {
  const blocks = pipe[Symbol.asyncIterator]();
  let head: Uint8Array = new Uint8Array(0);
  let ended = false;
  while (head.length < HEAD_BYTES && !ended) {
    const next = await blocks.next();
    if (next.done === true) ended = true;
    else head = Buffer.concat([head, next.value]);
  }
  const path = options.path ?? 'standard input';
  const start = head.subarray(0, HEAD_BYTES);
  const format = options.format ?? formatOf(start, ended ? head.length : undefined, { ...options, path });
  if (isIndexed(format)) {
    throw new InputError(`${format.title} is read by jumps, which a pipe cannot make; give a file`, path);
  }
  await format.prepare?.(start);
  const decoder = format.createDecoder(withoutOthers({ ...options, path }));
  readHeader(decoder, start);
  async function* all(): AsyncGenerator<Uint8Array> {
    yield head;
    for (let next = await blocks.next(); next.done !== true; next = await blocks.next()) yield next.value;
  }
  const chunks = decodeBlocks(all, async () => format.createDecoder({ ...options, path }));
  return {
    ...facts(path, options, decoder),
    format,
    chunks: () => decodeWithin(options, async () => ({ chunks, state: () => chunks })),
  };
}

/** The format of a file by its first bytes, or by the options that only text has. */
function formatOf(head: Uint8Array, size: number | undefined, options: DecodeOptions): AnyFormat {
  try {
    return detectFormat(head, size, options.path);
  } catch (error) {
    if (isTextWith(head, size !== undefined && size <= head.length, options)) return text;
    throw error;
  }
}

/** The header is read twice: what stands in it is delivered once. */
function withoutOthers({ others: _, ...options }: DecodeOptions): DecodeOptions {
  return options;
}

async function* only<T>(value: T): AsyncGenerator<T> {
  yield value;
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
function facts(
  id: string,
  options: RecordingOptions,
  said?: Pick<EventDecoder, 'sensor' | 'simulated'>,
): Omit<Recording, 'chunks'> {
  const sensor: SensorSize | undefined = options.sensor ?? said?.sensor;
  return {
    id: options.id ?? id,
    simulated: options.simulated === true || said?.simulated === true,
    ...(options.label === undefined ? {} : { label: options.label }),
    ...(sensor === undefined ? {} : { sensor }),
  };
}
