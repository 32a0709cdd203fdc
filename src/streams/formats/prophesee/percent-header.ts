import { formatFault } from '../fault.ts';

/** A line longer than this is no header line. */
const LONGEST_LINE_BYTES = 1 << 16;
/** A longer header is none. */
export const LONGEST_HEADER_BYTES: number = 1 << 20;
const PERCENT = 0x25;
const NEWLINE = 0x0a;

/**
 * Reads the header of Prophesee's files: lines `% key value`. It ends after `% end`, or, in files of older software,
 * at the first line that does not start with `% ` and a letter; a line with control bytes in it is no line, but data
 * that begin with these bytes.
 */
export class PercentHeader {
  done = false;
  /** Values by key in lower case, the last one of each. */
  readonly fields: Map<string, string> = new Map();
  readonly #title: string;
  readonly #path: string | undefined;
  #line = new Uint8Array(256);
  #length = 0;
  #lineOffset = 0;

  /** @param title of the format, for errors */
  constructor(title: string, path?: string) {
    this.#title = title;
    this.#path = path;
  }

  /** Bytes of the header, as far as it has been read. */
  get bytes(): number {
    return this.#lineOffset;
  }

  /** Takes a block; gives the parts of the body that it was found to hold, once the header is done. */
  read(block: Uint8Array): Uint8Array[] {
    for (let i = 0; i < block.length; i++) {
      const byte = block[i]!;
      if (!belongs(this.#length, byte)) {
        this.done = true;
        return [this.#line.slice(0, this.#length), block.subarray(i)];
      }
      if (byte !== NEWLINE) this.#append(byte);
      else {
        this.#endLine();
        if (this.done) return [block.subarray(i + 1)];
      }
    }
    return [];
  }

  /** The data are over before the header is: nothing but whole lines is a recording without events. */
  end(): void {
    if (this.#length > 0 || this.#lineOffset === 0) {
      const offset = this.#lineOffset + this.#length;
      throw formatFault(`${this.#title} header line expected, the data end within it`, this.#path, offset);
    }
    this.done = true;
  }

  #append(byte: number): void {
    if (this.#length === this.#line.length) {
      if (this.#length >= LONGEST_LINE_BYTES) {
        const message = `${this.#title} header line expected, none ends within ${LONGEST_LINE_BYTES} bytes`;
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
    const [, key, value] = /^%\s+(\S+)\s*(.*)$/.exec(line) ?? [];
    if (key !== undefined) this.fields.set(key.toLowerCase(), value!);
    this.done = line === '% end';
    this.#lineOffset += this.#length + 1;
    this.#length = 0;
    if (this.#lineOffset > LONGEST_HEADER_BYTES) {
      const message = `${this.#title} header of at most ${LONGEST_HEADER_BYTES} bytes expected`;
      throw formatFault(message, this.#path, this.#lineOffset);
    }
  }
}

/** Whether a byte can stand at a place of a header line. */
function belongs(place: number, byte: number): boolean {
  if (place === 0) return byte === PERCENT;
  if (byte === NEWLINE || byte === 0x0d) return true;
  if (place === 1) return byte === 0x20;
  if (place === 2) return (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a;
  return byte >= 0x20 || byte === 0x09;
}

/** The fields of the header that a file starts with, and the bytes behind it; undefined where there is none. */
export function sniffHeader(head: Uint8Array): { fields: Map<string, string>; body: Uint8Array } | undefined {
  if (head[0] !== PERCENT) return undefined;
  const header = new PercentHeader('');
  try {
    const parts = header.read(head);
    return header.bytes === 0 ? undefined : { fields: header.fields, body: Buffer.concat(parts) };
  } catch {
    return undefined;
  }
}
