import { engine, type Tensor, type TensorInfo, tidy } from '@tensorflow/tfjs-core';
import { batchNormGradientKernel, batchNormKernel, groupingOf } from '../kernels/batch-norm.ts';
import type { KernelForms } from '../kernels/kernel.ts';
import { EagerCall, type Metadata, type TensorflowBackend, type Value } from './eager.ts';

/**
 * Batch normalisation in TensorFlow's own operation for it, forward and backward. What the two hand over is another
 * number on a processor than in cuDNN: a small batch is tried once, and the reference serves where neither is right, and
 * steps with statistics of their own.
 */
export function addNormalisationForms(forms: KernelForms): void {
  forms.add(batchNormKernel, (inputs, attributes) => {
    if (attributes.perStep || presentSpread() === undefined) {
      return tidy(() => batchNormKernel.reference(inputs as Tensors<typeof inputs>, attributes));
    }
    const { input, gamma, beta } = inputs;
    return EagerCall.run((call) => {
      const maps = call.reshape(call.take(input), mapsShape(input));
      const [output, mean, variance] = normalise(call, maps, call.take(gamma), call.take(beta), attributes);
      return [call.reshape(output!, input.shape), mean!, variance!];
    });
  });
  forms.add(batchNormGradientKernel, (inputs, attributes) => {
    const spread = attributes.perStep ? undefined : presentSpread();
    if (spread === undefined) {
      return tidy(() => batchNormGradientKernel.reference(inputs as Tensors<typeof inputs>, attributes));
    }
    const { input, gamma, mean, variance, outputGradient } = inputs;
    return EagerCall.run((call) => {
      const shape = mapsShape(input);
      const [dx, dGamma, dBeta] = gradients(
        call,
        {
          ...{ maps: call.reshape(call.take(input), shape), gamma: call.take(gamma), mean: call.take(mean) },
          dy: call.reshape(call.take(outputGradient), shape),
          ...{ variance: call.take(variance), count: groupingOf(input.shape, false).count },
        },
        spread,
        attributes,
      );
      return [call.reshape(dx!, input.shape), dGamma!, dBeta!];
    });
  });
}

type Tensors<I> = { readonly [K in keyof I]: Tensor };

interface Epsilon {
  readonly epsilon: number;
}

/** What the gradient's operation takes for the spread of the batch. */
type Spread = 'variance' | 'inverse deviation';

/** Output, mean and unbiased variance of maps [1, 1, rows, channels]. */
function normalise(
  call: EagerCall,
  maps: Metadata,
  gamma: Metadata,
  beta: Metadata,
  options: Epsilon,
): Metadata[] {
  const operands = [maps, gamma, beta, call.empty(), call.empty()];
  return call.operation('FusedBatchNormV3', operands, constants(options), 6).slice(0, 3);
}

/** Gradients of maps, gamma and beta; `variance` is the unbiased one. */
function gradients(
  call: EagerCall,
  given: Readonly<Record<'dy' | 'maps' | 'gamma' | 'mean' | 'variance', Metadata>> & {
    readonly count: number;
  },
  spread: Spread,
  options: Epsilon,
): Metadata[] {
  const { dy, maps, gamma, mean, variance, count } = given;
  const { add, div, mul, sqrt } = call.algebra;
  const biased = mul(variance, Math.max(1, count - 1) / count);
  const handed: Value = spread === 'variance' ? biased : div(1, sqrt(add(biased, options.epsilon)));
  const operands = [dy, maps, gamma, mean, call.whole(handed, gamma.shape), call.empty()];
  return call.operation('FusedBatchNormGradV3', operands, constants(options), 5).slice(0, 3);
}

function constants({ epsilon }: Epsilon): Record<string, number | boolean | string> {
  return { U: 'TF_FLOAT', epsilon, data_format: 'NHWC', is_training: true };
}

/** Any tensor [..., channels] as maps [1, 1, rows, channels]. */
function mapsShape({ shape }: TensorInfo): number[] {
  const channels = shape.at(-1)!;
  return [1, 1, shape.slice(0, -1).reduce((product, side) => product * side, 1), channels];
}

const spreads = new WeakMap<TensorflowBackend, { readonly spread: Spread | undefined }>();

/** What the present device's gradient takes; undefined where its operations are not to be used. */
function presentSpread(): Spread | undefined {
  const backend = engine().backend as TensorflowBackend;
  const known = spreads.get(backend);
  if (known !== undefined) return known.spread;
  const spread = (['variance', 'inverse deviation'] as const).find(isRight);
  spreads.set(backend, { spread });
  return spread;
}

/** Normalises one channel of a few numbers, and compares with what it comes to by hand. */
function isRight(spread: Spread): boolean {
  const [x, dy, gamma, beta, epsilon] = [[1, -2, 4, 0.5], [0.3, -1, 0.2, 2], 1.5, 0.25, 0.01] as const;
  const count = x.length;
  const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value) / count;
  const mean = meanOf(x);
  const variance = meanOf(x.map((value) => (value - mean) ** 2));
  const inverse = 1 / Math.sqrt(variance + epsilon);
  const normal = x.map((value) => (value - mean) * inverse);
  const product = meanOf(normal.map((value, i) => value * dy[i]!));
  const dx = dy.map((value, i) => gamma * inverse * (value - meanOf(dy) - normal[i]! * product));
  const expected = [
    normal.map((value) => gamma * value + beta),
    ...[[mean], [(variance * count) / (count - 1)]],
    ...[dx, [product * count], [meanOf(dy) * count]],
  ];
  try {
    const found = EagerCall.read((call) => {
      const maps = call.tensor([1, 1, count, 1], x);
      const scale = call.tensor([1], [gamma]);
      const forward = normalise(call, maps, scale, call.tensor([1], [beta]), { epsilon });
      const given = { dy: call.tensor([1, 1, count, 1], dy), maps, gamma: scale, mean: forward[1]! };
      return [
        ...forward,
        ...gradients(call, { ...given, variance: forward[2]!, count }, spread, { epsilon }),
      ];
    });
    return expected.every((values, at) =>
      values.every((value, i) => Math.abs(found[at]![i]! - value) < 1e-3 * (1 + Math.abs(value))),
    );
  } catch {
    return false; // This device has no such operation.
  }
}
