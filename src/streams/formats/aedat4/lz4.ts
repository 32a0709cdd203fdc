/**
 * LZ4 frames, decoded with a bound on the output: a frame may claim or expand to anything, the caller says how much
 * it takes. Checksums are passed over. https://github.com/lz4/lz4/tree/dev/doc (frame and block formats)
 */
import { viewOf } from '../byte-window.ts';
import { loops } from '../kernels/loops.ts';
import { LZ4_FAULTS, LZ4_SLACK_BYTES } from './lz4-block.ts';

/** First four bytes of an LZ4 frame, little-endian. */
export const LZ4_MAGIC = 0x184d2204;

/** Decodes LZ4 frames into one buffer, which grows to the largest and is used again for the next. */
export class Lz4Frames {
  readonly #limit: number;
  readonly #decodeBlock = loops().lz4Block;
  #output: Uint8Array = new Uint8Array(0);

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
        const limit = Math.min(written + blockBytes, this.#limit);
        written = this.#decodeBlock(frame, position, end, this.#output, written, limit);
        if (written < 0) throw new RangeError(`${LZ4_FAULTS[-written]} expected`);
      }
      position = end + (blockChecksums ? 4 : 0);
    }
    return this.#output.subarray(0, written);
  }

  /** Makes room for `length` more bytes. */
  #reserve(written: number, length: number): void {
    const needed = Math.min(written + length, this.#limit);
    if (needed <= written) throw new RangeError(`content of at most ${this.#limit} bytes expected`);
    if (needed + LZ4_SLACK_BYTES <= this.#output.length) return;
    const longer = new Uint8Array(Math.min(Math.max(needed, 2 * written), this.#limit) + LZ4_SLACK_BYTES);
    longer.set(this.#output.subarray(0, written));
    this.#output = longer;
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
