import { viewOf } from '../byte-window.ts';

const HASH_BITS = 14;
/** Numbers of the table that packing a block takes. */
export const LZ4_TABLE_LENGTH: number = 1 << HASH_BITS;

const SHORTEST_MATCH = 4;
const FARTHEST_MATCH = 65535;
/** A block ends with at least five literals, and its last match begins at least twelve bytes before its end. */
const LAST_LITERALS = 5;
const MATCH_MARGIN = 12;

/** Bytes that a block of `bytes` bytes may become, with those behind them that may be overwritten. */
export function lz4MostBytes(bytes: number): number {
  return bytes + Math.floor(bytes / 255) + 32;
}

/** Packs a block, as `Lz4Pack` says, greedily with one hash table, as the format's own fast mode does. */
export function packLz4Block(
  block: Uint8Array,
  output: Uint8Array,
  start: number,
  table: Int32Array,
): number {
  const view = viewOf(block);
  const lastMatch = block.length - MATCH_MARGIN;
  const mostEnd = block.length - LAST_LITERALS;
  table.fill(-FARTHEST_MATCH - 1);
  let written = start;
  let anchor = 0; // literals from here on are not written yet
  let misses = 0;
  for (let at = 0; at <= lastMatch; ) {
    const word = view.getInt32(at, true);
    const slot = Math.imul(word, 0x9e3779b1) >>> (32 - HASH_BITS);
    let match = table[slot]!;
    table[slot] = at;
    if (at - match > FARTHEST_MATCH || view.getInt32(match, true) !== word) {
      at += 1 + (misses++ >> 6); // the longer nothing repeats, the larger the steps
      continue;
    }
    misses = 0;
    const distance = at - match;
    while (at > anchor && match > 0 && block[at - 1] === block[match - 1]) {
      at--;
      match--;
    }
    let end = at + SHORTEST_MATCH;
    while (end < mostEnd && block[end] === block[end - distance]) end++;
    written = writeSequence(block, anchor, at, end - at, distance, output, written);
    anchor = end;
    at = end;
  }
  return writeSequence(block, anchor, block.length, 0, 0, output, written);
}

/** Writes literals and, where its length is not 0, a match. */
function writeSequence(
  block: Uint8Array,
  from: number,
  to: number,
  matchLength: number,
  distance: number,
  output: Uint8Array,
  start: number,
): number {
  const literals = to - from;
  const more = matchLength === 0 ? 0 : matchLength - SHORTEST_MATCH;
  let written = start;
  output[written++] = (Math.min(literals, 15) << 4) | Math.min(more, 15);
  if (literals >= 15) written = writeLength(literals - 15, output, written);
  if (literals < 32) for (let i = from; i < to; i++) output[written++] = block[i]!;
  else {
    output.set(block.subarray(from, to), written);
    written += literals;
  }
  if (matchLength === 0) return written;
  output[written++] = distance & 255;
  output[written++] = distance >> 8;
  return more >= 15 ? writeLength(more - 15, output, written) : written;
}

function writeLength(rest: number, output: Uint8Array, start: number): number {
  let written = start;
  let left = rest;
  for (; left >= 255; left -= 255) output[written++] = 255;
  output[written++] = left;
  return written;
}
