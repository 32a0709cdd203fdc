import { BASE, NOW, ROW, VECTOR_ON, VECTOR_X } from '../kernels/state.ts';
import {
  ADDRESS_Y,
  CONTINUED_4,
  CONTINUED_12,
  TIME_HIGH,
  TIME_LOW,
  TRIGGER,
  VECTOR_BASE,
} from './evt3-words.ts';
import type { LoneWord } from './raw-decoder.ts';

const EVT2_TIME_HIGH = 8;
const EVT2_TRIGGER = 10;
const EVT2_CONTINUED = 15;

/** Reads one word of EVT2, or the half of an EVT2.1 word that is like it. */
export function readEvt2Word(word: number, state: Int32Array): LoneWord {
  switch (word >>> 28) {
    case EVT2_TIME_HIGH:
      return { kind: 'time-high', value: word & 0xfffffff };
    case EVT2_TRIGGER:
      return {
        kind: 'trigger',
        offset: state[BASE]! + ((word >> 22) & 63),
        channel: (word >> 8) & 31,
        value: word & 1,
      };
    case EVT2_CONTINUED:
      return { kind: 'other' };
    default:
      return { kind: 'skipped' };
  }
}

/** Reads one word of EVT3; rows and vectors are put into the state, and so known when the time is. */
export function readEvt3Word(word: number, state: Int32Array): LoneWord {
  switch (word >> 12) {
    case TIME_HIGH:
      return { kind: 'time-high', value: word & 4095 };
    case TRIGGER:
      return { kind: 'trigger', offset: state[NOW]!, channel: (word >> 8) & 15, value: word & 1 };
    case ADDRESS_Y:
      state[ROW] = word & 2047;
      return { kind: 'other' };
    case VECTOR_BASE:
      state[VECTOR_X] = word & 2047;
      state[VECTOR_ON] = (word >> 11) & 1;
      return { kind: 'other' };
    case TIME_LOW:
    case CONTINUED_4:
    case CONTINUED_12:
      return { kind: 'other' };
    default:
      return { kind: 'skipped' };
  }
}
