import { FormatError } from '../../errors.ts';
import { aedat1 } from './aedat1.ts';
import { aedat2 } from './aedat2.ts';
import { aedat3 } from './aedat3.ts';
import { aedat4 } from './aedat4.ts';
import { arrowEvents } from './arrow.ts';
import { dat, dat1 } from './dat.ts';
import { eventStream } from './event-stream.ts';
import { evt2 } from './evt2.ts';
import { evt3 } from './evt3.ts';
import { evt21 } from './evt21.ts';
import type { AnyFormat, EventFormat, IndexedFormat } from './format.ts';
import { hdf5 } from './hdf5.ts';
import { nmnist } from './nmnist.ts';
import { numpy } from './numpy.ts';
import { parquet } from './parquet.ts';
import { text } from './text.ts';

export type {
  AnyFormat,
  DecodeCounters,
  DecodeOptions,
  EncodeOptions,
  EventDecoder,
  EventEncoder,
  EventFormat,
  EventReader,
  IndexedFormat,
  Patch,
  RecordingFormat,
  Seek,
  TimeUnit,
} from './format.ts';
export type { FrameRecord, InertialRecord, OtherRecord, TriggerRecord } from './other-records.ts';
export {
  aedat1,
  aedat2,
  aedat3,
  aedat4,
  arrowEvents,
  dat,
  dat1,
  eventStream,
  evt2,
  evt3,
  evt21,
  hdf5,
  nmnist,
  numpy,
  parquet,
  text,
};

/** The file formats that are decoded from front to back. */
export const sequentialFormats: readonly EventFormat[] = [
  aedat2,
  aedat4,
  aedat3,
  aedat1,
  evt3,
  evt2,
  evt21,
  dat,
  dat1,
  eventStream,
  arrowEvents,
  nmnist,
  text,
];

/** The file formats that are read by jumps. */
export const indexedFormats: readonly IndexedFormat[] = [parquet, hdf5, numpy];

/** The file formats that can be read. */
export const formats: readonly AnyFormat[] = [...sequentialFormats, ...indexedFormats];

/**
 * The format of a file, told by its content; where two are as sure, the name decides.
 * @param head the first bytes, up to 64 KiB, or all of a smaller file
 * @param size length of the file in bytes, where known
 * @param path its ending is a hint; named in the error
 */
export function detectFormat(head: Uint8Array, size?: number, path?: string): AnyFormat {
  let best: AnyFormat | undefined;
  let surest = 0;
  for (const format of formats) {
    const sureness = format.sniff(head, size);
    const tied = sureness > 0 && sureness === surest;
    if (sureness > surest || (tied && hasExtension(format, path) && !hasExtension(best!, path))) {
      best = format;
      surest = sureness;
    }
  }
  if (best !== undefined) return best;
  const supported = formats.map((format) => format.title).join(', ');
  const found = describeHead(head);
  throw new FormatError(
    `not a recording that can be read (${supported}): found ${found}`,
    path === undefined ? { byteOffset: 0 } : { path, byteOffset: 0 },
  );
}

function hasExtension(format: AnyFormat, path: string | undefined): boolean {
  const name = path?.toLowerCase() ?? '';
  return (format.extensions ?? []).some((extension) => name.endsWith(extension));
}

/** What a person would recognise an unknown file by. */
function describeHead(head: Uint8Array): string {
  if (head.length === 0) return 'an empty file';
  const start = head.subarray(0, 16);
  const text = Buffer.from(start)
    .toString('latin1')
    .split(/[\r\n]/)[0]!;
  return /^[\x20-\x7e]{4,}$/.test(text)
    ? JSON.stringify(text)
    : `bytes ${Buffer.from(start).toString('hex')}`;
}
