/**
 * zstd frames, decoded by the reference decoder (as WebAssembly) with a bound on the output, which is found by
 * walking the block headers first. https://www.rfc-editor.org/rfc/rfc8878
 */
import { ZSTDDecoder } from 'zstddec';

/** First four bytes of a zstd frame, little-endian. */
export const ZSTD_MAGIC = 0xfd2fb528;

const BLOCK_BYTES = 1 << 17;

const decoder = new ZSTDDecoder();
let loading: Promise<void> | undefined;
let loaded = false;

/** Loads the decoder; to be awaited once before `decodeZstd`. */
export function loadZstd(): Promise<void> {
  loading ??= decoder.init().then(() => {
    loaded = true;
  });
  return loading;
}

/**
 * The content of a frame.
 * @param limit largest output in bytes; a frame that could hold more throws a RangeError
 */
export function decodeZstd(frame: Uint8Array, limit: number): Uint8Array {
  if (!loaded) throw new Error('zstd is not loaded: await prepare() of the format first');
  const most = contentBound(frame);
  if (most > limit) throw new RangeError(`content of at most ${limit} bytes expected, found up to ${most}`);
  const content = decoder.decode(frame, most);
  if (content.length === 0) throw new RangeError('a valid zstd frame expected');
  return content;
}

/** The most bytes that a frame can hold: what it declares, or the sum over its blocks if that is less. */
function contentBound(frame: Uint8Array): number {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  if (view.getUint32(0, true) !== ZSTD_MAGIC) throw new RangeError('a zstd frame expected');
  const descriptor = view.getUint8(4);
  const single = (descriptor >> 5) & 1;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3]!;
  const sizeBytes = [single, 2, 4, 8][descriptor >> 6]!;
  let position = 6 - single + dictionaryBytes;
  const declared = [
    () => Number.POSITIVE_INFINITY,
    () => view.getUint8(position),
    () => view.getUint16(position, true) + 256,
    () => view.getUint32(position, true),
    () => view.getUint32(position + 4, true) * 4294967296 + view.getUint32(position, true),
  ][[0, 1, 2, 4, 8].indexOf(sizeBytes)]!();
  position += sizeBytes;
  let sum = 0;
  for (let last = false; !last; ) {
    const header = view.getUint16(position, true) | (view.getUint8(position + 2) << 16);
    last = (header & 1) === 1;
    const type = (header >> 1) & 3;
    const length = header >>> 3;
    if (length > BLOCK_BYTES) throw new RangeError(`a zstd block of at most ${BLOCK_BYTES} bytes expected`);
    sum += type === 2 ? BLOCK_BYTES : length;
    position += 3 + (type === 1 ? 1 : length);
  }
  if (position > frame.length) throw new RangeError('a zstd block reaches beyond its packet');
  return Math.min(declared, sum);
}
