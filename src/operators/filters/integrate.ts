import type { OperatorFunction } from 'rxjs';
import type { EventChunk, SensorSize } from '../../events.ts';
import { stage } from '../stage.ts';
import { wholeNumber } from '../whole-number.ts';
import { ChunkWriter } from './chunk-writer.ts';
import { downsampledSize } from './downsample.ts';
import {
  type FilterCounters,
  type FilterStage,
  filterCounters,
  pixelsOf,
  type SensorOptions,
} from './filter-stage.ts';

export interface IntegrateOptions extends SensorOptions {
  /** Width that comes out, up to the sensor's. */
  readonly width: number;
  /** Height that comes out, up to the sensor's. */
  readonly height: number;
  /** Length of a step in microseconds; pixels are read once in each. */
  readonly micros: number;
  /** Events that a pixel must have gathered to give one, at least 1 (default). */
  readonly threshold?: number;
}

/**
 * Downsamples with a neuron at each pixel that comes out: on events count up, off events down, from step to step. Where
 * the count has reached the threshold, or its negative, at the end of a step, one on or off event comes out, at the time
 * the step began, and the count is 0 again. Steps begin with the first event; the last one may be incomplete.
 * Ghosh et al., "Insect-inspired spatio-temporal downsampling of event-based input", 2023, the integrator.
 */
export class Integrate implements FilterStage {
  readonly counters: FilterCounters = filterCounters();
  readonly #sensor: SensorSize;
  readonly #size: SensorSize;
  readonly #micros: number;
  readonly #threshold: number;
  readonly #columns: Uint16Array;
  readonly #rows: Uint32Array;
  readonly #counts: Int32Array;
  /** Pixels that had an event in this step, each once. */
  readonly #touched: Uint32Array;
  readonly #isTouched: Uint8Array;
  #touches = 0;
  readonly #writer = new ChunkWriter();
  #first: number | undefined;
  #start = 0;
  #end = -Infinity;

  constructor({ sensor, width, height, micros, threshold = 1 }: IntegrateOptions) {
    pixelsOf(sensor);
    const size = downsampledSize(sensor, { width, height });
    this.#sensor = sensor;
    this.#size = size;
    this.#micros = wholeNumber('integrate micros', micros, 1);
    this.#threshold = wholeNumber('integrate threshold', threshold, 1);
    this.#columns = Uint16Array.from({ length: sensor.width }, (_, x) =>
      Math.floor((x * width) / sensor.width),
    );
    this.#rows = Uint32Array.from(
      { length: sensor.height },
      (_, y) => Math.floor((y * height) / sensor.height) * width,
    );
    this.#counts = new Int32Array(width * height);
    this.#touched = new Uint32Array(width * height);
    this.#isTouched = new Uint8Array(width * height);
  }

  push(chunk: EventChunk, emit: (chunk: EventChunk) => void): void {
    const { origin, t, x, y, on } = chunk;
    const { width, height } = this.#sensor;
    const give = this.#counted(emit);
    this.counters.in += t.length;
    for (let i = 0; i < t.length; i++) {
      const time = origin + t[i]!;
      if (time >= this.#end) this.#advance(time, give);
      if (x[i]! >= width || y[i]! >= height) {
        this.counters.outside++;
        continue;
      }
      const pixel = this.#rows[y[i]!]! + this.#columns[x[i]!]!;
      this.#counts[pixel]! += on[i] === 1 ? 1 : -1;
      if (this.#isTouched[pixel] === 1) continue;
      this.#isTouched[pixel] = 1;
      this.#touched[this.#touches++] = pixel;
    }
    this.#writer.flush(give);
  }

  end(emit: (chunk: EventChunk) => void): void {
    const give = this.#counted(emit);
    this.#close(give);
    this.#writer.flush(give);
  }

  #counted(emit: (chunk: EventChunk) => void): (chunk: EventChunk) => void {
    return (chunk) => {
      this.counters.out += chunk.t.length;
      emit(chunk);
    };
  }

  #advance(time: number, emit: (chunk: EventChunk) => void): void {
    this.#close(emit);
    this.#first ??= time;
    this.#start = this.#first + Math.floor((time - this.#first) / this.#micros) * this.#micros;
    this.#end = this.#start + this.#micros;
  }

  /** Reads the pixels that had an event: only they can have reached the threshold. */
  #close(emit: (chunk: EventChunk) => void): void {
    // In the order of the picture, whatever the order of events.
    const touched = this.#touched.subarray(0, this.#touches).sort();
    for (const pixel of touched) {
      this.#isTouched[pixel] = 0;
      const count = this.#counts[pixel]!;
      if (Math.abs(count) < this.#threshold) continue;
      this.#counts[pixel] = 0;
      const x = pixel % this.#size.width;
      this.#writer.add(this.#start, x, (pixel - x) / this.#size.width, count > 0 ? 1 : 0, emit);
    }
    this.#touches = 0;
  }
}

/** Downsamples with a counting neuron at each pixel that comes out. */
export function integrate(options: IntegrateOptions): OperatorFunction<EventChunk, EventChunk> {
  return stage(() => new Integrate(options));
}
