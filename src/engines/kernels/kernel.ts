/**
 * How a fused kernel is declared: once, with its gradient and a reference form in plain tfjs operations that every
 * engine can run. An engine may bring a form of its own, which it names when it starts.
 *
 * A kernel becomes a tfjs kernel and a tfjs gradient, so `tf.grads` and `tf.variableGrads` see it as one operation
 * with any number of inputs and outputs. Kernels never change an input, and never return one.
 */
import {
  engine,
  type GradFunc,
  getKernel,
  type KernelConfig,
  type KernelFunc,
  type NamedAttrMap,
  registerGradient,
  registerKernel,
  type Tensor,
  type TensorInfo,
  tidy,
  unregisterKernel,
} from '@tensorflow/tfjs-core';

/** The gradient of a kernel. */
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

/** What a kernel is. */
export interface KernelDefinition<I extends string, A> {
  readonly name: string;
  /** The kernel in plain tfjs operations, for engines without a form of their own. */
  reference(inputs: Readonly<Record<I, Tensor>>, attributes: A): Tensor[];
  readonly gradient?: KernelGradient<I, A>;
}

/** A kernel that can be called. */
export interface Kernel<I extends string, A> extends KernelDefinition<I, A> {
  /** Runs the kernel on the present engine. */
  run(inputs: Readonly<Record<I, Tensor>>, attributes: A): Tensor[];
}

/** A kernel as one engine runs it: new tensors from tensors. */
export type KernelForm<I extends string, A> = (
  inputs: Readonly<Record<I, TensorInfo>>,
  attributes: A,
) => TensorInfo[];

// biome-ignore lint/suspicious/noExplicitAny: kernels of all input and attribute types share one list.
type AnyDefinition = KernelDefinition<any, any>;
// biome-ignore lint/suspicious/noExplicitAny: as above.
type AnyForm = KernelForm<any, any>;

/** An engine's own forms of kernels. */
export class KernelForms {
  readonly #forms = new Map<string, AnyForm>();
  readonly #replacements = new Map<string, (original: KernelFunc) => KernelFunc>();

  add<I extends string, A>({ name }: KernelDefinition<I, A>, form: KernelForm<I, A>): void {
    this.#forms.set(name, form);
  }

  get(name: string): AnyForm | undefined {
    return this.#forms.get(name);
  }

  /** Takes the place of one of the backend's own kernels, which `make` gets for what it leaves to it. */
  replace(kernelName: string, make: (original: KernelFunc) => KernelFunc): void {
    this.#replacements.set(kernelName, make);
  }

  get replacements(): ReadonlyMap<string, (original: KernelFunc) => KernelFunc> {
    return this.#replacements;
  }
}

const definitions = new Map<string, AnyDefinition>();

/** Declares a kernel; engines that start later register it. */
export function defineKernel<I extends string, A extends object>(
  definition: KernelDefinition<I, A>,
): Kernel<I, A> {
  const { gradient, name } = definition;
  if (gradient !== undefined) {
    registerGradient({
      kernelName: name,
      inputsToSave: [...gradient.saveInputs],
      outputsToSave: [...(gradient.saveOutputs ?? [])],
      gradFunc: gradientFunction(gradient),
    });
  }
  const kernel: Kernel<I, A> = {
    ...definition,
    run: (inputs, attributes) =>
      engine().runKernel(name, inputs, attributes as unknown as NamedAttrMap) as Tensor[],
  };
  definitions.set(name, kernel);
  return kernel;
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

const formsOfBackends = new Map<string, KernelForms>();

/** Whether the present engine runs a kernel in a form of its own. */
export function hasOwnForm({ name }: { readonly name: string }): boolean {
  return formsOfBackends.get(engine().backendName)?.get(name) !== undefined;
}

/** Makes every kernel known to a tfjs backend, in the backend's own form where it has one. */
export function registerKernels(backendName: string, forms: KernelForms): void {
  formsOfBackends.set(backendName, forms);
  for (const [kernelName, definition] of definitions) {
    const form = forms.get(kernelName);
    // Inside a kernel nothing is recorded for gradients; tidy frees what the reference leaves behind.
    const kernelFunc: KernelFunc =
      form === undefined
        ? ({ inputs, attrs }) => tidy(() => definition.reference(inputs as Record<string, Tensor>, attrs))
        : ({ inputs, attrs }) => form(inputs as Record<string, TensorInfo>, attrs);
    register({ kernelName, backendName, kernelFunc });
  }
  replaceOriginals(backendName, forms);
}

/** The backends' own kernels that were replaced, by backend and name: a backend may start again without forms. */
const originals = new Map<string, KernelConfig>();

function replaceOriginals(backendName: string, forms: KernelForms): void {
  for (const original of originals.values()) {
    if (original.backendName === backendName) register(original);
  }
  for (const [kernelName, make] of forms.replacements) {
    const key = `${backendName}/${kernelName}`;
    const original = originals.get(key) ?? getKernel(kernelName, backendName);
    originals.set(key, original);
    // The rest of the original stays: a backend that starts again sets its kernels up by it.
    register({ ...original, kernelFunc: make(original.kernelFunc) });
  }
}

/** Registers a tfjs kernel in place of one that may be there. */
function register(config: KernelConfig): void {
  const { kernelName, backendName } = config;
  if (getKernel(kernelName, backendName) !== undefined) unregisterKernel(kernelName, backendName);
  registerKernel(config);
}
