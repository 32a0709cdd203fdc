import type { DashboardMessage, MemoryMessage } from './messages.ts';
import { Thinned } from './thinned.ts';

type Kept = DashboardMessage | MemoryMessage;

/** Messages of one series that are kept at most. */
const limits = {
  prediction: 512,
  raster: 256,
  status: 600,
  memory: 600,
  note: 50,
} as const;
/** Points of a curve that has to be seen from its beginning: beyond it every other one is left out. */
const CURVE_POINTS = 2048;

/**
 * What a page that opens now has to know, in a bounded amount of memory: of streams the last messages, of trainings the
 * whole curves, thinned where they are long.
 */
export class History {
  /** One message each, the last of its kind: what there is. */
  readonly #heads = new Map<string, Kept>();
  readonly #series = new Map<string, Series>();

  add(message: Kept): void {
    switch (message.type) {
      case 'camera':
        this.#heads.set(message.camera, message);
        return;
      case 'training':
        this.#heads.set('', message);
        return;
      case 'step':
      case 'epoch':
        this.#of(`${message.type} ${message.model}`, () => new Thinned(CURVE_POINTS)).add(message);
        return;
      case 'note':
      case 'memory':
        this.#of(message.type, () => new Ring(limits[message.type])).add(message);
        return;
      default:
        this.#of(`${message.type} ${message.camera}`, () => new Ring(limits[message.type])).add(message);
    }
  }

  /** What is kept: what there is first, then series after series, each in its order. */
  messages(): Kept[] {
    return [...this.#heads.values(), ...[...this.#series.values()].flatMap((series) => series.values())];
  }

  #of(name: string, make: () => Series): Series {
    let series = this.#series.get(name);
    if (series === undefined) {
      series = make();
      this.#series.set(name, series);
    }
    return series;
  }
}

interface Series {
  add(message: Kept): void;
  values(): Kept[];
}

/** The last messages. */
class Ring implements Series {
  readonly #limit: number;
  readonly #messages: Kept[] = [];
  #next = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(message: Kept): void {
    this.#messages[this.#next] = message;
    this.#next = (this.#next + 1) % this.#limit;
  }

  values(): Kept[] {
    return [...this.#messages.slice(this.#next), ...this.#messages.slice(0, this.#next)];
  }
}
