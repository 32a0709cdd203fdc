import { viewOf } from './byte-window.ts';

/** Memory that has been given back, to be written again: fresh memory takes longer to touch than to write. */
let spare: Uint8Array | undefined;
/** Memory that may be given back. */
const lent = new WeakSet<ArrayBufferLike>();

/**
 * Bytes that grow as they are written. The writer keeps the view, and how far it came, in local variables, and asks for
 * a longer view before it writes beyond the end.
 */
export class GrowingBytes {
  #bytes: Uint8Array;

  /** @param expected bytes that will probably be written */
  constructor(expected: number) {
    const again = spare !== undefined && spare.length >= expected ? spare : undefined;
    if (again !== undefined) spare = undefined;
    this.#bytes = again ?? allocate(expected);
  }

  /** Where to write, from its start on. */
  get view(): DataView {
    return viewOf(this.#bytes);
  }

  /** A view with room for `more` bytes behind the first `length`, which are kept. */
  reserve(length: number, more: number): DataView {
    if (length + more > this.#bytes.length) {
      const longer = allocate(2 * (length + more));
      longer.set(this.#bytes.subarray(0, length));
      this.#bytes = longer;
    }
    return this.view;
  }

  /** The first `length` bytes. */
  written(length: number): Uint8Array {
    return this.#bytes.subarray(0, length);
  }
}

/** Gives the memory back of what `written` gave, once nobody looks at it any more; does nothing for other bytes. */
export function giveBack({ buffer }: Uint8Array): void {
  if (lent.has(buffer)) spare = new Uint8Array(buffer);
}

function allocate(bytes: number): Uint8Array {
  // Not zeroed: what is not written is not given away.
  const fresh = Buffer.allocUnsafeSlow(bytes);
  lent.add(fresh.buffer);
  return fresh;
}
