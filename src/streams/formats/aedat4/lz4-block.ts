import { viewOf } from '../byte-window.ts';

/** What was expected where a block is not valid, by the number that decoding it gives, negated. */
export const LZ4_FAULTS: readonly string[] = [
  '',
  'LZ4 literals within their block',
  'an LZ4 match within the content',
  'an LZ4 block that ends with literals',
];

/** Room behind the output that copies may overwrite. */
export const LZ4_SLACK_BYTES = 48;
/** Bytes of a block that a short sequence, copied past its end, may read. */
const QUICK_BYTES = 20;

/**
 * Decodes an LZ4 block, as `Lz4Block` says. Runs are copied in steps of four bytes, past their end, into what is
 * overwritten next. https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md
 */
export function decodeLz4Block(
  source: Uint8Array,
  start: number,
  end: number,
  output: Uint8Array,
  written: number,
  limit: number,
): number {
  const sourceView = viewOf(source);
  const outputView = viewOf(output);
  const lastQuick = end - QUICK_BYTES;
  const lastWide = source.length - 4;
  let position = start;
  let out = written;
  while (position < end) {
    const token = source[position]!;
    let length = token >> 4;
    // Most sequences are short: up to 14 literals, up to 18 bytes of match, copied without a loop.
    if (position < lastQuick && out < limit && length < 15 && (token & 15) < 15) {
      const from = position + 1;
      outputView.setInt32(out, sourceView.getInt32(from, true), true);
      outputView.setInt32(out + 4, sourceView.getInt32(from + 4, true), true);
      if (length > 8) {
        outputView.setInt32(out + 8, sourceView.getInt32(from + 8, true), true);
        outputView.setInt32(out + 12, sourceView.getInt32(from + 12, true), true);
      }
      const to = out + length;
      const distance = sourceView.getUint16(from + length, true);
      const match = to - distance;
      const next = to + (token & 15) + 4;
      if (distance >= 4 && match >= 0 && next <= limit) {
        outputView.setInt32(to, outputView.getInt32(match, true), true);
        outputView.setInt32(to + 4, outputView.getInt32(match + 4, true), true);
        if (next - to > 8) {
          outputView.setInt32(to + 8, outputView.getInt32(match + 8, true), true);
          outputView.setInt32(to + 12, outputView.getInt32(match + 12, true), true);
          outputView.setInt32(to + 16, outputView.getInt32(match + 16, true), true);
        }
        position = from + length + 2;
        out = next;
        continue;
      }
    }
    position++;
    if (length === 15) {
      let more = 255;
      while (more === 255 && position < end) {
        more = source[position++]!;
        length += more;
      }
    }
    if (position + length > end || out + length > limit) return -1;
    if (position + length <= lastWide) {
      for (let i = 0; i < length; i += 4)
        outputView.setInt32(out + i, sourceView.getInt32(position + i, true), true);
    } else {
      for (let i = 0; i < length; i++) output[out + i] = source[position + i]!;
    }
    position += length;
    out += length;
    if (position === end) return out;
    if (position + 2 > end) break;
    const distance = sourceView.getUint16(position, true);
    position += 2;
    length = token & 15;
    if (length === 15) {
      let more = 255;
      while (more === 255 && position < end) {
        more = source[position++]!;
        length += more;
      }
    }
    let match = out - distance;
    const next = out + length + 4;
    if (distance === 0 || match < 0 || next > limit) return -2;
    if (distance >= 4) {
      for (; out < next; out += 4, match += 4)
        outputView.setInt32(out, outputView.getInt32(match, true), true);
      out = next;
    } else {
      while (out < next) output[out++] = output[match++]!;
    }
  }
  return -3;
}
