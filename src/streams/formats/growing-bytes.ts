/** Bytes that grow as numbers are written, little-endian. */
export class GrowingBytes {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;

  /** @param expected bytes that will probably be written */
  constructor(expected: number) {
    this.#bytes = new Uint8Array(expected);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** What was written. */
  get written(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Makes room for `more` bytes, so that as many can be written. */
  reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const longer = new Uint8Array(2 * (this.#length + more));
    longer.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = longer;
    this.#view = new DataView(longer.buffer);
  }

  /** Writes a byte `count` times. */
  fill(value: number, count: number): void {
    this.#bytes.fill(value, this.#length, this.#length + count);
    this.#length += count;
  }

  uint8(value: number): void {
    this.#bytes[this.#length++] = value;
  }

  uint16(value: number): void {
    this.#view.setUint16(this.#length, value, true);
    this.#length += 2;
  }

  uint32(value: number): void {
    this.#view.setUint32(this.#length, value, true);
    this.#length += 4;
  }
}
