/** Collects records of one size into datagrams of one size. */
export class DatagramPacker {
  /** The datagram that is being filled. */
  view: DataView;
  #used: number;
  readonly #limit: number;
  readonly #recordBytes: number;
  readonly #head: number;

  /** @param headBytes room before the records, which `seal` fills */
  constructor(recordBytes: number, records: number, headBytes = 0) {
    this.#recordBytes = recordBytes;
    this.#head = headBytes;
    this.#limit = headBytes + records * recordBytes;
    this.#used = headBytes;
    this.view = new DataView(new ArrayBuffer(this.#limit));
  }

  /** Where the next record goes in `view`. */
  next(): number {
    this.#used += this.#recordBytes;
    return this.#used - this.#recordBytes;
  }

  /** True when no record fits any more. */
  get full(): boolean {
    return this.#used === this.#limit;
  }

  /** Hands on what there is, if any. */
  flush(emit: (datagram: Uint8Array) => void, seal?: (view: DataView) => void): void {
    if (this.#used === this.#head) return;
    seal?.(this.view);
    const datagram = new Uint8Array(this.view.buffer as ArrayBuffer, 0, this.#used);
    this.view = new DataView(new ArrayBuffer(this.#limit));
    this.#used = this.#head;
    emit(datagram);
  }
}
