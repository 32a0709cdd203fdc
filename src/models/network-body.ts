import * as tf from '@tensorflow/tfjs-core';
import { repeatSteps } from '../engines/kernels/index.ts';
import { recorded } from '../engines/recorded.ts';
import { ShapeError } from '../errors.ts';
import type { Collected, LayerActivity, NetworkState, Parameter, Pass } from './layers/layer.ts';
import { shownLengths } from './layers/step-mask.ts';
import type { ForwardOptions, Network, NetworkConfig, NetworkOutput, StepOutput } from './network.ts';

/** What one kind of network adds to what all share. */
export interface NetworkBody {
  readonly name: string;
  readonly windowBins: number;
  readonly parameters: readonly Parameter[];
  readonly layerNames: readonly string[];
  /** @param sequence [batch, windows * windowBins, height, width, channels] */
  forward(
    sequence: tf.Tensor,
    pass: Pass,
    collected: Collected,
  ): { output: tf.Tensor; auxiliary: readonly tf.Tensor[] };
}

/** The network around a body: checks shapes, fills up the last window, and keeps only what it returns. */
export function networkOf(config: NetworkConfig, body: NetworkBody): Network {
  const { name, windowBins, parameters, layerNames } = body;

  const forward = (sequence: tf.Tensor, options: ForwardOptions = {}): NetworkOutput => {
    checkInput(name, sequence, config);
    const {
      training = false,
      seed = 0,
      step = 0,
      state = {},
      lengths,
      probe,
      potentials,
      repeat = 1,
    } = options;
    const pass: Pass = { training, seed, step, state, lengths, probe, potentials, repeat };
    return tf.tidy(() => {
      const collected: Collected = { state: {}, activity: {}, updates: [] };
      // Where a window is one bin all layers run at the same timesteps, and those before the neurons need not see
      // the same frame again.
      if (repeat > 1 && windowBins > 1) {
        const repeated = { ...options, lengths: shownLengths(lengths, repeat), repeat: 1 };
        const result = forward(repeatSteps(sequence, repeat), repeated);
        return result as typeof result & tf.TensorContainerObject;
      }
      const steps = sequence.shape[1]!;
      const missing = (windowBins - (steps % windowBins)) % windowBins;
      const whole = missing === 0 ? sequence : padSteps(sequence, missing);
      const lengthsOfWhole = missing === 0 || lengths !== undefined ? lengths : sameLengths(sequence);
      const { output, auxiliary } = body.forward(whole, { ...pass, lengths: lengthsOfWhole }, collected);
      const result = {
        output: output as tf.Tensor3D,
        auxiliary: auxiliary as tf.Tensor2D[],
        state: collected.state,
        updates: collected.updates,
        ...splitActivity(collected.activity),
      };
      return result as typeof result & tf.TensorContainerObject;
    });
  };

  /** A step, apart from what is the same for every window. */
  const stepOf = (window: tf.Tensor, state: NetworkState, lengths?: ArrayLike<number>) => {
    const { output, state: next, rates, elements } = forward(window, { state, lengths });
    const logits = tf.squeeze(output, [1]) as tf.Tensor2D;
    return { tensors: { output: { logits }, state: next, rates }, rest: elements };
  };
  const recordedStep = recorded(({ input, state }: { input: { window: tf.Tensor }; state: NetworkState }) =>
    stepOf(input.window, state),
  );

  return {
    name,
    config,
    windowBins,
    parameters,
    layerNames,
    forward,
    step: (window, state = {}, lengths) => {
      if (window.shape[1] !== windowBins) {
        throw new ShapeError(`${name}: a window has ${windowBins} bins, found shape [${window.shape}]`);
      }
      return tf.tidy(() => {
        const whole = lengths === undefined || Array.from(lengths).every((length) => length === windowBins);
        const { tensors, rest } = whole
          ? recordedStep({ input: { window }, state })
          : stepOf(window, state, lengths);
        const { output, ...others } = tensors;
        const result = { output: output.logits, ...others, elements: rest };
        return result as typeof result & tf.TensorContainerObject;
      });
    },
    dispose: () => {
      for (const { variable } of parameters) variable.dispose();
    },
  };
}

function checkInput(name: string, { shape }: tf.Tensor, { input }: NetworkConfig): void {
  const { height, width, channels } = input;
  const [, steps, ...frame] = shape;
  if (shape.length !== 5 || steps === 0 || frame.join() !== `${height},${width},${channels}`) {
    throw new ShapeError(
      `${name}: expected a sequence [batch, steps, ${height}, ${width}, ${channels}], found [${shape}]`,
    );
  }
}

function padSteps(sequence: tf.Tensor, missing: number): tf.Tensor {
  const [batch, , ...frame] = sequence.shape;
  return tf.concat([sequence, tf.zeros([batch!, missing, ...frame])], 1);
}

function sameLengths({ shape }: tf.Tensor): Int32Array {
  return new Int32Array(shape[0]!).fill(shape[1]!);
}

function splitActivity(activity: Record<string, LayerActivity>): Pick<StepOutput, 'rates' | 'elements'> {
  const rates: Record<string, tf.Scalar> = {};
  const elements: Record<string, number> = {};
  for (const [layer, { rate, elements: count }] of Object.entries(activity)) {
    rates[layer] = rate;
    elements[layer] = count;
  }
  return { rates, elements };
}
