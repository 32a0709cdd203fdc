/** A view of the same bytes. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * Joins blocks of any size, so that a decoder can ask for stretches of any length. What lies within one block is
 * given without a copy; what spans blocks is collected in a buffer that grows with the bytes that really came, never
 * with a length that a file only claims.
 */
export class ByteWindow {
  /** Position of the next byte to take, from the start of the file or stream. */
  offset = 0;
  #block: Uint8Array = new Uint8Array(0);
  #position = 0;
  #held: Uint8Array = new Uint8Array(0);
  #heldLength = 0;

  /** Bytes that came and were not taken. */
  get available(): number {
    return this.#heldLength + this.#block.length - this.#position;
  }

  /** Adds a block; it may be reused once `peek` or `take` gave undefined, or all was taken. */
  push(block: Uint8Array): void {
    this.#block = block;
    this.#position = 0;
  }

  /** The next `length` bytes without taking them; undefined until they have come. Valid until the next call. */
  peek(length: number): Uint8Array | undefined {
    if (this.#heldLength === 0 && this.#block.length - this.#position >= length) {
      return this.#block.subarray(this.#position, this.#position + length);
    }
    this.#hold(Math.min(this.#block.length - this.#position, Math.max(0, length - this.#heldLength)));
    return this.#heldLength < length ? undefined : this.#held.subarray(0, length);
  }

  /** Like `peek`, and takes the bytes. */
  take(length: number): Uint8Array | undefined {
    const bytes = this.peek(length);
    if (bytes !== undefined) this.skip(length);
    return bytes;
  }

  /** Takes up to `length` bytes unseen; gives how many there were. */
  skip(length: number): number {
    const held = Math.min(length, this.#heldLength);
    if (held > 0) {
      // `peek` hands out the start of the held bytes, so what stays must not move over them: it has its own copy.
      this.#held = held === this.#heldLength ? this.#held : this.#held.slice(held, this.#heldLength);
      this.#heldLength -= held;
    }
    const here = Math.min(length - held, this.#block.length - this.#position);
    this.#position += here;
    this.offset += held + here;
    return held + here;
  }

  #hold(length: number): void {
    const needed = this.#heldLength + length;
    if (needed > this.#held.length) {
      const longer = new Uint8Array(Math.max(256, needed, 2 * this.#heldLength));
      longer.set(this.#held.subarray(0, this.#heldLength));
      this.#held = longer;
    }
    this.#held.set(this.#block.subarray(this.#position, this.#position + length), this.#heldLength);
    this.#heldLength = needed;
    this.#position += length;
  }
}
