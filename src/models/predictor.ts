import * as tf from '@tensorflow/tfjs-core';
import { ShapeError } from '../errors.ts';
import type { Feed } from './feed.ts';
import { indexOfMaximum } from './index-of-maximum.ts';
import type { NetworkState } from './layers/layer.ts';
import { disposeState, type Network } from './network.ts';
import { type MeterOptions, type StepMeasures, StepMeter } from './step-meter.ts';

/** The bins of one step, as a stream gives them. */
export interface PredictorWindow {
  /** [windowBins, height, width, channels]. */
  readonly frames: Float32Array;
  readonly startMicros: number;
  readonly endMicros: number;
  readonly events: number;
  /** Bins that are real; the rest are padding. */
  readonly bins: number;
}

/** What a network says about one window. */
export interface PredictorOutput {
  readonly startMicros: number;
  readonly endMicros: number;
  readonly classIndex: number;
  readonly className: string;
  /** Of the predicted class. */
  readonly probability: number;
  /** Of the predicted class above the second; of one class alone, its probability. */
  readonly margin: number;
  /** Of every class, by index. */
  readonly probabilities: readonly number[];
  /** Mean output of each spiking layer in this window. */
  readonly rates: Readonly<Record<string, number>>;
  readonly events: number;
}

/** What a batch of windows gave: for each its prediction and, where asked for, what the network did. */
export interface PredictorBatch {
  readonly predictions: readonly PredictorOutput[];
  readonly measures?: readonly StepMeasures[];
  readonly state: NetworkState;
}

/** Predicts window by window; the state is the stream's, which passes it on and disposes of it. */
export interface Predictor {
  /** @param state state after the window before, untouched by the step; absent at the start of a stream */
  step(
    window: PredictorWindow,
    state?: NetworkState,
  ): Promise<{ prediction: PredictorOutput; state: NetworkState }>;
  /**
   * One step of several streams in one batch: equal to a step of each.
   * @param state their states, a row each; absent where all begin
   * @param options what is measured of each besides: then no two layers are fused
   */
  stepBatch(
    windows: readonly PredictorWindow[],
    state?: NetworkState,
    options?: MeterOptions,
  ): Promise<PredictorBatch>;
  disposeState(state: NetworkState): void;
}

/** A predictor of a network in evaluation mode. */
export function createPredictor(network: Network, { classNames }: Pick<Feed, 'classNames'>): Predictor {
  const { height, width, channels } = network.config.input;
  const frame = [network.windowBins, height, width, channels] as const;
  const classes = classNames.length;
  if (classes !== network.config.classes) {
    throw new ShapeError(
      `${network.name}: ${network.config.classes} classes, but the feed names ${classNames.length}`,
    );
  }
  const meter = new StepMeter();

  const stepBatch: Predictor['stepBatch'] = async (windows, before, options = {}) => {
    const measured = options.operations === true || options.raster === true;
    // A network gives rates of a batch; of its samples the meter does.
    const metered = measured || windows.length > 1;
    const { output, state, rates } = tf.tidy(() => {
      const batch = tf.tensor5d(joinFrames(windows), [windows.length, ...frame]);
      const lengths = windows.map(({ bins }) => bins);
      const result = metered
        ? network.forward(batch, { state: before, lengths, probe: meter.probe(options) })
        : network.step(batch, before, lengths);
      return result as typeof result & tf.TensorContainerObject;
    });
    const names = metered ? [] : Object.keys(rates);
    // In one transfer: every read of an engine with memory of its own waits for it.
    const joined =
      metered || names.length === 0
        ? tf.clone(output)
        : tf.tidy(() =>
            tf.concat([output, ...Object.values(rates)].map((tensor) => tf.reshape(tensor, [-1]))),
          );
    const measures = metered ? await meter.read(windows.length, options) : undefined;
    const values = await joined.data();
    tf.dispose([joined, output, ...Object.values(rates)]);
    const ownRates = Object.fromEntries(names.map((layer, index) => [layer, values[classes + index]!]));
    const predictions = windows.map((window, row): PredictorOutput => {
      const probabilities = softmax(values.slice(row * classes, (row + 1) * classes));
      const classIndex = indexOfMaximum(probabilities);
      const probability = probabilities[classIndex]!;
      return {
        startMicros: window.startMicros,
        endMicros: window.endMicros,
        classIndex,
        className: classNames[classIndex]!,
        probability,
        margin: probability - highestBut(probabilities, classIndex),
        probabilities,
        rates: measures === undefined ? ownRates : measures[row]!.rates,
        events: window.events,
      };
    });
    return { predictions, state, ...(measured && measures && { measures }) };
  };

  return {
    stepBatch,
    step: async (window, before) => {
      const { predictions, state } = await stepBatch([window], before);
      return { prediction: predictions[0]!, state };
    },
    disposeState,
  };
}

/** Frames of all windows, one after the other; of a single window its own. */
function joinFrames(windows: readonly PredictorWindow[]): Float32Array {
  const first = windows[0]!.frames;
  if (windows.length === 1) return first;
  const joined = new Float32Array(windows.length * first.length);
  windows.forEach(({ frames }, row) => {
    joined.set(frames, row * first.length);
  });
  return joined;
}

function softmax(logits: ArrayLike<number>): number[] {
  const values = Array.from(logits);
  const maximum = Math.max(...values);
  const powers = values.map((value) => Math.exp(value - maximum));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}

/** The highest of the others; 0 where there is none. */
function highestBut(probabilities: readonly number[], index: number): number {
  let highest = 0;
  probabilities.forEach((probability, other) => {
    if (other !== index && probability > highest) highest = probability;
  });
  return highest;
}
