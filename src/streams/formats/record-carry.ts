/** Cuts blocks of any size into whole records of a fixed size; the part of a record at a block's end waits for the next. */
export class RecordCarry {
  readonly #record: Uint8Array;
  #held = 0;

  /** @param size bytes of a record */
  constructor(size: number) {
    this.#record = new Uint8Array(size);
  }

  /** Bytes of an incomplete record that wait for the next block. */
  get held(): number {
    return this.#held;
  }

  /** Calls `decode` with views whose length is a multiple of the record size; they are valid during the call only. */
  feed(block: Uint8Array, decode: (records: DataView) => void): void {
    const size = this.#record.length;
    let start = 0;
    if (this.#held > 0) {
      start = Math.min(size - this.#held, block.length);
      this.#record.set(block.subarray(0, start), this.#held);
      this.#held += start;
      if (this.#held < size) return;
      this.#held = 0;
      decode(new DataView(this.#record.buffer));
    }
    const whole = block.length - start - ((block.length - start) % size);
    if (whole > 0) decode(new DataView(block.buffer, block.byteOffset + start, whole));
    this.#held = block.length - start - whole;
    this.#record.set(block.subarray(start + whole));
  }
}
