/**
 * How a fused kernel is declared: once, with its output shapes, its gradient and a reference form in plain tfjs
 * operations that every engine can run. Where an engine keeps its tensors in memory that JavaScript can view, the
 * kernel runs as loops over typed arrays instead; and a single engine may have a form of its own.
 *
 * A kernel becomes a tfjs kernel and a tfjs gradient, so `tf.grads` and `tf.variableGrads` see it as one operation
 * with any number of inputs and outputs. Kernels never change an input, and never return one.
 */
import {
  engine,
  type GradFunc,
  getKernel,
  type KernelFunc,
  type NamedAttrMap,
  registerGradient,
  registerKernel,
  type Tensor,
  type TensorInfo,
  tidy,
  unregisterKernel,
} from '@tensorflow/tfjs-core';

/** Shape and float32 values of a tensor, the values shared with the engine. */
export interface HostTensor {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** An engine's tensors as typed arrays: views of them, and new ones. */
export interface HostMemory {
  /** A view of a float32 tensor's memory, good until the next allocation. */
  view(tensor: TensorInfo): Float32Array;
  /** A new float32 tensor whose values are not set. */
  allocate(shape: number[]): TensorInfo;
}

export interface KernelGradient<I extends string, A> {
  /** Names of the inputs that the gradient reads. */
  readonly saveInputs: readonly I[];
  /** Which outputs the gradient reads. */
  readonly saveOutputs?: readonly boolean[];
  /**
   * For each input a function that gives its gradient. It is called only where that gradient is needed; what
   * several inputs share is computed before.
   * @param outputGradients one tensor an output, zero where an output was not used
   */
  backward(
    outputGradients: readonly Tensor[],
    inputs: Readonly<Record<I, Tensor>>,
    outputs: readonly Tensor[],
    attributes: A,
  ): Record<I, () => Tensor>;
}

export interface KernelDefinition<I extends string, A> {
  readonly name: string;
  /** Output shapes from the inputs and attributes. */
  shapes(inputs: Readonly<Record<I, { readonly shape: readonly number[] }>>, attributes: A): number[][];
  /** The kernel in plain tfjs operations, for engines without a form of their own. */
  reference(inputs: Readonly<Record<I, Tensor>>, attributes: A): Tensor[];
  /** The kernel as loops over typed arrays; it sets every value of every output. */
  host?(inputs: Readonly<Record<I, HostTensor>>, outputs: readonly HostTensor[], attributes: A): void;
  /** Forms for single engines, by tfjs backend name, in tfjs operations. */
  readonly engines?: Readonly<
    Record<string, (inputs: Readonly<Record<I, Tensor>>, attributes: A) => Tensor[]>
  >;
  readonly gradient?: KernelGradient<I, A>;
}

export interface Kernel<I extends string, A> extends KernelDefinition<I, A> {
  /** Runs the kernel on the present engine. */
  run(inputs: Readonly<Record<I, Tensor>>, attributes: A): Tensor[];
}

// biome-ignore lint/suspicious/noExplicitAny: kernels of all input and attribute types share one list.
type AnyDefinition = KernelDefinition<any, any>;
const definitions: AnyDefinition[] = [];

/** Declares a kernel; engines that start later register it. */
export function defineKernel<I extends string, A extends object>(
  definition: KernelDefinition<I, A>,
): Kernel<I, A> {
  definitions.push(definition);
  const { gradient, name } = definition;
  if (gradient !== undefined) {
    registerGradient({
      kernelName: name,
      inputsToSave: [...gradient.saveInputs],
      outputsToSave: [...(gradient.saveOutputs ?? [])],
      gradFunc: gradientFunction(gradient),
    });
  }
  return {
    ...definition,
    run: (inputs, attributes) =>
      engine().runKernel(name, inputs, attributes as unknown as NamedAttrMap) as Tensor[],
  };
}

function gradientFunction<I extends string, A>(gradient: KernelGradient<I, A>): GradFunc {
  return (outputGradients: Tensor | Tensor[], saved, attributes: unknown) => {
    const inputs = Object.fromEntries(gradient.saveInputs.map((input, index) => [input, saved[index]]));
    return gradient.backward(
      Array.isArray(outputGradients) ? outputGradients : [outputGradients],
      inputs as Record<I, Tensor>,
      saved.slice(gradient.saveInputs.length) as Tensor[],
      attributes as A,
    );
  };
}

/**
 * Makes every kernel known to a tfjs backend.
 * @param host the engine's memory, or undefined to run the reference forms
 */
export function registerKernels(backendName: string, host: HostMemory | undefined): void {
  for (const definition of definitions) {
    const kernelName = definition.name;
    if (getKernel(kernelName, backendName) !== undefined) unregisterKernel(kernelName, backendName);
    registerKernel({ kernelName, backendName, kernelFunc: kernelFunction(definition, backendName, host) });
  }
}

function kernelFunction(
  definition: AnyDefinition,
  backendName: string,
  host: HostMemory | undefined,
): KernelFunc {
  const ownForm = host === undefined ? undefined : definition.engines?.[backendName];
  if (host !== undefined && ownForm === undefined && definition.host !== undefined) {
    return ({ inputs, attrs }) =>
      runOnHost(definition, host, inputs as Record<string, TensorInfo>, attrs ?? {});
  }
  const form = ownForm ?? definition.reference;
  // Inside a kernel nothing is recorded for gradients; tidy frees what the form leaves behind.
  return ({ inputs, attrs }) => tidy(() => form(inputs as Record<string, Tensor>, attrs));
}

function runOnHost(
  definition: AnyDefinition,
  memory: HostMemory,
  inputs: Record<string, TensorInfo>,
  attributes: object,
): TensorInfo[] {
  // Allocation may move the heap under its views, so it comes before the first view.
  const outputs = definition.shapes(inputs, attributes).map((shape) => memory.allocate(shape));
  const hostTensor = (tensor: TensorInfo): HostTensor => ({
    shape: tensor.shape,
    values: memory.view(tensor),
  });
  const hostInputs = Object.fromEntries(
    Object.entries(inputs).map(([name, tensor]) => [name, hostTensor(tensor)]),
  );
  definition.host?.(hostInputs, outputs.map(hostTensor), attributes);
  return outputs;
}
