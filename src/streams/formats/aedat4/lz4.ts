/**
 * LZ4 frames, decoded with a bound on the output: a frame may claim or expand to anything, the caller says how much
 * it takes. Checksums are passed over. https://github.com/lz4/lz4/tree/dev/doc (frame and block formats)
 */

import { viewOf } from '../byte-window.ts';

/** First four bytes of an LZ4 frame, little-endian. */
export const LZ4_MAGIC = 0x184d2204;

/** Room behind the output that copies of eight bytes may overwrite. */
const SLACK_BYTES = 32;

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
 * Decodes the block from `position` to `end` of `source` to `output` from `written` on; gives the new end of the
 * output, at most `limit`. Runs are copied eight bytes at a time, past their end, into what is overwritten next.
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
  const lastWide = source.length - 8;
  let position = start;
  let out = written;
  while (position < end) {
    const token = source[position++]!;
    let length = token >> 4;
    if (length === 15) {
      let more: number;
      do {
        more = source[position++]!;
        length += more;
      } while (more === 255 && position < end);
    }
    if (position + length > end || out + length > limit) throw new RangeError('LZ4 literals reach too far');
    if (position + length <= lastWide) {
      for (let i = 0; i < length; i += 8) {
        outputView.setInt32(out + i, sourceView.getInt32(position + i, true), true);
        outputView.setInt32(out + i + 4, sourceView.getInt32(position + i + 4, true), true);
      }
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
      let more: number;
      do {
        more = source[position++]!;
        length += more;
      } while (more === 255 && position < end);
    }
    length += 4;
    let from = out - distance;
    const to = out + length;
    if (distance === 0 || from < 0 || to > limit) throw new RangeError('an LZ4 match reaches too far');
    if (distance >= 8) {
      for (; out < to; out += 8, from += 8) {
        outputView.setInt32(out, outputView.getInt32(from, true), true);
        outputView.setInt32(out + 4, outputView.getInt32(from + 4, true), true);
      }
      out = to;
    } else {
      while (out < to) output[out++] = output[from++]!;
    }
  }
  throw new RangeError('an LZ4 block ends within a sequence');
}
