import * as tf from '@tensorflow/tfjs-core';
import { ShapeError } from '../errors.ts';
import type { Feed } from './feed.ts';
import { indexOfMaximum } from './index-of-maximum.ts';
import type { NetworkState } from './layers/layer.ts';
import { disposeState, type Network } from './network.ts';

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
  /** Of every class, by index. */
  readonly probabilities: readonly number[];
  /** Mean output of each spiking layer in this window. */
  readonly rates: Readonly<Record<string, number>>;
  readonly events: number;
}

/** Predicts window by window; the state is the stream's, which passes it on and disposes of it. */
export interface Predictor {
  /** @param state state after the window before, untouched by the step; absent at the start of a stream */
  step(
    window: PredictorWindow,
    state?: NetworkState,
  ): Promise<{ prediction: PredictorOutput; state: NetworkState }>;
  disposeState(state: NetworkState): void;
}

/** A predictor of a network in evaluation mode. */
export function createPredictor(network: Network, { classNames }: Pick<Feed, 'classNames'>): Predictor {
  const { height, width, channels } = network.config.input;
  const shape: [number, number, number, number, number] = [1, network.windowBins, height, width, channels];
  if (classNames.length !== network.config.classes) {
    throw new ShapeError(
      `${network.name}: ${network.config.classes} classes, but the feed names ${classNames.length}`,
    );
  }

  return {
    step: async (window, before) => {
      const { output, state, rates } = tf.tidy(() => {
        const result = network.step(tf.tensor5d(window.frames, shape), before, [window.bins]);
        return result as typeof result & tf.TensorContainerObject;
      });
      const joined = tf.tidy(() =>
        tf.concat([output, ...Object.values(rates)].map((tensor) => tf.reshape(tensor, [-1]))),
      );
      const values = await joined.data();
      tf.dispose([joined, output, ...Object.values(rates)]);
      const probabilities = softmax(values.slice(0, classNames.length));
      const classIndex = indexOfMaximum(probabilities);
      const prediction: PredictorOutput = {
        startMicros: window.startMicros,
        endMicros: window.endMicros,
        classIndex,
        className: classNames[classIndex]!,
        probability: probabilities[classIndex]!,
        probabilities,
        rates: Object.fromEntries(
          Object.keys(rates).map((name, index) => [name, values[classNames.length + index]!]),
        ),
        events: window.events,
      };
      return { prediction, state };
    },
    disposeState,
  };
}

function softmax(logits: ArrayLike<number>): number[] {
  const values = Array.from(logits);
  const maximum = Math.max(...values);
  const powers = values.map((value) => Math.exp(value - maximum));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}
