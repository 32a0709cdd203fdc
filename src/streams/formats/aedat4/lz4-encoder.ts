/** LZ4 frames of one block and more. https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md */
import { GrowingBytes } from '../growing-bytes.ts';
import { loops } from '../kernels/loops.ts';
import { LZ4_TABLE_LENGTH, lz4MostBytes } from './lz4-pack.ts';

/** Version 1, independent blocks of up to 4 MiB, no checksums; the last byte is the header's own checksum. */
const FRAME_HEADER = Uint8Array.of(0x04, 0x22, 0x4d, 0x18, 0x60, 0x70, 0x73);

const LARGEST_BLOCK_BYTES = 1 << 22;

const table = new Int32Array(LZ4_TABLE_LENGTH);

/** The bytes as an LZ4 frame; incompressible blocks stand in it as they are. The memory may be given back. */
export function encodeLz4(content: Uint8Array): Uint8Array {
  const { lz4Pack } = loops();
  const blocks = Math.ceil(content.length / LARGEST_BLOCK_BYTES);
  const frame = new GrowingBytes(
    FRAME_HEADER.length + 4 * (blocks + 1) + lz4MostBytes(content.length) + blocks * lz4MostBytes(0),
  );
  const { view, all: output } = frame;
  output.set(FRAME_HEADER);
  let written = FRAME_HEADER.length;
  for (let start = 0; start < content.length; start += LARGEST_BLOCK_BYTES) {
    const block = content.subarray(start, start + LARGEST_BLOCK_BYTES);
    const length = lz4Pack(block, output, written + 4, table) - written - 4;
    if (length < block.length) {
      view.setUint32(written, length, true);
      written += 4 + length;
    } else {
      view.setUint32(written, (block.length | 0x80000000) >>> 0, true);
      output.set(block, written + 4);
      written += 4 + block.length;
    }
  }
  view.setUint32(written, 0, true);
  return frame.written(written + 4);
}
