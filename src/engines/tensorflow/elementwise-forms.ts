import { engine } from '@tensorflow/tfjs-core';
import { definedElementwise, type ElementwiseListAttributes } from '../kernels/elementwise.ts';
import type { KernelForms } from '../kernels/kernel.ts';
import { EagerCall, type TensorflowBackend, type Value } from './eager.ts';

/** Tensors up to this many elements are computed as one: copying them costs less than operations on each. */
const SMALL = { processor: 1 << 16, gpu: 1 << 22 };

/** Element-wise formulas of many tensors, as an optimiser has them, in as many operations as one tensor would take. */
export function addElementwiseForms(forms: KernelForms): void {
  for (const { listKernel, inputs: names, outputs, formula } of definedElementwise()) {
    forms.add(listKernel, (inputs, { numbers }) =>
      EagerCall.run((call) => {
        const results: Value[] = [];
        for (const uses of groupsOf(inputs, names, numbers)) {
          const shapes = uses.map((use) => inputs[`${names[0]}/${use}`]!.shape);
          const sizes = shapes.map(sizeOf);
          const flat = names.map((name) => {
            const tensors = uses.map((use) => call.take(inputs[`${name}/${use}`]!));
            const rows = tensors.map((tensor, index) =>
              tensors.length === 1 ? tensor : call.reshape(tensor, [sizes[index]!]),
            );
            return [name, call.concat(rows)] as const;
          });
          const outcomes = formula<Value>(call.algebra, Object.fromEntries(flat), numbers[uses[0]!]!);
          const whole = uses.length === 1 ? shapes[0]! : [sizes.reduce((sum, size) => sum + size, 0)];
          for (const [output, outcome] of outcomes.entries()) {
            const parts = call.split(call.whole(outcome, whole), sizes);
            for (const [index, use] of uses.entries()) {
              results[use * outputs + output] = call.reshape(parts[index]!, shapes[index]!);
            }
          }
        }
        return results;
      }),
    );
  }
}

/** Uses by number that are computed together: small ones whose numbers are the same; a large one alone. */
function groupsOf(
  inputs: Readonly<Record<string, { readonly shape: readonly number[] }>>,
  names: readonly string[],
  numbers: ElementwiseListAttributes<string>['numbers'],
): number[][] {
  const { isUsingGpuDevice } = engine().backend as TensorflowBackend;
  const most = isUsingGpuDevice ? SMALL.gpu : SMALL.processor;
  const groups = new Map<string, number[]>();
  for (const [use, own] of numbers.entries()) {
    const large = sizeOf(inputs[`${names[0]}/${use}`]!.shape) > most;
    const key = large ? `${use}` : JSON.stringify(own);
    groups.set(key, [...(groups.get(key) ?? []), use]);
  }
  return [...groups.values()];
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, side) => product * side, 1);
}
