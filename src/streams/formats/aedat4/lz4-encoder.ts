/**
 * LZ4 frames of one block and more, packed greedily with one hash table, as the format's own fast mode does.
 * https://github.com/lz4/lz4/tree/dev/doc (frame and block formats)
 */
import { viewOf } from '../byte-window.ts';

/** Version 1, independent blocks of up to 4 MiB, no checksums; the last byte is the header's own checksum. */
const FRAME_HEADER = Uint8Array.of(0x04, 0x22, 0x4d, 0x18, 0x60, 0x70, 0x73);

const LARGEST_BLOCK_BYTES = 1 << 22;
const HASH_BITS = 14;
const SHORTEST_MATCH = 4;
const FARTHEST_MATCH = 65535;
/** A block ends with at least five literals, and its last match begins at least twelve bytes before its end. */
const LAST_LITERALS = 5;
const MATCH_MARGIN = 12;

const table = new Int32Array(1 << HASH_BITS);

/** The bytes as an LZ4 frame; incompressible blocks stand in it as they are. */
export function encodeLz4(content: Uint8Array): Uint8Array {
  const blocks = Math.ceil(content.length / LARGEST_BLOCK_BYTES);
  const output = new Uint8Array(
    FRAME_HEADER.length + content.length + (content.length >> 7) + 24 + 8 * blocks,
  );
  const view = viewOf(output);
  output.set(FRAME_HEADER);
  let written = FRAME_HEADER.length;
  for (let start = 0; start < content.length; start += LARGEST_BLOCK_BYTES) {
    const block = content.subarray(start, start + LARGEST_BLOCK_BYTES);
    const end = encodeBlock(block, output, written + 4);
    const length = end - written - 4;
    if (length < block.length) {
      view.setUint32(written, length, true);
      written = end;
    } else {
      view.setUint32(written, (block.length | 0x80000000) >>> 0, true);
      output.set(block, written + 4);
      written += 4 + block.length;
    }
  }
  view.setUint32(written, 0, true);
  return output.subarray(0, written + 4);
}

/** Packs a block to `output` from `start` on, which has room for its worst case; gives the end. */
function encodeBlock(block: Uint8Array, output: Uint8Array, start: number): number {
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
