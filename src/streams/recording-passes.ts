import { type ByteSource, openByteSource } from './byte-source.ts';
import { type DecodedChunks, decodeBlocks, decodeWithin, type OpenedChunks } from './decoding.ts';
import { fileBlocks } from './file-blocks.ts';
import type {
  AnyFormat,
  DecodeOptions,
  EventFormat,
  EventReader,
  IndexedFormat,
  Seek,
} from './formats/format.ts';
import { isBounded, type TimeRange } from './time-range.ts';

/** True for formats that are read by jumps. */
export function isIndexed(format: AnyFormat): format is IndexedFormat {
  return 'openReader' in format;
}

/** The events of a file, or of its range. */
export function fileChunks(
  format: AnyFormat,
  path: string,
  options: DecodeOptions & TimeRange,
): DecodedChunks {
  if (!isIndexed(format)) return sequentialChunks(format, path, options);
  return decodeWithin(options, async () => openPass(format, await openByteSource(path), options));
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
): Promise<Seek | undefined> {
  if (format.seek === undefined) return undefined;
  const source = await openByteSource(path);
  try {
    return await format.seek(source, options, options);
  } finally {
    await source.close();
  }
}

/** Begins a pass over a source, which is closed with it. */
export async function openPass(
  format: IndexedFormat,
  source: ByteSource,
  options: DecodeOptions & TimeRange,
): Promise<OpenedChunks> {
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
export async function readTables(
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
