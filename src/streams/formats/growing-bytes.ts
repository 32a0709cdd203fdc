import { viewOf } from './byte-window.ts';

/** Memory that has been given back, to be written again: fresh memory takes longer to touch than to write. */
const spares: Uint8Array[] = [];
/** Memory that may be given back. */
const lent = new WeakSet<ArrayBufferLike>();
/** More is not kept, but for one piece of any length. */
const MOST_SPARE_BYTES = 1 << 22;

/**
 * Bytes that grow as they are written. The writer keeps the view, and how far it came, in local variables, and asks for
 * a longer view before it writes beyond the end.
 */
export class GrowingBytes {
  #bytes: Uint8Array;

  /** @param expected bytes that will probably be written */
  constructor(expected: number) {
    const place = spares.findIndex((spare) => spare.length >= expected);
    this.#bytes = place < 0 ? allocate(expected) : spares.splice(place, 1)[0]!;
  }

  /** Where to write, from its start on. */
  get view(): DataView {
    return viewOf(this.#bytes);
  }

  /** All bytes that there is room for. */
  get all(): Uint8Array {
    return this.#bytes;
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
  if (!lent.has(buffer) || spares.some((spare) => spare.buffer === buffer)) return;
  const kept = spares.reduce((sum, { length }) => sum + length, 0);
  if (kept === 0 || kept + buffer.byteLength <= MOST_SPARE_BYTES) spares.push(new Uint8Array(buffer));
}

function allocate(bytes: number): Uint8Array {
  // Not zeroed: what is not written is not given away.
  const fresh = Buffer.allocUnsafeSlow(bytes);
  lent.add(fresh.buffer);
  return fresh;
}
