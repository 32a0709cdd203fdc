import type { EventChunk, SensorSize } from '../../events.ts';
import { LiveClock } from './live-clock.ts';
import { type EventBlock, type EventRing, eventBlock } from './ring.ts';
import type { Tally } from './tally.ts';

/** Events that are handed to the ring at once. */
const BLOCK_EVENTS = 8192;

/** How an intake behaves. */
export interface IntakeOptions {
  /** Takes the sensor's size from a stream that says it before its first event. */
  readonly adopts?: boolean;
  /** Events for which the ring has no room wait, until `release` finds some: for sources that can be made to wait. */
  readonly keeps?: boolean;
}

/**
 * What the decoders of live protocols write to: it counts events, drops those outside the sensor, gives them one time
 * that never goes back, and hands them to the ring when a datagram or block is over.
 */
export class Intake {
  readonly tally: Tally;
  #sensor: SensorSize;
  #adopts: boolean;
  readonly #ring: EventRing;
  readonly #clock = new LiveClock();
  readonly #block: EventBlock = eventBlock(BLOCK_EVENTS);
  readonly #wake: () => void;
  readonly #keeps: boolean;
  /** Blocks that wait for room. */
  #kept: EventBlock[] = [];
  #arrival = 0;
  #received = 0;
  #outOfRange = 0;
  #untimed = 0;

  /** @param wake called when the consumer waits and something has come */
  constructor(
    sensor: SensorSize,
    ring: EventRing,
    tally: Tally,
    wake: () => void,
    { adopts = false, keeps = false }: IntakeOptions = {},
  ) {
    this.#sensor = sensor;
    this.#adopts = adopts;
    this.#keeps = keeps;
    this.tally = tally;
    this.#ring = ring;
    this.#wake = wake;
  }

  /** Events outside it are dropped. */
  get sensor(): SensorSize {
    return this.#sensor;
  }

  /** The stream says the size of its sensor, before its first event. */
  adopt(sensor: SensorSize): void {
    if (!this.#adopts) return;
    this.#adopts = false;
    if (this.#received === 0) this.#sensor = sensor;
  }

  /**
   * What follows arrived now.
   * @param arrivalMicros on a clock that never goes back
   */
  begin(arrivalMicros: number): void {
    this.#arrival = arrivalMicros;
  }

  /** An event with a time of 32 bits that wrap. */
  timed(deviceMicros: number, x: number, y: number, on: number): void {
    this.#received++;
    if (x < this.#sensor.width && y < this.#sensor.height) {
      this.#add(this.#clock.timed(deviceMicros, this.#arrival), x, y, on);
    } else this.#outOfRange++; // its time is not trusted either
  }

  /** An event with a time that does not wrap, exact to 2^53. */
  wide(deviceMicros: number, x: number, y: number, on: number): void {
    this.#received++;
    if (x < this.#sensor.width && y < this.#sensor.height) {
      this.#add(this.#clock.wide(deviceMicros, this.#arrival), x, y, on);
    } else this.#outOfRange++;
  }

  /** An event that carries no time. */
  untimed(x: number, y: number, on: number): void {
    this.#received++;
    this.#untimed++;
    if (x < this.#sensor.width && y < this.#sensor.height) {
      this.#add(this.#clock.untimed(this.#arrival), x, y, on);
    } else this.#outOfRange++;
  }

  /** Events that a decoder of files gives, sorted. */
  chunk({ origin, t, x, y, on }: EventChunk): void {
    for (let i = 0; i < t.length; i++) this.wide(origin + t[i]!, x[i]!, y[i]!, on[i]!);
  }

  /** Another sender comes, or the next recording: its time goes on from where the stream is. */
  join(): void {
    this.#clock.join();
  }

  /** Hands on what came since `begin`. */
  commit(): void {
    this.#flush();
    const { tally } = this;
    tally.set('received', this.#received);
    tally.set('outOfRange', this.#outOfRange);
    tally.set('untimed', this.#untimed);
    tally.set('backward', this.#clock.backward);
    tally.set('restarts', this.#clock.restarts);
  }

  /** Counts events that a decoder dropped itself because they lie outside the sensor. */
  countOutOfRange(events: number): void {
    this.#received += events;
    this.#outOfRange += events;
  }

  /** Counts events whose time a decoder raised itself. */
  countBackward(events: number): void {
    this.#clock.backward += events;
  }

  #add(micros: number, x: number, y: number, on: number): void {
    const block = this.#block;
    const at = block.length++;
    block.micros[at] = micros;
    block.x[at] = x;
    block.y[at] = y;
    block.on[at] = on;
    if (block.length === BLOCK_EVENTS) this.#flush();
  }

  /** Moves events that were kept to the ring; gives false while some are left. */
  release(): boolean {
    while (this.#kept.length > 0) {
      const block = this.#kept[0]!;
      const most = Math.min(block.length, this.#ring.capacity - this.#ring.length);
      if (most === 0) return false;
      this.#push(firstOf(block, most));
      if (most === block.length) this.#kept.shift();
      else this.#kept[0] = restOf(block, most);
    }
    return true;
  }

  /** Moves all that was kept to the ring, which drops and counts what it cannot hold. */
  releaseAll(): void {
    for (const block of this.#kept.splice(0)) this.#push(block);
  }

  #flush(): void {
    const block = this.#block;
    const full = this.#kept.length > 0 || block.length > this.#ring.capacity - this.#ring.length;
    if (this.#keeps && full && block.length > 0) this.#kept.push(copyOf(block));
    else this.#push(block);
    block.length = 0;
  }

  #push(block: EventBlock): void {
    if (this.#ring.push(block, this.#arrival)) this.#wake();
  }
}

function restOf({ length, micros, x, y, on }: EventBlock, from: number): EventBlock {
  return {
    length: length - from,
    micros: micros.subarray(from),
    x: x.subarray(from),
    y: y.subarray(from),
    on: on.subarray(from),
  };
}

function firstOf(block: EventBlock, length: number): EventBlock {
  return { ...block, length };
}

function copyOf({ length, micros, x, y, on }: EventBlock): EventBlock {
  return {
    length,
    micros: micros.slice(0, length),
    x: x.slice(0, length),
    y: y.slice(0, length),
    on: on.slice(0, length),
  };
}
