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
  /** Bytes of earlier blocks stand here from `#start` to `#end`. */
  #held: Uint8Array = new Uint8Array(0);
  #start = 0;
  #end = 0;

  /** Bytes that came and were not taken. */
  get available(): number {
    return this.#end - this.#start + this.#block.length - this.#position;
  }

  /** Adds a block; it may be reused once `peek` or `take` gave undefined, or all was taken. */
  push(block: Uint8Array): void {
    this.#block = block;
    this.#position = 0;
  }

  /** The next `length` bytes without taking them; undefined until they have come. Valid until the next such call. */
  peek(length: number): Uint8Array | undefined {
    if (this.#start === this.#end && this.#block.length - this.#position >= length) {
      return this.#block.subarray(this.#position, this.#position + length);
    }
    this.#hold(length);
    if (this.#end - this.#start < length) return undefined;
    return this.#held.subarray(this.#start, this.#start + length);
  }

  /** Like `peek`, and takes the bytes. */
  take(length: number): Uint8Array | undefined {
    const bytes = this.peek(length);
    if (bytes !== undefined) this.skip(length);
    return bytes;
  }

  /** Takes up to `length` bytes unseen; gives how many there were. */
  skip(length: number): number {
    const taken = Math.min(length, this.available);
    const held = Math.min(taken, this.#end - this.#start);
    this.#start += held;
    this.#position += taken - held;
    this.offset += taken;
    return taken;
  }

  /** Copies from the block until `length` bytes are held, or the block is used up. */
  #hold(length: number): void {
    if (this.#start > 0) {
      this.#held.copyWithin(0, this.#start, this.#end);
      this.#end -= this.#start;
      this.#start = 0;
    }
    const more = Math.min(this.#block.length - this.#position, Math.max(0, length - this.#end));
    if (this.#end + more > this.#held.length) {
      const longer = new Uint8Array(Math.max(256, this.#end + more, 2 * this.#end));
      longer.set(this.#held.subarray(0, this.#end));
      this.#held = longer;
    }
    this.#held.set(this.#block.subarray(this.#position, this.#position + more), this.#end);
    this.#end += more;
    this.#position += more;
  }
}
