import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { InputError, OptionError } from '../errors.ts';
import type { EventChunk, Recording, SensorSize } from '../events.ts';
import { openAtomicFile } from './atomic-file.ts';
import { type ByteSource, memorySource, openByteSource } from './byte-source.ts';
import { type DecodedChunks, type DecodedRecording, decodeBlocks, decodeWithin } from './decoding.ts';
import { fileBlocks } from './file-blocks.ts';
import type {
  AnyFormat,
  DecodeOptions,
  EncodeOptions,
  EventDecoder,
  EventEncoder,
  EventFormat,
  EventReader,
  IndexedFormat,
  RecordingFormat,
} from './formats/format.ts';
import { detectFormat } from './formats/index.ts';
import { isTextWith, text } from './formats/text.ts';
import { isBounded, type TimeRange } from './time-range.ts';

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
      bytes = (await stat(path)).size;
      format ??= formatOf(block, bytes, decodeOptions);
      if (isIndexed(format)) break;
      await format.prepare?.(block);
      decoder = format.createDecoder(withoutOthers(decodeOptions));
    }
    if (readHeader(decoder, block)) break;
  }
  format ??= detectFormat(new Uint8Array(0), 0, path);
  const said = isIndexed(format) ? await readTables(format, path, decodeOptions) : decoder;
  const sequential = isIndexed(format) ? undefined : format;
  return {
    ...facts(basename(path), options, said),
    path,
    format,
    bytes,
    chunks: () =>
      sequential === undefined
        ? indexedChunks(format as IndexedFormat, () => openByteSource(path), decodeOptions)
        : sequentialChunks(sequential, path, decodeOptions),
  };
}

/** A recording in memory or in an archive; `read` is called anew for each pass. */
export function recordingFromBytes(
  read: () => Promise<Uint8Array>,
  options: RecordingOptions & { readonly id: string },
): DecodedRecording {
  const decodeOptions = { path: options.id, ...options };
  const open = async (): ReturnType<Parameters<typeof decodeWithin>[1]> => {
    const bytes = await read();
    const format =
      options.format ?? detectFormat(bytes.subarray(0, HEAD_BYTES), bytes.length, options.path ?? options.id);
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
  const encoder = createEncoder(format, options);
  const file = await openAtomicFile(path);
  let length = 0;
  try {
    for await (const part of encodedParts(chunks, encoder)) {
      await file.write(part);
      length += part.length;
    }
    for (const { byteOffset, bytes } of encoder.patches?.() ?? []) await file.write(bytes, byteOffset);
    await file.commit(false);
  } catch (error) {
    await file.abort();
    throw error;
  }
  return length;
}

/** The bytes of a file of chunks, for a pipe: what needs to be overwritten at the end stays as it is. */
export function encodeRecording(
  chunks: AsyncIterable<EventChunk> | Iterable<EventChunk>,
  { format, ...options }: WriteOptions,
): AsyncGenerator<Uint8Array> {
  return encodedParts(chunks, createEncoder(format, options));
}

function createEncoder(format: RecordingFormat, options: EncodeOptions): EventEncoder {
  const encoder = format.createEncoder?.(options);
  if (encoder === undefined) throw new OptionError(`${format.title} can be read but not written`);
  return encoder;
}

async function* encodedParts(
  chunks: AsyncIterable<EventChunk> | Iterable<EventChunk>,
  encoder: EventEncoder,
): AsyncGenerator<Uint8Array> {
  const parts: Uint8Array[] = [];
  const collect = (part: Uint8Array): number => parts.push(part);
  for await (const chunk of chunks) {
    encoder.push(chunk, collect);
    yield* parts.splice(0);
  }
  encoder.end(collect);
  yield* parts;
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

/** True for formats that are read by jumps. */
function isIndexed(format: AnyFormat): format is IndexedFormat {
  return 'openReader' in format;
}

/** The header is read twice: what stands in it is delivered once. */
function withoutOthers({ others: _, ...options }: DecodeOptions): DecodeOptions {
  return options;
}

async function* only<T>(value: T): AsyncGenerator<T> {
  yield value;
}

/** The events of a file that is decoded from front to back, or from where its range begins. */
function sequentialChunks(
  format: EventFormat,
  path: string,
  options: DecodeOptions & TimeRange,
): DecodedChunks {
  const whole = (): DecodedChunks =>
    decodeBlocks(
      () => fileBlocks(path),
      async () => format.createDecoder(options),
    );
  if (!isBounded(options)) return whole();
  return decodeWithin(options, async () => {
    const found = await seekIn(format, path, options);
    const { start, end, decoder } = found ?? {};
    const chunks =
      decoder === undefined
        ? whole()
        : decodeBlocks(
            () => fileBlocks(path, undefined, start, end),
            async () => decoder,
          );
    return { chunks, state: () => chunks };
  });
}

async function seekIn(
  format: EventFormat,
  path: string,
  options: DecodeOptions & TimeRange,
): ReturnType<NonNullable<EventFormat['seek']>> {
  if (format.seek === undefined) return undefined;
  const source = await openByteSource(path);
  try {
    return await format.seek(source, options, options);
  } finally {
    await source.close();
  }
}

function indexedChunks(
  format: IndexedFormat,
  open: () => Promise<ByteSource>,
  options: DecodeOptions & TimeRange,
): DecodedChunks {
  return decodeWithin(options, async () => openPass(format, await open(), options));
}

async function openPass(
  format: IndexedFormat,
  source: ByteSource,
  options: DecodeOptions & TimeRange,
): ReturnType<Parameters<typeof decodeWithin>[1]> {
  let reader: EventReader;
  try {
    reader = await format.openReader(source, options);
  } catch (error) {
    await source.close();
    throw error;
  }
  return {
    chunks: reader.chunks(options),
    state: () => reader,
    close: async () => {
      await reader.close();
      await source.close();
    },
  };
}

/** What the tables of a file say of its events. */
async function readTables(
  format: IndexedFormat,
  path: string,
  options: DecodeOptions,
): Promise<Pick<EventReader, 'sensor' | 'simulated'>> {
  const source = await openByteSource(path);
  try {
    const reader = await format.openReader(source, options);
    const { sensor, simulated = false } = reader;
    await reader.close();
    return { sensor, simulated };
  } finally {
    await source.close();
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
