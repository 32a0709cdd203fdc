/**
 * Prophesee RAW in EVT3: a text header, then words of 16 bits that say what changes from event to event.
 * https://docs.prophesee.ai/stable/data/encoding_formats/evt3.html
 */
import type { EventFormat } from './format.ts';
import { loops } from './kernels/loops.ts';
import { EVT3_MOST_BYTES, putEvt3TimeHigh } from './prophesee/evt3-encoder.ts';
import { EVT3_BYTES, EVT3_HIGH_BITS, EVT3_LOW_BITS } from './prophesee/evt3-words.ts';
import { readEvt3Word } from './prophesee/lone-words.ts';
import { rawFormat } from './prophesee/raw-format.ts';

/** Prophesee RAW, EVT3; it is also the one to say which encodings of RAW files are known. */
export const evt3: EventFormat = rawFormat(
  {
    encoding: 'evt3',
    title: 'EVT3',
    wordBytes: EVT3_BYTES,
    highBits: EVT3_HIGH_BITS,
    lowBits: EVT3_LOW_BITS,
    kernel: () => loops().decode.evt3,
    read: (words, position, state) => readEvt3Word(words.getUint16(position, true), state),
  },
  {
    kernel: () => loops().encode.evt3,
    mostBytes: EVT3_MOST_BYTES,
    putTimeHigh: putEvt3TimeHigh,
  },
  0.1,
);
