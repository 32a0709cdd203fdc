/** Values of frames in the smallest form that holds them exactly. */
export type PackedFrames = Uint8Array | Uint16Array | Float32Array;

/** The bits of -0, and the lowest of every negative number's. */
const SIGN = 0x80000000;

/** The values as bytes or 16-bit numbers where all are whole and small enough, as counts of events are; else as they are. */
export function packFrames(frames: Float32Array): PackedFrames {
  const bits = new Uint32Array(frames.buffer, frames.byteOffset, frames.length);
  let largest = 0;
  for (let i = 0; i < frames.length; i++) {
    const value = frames[i]!;
    // -0 would come back as 0.
    if ((value & 0xffff) !== value || bits[i]! >= SIGN) return frames;
    if (value > largest) largest = value;
  }
  const packed = largest > 255 ? new Uint16Array(frames.length) : new Uint8Array(frames.length);
  packed.set(frames);
  return packed;
}

/** The values that were packed, in an array of their own. */
export function unpackFrames(packed: PackedFrames): Float32Array {
  return new Float32Array(packed);
}
