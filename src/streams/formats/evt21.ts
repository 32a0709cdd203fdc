/**
 * Prophesee RAW in EVT2.1: a text header, then words of 64 bits, up to 32 events of a row each; read in both orders of
 * the words' halves. https://docs.prophesee.ai/stable/data/encoding_formats/evt21.html
 */
import type { EventFormat } from './format.ts';
import { loops } from './kernels/loops.ts';
import { WORD_AT } from './kernels/state.ts';
import { EVT2_HIGH_BITS, EVT2_LOW_BITS } from './prophesee/evt2-words.ts';
import { EVT21_BYTES } from './prophesee/evt21-words.ts';
import { readEvt2Word } from './prophesee/lone-words.ts';
import { rawFormat } from './prophesee/raw-format.ts';

/** Prophesee RAW, EVT2.1. */
export const evt21: EventFormat = rawFormat({
  encoding: 'evt21',
  title: 'EVT2.1',
  wordBytes: EVT21_BYTES,
  highBits: EVT2_HIGH_BITS,
  lowBits: EVT2_LOW_BITS,
  kernel: ({ swapped }) => {
    const { evt21: kernel } = loops().decode;
    return (words, start, chunk, state) => {
      state[WORD_AT] = swapped ? 0 : 4;
      return kernel(words, start, chunk, state);
    };
  },
  read: (words, position, state, { swapped }) =>
    readEvt2Word(words.getUint32(position + (swapped ? 0 : 4), true), state),
});
