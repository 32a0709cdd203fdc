import type { LiveCounters } from './live-counters.ts';

const NOTE_MILLIS = 1000;
/** Lines that wait for their second; a sender that comes and goes makes no more. */
const MOST_WAITING = 8;

/** What losses are called. */
const LOSSES = [
  ['dropped', 'events dropped: the consumer is too slow'],
  ['thinned', 'events left out: the consumer is too slow'],
  ['systemDrops', 'datagrams dropped by the system'],
  ['lost', 'datagrams lost'],
  ['late', 'datagrams late'],
  ['duplicates', 'datagrams twice'],
  ['malformed', 'malformed datagrams or packets'],
  ['outOfRange', 'events outside the sensor'],
] as const;

/** Lines for people about a stream, at most one a second. */
export class Notes {
  readonly #note: ((text: string) => void) | undefined;
  #waiting: string[] = [];
  #timer: NodeJS.Timeout | undefined;
  #due = 0;
  #told = '';
  #counters: (() => LiveCounters) | undefined;
  #watching: NodeJS.Timeout | undefined;

  constructor(note: ((text: string) => void) | undefined) {
    this.#note = note;
  }

  /** Tells a line now, or as soon as a second has passed; where many wait the oldest go. */
  tell(text: string): void {
    if (this.#note === undefined) return;
    this.#waiting.push(text);
    if (this.#waiting.length > MOST_WAITING) this.#waiting.shift();
    this.#flush();
  }

  /** Tells of new losses as they are counted, until `end`. */
  watch(counters: () => LiveCounters): void {
    if (this.#note === undefined) return;
    this.#counters = counters;
    this.#watching = setInterval(() => this.#look(), NOTE_MILLIS).unref();
  }

  /** Tells what has not been told. */
  end(): void {
    clearInterval(this.#watching);
    clearTimeout(this.#timer);
    this.#look();
    this.#due = 0;
    for (const text of this.#waiting.splice(0)) this.#note?.(text);
    this.#counters = undefined;
  }

  #look(): void {
    const found = this.#counters?.();
    if (found === undefined) return;
    const losses = LOSSES.filter(([name]) => (found[name] ?? 0) > 0);
    const text = losses.map(([name, words]) => `${found[name]} ${words}`).join(', ');
    if (text === this.#told) return;
    this.#told = text;
    this.tell(`so far ${text}`);
  }

  #flush(): void {
    const early = this.#due - performance.now();
    if (early > 0) {
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined;
        this.#flush();
      }, early).unref();
      return;
    }
    const text = this.#waiting.shift();
    if (text === undefined) return;
    this.#due = performance.now() + NOTE_MILLIS;
    this.#note!(text);
    if (this.#waiting.length > 0) this.#flush();
  }
}
