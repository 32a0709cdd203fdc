import { setImmediate as nextTurn } from 'node:timers/promises';
import { concatMap, defer, finalize, from, type Observable } from 'rxjs';
import { InputError } from '../../src/errors.ts';
import { LaneStates } from '../../src/models/lane-states.ts';
import type { StepOperations, StepRaster } from '../../src/models/step-meter.ts';
import type { Decision } from '../../src/operators/decide.ts';
import type { LiveWindow, LiveWindowCounters } from '../../src/operators/live-windows.ts';
import type { Prediction } from '../../src/operators/predict.ts';
import { type CameraOptions, type CameraSource, CameraStream, nowMillis } from './camera-stream.ts';
import type { LoadedModel } from './load-model.ts';
import { type CameraSnapshot, encodeSnapshot } from './snapshot.ts';

/** What a network says about one window of a camera. */
export interface LivePrediction extends Prediction, Decision {
  /** Id of the camera's source. */
  readonly camera: string;
  /** Number of the window in its stream; merged windows count as many as they were. */
  readonly window: number;
  readonly decisionName: string | null;
  /** How many windows were merged into this one. */
  readonly merged: number;
  /** True where the membrane state began anew with this window. */
  readonly reset: boolean;
  /** From the arrival of the window's last event to its prediction. */
  readonly latencyMillis: number;
  /** Synaptic operations of this window, and those a second of events; where they are counted. */
  readonly operations?: { readonly accumulates: number; readonly multiplies: number; readonly dense: number };
  readonly operationsPerSecond?: number;
  /** Spikes of some neurons of each layer; where they are wanted. */
  readonly raster?: readonly StepRaster[];
}

/** How live streams are predicted from. */
export interface LiveInferenceOptions extends CameraOptions {
  /** Whether the state begins anew with every window. Default false: it lives as long as the stream. */
  readonly resetEachWindow?: boolean;
  /** Whether synaptic operations are counted. Default false: layers may then be fused. */
  readonly operations?: boolean;
  /** Whether spikes of single neurons are given, asked before every step. Default never. */
  readonly raster?: () => boolean;
  /** Where the streams go on, as `decodeSnapshot` gives it; cameras that it does not name begin. */
  readonly restore?: readonly CameraSnapshot[];
}

/** Predictions from several cameras, and what can be done to their states meanwhile. */
export interface LiveInference {
  /** The predictions; subscribe once, since a live source gives its events once. Ends when all sources have. */
  readonly predictions: Observable<LivePrediction>;
  /** What became of the events of each camera after its source, in the order of the sources. */
  readonly counters: readonly Readonly<LiveWindowCounters>[];
  /** Cameras that go on from the snapshot. */
  readonly restored: readonly string[];
  /** Begins the state of one camera, or of all, anew with its next window. */
  reset(camera?: string): void;
  /** The state of all cameras between two steps, for `decodeSnapshot`. */
  snapshot(): Promise<Uint8Array<ArrayBuffer>>;
  /** Frees the states, which outlive the predictions for a last snapshot. */
  close(): Promise<void>;
}

/**
 * Predicts from cameras as their events arrive. Each camera is binned by its own clock and keeps its own membrane
 * state; windows that are ready at the same time go through the network in one batch.
 *
 * ```
 * camera ─▶ bins ─▶ windows ─┐                          ┌─▶ decide ─▶ predictions
 * camera ─▶ bins ─▶ windows ─┼─▶ one batch ─▶ network ──┼─▶ decide ─▶ predictions
 * camera ─▶ bins ─▶ windows ─┘      ▲  states  │        └─▶ …
 *                                   └──────────┘
 * ```
 */
export function inferLive(
  sources: readonly CameraSource[],
  model: LoadedModel,
  options: LiveInferenceOptions = {},
): LiveInference {
  const run = new LiveRun(sources, model, options);
  return {
    predictions: defer(() =>
      from(run.batches()).pipe(
        concatMap((batch) => batch),
        finalize(() => run.stop()),
      ),
    ),
    counters: run.cameras.map(({ windows }) => windows.counters),
    restored: run.restored,
    reset: (camera) => run.reset(camera),
    snapshot: () => run.snapshot(),
    close: () => run.close(),
  };
}

/** A window that is being predicted. */
interface Turn {
  readonly lane: number;
  readonly camera: CameraStream;
  readonly window: LiveWindow;
}

class LiveRun {
  readonly cameras: readonly CameraStream[];
  readonly restored: readonly string[];
  readonly #model: LoadedModel;
  readonly #options: LiveInferenceOptions;
  readonly #states: LaneStates;
  /** The step or snapshot under way: states change hands between them only. */
  #running: Promise<unknown> = Promise.resolve();
  #wake: (() => void) | undefined;
  #woken = false;
  #stopped = false;

  constructor(sources: readonly CameraSource[], model: LoadedModel, options: LiveInferenceOptions) {
    const { restore = [] } = options;
    const twice = sources.find(({ id }, index) => sources.findIndex((other) => other.id === id) < index);
    if (twice !== undefined) throw new InputError('this source is given twice', twice.id);
    const savedOf = ({ id }: CameraSource): CameraSnapshot | undefined =>
      restore.find(({ camera }) => camera === id);
    this.#model = model;
    this.#options = options;
    this.#states = new LaneStates(sources.length);
    this.cameras = sources.map(
      (source) => new CameraStream(source, model, options, savedOf(source), () => this.#ready()),
    );
    for (const [lane, source] of sources.entries()) {
      const state = savedOf(source)?.state;
      if (state !== undefined) this.#states.write(lane, state);
    }
    this.restored = sources.filter((source) => savedOf(source) !== undefined).map(({ id }) => id);
  }

  /** Predictions, those of one step at a time, until all sources end. */
  async *batches(): AsyncGenerator<LivePrediction[], undefined> {
    for (const camera of this.cameras) void camera.read();
    try {
      while (true) {
        this.#throwFailure();
        // Cameras whose datagrams came together are ready in the same turn.
        if (this.cameras.length > 1) await nextTurn();
        const turns = this.#takeTurns();
        if (turns.length > 0) {
          yield await this.#exclusively(() => this.#step(turns));
          // A step without a pause to the next would keep sockets from being read.
          if (this.cameras.some(({ windows }) => windows.ready > 0)) await nextTurn();
        } else if (this.#stopped || this.cameras.every(({ ended }) => ended)) {
          return;
        } else {
          await this.#whenReady();
        }
      }
    } finally {
      this.stop();
    }
  }

  reset(name?: string): void {
    for (const { source, windows } of this.cameras) {
      if (name === undefined || source.id === name) windows.reset();
    }
  }

  snapshot(): Promise<Uint8Array<ArrayBuffer>> {
    return this.#exclusively(async () => {
      const cameras = this.cameras.map(async (camera, lane): Promise<CameraSnapshot> => {
        const { source, window, nextMicros, decide } = camera;
        const state = await this.#states.read(lane);
        return {
          camera: source.id,
          window,
          ...(nextMicros !== undefined && { nextMicros }),
          ...(decide.memory !== undefined && { decision: decide.memory }),
          ...(state !== undefined && { state }),
        };
      });
      return encodeSnapshot(await Promise.all(cameras), this.#model);
    });
  }

  stop(): void {
    this.#stopped = true;
    for (const camera of this.cameras) camera.stop();
    this.#ready();
  }

  close(): Promise<void> {
    this.stop();
    return this.#exclusively(async () => this.#states.dispose());
  }

  #takeTurns(): Turn[] {
    return this.cameras.flatMap((camera, lane) => {
      const window = camera.take();
      return window === undefined ? [] : [{ lane, camera, window }];
    });
  }

  async #step(turns: readonly Turn[]): Promise<LivePrediction[]> {
    for (const { lane, window } of turns) {
      if (window.reset || this.#options.resetEachWindow === true) this.#states.reset(lane);
    }
    // Streams that begin have no state, so they are a batch of their own.
    const fresh = turns.filter(({ lane }) => this.#states.isFresh(lane));
    const going = turns.filter(({ lane }) => !this.#states.isFresh(lane));
    const predicted: LivePrediction[] = [];
    for (const batch of [going, fresh]) {
      if (batch.length > 0) predicted.push(...(await this.#stepBatch(batch)));
    }
    return predicted;
  }

  async #stepBatch(turns: readonly Turn[]): Promise<LivePrediction[]> {
    const { operations = false, resetEachWindow = false } = this.#options;
    const raster = this.#options.raster?.() ?? false;
    const { predictions, measures } = await this.#states.advance(
      turns.map(({ lane }) => lane),
      (state) =>
        this.#model.predictor.stepBatch(
          turns.map(({ window }) => window),
          state,
          { operations, raster },
        ),
    );
    const doneMillis = nowMillis();
    return turns.map(({ camera, window }, row): LivePrediction => {
      const decided = decisionOf(camera, predictions[row]!);
      const measure = measures?.[row];
      const prediction = {
        ...decided,
        camera: camera.source.id,
        window: camera.window,
        decisionName:
          decided.decision === null ? null : (this.#model.feed.classNames[decided.decision] ?? null),
        merged: window.merged,
        reset: window.reset || resetEachWindow,
        latencyMillis: Number(Math.max(0, doneMillis - window.arrivedMillis).toFixed(3)),
        ...(measure?.operations && operationsOf(measure.operations, window)),
        ...(measure?.raster && { raster: measure.raster }),
      };
      camera.advance(window);
      return prediction;
    });
  }

  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#running.then(work);
    this.#running = next.catch(() => {});
    return next;
  }

  /** Throws what a camera failed with, once its windows are predicted. */
  #throwFailure(): void {
    const failed = this.cameras.find(({ failure, windows }) => failure !== undefined && windows.ready === 0);
    if (failed?.failure !== undefined) throw failed.failure.error;
  }

  #ready(): void {
    this.#woken = true;
    this.#wake?.();
  }

  async #whenReady(): Promise<void> {
    if (!this.#woken) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
    this.#woken = false;
  }
}

function decisionOf({ decide }: CameraStream, prediction: Prediction): Prediction & Decision {
  let decided: (Prediction & Decision) | undefined;
  decide.push(prediction, (value) => {
    decided = value;
  });
  return decided!;
}

function operationsOf(
  { accumulates, multiplies, dense }: StepOperations,
  { startMicros, endMicros }: LiveWindow,
): Pick<LivePrediction, 'operations' | 'operationsPerSecond'> {
  const seconds = Math.max(endMicros - startMicros, 1) / 1e6;
  return {
    operations: { accumulates, multiplies, dense },
    operationsPerSecond: Math.round((accumulates + multiplies) / seconds),
  };
}
