/** Native forms of the kernels that all engines share (src/engines/kernels), one for each. */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { CrossEntropyAttributes } from '../kernels/cross-entropy.ts';
import { type KernelDefinition, KernelForms } from '../kernels/kernel.ts';
import type { LinearAttributes } from '../kernels/linear.ts';
import type { AdamNumber, MomentumStep } from '../kernels/optimiser-step.ts';
import type { ScaledSumAttributes } from '../kernels/scaled-sum.ts';
import type { SelfAttentionAttributes } from '../kernels/self-attention.ts';
import type { NativeBackend } from './backend.ts';
import { calibrated, convolutionKernels, type SparseLimitsOf } from './convolution-forms.ts';
import type { FusedKernel } from './fused-kernel.ts';
import { sizeOf } from './layout.ts';
import { addNeuronForms } from './neuron-forms.ts';
import { normalisedLifKernels } from './normalised-lif-forms.ts';
import { calibratedProducts, type ProductLimits, spikeKernels } from './spike-kernels.ts';

/** The shared kernels in their native forms. */
export function nativeForms(
  backend: NativeBackend,
  limits: SparseLimitsOf = calibrated,
  products: ProductLimits = calibratedProducts,
): KernelForms {
  const forms = new KernelForms();
  const all = {
    ...kernels,
    ...convolutionKernels(limits),
    ...normalisedLifKernels(limits),
    ...spikeKernels(products),
  };
  for (const [name, kernel] of Object.entries(all) as [string, FusedKernel][]) {
    const definition = { name } as KernelDefinition<string, object>;
    forms.add(definition, (inputs, attributes) => kernel(backend, inputs, attributes));
  }
  addNeuronForms(forms, backend);
  return forms;
}

/** Rows of a linear layer's input up to which a product by active places is as fast as a dense one without any. */
const FEW_ROWS = 2;

/** A pool's sizes, in the addon's order: squares side by side, without padding. */
function poolSizes(input: readonly number[], output: readonly number[], size: number): number[] {
  const [maps, inHeight, inWidth, channels] = input as [number, number, number, number];
  const [, outHeight, outWidth] = output as [number, number, number];
  return [maps, inHeight, inWidth, channels, outHeight, outWidth, size, size, size, size, 0, 0];
}

function pool(operation: string): FusedKernel {
  return (backend, { input }, { size }) => {
    const [maps, height, width, channels] = input!.shape as [number, number, number, number];
    const output = backend.output([maps, Math.floor(height / size), Math.floor(width / size), channels]);
    const sizes = poolSizes(input!.shape, output.shape, size);
    backend.submit(operation, backend.address(input!), backend.address(output), ...sizes);
    return [output];
  };
}

/** Rows and their width. */
function rowSizes(shape: readonly number[]): number[] {
  const width = shape.at(-1)!;
  return [width === 0 ? 0 : sizeOf(shape) / width, width];
}

interface Groups {
  readonly sizes: readonly number[];
  readonly statistics: number[];
  readonly groups: number;
  readonly channels: number;
  readonly count: number;
}

/** What shares statistics: everything, or what belongs to one step. */
function groupsOf(shape: readonly number[], perStep: boolean): Groups {
  const channels = shape.at(-1)!;
  const rows = sizeOf(shape) / channels;
  const [outer, groups] = perStep ? (shape as [number, number]) : [1, 1];
  const inner = rows / (outer * groups);
  const statistics = perStep ? [groups, channels] : [channels];
  return { sizes: [outer, groups, inner, channels], statistics, groups, channels, count: outer * inner };
}

interface BatchNormAttributes {
  readonly epsilon: number;
  readonly perStep: boolean;
}

type AdamNumbers = Readonly<Record<AdamNumber, number>>;

/** Names of the tensors that an update reads and replaces, and its constants, in the addon's order. */
interface UpdateRow<N> {
  readonly reads: readonly string[];
  readonly replaces: readonly string[];
  readonly constants: (numbers: N) => readonly number[];
}

const momentumRow: UpdateRow<MomentumStep> = {
  reads: ['parameter', 'gradient', 'velocity'],
  replaces: ['parameter', 'velocity'],
  constants: ({ learningRate, momentum, weightDecay, scale }) => [learningRate, momentum, weightDecay, scale],
};

const adamRow: UpdateRow<AdamNumbers> = {
  reads: ['parameter', 'gradient', 'mean', 'square'],
  replaces: ['parameter', 'mean', 'square'],
  constants: ({ rate, rootCorrection, beta1, beta2, epsilon, coupledDecay, kept, scale }) => [
    ...[rate, rootCorrection, beta1, beta2, epsilon, coupledDecay, kept, scale],
  ],
};

/** One operation for all uses of an update, a row of the table each. */
function updateAll<N>(
  backend: NativeBackend,
  operation: string,
  { reads, replaces, constants }: UpdateRow<N>,
  uses: readonly N[],
  inputOf: (name: string, use: number) => TensorInfo,
): TensorInfo[] {
  const outputs: TensorInfo[] = [];
  const table = uses.flatMap((numbers, use) => {
    const own = replaces.map((name) => backend.output(inputOf(name, use).shape));
    outputs.push(...own);
    return [
      ...reads.map((name) => backend.address(inputOf(name, use))),
      ...own.map((output) => backend.address(output)),
      sizeOf(own[0]!.shape),
      ...constants(numbers),
    ];
  });
  backend.submit(operation, backend.tableAddress(table), uses.length);
  return outputs;
}

/** An update of one parameter, and of several at once. */
function updateKernels<N>(name: string, operation: string, row: UpdateRow<N>): Record<string, FusedKernel> {
  return {
    [name]: (backend, inputs, numbers: N) =>
      updateAll(backend, operation, row, [numbers], (input) => inputs[input]!),
    [`${name}List`]: (backend, inputs, { numbers }: { readonly numbers: readonly N[] }) =>
      updateAll(backend, operation, row, numbers, (input, use) => inputs[`${input}/${use}`]!),
  };
}

const kernels: Readonly<Record<string, FusedKernel>> = {
  ...updateKernels('MomentumStep', 'sgd', momentumRow),
  ...updateKernels('AdamStep', 'adam', adamRow),
  Norm: (backend, inputs, { count }: { count: number }) => {
    const output = backend.output([]);
    const tensors = Array.from({ length: count }, (_, index) => inputs[index]!);
    const table = tensors.flatMap((tensor) => [backend.address(tensor), sizeOf(tensor.shape)]);
    backend.submit('norm', backend.tableAddress(table), backend.address(output), count);
    return [output];
  },

  ScaledSum: (backend, { input }, { scale }: ScaledSumAttributes) => {
    const output = backend.output([]);
    backend.submit(
      'sum',
      backend.address(input!),
      backend.address(output),
      1,
      sizeOf(input!.shape),
      1,
      scale,
    );
    return [output];
  },

  AveragePool: pool('averagePool'),
  MaximumPool: pool('maximumPool'),
  AveragePoolGradient: (backend, { outputGradient }, { size, height, width }) => {
    const [maps, , , channels] = outputGradient!.shape as [number, number, number, number];
    const output = backend.output([maps, height, width, channels]);
    const sizes = poolSizes(output.shape, outputGradient!.shape, size);
    backend.submit(
      'averagePoolGradient',
      backend.address(outputGradient!),
      backend.address(output),
      ...sizes,
    );
    return [output];
  },
  MaximumPoolGradient: (backend, { input, outputGradient }, { size }) => {
    const output = backend.output(input!.shape);
    backend.submit(
      'maximumPoolGradient',
      backend.address(input!),
      backend.address(outputGradient!),
      backend.address(output),
      ...poolSizes(input!.shape, outputGradient!.shape, size),
    );
    return [output];
  },

  Linear: (backend, { input, weight, bias }, { rectify }: LinearAttributes) => {
    const [inputs, outputs] = weight!.shape as [number, number];
    const output = backend.output([...input!.shape.slice(0, -1), outputs]);
    const addresses = [input!, weight!, bias!, output].map((tensor) => backend.address(tensor));
    const rows = sizeOf(input!.shape.slice(0, -1));
    // The weights of a few rows are read once: whatever is zero saves its share.
    if (rows <= FEW_ROWS && !rectify) backend.submit('spikeProduct', ...addresses, rows, inputs, outputs, 1);
    else backend.submit('linear', ...addresses, rows, inputs, outputs, rectify ? 1 : 0);
    return [output];
  },
  LinearGradient: (backend, { input, weight, output, outputGradient }, { rectify }: LinearAttributes) => {
    const [inputs, outputs] = weight!.shape as [number, number];
    const gradients = [input!.shape, weight!.shape, [outputs]].map((shape) => backend.output(shape));
    const tensors = [input!, weight!, output!, outputGradient!, ...gradients];
    const addresses = tensors.map((tensor) => backend.address(tensor));
    const rows = sizeOf(input!.shape.slice(0, -1));
    backend.submit('linearGradient', ...addresses, rows, inputs, outputs, rectify ? 1 : 0);
    return gradients;
  },
  SelfAttention: (backend, { projected }, { heads }: SelfAttentionAttributes) => {
    const [batch, tokens, triple] = projected!.shape as [number, number, number];
    const output = backend.output([batch, tokens, triple / 3]);
    const addresses = [projected!, output].map((tensor) => backend.address(tensor));
    backend.submit('selfAttention', ...addresses, batch, tokens, heads, triple / 3 / heads);
    return [output];
  },
  SelfAttentionGradient: (backend, { projected, outputGradient }, { heads }: SelfAttentionAttributes) => {
    const [batch, tokens, triple] = projected!.shape as [number, number, number];
    const gradient = backend.output(projected!.shape);
    const addresses = [projected!, outputGradient!, gradient].map((tensor) => backend.address(tensor));
    backend.submit('selfAttentionGradient', ...addresses, batch, tokens, heads, triple / 3 / heads);
    return [gradient];
  },

  LayerNormalisation: (backend, { input, gamma, beta }, { epsilon }) => {
    const output = backend.output(input!.shape);
    const addresses = [input!, gamma!, beta!, output].map((tensor) => backend.address(tensor));
    backend.submit('layerNorm', ...addresses, ...rowSizes(input!.shape), epsilon);
    return [output];
  },
  LayerNormalisationGradient: (backend, { input, gamma, outputGradient }, { epsilon }) => {
    const outputs = [input!, gamma!, gamma!].map(({ shape }) => backend.output(shape));
    const tensors = [input!, gamma!, outputGradient!, ...outputs];
    const addresses = tensors.map((tensor) => backend.address(tensor));
    backend.submit('layerNormGradient', ...addresses, ...rowSizes(input!.shape), epsilon);
    return outputs;
  },
  BatchNormalisation: (backend, { input, gamma, beta }, { epsilon, perStep }: BatchNormAttributes) => {
    const { sizes, statistics, groups, channels } = groupsOf(input!.shape, perStep);
    const [output, mean, variance] = [input!.shape, statistics, statistics].map((shape) =>
      backend.output(shape),
    );
    const scratch = backend.scratch(3 * groups * channels);
    const [inverse, scale, offset] = [0, 1, 2].map((part) => scratch.address + part * groups * channels * 4);
    const statisticAddresses = [backend.address(mean!), backend.address(variance!), inverse!];
    backend.submit('batchNormMoments', backend.address(input!), ...statisticAddresses, ...sizes, 1, epsilon);
    backend.submit(
      'batchNormScale',
      backend.address(gamma!),
      backend.address(beta!),
      backend.address(mean!),
      ...[inverse!, scale!, offset!],
      ...[groups, channels],
    );
    backend.submit(
      'scaleChannels',
      backend.address(input!),
      scale!,
      offset!,
      backend.address(output!),
      ...sizes,
    );
    scratch.free();
    return [output!, mean!, variance!];
  },
  BatchNormalisationGradient: (backend, inputs, { epsilon, perStep }: BatchNormAttributes) => {
    const { input, gamma, mean, variance, outputGradient } = inputs;
    const { sizes, groups, channels, count } = groupsOf(input!.shape, perStep);
    const outputs = [input!, gamma!, gamma!].map(({ shape }) => backend.output(shape));
    const inverse = backend.scratch(groups * channels);
    const biased = Math.max(1, count - 1) / count;
    const statistics = [backend.address(variance!), inverse.address, groups * channels];
    backend.submit('inverseDeviation', ...statistics, biased, epsilon);
    backend.submit(
      'batchNormGradient',
      backend.address(input!),
      backend.address(gamma!),
      backend.address(mean!),
      inverse.address,
      backend.address(outputGradient!),
      ...outputs.map((output) => backend.address(output)),
      ...sizes,
    );
    inverse.free();
    return outputs;
  },

  CrossEntropy: (backend, { logits, labels }, { smoothing }: CrossEntropyAttributes) => {
    const [rows, classes] = logits!.shape as [number, number];
    const outputs = [backend.output([rows]), backend.output([rows, classes])];
    backend.submit(
      'crossEntropy',
      ...[logits!, labels!, ...outputs].map((tensor) => backend.address(tensor)),
      ...[rows, classes, smoothing],
    );
    return outputs;
  },
};
