/**
 * What a pipeline tells the dashboard, and the dashboard its pages: plain values that become JSON. Pictures of events go
 * beside them as bytes (`picture-code.ts`).
 */
import type { SensorSize } from '../events.ts';

/** Everything that can be published. */
export type DashboardMessage =
  | CameraMessage
  | PredictionMessage
  | StatusMessage
  | RasterMessage
  | TrainingMessage
  | StepMessage
  | EpochMessage
  | NoteMessage;

/** A camera, or a recording that stands for one: published before anything else of it. */
export interface CameraMessage {
  readonly type: 'camera';
  /** Name that all messages of this camera carry. */
  readonly camera: string;
  readonly sensor: SensorSize;
  /** Classes of the network that watches it. */
  readonly classNames: readonly string[];
  /** The network that watches it. */
  readonly model?: string;
  readonly simulated?: boolean;
}

/** What the network says about one window of a camera; a `Prediction` has all that is required. */
export interface PredictionMessage {
  readonly type: 'prediction';
  readonly camera: string;
  readonly startMicros: number;
  readonly endMicros: number;
  /** Events in the window. */
  readonly events: number;
  readonly classIndex: number;
  /** Of every class, by index. */
  readonly probabilities: readonly number[];
  /** Share of spikes by layer. */
  readonly rates: Readonly<Record<string, number>>;
  /** Class index of the smoothed decision; null while there is none, absent where none is made. */
  readonly decision?: number | null;
}

/** How a camera's stream fares, about once a second. */
export interface StatusMessage {
  readonly type: 'status';
  readonly camera: string;
  /** Milliseconds since 1970. */
  readonly atMillis: number;
  /** Events that came, a second. */
  readonly eventsPerSecond: number;
  /** Events that came, since the start. */
  readonly events: number;
  /** Events that a policy dropped or that were lost before they could be read, since the start. */
  readonly dropped: number;
  /** Datagrams that the system dropped, since the start; absent where it does not say. */
  readonly systemDrops?: number;
  /** From the arrival of a window's last event to its prediction, over the time since the last status. */
  readonly latencyMillis?: { readonly p50: number; readonly p99: number };
  /** Synaptic operations of the network, a second. */
  readonly operationsPerSecond?: number;
}

/** Which neurons fired in one window: some neurons of each layer, always the same ones. */
export interface RasterMessage {
  readonly type: 'raster';
  readonly camera: string;
  readonly startMicros: number;
  readonly endMicros: number;
  readonly layers: readonly RasterLayer[];
}

/** Spikes of one layer in one window. */
export interface RasterLayer {
  readonly layer: string;
  /** Neurons that are shown; they are the rows from 0. */
  readonly shown: number;
  /** For each timestep of the window, the rows that fired. */
  readonly fired: readonly (readonly number[])[];
}

/** What a training is going to do: published before anything else of it. */
export interface TrainingMessage {
  readonly type: 'training';
  /** Names of the networks, in the order in which they are trained. */
  readonly models: readonly string[];
  readonly epochs: number;
  /** What is worth knowing of the run: data, engine, seed. */
  readonly facts: readonly (readonly [name: string, value: string])[];
  readonly simulated?: boolean;
}

/** Where an epoch stands after one batch. */
export interface StepMessage {
  readonly type: 'step';
  readonly model: string;
  readonly part: 'training' | 'validation' | 'test';
  /** Counted from 1, as are batches. */
  readonly epoch: number;
  readonly batch: number;
  readonly batches: number;
  /** Of this batch; accuracy and spike rates are shares from 0 to 1. */
  readonly loss: number;
  readonly accuracy: number;
  readonly spikeRate: number;
}

/** What an epoch gave; a line of `metrics.jsonl` has all that is required. */
export interface EpochMessage {
  readonly type: 'epoch';
  readonly model: string;
  readonly epoch: number;
  readonly learningRate: number;
  readonly trainLoss: number;
  readonly trainAccuracy: number;
  readonly validationLoss?: number;
  readonly validationAccuracy?: number;
  readonly testLoss?: number;
  readonly testAccuracy?: number;
  readonly spikeRate: number;
  readonly layerRates: Readonly<Record<string, number>>;
  readonly seconds: number;
  readonly samplesPerSecond: number;
}

/** A line for people: a result, a stop, a reset. */
export interface NoteMessage {
  readonly type: 'note';
  readonly text: string;
}

/** What pages are told besides: the kind of page, and the process's memory. */
export type PageMessage = DashboardMessage | HelloMessage | MemoryMessage;

/** The first message of a connection, and of one that fell behind: what follows begins anew with the history. */
export interface HelloMessage {
  readonly type: 'hello';
  readonly kind: DashboardKind;
  readonly title: string;
}

/** Resident memory of the process, about once a second. */
export interface MemoryMessage {
  readonly type: 'memory';
  readonly atMillis: number;
  readonly residentBytes: number;
}

/** What is watched. */
export type DashboardKind = 'live' | 'training';

/** What a page tells the server. */
export interface PageRequest {
  /** Whose pictures it shows, by the order of the camera messages; null for none. */
  readonly watch?: number | null;
  /** That it has shown a picture, and is ready for another. */
  readonly shown?: true;
}
