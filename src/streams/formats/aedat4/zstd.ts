/**
 * zstd frames, decoded by the reference decoder (as WebAssembly) with a bound on the output, which is found by
 * walking the block headers first. https://www.rfc-editor.org/rfc/rfc8878
 */
import { ZSTDDecoder } from 'zstddec';
import { viewOf } from '../byte-window.ts';

/** First four bytes of a zstd frame, little-endian. */
export const ZSTD_MAGIC = 0xfd2fb528;

const LARGEST_BLOCK_BYTES = 1 << 17;

const decoder = new ZSTDDecoder();
let loading: Promise<void> | undefined;
let loaded = false;

/** Loads the decoder, which cannot be had at once; to be awaited before `decodeZstd`. */
export function loadZstd(): Promise<void> {
  loading ??= decoder.init().then(() => {
    loaded = true;
  });
  return loading;
}

/**
 * The content of a frame; throws a RangeError where the frame is not valid.
 * @param limit largest content in bytes
 */
export function decodeZstd(frame: Uint8Array, limit: number): Uint8Array {
  if (!loaded) throw new Error('zstd is not loaded: await the prepare() of the format first');
  const most = contentBound(viewOf(frame));
  if (most > limit)
    throw new RangeError(`zstd content of at most ${limit} bytes expected, found up to ${most}`);
  // Given 0 the decoder would believe what the frame declares.
  const content = most === 0 ? new Uint8Array(0) : decode(frame, most);
  if (content.length === 0) throw new RangeError('a valid zstd frame with content expected');
  return content;
}

/** The content, or nothing where the frame is not valid. */
function decode(frame: Uint8Array, most: number): Uint8Array {
  try {
    return decoder.decode(frame, most);
  } catch (cause) {
    throw new RangeError('a valid zstd frame expected', { cause });
  }
}

/** The most bytes that a frame can hold: what it declares, or what its blocks can at most, if that is less. */
function contentBound(frame: DataView): number {
  if (frame.getUint32(0, true) !== ZSTD_MAGIC) throw new RangeError('a zstd frame expected');
  const descriptor = frame.getUint8(4);
  const single = (descriptor >> 5) & 1;
  const sizeAt = 6 - single + [0, 1, 2, 4][descriptor & 3]!;
  const sizeBytes = [single, 2, 4, 8][descriptor >> 6]!;
  return Math.min(declaredSize(frame, sizeAt, sizeBytes), sumOfBlocks(frame, sizeAt + sizeBytes));
}

function declaredSize(frame: DataView, at: number, bytes: number): number {
  switch (bytes) {
    case 0:
      return Number.POSITIVE_INFINITY;
    case 1:
      return frame.getUint8(at);
    case 2:
      return frame.getUint16(at, true) + 256;
    case 4:
      return frame.getUint32(at, true);
    default:
      return frame.getUint32(at + 4, true) * 4294967296 + frame.getUint32(at, true);
  }
}

function sumOfBlocks(frame: DataView, start: number): number {
  let sum = 0;
  let position = start;
  for (let last = false; !last; ) {
    const header = frame.getUint16(position, true) | (frame.getUint8(position + 2) << 16);
    const type = (header >> 1) & 3;
    const length = header >>> 3;
    if (length > LARGEST_BLOCK_BYTES) throw new RangeError('a zstd block of at most 128 KiB expected');
    sum += type === 2 ? LARGEST_BLOCK_BYTES : length; // 2: compressed; others say how long their content is
    position += 3 + (type === 1 ? 1 : length); // 1: one byte, repeated
    last = (header & 1) === 1;
  }
  if (position > frame.byteLength) throw new RangeError('a zstd block within its packet expected');
  return sum;
}
