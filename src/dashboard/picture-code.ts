/**
 * Pictures of events as bytes, and back: a header of 24 bytes (little endian), then two bits a pixel, four pixels a byte,
 * the first in the lowest bits: 0 nothing, 1 darker, 2 brighter. Where it is shorter, runs take the place of the pixels:
 * the number of zero bytes, the number of bytes that follow, these bytes; both numbers seven bits a byte, lowest first.
 * The page and the server share this file.
 *
 * | byte | what |
 * |---|---|
 * | 0 | 1 for pixels, 2 for runs |
 * | 2 | camera, uint16 |
 * | 4, 6 | width, height, uint16 |
 * | 8 | events drawn, uint32 |
 * | 16 | time of the last event in microseconds, float64 |
 */

/** The events of one picture. */
export interface EventPicture {
  /** Index of the camera. */
  readonly camera: number;
  readonly width: number;
  readonly height: number;
  readonly events: number;
  /** Time of the last event. */
  readonly micros: number;
  /** Two bits a pixel, row by row without gaps: ceil(width * height / 4) bytes. */
  readonly pixels: Uint8Array;
}

export const HEADER_BYTES = 24;
const PACKED = 1;
const RUNS = 2;
/** Zeros inside a run that cost no more there than a run of their own. */
const SHORTEST_GAP = 3;

/** Bytes of the pixels of a picture. */
export function pixelBytes(width: number, height: number): number {
  return Math.ceil((width * height) / 4);
}

/** The message of a picture; nothing of the picture is kept. */
export function encodePicture({
  camera,
  width,
  height,
  events,
  micros,
  pixels,
}: EventPicture): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEADER_BYTES + pixels.length);
  const length = writeRuns(pixels, bytes.subarray(HEADER_BYTES));
  if (length === undefined) bytes.set(pixels, HEADER_BYTES);
  const header = new DataView(bytes.buffer);
  header.setUint8(0, length === undefined ? PACKED : RUNS);
  header.setUint16(2, camera, true);
  header.setUint16(4, width, true);
  header.setUint16(6, height, true);
  header.setUint32(8, Math.min(events, 0xffffffff), true);
  header.setFloat64(16, micros, true);
  return bytes.subarray(0, HEADER_BYTES + (length ?? pixels.length));
}

/** The picture of a message; undefined where it is none. */
export function decodePicture(bytes: Uint8Array): EventPicture | undefined {
  if (bytes.length < HEADER_BYTES) return undefined;
  const header = new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES);
  const [width, height] = [header.getUint16(4, true), header.getUint16(6, true)];
  const pixels = readPixels(header.getUint8(0), bytes.subarray(HEADER_BYTES), pixelBytes(width, height));
  if (pixels === undefined) return undefined;
  return {
    camera: header.getUint16(2, true),
    width,
    height,
    events: header.getUint32(8, true),
    micros: header.getFloat64(16, true),
    pixels,
  };
}

/** Length of the runs of `pixels` in `out`; undefined where they do not fit. */
function writeRuns(pixels: Uint8Array, out: Uint8Array): number | undefined {
  let at = 0;
  let position = 0;
  const writeNumber = (value: number): void => {
    for (; value > 0x7f; value >>>= 7) out[at++] = (value & 0x7f) | 0x80;
    out[at++] = value;
  };
  while (position < pixels.length) {
    let start = position;
    while (start < pixels.length && pixels[start] === 0) start++;
    if (start === pixels.length) break; // zeros at the end are left out
    let end = start + 1;
    for (let next = end; next < pixels.length && next - end <= SHORTEST_GAP; next++) {
      if (pixels[next] !== 0) end = next + 1;
    }
    if (at + 10 + end - start > out.length) return undefined;
    writeNumber(start - position);
    writeNumber(end - start);
    out.set(pixels.subarray(start, end), at);
    at += end - start;
    position = end;
  }
  return at;
}

function readPixels(form: number, bytes: Uint8Array, length: number): Uint8Array | undefined {
  if (form === PACKED) return bytes.length === length ? bytes : undefined;
  if (form !== RUNS) return undefined;
  const pixels = new Uint8Array(length);
  let at = 0;
  let position = 0;
  const readNumber = (): number => {
    let value = 0;
    for (let unit = 1, more = true; more && unit <= 2 ** 28; unit *= 128) {
      const byte = bytes[at++] ?? 0;
      value += (byte & 0x7f) * unit;
      more = byte > 0x7f;
    }
    return value;
  };
  while (at < bytes.length) {
    position += readNumber();
    const count = readNumber();
    if (at + count > bytes.length || position + count > length) return undefined;
    pixels.set(bytes.subarray(at, at + count), position);
    at += count;
    position += count;
  }
  return pixels;
}
