import type { ByteSource } from '../../byte-source.ts';
import type { TimeRange } from '../../time-range.ts';
import type { DecodeOptions, Seek } from '../format.ts';
import { STATE_LENGTH } from '../kernels/state.ts';
import { findRecord } from '../wrapping-records.ts';
import { LONGEST_HEADER_BYTES, PercentHeader } from './percent-header.ts';
import { RawDecoder, type RawWords } from './raw-decoder.ts';
import { readRawHeader } from './raw-header.ts';

/** Words that are looked at in one place: a busy camera sends thousands of events between two TIME_HIGH words. */
const LOOK_WORDS = 4096;

/**
 * Finds a time by TIME_HIGH words at equal distances: right as long as from one place to the next the clock goes on by
 * less than half its range, hours in EVT2.
 */
export async function seekRaw(
  words: RawWords,
  source: ByteSource,
  { fromMicros }: TimeRange,
  options: DecodeOptions,
): Promise<Seek | undefined> {
  // Times that count from the first word do not say where they are.
  if (fromMicros === undefined || options.shiftTime === true) return undefined;
  const head = await source.read(0, LONGEST_HEADER_BYTES);
  const percent = new PercentHeader('RAW', options.path);
  const start = head.length - percent.read(head).reduce((sum, part) => sum + part.length, 0);
  if (!percent.done) return undefined;
  const decoder = new RawDecoder(words, options);
  decoder.push(head.subarray(0, start), () => undefined);
  decoder.jump(start, 0);
  const header = readRawHeader(percent.fields);
  const state = new Int32Array(STATE_LENGTH);
  // The search counts in 32 bits: in the unit in which TIME_HIGH words wrap at 2^32.
  const shift = 32 - words.highBits;
  const unitMicros = 2 ** (words.lowBits - shift);
  const { byteOffset, epochMicros } = await findRecord(
    source,
    {
      start,
      recordBytes: words.wordBytes,
      look: LOOK_WORDS,
      clockAt: (view, position) => {
        const word = words.read(view, position, state, header);
        return word.kind === 'time-high' ? word.value << shift : undefined;
      },
    },
    fromMicros / unitMicros,
  );
  decoder.jump(byteOffset, epochMicros / 2 ** 32);
  return { decoder, start: byteOffset, end: source.size };
}
