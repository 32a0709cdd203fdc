import type { ByteSource } from '../byte-source.ts';
import { viewOf } from './byte-window.ts';

/** Records of one size with a clock of 32 bits, as they lie in a file. */
export interface WrappingRecords {
  /** Where the first record begins. */
  readonly start: number;
  readonly recordBytes: number;
  /** Records that are looked at in one place, to find one with a clock; default 64. */
  readonly look?: number;
  /** The clock of the record at a position, or undefined where it is no event. */
  clockAt(records: DataView, position: number): number | undefined;
}

/** A record to begin with. */
export interface RecordPlace {
  readonly byteOffset: number;
  /** What is to be added to its clock: a multiple of 2^32. */
  readonly epochMicros: number;
}

/** Places that are looked at: decoding begins at most two of them early. */
const SAMPLES = 512;
/** Records that are looked at in one place, unless a format says more. */
const LOOK_RECORDS = 64;

/**
 * A record before the first event of a time and later, from looking into the file at equal distances: the clock may
 * wrap between any two events, as long as from one place to the next it goes on by less than 2^31 µs.
 */
export async function findRecord(
  source: ByteSource,
  { start, recordBytes, clockAt, look = LOOK_RECORDS }: WrappingRecords,
  micros: number,
): Promise<RecordPlace> {
  const records = Math.floor((source.size - start) / recordBytes);
  const step = Math.max(look, Math.ceil(records / SAMPLES));
  const places: RecordPlace[] = [{ byteOffset: start, epochMicros: 0 }];
  let clock: number | undefined;
  let time = 0;
  for (let record = 0; record < records; record += step) {
    const at = start + record * recordBytes;
    const view = viewOf(await source.read(at, at + look * recordBytes));
    for (let position = 0; position + recordBytes <= view.byteLength; position += recordBytes) {
      const found = clockAt(view, position);
      if (found === undefined) continue;
      time = clock === undefined ? found >>> 0 : time + ((found - clock) | 0);
      clock = found;
      if (time >= micros) return places.at(-2) ?? places[0]!;
      places.push({ byteOffset: at + position, epochMicros: time - (found >>> 0) });
      break;
    }
  }
  return places.at(-2) ?? places[0]!;
}
