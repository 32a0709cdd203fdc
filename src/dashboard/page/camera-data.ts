import type {
  CameraMessage,
  MemoryMessage,
  PredictionMessage,
  RasterMessage,
  StatusMessage,
} from '../messages.ts';
import { Columns } from './columns.ts';

/** Windows whose predictions are shown. */
const WINDOWS = 512;
const RASTERS = 256;
const SECONDS = 600;
/** Times beyond are of a clock that began long ago: they are shown from the first one seen. */
const LONG_CLOCK_MICROS = 1e11;

/** What is known of one camera: the last windows, the last seconds. */
export class CameraData {
  readonly head: CameraMessage;
  /** Seconds, then the probability of each class. */
  readonly probabilities: Columns;
  /** The class index of the smoothed decision beside each row of `probabilities`, else that of the window. */
  readonly decisions: Columns = new Columns(1, WINDOWS);
  /** Seconds, then the mean of the layers' spike rates. */
  readonly meanRates: Columns = new Columns(2, WINDOWS);
  /** Seconds, then the spike rate of each layer. */
  rates: Columns = new Columns(1, WINDOWS);
  layers: readonly string[] = [];
  /** Seconds since 1970, then events a second, drops, latency (p50, p99), synaptic operations a second. */
  readonly status: Columns = new Columns(6, SECONDS);
  readonly rasters: RasterMessage[] = [];
  lastPrediction: PredictionMessage | undefined;
  lastStatus: StatusMessage | undefined;
  #originMicros: number | undefined;

  constructor(head: CameraMessage) {
    this.head = head;
    this.probabilities = new Columns(1 + head.classNames.length, WINDOWS);
  }

  predicted(message: PredictionMessage): void {
    const { startMicros, endMicros, probabilities, rates, classIndex, decision = classIndex } = message;
    if (endMicros < (this.lastPrediction?.endMicros ?? endMicros)) this.#restart();
    this.lastPrediction = message;
    this.#originMicros ??= startMicros > LONG_CLOCK_MICROS ? startMicros : 0;
    const seconds = (endMicros - this.#originMicros) / 1e6;
    const layers = Object.keys(rates);
    if (layers.length !== this.layers.length) {
      this.layers = layers;
      this.rates = new Columns(1 + layers.length, WINDOWS);
    }
    this.probabilities.push([seconds, ...probabilities]);
    this.decisions.push([decision]);
    const now = this.layers.map((layer) => rates[layer] ?? 0);
    this.rates.push([seconds, ...now]);
    this.meanRates.push([seconds, now.reduce((sum, rate) => sum + rate, 0) / Math.max(1, now.length)]);
  }

  fared(message: StatusMessage): void {
    const { atMillis, eventsPerSecond, latencyMillis, operationsPerSecond } = message;
    this.lastStatus = message;
    this.status.push([
      atMillis / 1000,
      eventsPerSecond,
      lost(message),
      latencyMillis?.p50,
      latencyMillis?.p99,
      operationsPerSecond,
    ]);
  }

  fired(message: RasterMessage): void {
    if (message.layers.length !== this.rasters.at(-1)?.layers.length) this.rasters.length = 0;
    this.rasters.push(message);
    if (this.rasters.length > RASTERS) this.rasters.shift();
  }

  /** Time went back: a recording that begins again. */
  #restart(): void {
    for (const columns of [this.probabilities, this.decisions, this.rates, this.meanRates]) {
      for (const column of columns.data) column.length = 0;
    }
    this.rasters.length = 0;
    this.#originMicros = undefined;
  }
}

/** Events and datagrams that were lost on the way, as far as they are known. */
export function lost({ dropped, systemDrops = 0 }: StatusMessage): number {
  return dropped + systemDrops;
}

/** The process's memory over time: seconds, bytes. */
export class MemoryData {
  readonly bytes: Columns = new Columns(2, SECONDS);

  measured({ atMillis, residentBytes }: MemoryMessage): void {
    this.bytes.push([atMillis / 1000, residentBytes]);
  }
}
