import { formatFault } from '../fault.ts';
import { type Aedat2Chip, findChip } from './chips.ts';
import { MAGIC } from './encoder.ts';

/** A line longer than this is no header line. */
const LONGEST_LINE_BYTES = 1 << 20;

/**
 * Reads the header lines of AEDAT 2.0, and of 1.0, where they may be missing. It ends after `#End Of ASCII Header`, or, in files from before 2016, at the
 * first line that does not start with `#`; a line with control bytes in it is no line, but records that begin with
 * the byte of `#`.
 */
export class Aedat2Header {
  done = false;
  chip: Aedat2Chip | undefined;
  readonly #path: string | undefined;
  readonly #version: '1.0' | '2.0';
  #line = new Uint8Array(256);
  #length = 0;
  #lineOffset = 0;
  #lines = 0;

  constructor(path: string | undefined, version: '1.0' | '2.0' = '2.0') {
    this.#path = path;
    this.#version = version;
  }

  /** Takes a block; gives the parts of the body that it was found to hold, once the header is done. */
  read(block: Uint8Array): Uint8Array[] {
    for (let i = 0; i < block.length; i++) {
      const byte = block[i]!;
      if (this.#length === 0 && byte !== 0x23) {
        if (this.#lines === 0) this.#refuse(byte);
        this.done = true;
        return [block.subarray(i)];
      }
      if (byte === 0x0a) {
        this.#endLine();
        if (this.done) return [block.subarray(i + 1)];
      } else if (byte < 0x20 && byte !== 0x09 && byte !== 0x0d) {
        if (this.#lines === 0) this.#refuse(byte);
        this.done = true;
        return [this.#line.slice(0, this.#length), block.subarray(i)];
      } else this.#append(byte);
    }
    return [];
  }

  /** The data are over before the header is: nothing but whole lines is a recording without events. */
  end(): void {
    if (this.#length > 0 || (this.#lines === 0 && this.#version === '2.0')) {
      const offset = this.#lineOffset + this.#length;
      throw formatFault(
        `AEDAT ${this.#version} header line expected, the data end within it`,
        this.#path,
        offset,
      );
    }
  }

  #append(byte: number): void {
    if (this.#length === this.#line.length) {
      if (this.#length === LONGEST_LINE_BYTES) {
        const message = `AEDAT ${this.#version} header line expected, none ends within ${LONGEST_LINE_BYTES} bytes`;
        throw formatFault(message, this.#path, this.#lineOffset);
      }
      const longer = new Uint8Array(2 * this.#length);
      longer.set(this.#line);
      this.#line = longer;
    }
    this.#line[this.#length++] = byte;
  }

  #endLine(): void {
    const line = Buffer.from(this.#line.buffer, 0, this.#length).toString('latin1').trimEnd();
    if (this.#lines === 0 && this.#version === '2.0' && !line.startsWith(MAGIC)) {
      const message = `AEDAT 2.0 starts with ${MAGIC}, found ${JSON.stringify(line.slice(0, 20))}`;
      throw formatFault(message, this.#path, 0);
    }
    if (line === '#End Of ASCII Header') this.done = true;
    const name = /^#\s*AEChip:\s*(\S+)/.exec(line)?.[1];
    if (name !== undefined) {
      this.chip = findChip(name);
      if (this.chip === undefined) {
        const message = `chip ${JSON.stringify(name.slice(0, 80))} is not known; DVS128 and DAVIS are`;
        throw formatFault(message, this.#path, this.#lineOffset);
      }
    }
    this.#lines++;
    this.#lineOffset += this.#length + 1;
    this.#length = 0;
  }

  /** AEDAT 2.0 has at least its magic. */
  #refuse(byte: number): void {
    if (this.#version === '1.0') return;
    const message = `AEDAT 2.0 starts with ${MAGIC}, found byte 0x${byte.toString(16).padStart(2, '0')}`;
    throw formatFault(message, this.#path, this.#lineOffset + this.#length);
  }
}
