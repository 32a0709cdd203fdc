/**
 * What a decoding or encoding loop carries from one call to the next, as 32-bit numbers in fixed places, so that the same
 * state serves loops in TypeScript, WebAssembly and the addon: `struct State` in native/decoders/decoders.h has the same
 * order. Times are in microseconds after the origin of the chunk; those of loops that encode are modulo 2^32.
 */
export type LoopState = Int32Array;

/** Events in the open chunk. Encoding: bytes that are written. */
export const LENGTH = 0;
/** Time of the last event. */
export const LAST = 1;
/** 1 where the record or event that was reached is for the caller to deal with. */
export const STOPPED = 2;
/** Counted during the call; the caller collects them. */
export const BACKWARD = 3;
export const OUT_OF_RANGE = 4;
export const SKIPPED = 5;
/** Size of the sensor: what lies outside is counted, not delivered; loops that encode stop at it. */
export const WIDTH = 6;
export const HEIGHT = 7;
/** AEDAT 2.0, DAT, AEDAT 4 encoded: the clock's reading at the origin, modulo 2^32. N-MNIST: what overflows have added. */
export const CLOCK = 8;
/** EVT: value of the last TIME_HIGH word. AEDAT 4 encoded: the upper half of the origin. */
export const HIGH = 9;
/** EVT: value of a TIME_HIGH word that stands for the origin; below 0 where the words have wrapped since. */
export const ANCHOR = 10;
/** EVT: time that the last TIME_HIGH word stands for. */
export const BASE = 11;
/**
 * EVT3: time of the events that come. Event Stream: time of the last one. Encoding EVT3: lower bits of the last time, -1
 * where the next is written whatever it is; Event Stream: what is added to the next step of time; N-MNIST: the last time in
 * the file.
 */
export const NOW = 12;
/** EVT3: row of the events that come, or of the last one. */
export const ROW = 13;
/** EVT3: column of the first bit of the next vector. */
export const VECTOR_X = 14;
/** EVT3: polarity of vectors. */
export const VECTOR_ON = 15;
/** AEDAT 2.0, DAT: how an address holds column, row and polarity. */
export const X_SHIFT = 16;
export const X_MASK = 17;
export const Y_SHIFT = 18;
export const Y_MASK = 19;
export const ON_SHIFT = 20;
/** AEDAT 2.0: bits of an address one of which is set where a record is no event. */
export const OTHER_MASK = 21;
/** AEDAT 2.0: column and row that count down from here. Event Stream: row. */
export const X_TOP = 22;
export const Y_TOP = 23;
/** AEDAT 2.0: 1 where a set bit means darker. */
export const ON_FLIP = 24;
/** EVT2.1: byte of a word where the half with the type begins. */
export const WORD_AT = 25;

/** Numbers of a state. */
export const STATE_LENGTH = 32;
