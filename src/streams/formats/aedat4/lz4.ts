/**
 * LZ4 frames, decoded with a bound on the output: a frame may claim or expand to anything, the caller says how much
 * it takes. Checksums are passed over. https://github.com/lz4/lz4/tree/dev/doc (frame and block formats)
 */
import { viewOf } from '../byte-window.ts';

/** First four bytes of an LZ4 frame, little-endian. */
export const LZ4_MAGIC = 0x184d2204;

/** Room behind the output that copies may overwrite. */
const SLACK_BYTES = 48;
/** Bytes of a block that a short sequence, copied past its end, may read. */
const QUICK_BYTES = 20;

/** Decodes LZ4 frames into one buffer, which grows to the largest and is used again for the next. */
export class Lz4Frames {
  readonly #limit: number;
  #output: Uint8Array = new Uint8Array(0);
  #view = new DataView(this.#output.buffer);

  /** @param limit largest output in bytes */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The content of a frame, valid until the next call; throws a RangeError where the frame is not valid. */
  decode(frame: Uint8Array): Uint8Array {
    const view = viewOf(frame);
    const { blockBytes, blockChecksums, start } = readHeader(view);
    let written = 0;
    for (let position = start; ; ) {
      const word = view.getUint32(position, true);
      if (word === 0) break;
      const length = word & 0x7fffffff;
      position += 4;
      const end = position + length;
      if (length > blockBytes || end > frame.length) {
        throw new RangeError(
          `an LZ4 block of at most ${Math.min(blockBytes, frame.length - position)} bytes expected, found ${length}`,
        );
      }
      if (word >>> 31 === 1) {
        this.#reserve(written, length);
        this.#output.set(frame.subarray(position, end), written);
        written += length;
      } else {
        this.#reserve(written, blockBytes);
        written = decodeBlock(
          frame,
          view,
          position,
          end,
          this.#output,
          this.#view,
          written,
          Math.min(written + blockBytes, this.#limit),
        );
      }
      position = end + (blockChecksums ? 4 : 0);
    }
    return this.#output.subarray(0, written);
  }

  /** Makes room for `length` more bytes. */
  #reserve(written: number, length: number): void {
    const needed = Math.min(written + length, this.#limit);
    if (needed <= written) throw new RangeError(`content of at most ${this.#limit} bytes expected`);
    if (needed + SLACK_BYTES <= this.#output.length) return;
    const longer = new Uint8Array(Math.min(Math.max(needed, 2 * written), this.#limit) + SLACK_BYTES);
    longer.set(this.#output.subarray(0, written));
    this.#output = longer;
    this.#view = new DataView(longer.buffer);
  }
}

function readHeader(view: DataView): { blockBytes: number; blockChecksums: boolean; start: number } {
  if (view.getUint32(0, true) !== LZ4_MAGIC) throw new RangeError('an LZ4 frame expected');
  const flags = view.getUint8(4);
  const size = (view.getUint8(5) >> 4) & 7;
  if (flags >> 6 !== 1 || size < 4) throw new RangeError('an LZ4 frame of version 1 expected');
  if ((flags & 1) !== 0) throw new RangeError('an LZ4 frame without dictionary expected');
  return {
    blockBytes: 1 << (8 + 2 * size),
    blockChecksums: (flags & 0x10) !== 0,
    start: 7 + ((flags & 8) === 0 ? 0 : 8),
  };
}

/**
 * Decodes the block from `start` to `end` of `source` to `output` from `written` on; gives the new end of the output,
 * at most `limit`. Runs are copied in steps of four bytes, past their end, into what is overwritten next.
 */
function decodeBlock(
  source: Uint8Array,
  sourceView: DataView,
  start: number,
  end: number,
  output: Uint8Array,
  outputView: DataView,
  written: number,
  limit: number,
): number {
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
    if (position + length > end || out + length > limit)
      throw new RangeError('LZ4 literals within their block expected');
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
    if (distance === 0 || match < 0 || next > limit)
      throw new RangeError('an LZ4 match within the content expected');
    if (distance >= 4) {
      for (; out < next; out += 4, match += 4)
        outputView.setInt32(out, outputView.getInt32(match, true), true);
      out = next;
    } else {
      while (out < next) output[out++] = output[match++]!;
    }
  }
  throw new RangeError('an LZ4 block that ends with literals expected');
}
