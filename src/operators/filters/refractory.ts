import type { OperatorFunction } from 'rxjs';
import type { EventChunk, SensorSize } from '../../events.ts';
import { numberWithin } from '../number-within.ts';
import { stage } from '../stage.ts';
import { pixelsOf, type SensorOptions } from './filter-stage.ts';
import { Selection } from './selection.ts';

export interface RefractoryOptions extends SensorOptions {
  /** Microseconds for which a pixel is silent. */
  readonly micros: number;
  /**
   * What a pixel's dead time runs from: its last event that passed (`passed`, the default), as in a sensor and a neuron;
   * or its last event of all (`any`), so that a pixel which never rests is never heard again.
   */
  readonly since?: 'passed' | 'any';
}

/** Keeps an event where its pixel's last one is longer ago than the dead time: t - last > micros. */
export class Refractory extends Selection {
  readonly #sensor: SensorSize;
  readonly #micros: number;
  readonly #any: boolean;
  readonly #last: Float64Array;

  constructor({ sensor, micros, since = 'passed' }: RefractoryOptions) {
    super();
    this.#sensor = sensor;
    this.#micros = numberWithin('refractory micros', micros, 0);
    this.#any = since === 'any';
    this.#last = new Float64Array(pixelsOf(sensor)).fill(-Infinity);
  }

  protected select({ origin, t, x, y }: EventChunk, picks: Uint32Array): number {
    const { width, height } = this.#sensor;
    const last = this.#last;
    const micros = this.#micros;
    const any = this.#any;
    let kept = 0;
    for (let i = 0; i < t.length; i++) {
      const column = x[i]!;
      const row = y[i]!;
      if (column >= width || row >= height) {
        this.counters.outside++;
        continue;
      }
      const pixel = row * width + column;
      const time = origin + t[i]!;
      const passes = time - last[pixel]! > micros;
      if (passes || any) last[pixel] = time;
      picks[kept] = i;
      if (passes) kept++;
    }
    return kept;
  }
}

/** Keeps an event where its pixel's last one is longer ago than the dead time. */
export function refractory(options: RefractoryOptions): OperatorFunction<EventChunk, EventChunk> {
  return stage(() => new Refractory(options));
}
