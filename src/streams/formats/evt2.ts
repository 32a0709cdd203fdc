/**
 * Prophesee RAW in EVT2: a text header, then words of 32 bits, one an event.
 * https://docs.prophesee.ai/stable/data/encoding_formats/evt2.html
 */
import type { EventFormat } from './format.ts';
import { loops } from './kernels/loops.ts';
import { EVT2_MOST_BYTES, putEvt2TimeHigh } from './prophesee/evt2-encoder.ts';
import { EVT2_BYTES, EVT2_HIGH_BITS, EVT2_LOW_BITS } from './prophesee/evt2-words.ts';
import { readEvt2Word } from './prophesee/lone-words.ts';
import { rawFormat } from './prophesee/raw-format.ts';

/** Prophesee RAW, EVT2. */
export const evt2: EventFormat = rawFormat(
  {
    encoding: 'evt2',
    title: 'EVT2',
    wordBytes: EVT2_BYTES,
    highBits: EVT2_HIGH_BITS,
    lowBits: EVT2_LOW_BITS,
    kernel: () => loops().decode.evt2,
    read: (words, position, state) => readEvt2Word(words.getUint32(position, true), state),
  },
  {
    kernel: () => loops().encode.evt2,
    mostBytes: EVT2_MOST_BYTES,
    putTimeHigh: putEvt2TimeHigh,
  },
);
