/**
 * Parquet's DELTA_BINARY_PACKED: blocks of 128 differences, each less the least of its block, in four groups of 32 of
 * one width each. https://parquet.apache.org/docs/file-format/data-pages/encodings/
 */
const BLOCK = 128;
const GROUPS = 4;
const GROUP = BLOCK / GROUPS;
/** Differences of this many bits and fewer are packed with whole numbers of 32 bits. */
const NARROW_BITS = 24;
/** Beyond this, packed bits do not stay exact in a double. */
const WIDE_BITS = 45;

/** Packs whole numbers that are exact to 2^53. */
export function packDeltas(values: ArrayLike<number>): Uint8Array {
  // At most 10 bytes for the least difference of a block, its widths, and 54 bits a difference.
  const output = new Uint8Array(64 + Math.ceil(values.length / BLOCK) * (14 + BLOCK * 7));
  let at = writeVarint(output, 0, BLOCK);
  at = writeVarint(output, at, GROUPS);
  at = writeVarint(output, at, values.length);
  at = writeZigzag(output, at, values.length === 0 ? 0 : values[0]!);
  const deltas = new Float64Array(BLOCK);
  for (let start = 1; start < values.length; start += BLOCK) {
    const count = Math.min(BLOCK, values.length - start);
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i < count; i++) {
      const delta = values[start + i]! - values[start + i - 1]!;
      deltas[i] = delta;
      if (delta < least) least = delta;
    }
    for (let i = 0; i < count; i++) deltas[i]! -= least;
    deltas.fill(0, count);
    at = writeZigzag(output, at, least);
    const widths = at;
    at += GROUPS;
    for (let group = 0; group < GROUPS && group * GROUP < count; group++) {
      let most = 0;
      for (let i = group * GROUP; i < (group + 1) * GROUP; i++) if (deltas[i]! > most) most = deltas[i]!;
      const width = bitsOf(most);
      output[widths + group] = width;
      packGroup(deltas, group * GROUP, width, output, at);
      at += (GROUP / 8) * width;
    }
  }
  return output.subarray(0, at);
}

/** Writes 32 differences of `width` bits each, the lowest bit first. */
function packGroup(deltas: Float64Array, start: number, width: number, output: Uint8Array, to: number): void {
  let at = to;
  if (width <= NARROW_BITS) {
    let bits = 0;
    let held = 0;
    for (let i = start; i < start + GROUP; i++) {
      bits |= deltas[i]! << held;
      for (held += width; held >= 8; held -= 8) {
        output[at++] = bits & 255;
        bits >>>= 8;
      }
    }
  } else if (width <= WIDE_BITS) {
    let bits = 0;
    let held = 0;
    for (let i = start; i < start + GROUP; i++) {
      bits += deltas[i]! * 2 ** held;
      for (held += width; held >= 8; held -= 8) {
        const rest = Math.floor(bits / 256);
        output[at++] = bits - rest * 256;
        bits = rest;
      }
    }
  } else {
    // Years between two events: rare enough for slow arithmetic.
    let bits = 0n;
    for (let i = start + GROUP - 1; i >= start; i--) bits = (bits << BigInt(width)) | BigInt(deltas[i]!);
    for (let i = 0; i < (GROUP / 8) * width; i++, bits >>= 8n) output[at++] = Number(bits & 255n);
  }
}

/** Bits that a whole number takes, 0 for 0. */
function bitsOf(value: number): number {
  if (value < 4294967296) return 32 - Math.clz32(value);
  return 32 + bitsOf(Math.floor(value / 4294967296));
}

function writeVarint(output: Uint8Array, start: number, value: number): number {
  let at = start;
  let rest = value;
  while (rest >= 128) {
    const next = Math.floor(rest / 128);
    output[at++] = rest - next * 128 + 128;
    rest = next;
  }
  output[at++] = rest;
  return at;
}

function writeZigzag(output: Uint8Array, start: number, value: number): number {
  if (Math.abs(value) < 2 ** 51) return writeVarint(output, start, value < 0 ? -2 * value - 1 : 2 * value);
  let rest = value < 0 ? -2n * BigInt(value) - 1n : 2n * BigInt(value);
  let at = start;
  for (; rest >= 128n; rest >>= 7n) output[at++] = Number(rest & 127n) + 128;
  output[at++] = Number(rest);
  return at;
}
