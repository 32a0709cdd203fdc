/**
 * Reads tables of flatbuffers that nobody vouches for: every position is checked against the buffer, and a false one
 * throws a RangeError, which decoders turn into a FormatError that names the byte of the message.
 * https://flatbuffers.dev/internals/
 */
export class FlatTable {
  /** The buffer that holds the table. */
  readonly view: DataView;
  readonly #table: number;
  readonly #vtable: number;
  readonly #vtableBytes: number;

  /** @param table position of the table in `view` */
  constructor(view: DataView, table: number) {
    this.view = view;
    this.#table = table;
    this.#vtable = table - view.getInt32(table, true);
    this.#vtableBytes = view.getUint16(this.#vtable, true);
  }

  /** The root table of a buffer whose root offset stands at `start`. */
  static root(view: DataView, start = 0): FlatTable {
    return new FlatTable(view, start + view.getUint32(start, true));
  }

  /** Position of a field's value, or undefined where the table leaves it out. */
  #field(index: number): number | undefined {
    const slot = 4 + 2 * index;
    if (slot + 2 > this.#vtableBytes) return undefined;
    const offset = this.view.getUint16(this.#vtable + slot, true);
    return offset === 0 ? undefined : this.#table + offset;
  }

  /** A signed number of 8 bits. */
  int8(index: number, absent = 0): number {
    const at = this.#field(index);
    return at === undefined ? absent : this.view.getInt8(at);
  }

  /** A signed number of 16 bits. */
  int16(index: number, absent = 0): number {
    const at = this.#field(index);
    return at === undefined ? absent : this.view.getInt16(at, true);
  }

  /** A signed number of 32 bits. */
  int32(index: number, absent = 0): number {
    const at = this.#field(index);
    return at === undefined ? absent : this.view.getInt32(at, true);
  }

  /** A signed number of 64 bits; exact to 2^53. */
  int64(index: number, absent = 0): number {
    const at = this.#field(index);
    return at === undefined ? absent : readInt64(this.view, at);
  }

  /** A floating-point number of 32 bits. */
  float32(index: number, absent = 0): number {
    const at = this.#field(index);
    return at === undefined ? absent : this.view.getFloat32(at, true);
  }

  /** A table that the field points to. */
  table(index: number): FlatTable | undefined {
    const at = this.#field(index);
    return at === undefined ? undefined : new FlatTable(this.view, at + this.view.getUint32(at, true));
  }

  /** Position in the buffer of a structure that the table holds in place. */
  struct(index: number): number | undefined {
    return this.#field(index);
  }

  /** A text, cut off after `most` bytes; empty where it is absent. */
  text(index: number, most: number): string {
    const { start, length } = this.vector(index, 1);
    const bytes = new Uint8Array(this.view.buffer, this.view.byteOffset + start, Math.min(length, most));
    return new TextDecoder().decode(bytes);
  }

  /** Where a vector's elements of `size` bytes start in the buffer, and how many there are. */
  vector(index: number, size: number): { start: number; length: number } {
    const at = this.#field(index);
    if (at === undefined) return { start: 0, length: 0 };
    const vector = at + this.view.getUint32(at, true);
    const length = this.view.getUint32(vector, true);
    const start = vector + 4;
    if (start + length * size > this.view.byteLength) {
      throw new RangeError(`a vector of ${length} elements reaches beyond its buffer`);
    }
    return { start, length };
  }

  /** The tables of a vector of at most `most` tables, which may all be one. */
  tables(index: number, most: number): FlatTable[] {
    const { start, length } = this.vector(index, 4);
    if (length > most) throw new RangeError(`at most ${most} tables expected, found ${length}`);
    const tables: FlatTable[] = [];
    for (let i = 0; i < length; i++) {
      const at = start + 4 * i;
      tables.push(new FlatTable(this.view, at + this.view.getUint32(at, true)));
    }
    return tables;
  }
}

/** A signed little-endian number of 64 bits, exact to 2^53. */
export function readInt64(view: DataView, at: number): number {
  return view.getInt32(at + 4, true) * 4294967296 + view.getUint32(at, true);
}
