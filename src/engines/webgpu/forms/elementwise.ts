/**
 * Element-wise formulas. Several uses of one (an update of all parameters) are one shader: their tensors lie in one
 * buffer for each name, where those of the last update already are, and the others are copied into.
 */
import { type TensorInfo, util } from '@tensorflow/tfjs-core';
import type { Elementwise, ElementwiseListAttributes } from '../../kernels/elementwise.ts';
import type { KernelForm } from '../../kernels/kernel.ts';
import { alignedSize } from '../backend.ts';
import { type Operand, type Shader, THREADS, type WebGpuDevice } from '../device.ts';
import { WgslAlgebra } from '../wgsl.ts';

type Numbers = Readonly<Record<string, number>>;

/** One use. */
export function elementwiseForm(
  device: WebGpuDevice,
  definition: Elementwise<string, string>,
): KernelForm<string, Numbers> {
  return (inputs, numbers) => {
    const { shape } = inputs[definition.inputs[0]!]!;
    const count = util.sizeFromShape(shape);
    const outputs = Array.from({ length: definition.outputs }, () => device.output(shape));
    device.run(definition.name, 'one', () => oneShader(definition), {
      reads: definition.inputs.map((name) => inputs[name]!),
      writes: outputs,
      numbers: [count, ...definition.numbers.map((name) => numbers[name]!)],
      groups: Math.ceil(count / THREADS),
      fleeting: true,
    });
    return outputs;
  };
}

function oneShader(definition: Elementwise<string, string>): Shader {
  return {
    ...buffersOf(definition),
    numbers: { count: 'u32', ...Object.fromEntries(definition.numbers.map((name) => [`n_${name}`, 'f32'])) },
    body: `
if (thread >= n.count) { return; }
${formulaOf(definition, (name) => `n.n_${name}`)}`,
  };
}

function buffersOf({ inputs, outputs }: Elementwise<string, string>): Pick<Shader, 'reads' | 'writes'> {
  return {
    reads: inputs.map((name) => `in_${name}`),
    writes: Array.from({ length: outputs }, (_, index) => `out_${index}`),
  };
}

function formulaOf(definition: Elementwise<string, string>, numberOf: (name: string) => string): string {
  const m = new WgslAlgebra();
  const inputs = Object.fromEntries(definition.inputs.map((name) => [name, `x_${name}`]));
  const numbers = Object.fromEntries(definition.numbers.map((name) => [name, numberOf(name)]));
  const results = definition.formula(m, inputs, numbers);
  return `${definition.inputs.map((name) => `let x_${name} = in_${name}[thread];`).join('\n')}
${m.take()}
${results.map((result, index) => `out_${index}[thread] = ${result};`).join('\n')}`;
}

/** Values of a block, which belong to one use: the alignment of tensors in a shared buffer. */
const BLOCK = alignedSize([1]);

/** Several uses. */
export function elementwiseListForm(
  device: WebGpuDevice,
  slabs: Slabs,
  definition: Elementwise<string, string>,
): KernelForm<string, ElementwiseListAttributes<string>> {
  return (inputs, { numbers }) => {
    const columns = definition.inputs.map((name) => numbers.map((_, use) => inputs[`${name}/${use}`]!));
    const shapes = columns[0]!.map(({ shape }) => shape);
    const outputs = Array.from({ length: definition.outputs }, () => device.backend.slabOutputs(shapes));
    const sizes = shapes.map(alignedSize);
    const count = sizes.reduce((sum, size) => sum + size, 0);
    let end = 0;
    const values = numbers.flatMap((own, use) => {
      end += sizes[use]! / BLOCK;
      return [end, ...definition.numbers.map((name) => own[name]!)];
    });
    device.run(definition.name, 'list', () => listShader(definition), {
      reads: [...columns.map((tensors) => slabs.of(tensors)), device.upload(Float32Array.from(values))],
      writes: outputs.map((own) => device.whole(own)),
      numbers: [count, numbers.length],
      groups: Math.ceil(count / THREADS),
    });
    return shapes.flatMap((_, use) => outputs.map((own) => own[use]!));
  };
}

function listShader(definition: Elementwise<string, string>): Shader {
  const { reads, writes } = buffersOf(definition);
  const { numbers } = definition;
  const row = numbers.length + 1;
  const each = numbers.map((name, index) => `let n_${name} = values[own * ${row}u + ${index + 1}u];`);
  return {
    reads: [...reads, 'values'],
    writes,
    numbers: { count: 'u32', uses: 'u32' },
    // A use's numbers follow the block where it ends: the use is the first that ends behind the thread's block.
    body: `
if (thread >= n.count) { return; }
let block = f32(thread / ${BLOCK}u);
var own = 0u;
var behind = n.uses - 1u;
while (own < behind) {
  let middle = (own + behind) / 2u;
  if (values[middle * ${row}u] > block) { behind = middle; } else { own = middle + 1u; }
}
${each.join('\n')}
${formulaOf(definition, (name) => `n_${name}`)}`,
  };
}

/** Tensors as one buffer: the one they lie in, or a copy, kept as long as the same tensors are asked for again. */
export class Slabs {
  readonly #device: WebGpuDevice;
  #last: { readonly ids: readonly object[]; readonly tensor: TensorInfo } | undefined;

  constructor(device: WebGpuDevice) {
    this.#device = device;
  }

  /** One buffer with the tensors at the offsets of `slabOutputs`. */
  of(tensors: readonly TensorInfo[]): Operand {
    return this.#shared(tensors) ?? this.#copied(tensors);
  }

  /** The buffer that the tensors lie in already, one after the other. */
  #shared(tensors: readonly TensorInfo[]): Operand | undefined {
    const { backend } = this.#device;
    const first = backend.bindingOf(tensors[0]!);
    let at = 0;
    for (const tensor of tensors) {
      const { buffer, offset } = backend.bindingOf(tensor);
      if (buffer !== first.buffer || offset !== at * 4) return undefined;
      at += alignedSize(tensor.shape);
    }
    return first.buffer.size === at * 4 ? this.#device.whole(tensors) : undefined;
  }

  /** Gradients are copied for their norm, and the copy serves the update that follows. */
  #copied(tensors: readonly TensorInfo[]): Operand {
    const ids = tensors.map(({ dataId }) => dataId);
    const last = this.#last;
    if (last?.ids.length === ids.length && last.ids.every((id, index) => id === ids[index]))
      return last.tensor;
    const { backend } = this.#device;
    if (last !== undefined) backend.disposeData(last.tensor.dataId);
    const size = tensors.reduce((sum, { shape }) => sum + alignedSize(shape), 0);
    const tensor = this.#device.output([size]);
    this.#device.gather(tensors, tensor);
    this.#last = { ids, tensor };
    return tensor;
  }
}
