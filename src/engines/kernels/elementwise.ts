/** Kernels that do the same with every element: a formula, written once for all engines. */
import type { Tensor } from '@tensorflow/tfjs-core';
import { type Algebra, tensorAlgebra } from './algebra.ts';
import { defineKernel, type Kernel } from './kernel.ts';

/** A formula over elements of inputs `I`, all of one shape, which the outputs have too, and of numbers `N`. */
export interface ElementwiseDefinition<I extends string, N extends string> {
  readonly name: string;
  readonly inputs: readonly I[];
  readonly outputs: number;
  readonly numbers: readonly N[];
  formula<T>(m: Algebra<T>, inputs: Readonly<Record<I, T>>, numbers: Readonly<Record<N, T>>): T[];
}

/** Inputs and numbers of one of several uses of a formula. */
export interface ElementwiseUse<I extends string, N extends string> {
  readonly inputs: Readonly<Record<I, Tensor>>;
  readonly numbers: Readonly<Record<N, number>>;
}

/** An element-wise formula as a kernel without gradient. */
export interface Elementwise<I extends string, N extends string> extends ElementwiseDefinition<I, N> {
  readonly kernel: Kernel<I, Readonly<Record<N, number>>>;
  /** The kernel of several uses. */
  readonly listKernel: Kernel<string, ElementwiseListAttributes<N>>;
  /** The formula for each of several groups of tensors, in one kernel: the outputs of each. */
  runAll(uses: readonly ElementwiseUse<I, N>[]): Tensor[][];
}

/** Constants of a call with several uses. Input `x` of use 3 is named `x/3`, outputs follow one another. */
export interface ElementwiseListAttributes<N extends string> {
  readonly numbers: readonly Readonly<Record<N, number>>[];
}

// biome-ignore lint/suspicious/noExplicitAny: kernels of all inputs share one list.
const all: Elementwise<any, any>[] = [];

/** All element-wise kernels, for engines with a form of the loop of their own. */
export function definedElementwise(): readonly Elementwise<string, string>[] {
  return all;
}

/** Makes a formula a kernel. */
export function defineElementwise<I extends string, N extends string>(
  definition: ElementwiseDefinition<I, N>,
): Elementwise<I, N> {
  const kernel = defineKernel<I, Readonly<Record<N, number>>>({
    name: definition.name,
    reference: (inputs, attributes) => {
      const numbers = definition.numbers.map((name) => [name, tensorAlgebra.constant(attributes[name])]);
      return definition.formula(tensorAlgebra, inputs, Object.fromEntries(numbers) as Record<N, Tensor>);
    },
  });
  const listKernel = defineKernel<string, ElementwiseListAttributes<N>>({
    name: `${definition.name}List`,
    reference: (inputs, { numbers }) =>
      numbers.flatMap((own, use) => {
        const named = definition.inputs.map((name) => [name, inputs[`${name}/${use}`]]);
        return kernel.run(Object.fromEntries(named) as Record<I, Tensor>, own);
      }),
  });
  const runAll = (uses: readonly ElementwiseUse<I, N>[]): Tensor[][] => {
    const inputs = uses.flatMap((use, index) =>
      definition.inputs.map((name) => [`${name}/${index}`, use.inputs[name]]),
    );
    const outputs = listKernel.run(Object.fromEntries(inputs), {
      numbers: uses.map(({ numbers }) => numbers),
    });
    const { outputs: each } = definition;
    return uses.map((_, index) => outputs.slice(index * each, (index + 1) * each));
  };
  const elementwise = { ...definition, kernel, listKernel, runAll };
  all.push(elementwise);
  return elementwise;
}
