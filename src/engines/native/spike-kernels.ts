/** Native forms of the kernels of spikes: encoding, and products by the places that are active. */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { RandomStream } from '../../random.ts';
import type { BernoulliAttributes } from '../kernels/bernoulli.ts';
import type { NativeBackend } from './backend.ts';

type Inputs = Readonly<Record<string, TensorInfo>>;

/** Share of active places below which a product adds up the rows of active places: 0 never, 1 always. */
export interface ProductLimits {
  readonly forward: number;
  readonly weightGradient: number;
}

/** Where the two took equal time on AVX-512 for 784 inputs and 1,000 outputs, less a margin. */
export const calibratedProducts: ProductLimits = { forward: 0.15, weightGradient: 0.13 };

/** The kernels by name. */
export function spikeKernels({ forward, weightGradient }: ProductLimits): {
  SpikeProduct(backend: NativeBackend, inputs: Inputs): TensorInfo[];
  SpikeProductWeightGradient(backend: NativeBackend, inputs: Inputs): TensorInfo[];
  Bernoulli(backend: NativeBackend, inputs: Inputs, attributes: BernoulliAttributes): TensorInfo[];
} {
  return {
    SpikeProduct: (backend, { input, weight, bias }) => {
      const [rows, inputs] = input!.shape as [number, number];
      const outputs = weight!.shape[1]!;
      const output = backend.output([rows, outputs]);
      const tensors = [input!, weight!, bias!, output].map((tensor) => backend.address(tensor));
      backend.submit('spikeProduct', ...tensors, rows, inputs, outputs, forward);
      return [output];
    },
    SpikeProductWeightGradient: (backend, { input, outputGradient }) => {
      const [rows, inputs] = input!.shape as [number, number];
      const outputs = outputGradient!.shape[1]!;
      const output = backend.output([inputs, outputs]);
      const tensors = [input!, outputGradient!, output].map((tensor) => backend.address(tensor));
      backend.submit('spikeTransposedProduct', ...tensors, rows, inputs, outputs, weightGradient);
      return [output];
    },
    Bernoulli: (backend, _, { seed, streams, limits, from, steps }) => {
      const samples = streams.length;
      const places = limits.length / Math.max(1, samples);
      const output = backend.output([samples, steps, places]);
      const halves = new Float32Array(4 * samples);
      streams.forEach((name, sample) => {
        const [low, high] = new RandomStream(seed, name).words.stream;
        halves.set([low & 0xffff, low >>> 16, high & 0xffff, high >>> 16], 4 * sample);
      });
      const { key } = new RandomStream(seed, '').words;
      const addresses = [limits, halves].map((values) => backend.hostAddress(values));
      const sizes = [samples, steps, places, from];
      backend.submit('bernoulli', ...addresses, backend.address(output), ...sizes, ...key);
      return [output];
    },
  };
}
