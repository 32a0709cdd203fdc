/**
 * Checks what Parquet's headers are written in, Thrift's compact protocol, before it is read: a list's claimed length
 * is what memory is taken for, so it has to fit what is there (specification: thrift-compact-protocol.md).
 */

/** Structs and lists in one another; Parquet's own have about six. */
const DEEPEST = 32;
const VARINT_BYTES = 10;

const STOP = 0;
const TRUE = 1;
const FALSE = 2;
const BYTE = 3;
const I16 = 4;
const I32 = 5;
const I64 = 6;
const DOUBLE = 7;
const BINARY = 8;
const LIST = 9;
const STRUCT = 12;

/**
 * Walks over the struct that begins at `start`; gives where it ends.
 * @throws RangeError where it is not whole, or claims more than there is
 */
export function endOfStruct(view: DataView, start: number): number {
  let at = start;

  const byte = (): number => {
    if (at >= view.byteLength) throw new RangeError('a whole header expected, found its end cut off');
    return view.getUint8(at++);
  };
  const varint = (): number => {
    let value = 0;
    for (let i = 0; i < VARINT_BYTES; i++) {
      const part = byte();
      value += (part & 0x7f) * 2 ** (7 * i);
      if (part < 0x80) return value;
    }
    throw new RangeError(`numbers of at most ${VARINT_BYTES} bytes expected in a header`);
  };
  const skip = (bytes: number): void => {
    if (!(bytes <= view.byteLength - at)) {
      throw new RangeError(`${bytes} bytes expected in a header, found ${view.byteLength - at}`);
    }
    at += bytes;
  };
  const list = (depth: number): void => {
    const head = byte();
    const short = head >> 4;
    const count = short === 15 ? varint() : short;
    // An element takes a byte at least.
    if (count > view.byteLength - at) {
      throw new RangeError(
        `a list of at most ${view.byteLength - at} elements expected in a header, found ${count}`,
      );
    }
    const type = head & 0x0f;
    for (let i = 0; i < count; i++) {
      if (type === TRUE || type === FALSE) skip(1);
      else value(type, depth + 1);
    }
  };
  const value = (type: number, depth: number): void => {
    if (depth > DEEPEST) throw new RangeError(`headers of at most ${DEEPEST} levels expected`);
    switch (type) {
      case TRUE:
      case FALSE:
        return;
      case BYTE:
        skip(1);
        return;
      case I16:
      case I32:
      case I64:
        varint();
        return;
      case DOUBLE:
        skip(8);
        return;
      case BINARY:
        skip(varint());
        return;
      case LIST:
        list(depth);
        return;
      case STRUCT:
        struct(depth + 1);
        return;
      default:
        throw new RangeError(`a type of Parquet's headers expected, found ${type}`);
    }
  };
  const struct = (depth: number): void => {
    for (;;) {
      const head = byte();
      const type = head & 0x0f;
      if (type === STOP) return;
      if (head >> 4 === 0) varint();
      value(type, depth);
    }
  };

  struct(0);
  return at;
}
