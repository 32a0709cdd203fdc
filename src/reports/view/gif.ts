/** Animated GIF 89a, written picture by picture. https://www.w3.org/Graphics/GIF/spec-gif89a.txt */
import type { IndexedPicture, Rgb } from './event-picture.ts';

/** Bits of a pixel's index: 32 colours, as many as event pictures have, and one. */
const COLOUR_BITS = 5;
const COLOURS = 1 << COLOUR_BITS;
const CLEAR = COLOURS;
const END = COLOURS + 1;
const MOST_CODES = 4096;

export interface GifOptions {
  readonly width: number;
  readonly height: number;
  /** At most 32. */
  readonly colours: readonly Rgb[];
  /** Plays again and again. */
  readonly loop?: boolean;
}

/** The bytes before the first picture. */
export function gifHeader({ width, height, colours, loop = false }: GifOptions): Uint8Array {
  const table = new Uint8Array(3 * COLOURS);
  table.set(colours.slice(0, COLOURS).flat());
  const screen = Buffer.from('GIF89a\0\0\0\0\0\0\0', 'latin1');
  screen.writeUInt16LE(width, 6);
  screen.writeUInt16LE(height, 8);
  screen[10] = 0x80 | (7 << 4) | (COLOUR_BITS - 1);
  const repeat = loop ? Buffer.from('\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0', 'latin1') : Buffer.alloc(0);
  return Buffer.concat([screen, table, repeat]);
}

/** The bytes of one picture. @param centiseconds how long it stays */
export function gifPicture({ width, height, pixels }: IndexedPicture, centiseconds: number): Uint8Array {
  const control = Buffer.from('\x21\xf9\x04\x04\0\0\0\0', 'latin1');
  control.writeUInt16LE(Math.min(65535, Math.round(centiseconds)), 4);
  const place = Buffer.from('\x2c\0\0\0\0\0\0\0\0\0', 'latin1');
  place.writeUInt16LE(width, 5);
  place.writeUInt16LE(height, 7);
  return Buffer.concat([control, place, compress(pixels)]);
}

/** The bytes after the last picture. */
export const gifEnd: Uint8Array = Uint8Array.of(0x3b);

/** Pixels as codes of growing length (LZW), in blocks of up to 255 bytes. */
function compress(pixels: Uint8Array): Uint8Array {
  const packer = new CodePacker(pixels.length);
  const children = new Uint16Array(MOST_CODES * COLOURS);
  let next = END + 1;
  let bits = COLOUR_BITS + 1;
  packer.put(CLEAR, bits);
  let prefix = pixels[0]!;
  for (let i = 1; i < pixels.length; i++) {
    const pixel = pixels[i]!;
    const child = children[prefix * COLOURS + pixel]!;
    if (child !== 0) {
      prefix = child;
      continue;
    }
    packer.put(prefix, bits);
    if (next < MOST_CODES) {
      if (next === 1 << bits) bits++;
      children[prefix * COLOURS + pixel] = next++;
    } else {
      packer.put(CLEAR, bits);
      children.fill(0);
      next = END + 1;
      bits = COLOUR_BITS + 1;
    }
    prefix = pixel;
  }
  packer.put(prefix, bits);
  if (next === 1 << bits && bits < 12) bits++;
  packer.put(END, bits);
  return packer.end();
}

/** Codes of some bits each, the first in the lowest bits, as blocks. */
class CodePacker {
  #bytes: Uint8Array;
  #length = 0;
  #held = 0;
  #heldBits = 0;

  constructor(expectedBytes: number) {
    this.#bytes = new Uint8Array(expectedBytes + 64);
  }

  put(code: number, bits: number): void {
    this.#held |= code << this.#heldBits;
    this.#heldBits += bits;
    for (; this.#heldBits >= 8; this.#heldBits -= 8) {
      this.#putByte(this.#held & 255);
      this.#held >>>= 8;
    }
  }

  end(): Uint8Array {
    if (this.#heldBits > 0) this.#putByte(this.#held);
    const blocks: Uint8Array[] = [Uint8Array.of(COLOUR_BITS)];
    for (let start = 0; start < this.#length; start += 255) {
      const block = this.#bytes.subarray(start, Math.min(start + 255, this.#length));
      blocks.push(Uint8Array.of(block.length), block);
    }
    blocks.push(Uint8Array.of(0));
    return Buffer.concat(blocks);
  }

  #putByte(byte: number): void {
    if (this.#length === this.#bytes.length) {
      const larger = new Uint8Array(2 * this.#bytes.length);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes[this.#length++] = byte;
  }
}
