import type { OperatorFunction } from 'rxjs';
import { OptionError } from '../../errors.ts';
import type { EventChunk, SensorSize } from '../../events.ts';
import { numberWithin } from '../number-within.ts';
import { stage } from '../stage.ts';
import { wholeNumber } from '../whole-number.ts';
import { pixelsOf, type SensorOptions } from './filter-stage.ts';
import { Selection } from './selection.ts';

export interface DenoiseOptions extends SensorOptions {
  /** An event needs another one near it less than so many microseconds before; default 10,000. */
  readonly micros?: number;
  /** Pixels around an event that count as near: 8 (default), or 4, those that share a side. */
  readonly neighbours?: 4 | 8;
  /** Pixels near it that must have had an event, default 1. */
  readonly support?: number;
}

/**
 * Removes background activity: an event stays where at least `support` of the pixels around it had an event less than
 * `micros` before, t - last < micros; its own pixel does not count. Delbruck, "Frame-free dynamic digital vision", 2008;
 * with more support Guo and Delbruck, "Low cost and latency event camera background activity denoising", 2022.
 */
export class Denoise extends Selection {
  readonly #sensor: SensorSize;
  readonly #micros: number;
  readonly #support: number;
  /** Steps to the pixels around, in the memory. */
  readonly #steps: Int32Array;
  /** Last time of every pixel, with a border so that the pixels around are always there. */
  readonly #last: Float64Array;

  constructor({ sensor, micros = 10_000, neighbours = 8, support = 1 }: DenoiseOptions) {
    super();
    pixelsOf(sensor);
    if (neighbours !== 4 && neighbours !== 8) {
      throw new OptionError(`denoise neighbours: expected 4 or 8, got ${neighbours}`);
    }
    this.#sensor = sensor;
    this.#micros = numberWithin('denoise micros', micros, 0);
    this.#support = wholeNumber('denoise support', support, 1);
    if (support > neighbours) {
      throw new OptionError(`denoise support: expected at most the ${neighbours} neighbours, got ${support}`);
    }
    const line = sensor.width + 2;
    const near = [-1, 1, -line, line];
    this.#steps = Int32Array.from(
      neighbours === 4 ? near : [...near, -line - 1, -line + 1, line - 1, line + 1],
    );
    this.#last = new Float64Array(line * (sensor.height + 2)).fill(-Infinity);
  }

  protected select({ origin, t, x, y }: EventChunk, picks: Uint32Array): number {
    const { width, height } = this.#sensor;
    const last = this.#last;
    const steps = this.#steps;
    const neighbours = steps.length;
    const support = this.#support;
    let kept = 0;
    for (let i = 0; i < t.length; i++) {
      const column = x[i]!;
      const row = y[i]!;
      if (column >= width || row >= height) {
        this.counters.outside++;
        continue;
      }
      const pixel = (row + 1) * (width + 2) + column + 1;
      const time = origin + t[i]!;
      const since = time - this.#micros;
      let found = 0;
      for (let k = 0; k < neighbours; k++) {
        if (last[pixel + steps[k]!]! > since && ++found === support) {
          picks[kept++] = i;
          break;
        }
      }
      last[pixel] = time;
    }
    return kept;
  }
}

/** Removes events without another near them shortly before. */
export function denoise(options: DenoiseOptions): OperatorFunction<EventChunk, EventChunk> {
  return stage(() => new Denoise(options));
}
