import { allocateChunk, CHUNK_EVENTS, type EventChunk } from '../../events.ts';

const LONGEST_CHUNK_MICROS = 0xffffffff;
/** Pairs of (time of an event, time of its arrival), and how far apart in arrival they are kept. */
const MARKS = 1 << 14;
const MARK_MICROS = 100;

/** What happens when events come faster than they are taken. */
export type Overflow = 'drop' | 'thin' | 'merge';

/** How a ring behaves when it fills. */
export interface RingOptions {
  /**
   * `drop` (default): where the ring is full, the oldest stretch of events goes. `thin`: from half full on, until less
   * than a quarter is, one event in `thinFactor` is kept. `merge`: as `drop`, but the consumer is to make coarser bins
   * before that happens, as `pressure` tells it.
   */
  readonly overflow?: Overflow;
  /** Default 4. */
  readonly thinFactor?: number;
}

/** Words of the shared state. */
const LOCK = 0;
const HEAD = 1;
const LENGTH = 2;
const WAITING = 3;
const MARK_HEAD = 4;
const MARK_LENGTH = 5;
const WORDS = 6;
/** Doubles of the shared state. */
const DROPPED = 0;
const THINNED = 1;
const DOUBLES = 2;

/**
 * Events between a live source and its consumer, in a fixed amount of shared memory (13 bytes an event): one thread
 * pushes blocks, one takes chunks. Where the consumer is slow the oldest are dropped and counted, so that what comes
 * out is as recent as it can be. A lock is held for the time of a copy.
 */
export class EventRing {
  readonly capacity: number;
  /** What the ring lives in: give it to `new EventRing` on another thread. */
  readonly shared: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #counts: Float64Array;
  readonly #marks: Float64Array;
  readonly #micros: Float64Array;
  readonly #x: Uint16Array;
  readonly #y: Uint16Array;
  readonly #on: Uint8Array;
  readonly #overflow: Overflow;
  readonly #thinFactor: number;
  /** Events that are dropped at once when the ring is full: a gap is better than a sieve. */
  readonly #stretch: number;
  #thinning = false;
  #thinPhase = 0;

  /** @param capacity events that are held at most */
  constructor(capacity: number, options: RingOptions = {}, shared?: SharedArrayBuffer) {
    const doubles = DOUBLES + 2 * MARKS;
    this.capacity = capacity;
    this.shared = shared ?? new SharedArrayBuffer(8 * WORDS + 8 * doubles + 13 * capacity);
    let at = 0;
    const next = (bytes: number): number => {
      at += bytes;
      return at - bytes;
    };
    this.#words = new Int32Array(this.shared, next(8 * WORDS), WORDS);
    this.#counts = new Float64Array(this.shared, next(8 * DOUBLES), DOUBLES);
    this.#marks = new Float64Array(this.shared, next(16 * MARKS), 2 * MARKS);
    this.#micros = new Float64Array(this.shared, next(8 * capacity), capacity);
    this.#x = new Uint16Array(this.shared, next(2 * capacity), capacity);
    this.#y = new Uint16Array(this.shared, next(2 * capacity), capacity);
    this.#on = new Uint8Array(this.shared, next(capacity), capacity);
    this.#overflow = options.overflow ?? 'drop';
    this.#thinFactor = options.thinFactor ?? 4;
    this.#stretch = Math.max(1, Math.min(CHUNK_EVENTS, capacity >>> 3));
  }

  /** Events held now. */
  get length(): number {
    return Atomics.load(this.#words, LENGTH);
  }

  /** Share of the ring that is filled, 0 to 1. */
  get pressure(): number {
    return this.length / this.capacity;
  }

  /** Events that were overwritten before anyone took them. */
  get dropped(): number {
    return this.#locked(() => this.#counts[DROPPED]!);
  }

  /** Events that were left out because the ring was filling. */
  get thinned(): number {
    return this.#locked(() => this.#counts[THINNED]!);
  }

  /**
   * Adds the first `length` events of a block, whose times never go back; gives whether the consumer waits for them.
   * @param arrivalMicros when they arrived
   */
  push(block: EventBlock, arrivalMicros: number): boolean {
    if (block.length === 0) return false;
    const lastMicros = block.micros[block.length - 1]!;
    const words = this.#words;
    this.#lock();
    if (this.#overflow === 'thin') this.#thin(block);
    const start = this.#makeRoom(block.length);
    const from = this.capacity < block.length ? block.length - this.capacity : 0;
    this.#copyIn(block, from, start);
    words[LENGTH] = words[LENGTH]! + block.length - from;
    this.#mark(lastMicros, arrivalMicros);
    const waits = words[WAITING]! !== 0;
    words[WAITING] = 0;
    this.#unlock();
    return waits;
  }

  /** Takes out the oldest events, up to `limit` of them and 2^32 µs of time; empty where none are held. */
  take(limit: number): EventChunk {
    this.#lock();
    const words = this.#words;
    const most = Math.min(limit, words[LENGTH]!);
    const head = words[HEAD]!;
    const origin = most === 0 ? 0 : this.#micros[head]!;
    const count = this.#countWithin(most, origin + LONGEST_CHUNK_MICROS);
    const chunk = allocateChunk(origin, count);
    let at = head;
    for (let i = 0; i < count; i++) {
      chunk.t[i] = this.#micros[at]! - origin;
      if (++at === this.capacity) at = 0;
    }
    const first = Math.min(count, this.capacity - head);
    copyOut(this.#x, chunk.x, head, first, count);
    copyOut(this.#y, chunk.y, head, first, count);
    copyOut(this.#on, chunk.on, head, first, count);
    words[HEAD] = at;
    words[LENGTH] = words[LENGTH]! - count;
    this.#unlock();
    return chunk;
  }

  /** Says that the consumer waits: true where nothing is held, and the next push will tell. */
  await(): boolean {
    this.#lock();
    const empty = this.#words[LENGTH] === 0;
    this.#words[WAITING] = empty ? 1 : 0;
    this.#unlock();
    return empty;
  }

  /** When the first events of a time or later arrived; undefined where none has, or so long ago that it is forgotten. */
  arrivalOf(micros: number): number | undefined {
    return this.#locked(() => {
      const length = this.#words[MARK_LENGTH]!;
      const markAt = (i: number): number => 2 * ((this.#words[MARK_HEAD]! + i) % MARKS);
      let low = 0;
      let high = length;
      while (low < high) {
        const middle = (low + high) >>> 1;
        if (this.#marks[markAt(middle)]! < micros) low = middle + 1;
        else high = middle;
      }
      if (low === length || (low === 0 && length === MARKS)) return undefined;
      return this.#marks[markAt(low) + 1];
    });
  }

  /** Drops what is held. */
  clear(): void {
    this.#lock();
    this.#counts[DROPPED]! += this.#words[LENGTH]!;
    this.#words[LENGTH] = 0;
    this.#unlock();
  }

  /** Where the next event goes, once enough of the oldest are gone. */
  #makeRoom(events: number): number {
    const words = this.#words;
    const over = words[LENGTH]! + events - this.capacity;
    if (over > 0) {
      const dropped = Math.min(words[LENGTH]!, Math.max(over, this.#stretch));
      words[HEAD] = (words[HEAD]! + dropped) % this.capacity;
      words[LENGTH] = words[LENGTH]! - dropped;
      this.#counts[DROPPED]! += dropped + Math.max(0, events - this.capacity);
    }
    return (words[HEAD]! + words[LENGTH]!) % this.capacity;
  }

  #copyIn({ micros, x, y, on, length }: EventBlock, from: number, start: number): void {
    const first = Math.min(length - from, this.capacity - start);
    const middle = from + first;
    this.#micros.set(micros.subarray(from, middle), start);
    this.#x.set(x.subarray(from, middle), start);
    this.#y.set(y.subarray(from, middle), start);
    this.#on.set(on.subarray(from, middle), start);
    if (middle === length) return;
    this.#micros.set(micros.subarray(middle, length));
    this.#x.set(x.subarray(middle, length));
    this.#y.set(y.subarray(middle, length));
    this.#on.set(on.subarray(middle, length));
  }

  /** Keeps one event in `thinFactor` of a block while the ring is filling. */
  #thin(block: EventBlock): void {
    const held = this.#words[LENGTH]!;
    if (held > this.capacity / 2) this.#thinning = true;
    else if (held < this.capacity / 4) this.#thinning = false;
    if (!this.#thinning) return;
    let kept = 0;
    for (let i = 0; i < block.length; i++) {
      if (this.#thinPhase++ % this.#thinFactor !== 0) continue;
      block.micros[kept] = block.micros[i]!;
      block.x[kept] = block.x[i]!;
      block.y[kept] = block.y[i]!;
      block.on[kept] = block.on[i]!;
      kept++;
    }
    this.#counts[THINNED]! += block.length - kept;
    block.length = kept;
  }

  #mark(micros: number, arrivalMicros: number): void {
    const words = this.#words;
    const last = 2 * ((words[MARK_HEAD]! + words[MARK_LENGTH]! - 1 + MARKS) % MARKS);
    if (words[MARK_LENGTH]! > 0 && arrivalMicros - this.#marks[last + 1]! < MARK_MICROS) {
      this.#marks[last] = micros;
      return;
    }
    const at = 2 * ((words[MARK_HEAD]! + words[MARK_LENGTH]!) % MARKS);
    this.#marks[at] = micros;
    this.#marks[at + 1] = arrivalMicros;
    if (words[MARK_LENGTH]! < MARKS) words[MARK_LENGTH]!++;
    else words[MARK_HEAD] = (words[MARK_HEAD]! + 1) % MARKS;
  }

  #countWithin(most: number, lastMicros: number): number {
    const head = this.#words[HEAD]!;
    const at = (head + most - 1) % this.capacity;
    if (most === 0 || this.#micros[at]! <= lastMicros) return most;
    let count = 0;
    while (this.#micros[(head + count) % this.capacity]! <= lastMicros) count++;
    return count;
  }

  #locked<T>(read: () => T): T {
    this.#lock();
    try {
      return read();
    } finally {
      this.#unlock();
    }
  }

  /** The lock of Drepper's "Futexes Are Tricky": 0 free, 1 held, 2 held and waited for. */
  #lock(): void {
    const words = this.#words;
    if (Atomics.compareExchange(words, LOCK, 0, 1) === 0) return;
    while (Atomics.exchange(words, LOCK, 2) !== 0) Atomics.wait(words, LOCK, 2);
  }

  #unlock(): void {
    if (Atomics.exchange(this.#words, LOCK, 0) === 2) Atomics.notify(this.#words, LOCK, 1);
  }
}

/** Events in columns, times absolute, on their way to the ring. */
export interface EventBlock {
  length: number;
  readonly micros: Float64Array;
  readonly x: Uint16Array;
  readonly y: Uint16Array;
  readonly on: Uint8Array;
}

/** Room for `capacity` events. */
export function eventBlock(capacity: number): EventBlock {
  return {
    length: 0,
    micros: new Float64Array(capacity),
    x: new Uint16Array(capacity),
    y: new Uint16Array(capacity),
    on: new Uint8Array(capacity),
  };
}

function copyOut<T extends Uint16Array | Uint8Array>(
  column: T,
  to: T,
  head: number,
  first: number,
  count: number,
): void {
  to.set(column.subarray(head, head + first) as T);
  if (count > first) to.set(column.subarray(0, count - first) as T, first);
}
