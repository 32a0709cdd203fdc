/**
 * How our kernels run: shaders by what they compute, compiled once; bind groups by what they bind, made once, since a
 * training step binds the same buffers again and again; numbers that seldom change in buffers that are written once.
 */
import { type TensorInfo, util } from '@tensorflow/tfjs-core';
import { alignedSize, type WebGpuBackend } from './backend.ts';
import { type GpuBinding, type GpuBuffer, type GpuPipeline, tensorUsage, usage } from './gpu.ts';

/** Threads that work together, unless a shader says otherwise. */
export const THREADS = 256;

/** Types of the elements that a shader reads or writes. */
type ElementType = 'f32' | 'i32' | 'u32' | 'atomic<u32>';

/** A shader: its buffers by name, its numbers, and what a thread does. */
export interface Shader {
  /** Buffers it reads, and writes. Default elements `f32`. */
  readonly reads: readonly (string | readonly [name: string, type: ElementType])[];
  readonly writes: readonly (string | readonly [name: string, type: ElementType])[];
  /** Numbers of a call, `n.NAME` in the shader. */
  readonly numbers: Readonly<Record<string, 'u32' | 'i32' | 'f32'>>;
  /** Threads of a group. Default `THREADS`. */
  readonly threads?: number;
  /** Shared memory, functions and constants. */
  readonly declarations?: string;
  /** Statements; knows `group` (number of the group), `lane` (number in the group) and `thread` (among all). */
  readonly body: string;
}

/** A tensor, or memory that lives as long as the commands that are recorded. */
export type Operand = TensorInfo | GpuBinding;

/** What a shader is run on. */
export interface Call {
  readonly reads: readonly Operand[];
  readonly writes: readonly Operand[];
  /** In the order of the shader's declaration. */
  readonly numbers: readonly number[];
  /** Groups of threads. */
  readonly groups: number;
  /** True where the numbers are new in every call. */
  readonly fleeting?: boolean;
}

/** A compiled shader. */
interface Program {
  readonly id: number;
  readonly pipeline: GpuPipeline;
  readonly layout: object;
  readonly types: readonly ('u32' | 'i32' | 'f32')[];
  /** Which of the buffers that it reads have float32 elements. */
  readonly reals: readonly boolean[];
}

/** Bind groups, and buffers of numbers, that are kept; when they are more they all go. */
const KEPT = 8192;
/** Groups along an axis that every device takes. */
const AXIS = 65535;

/** Runs shaders in the backend's stream of commands. */
export class WebGpuDevice {
  readonly backend: WebGpuBackend;
  readonly #programs = new Map<string, Program>();
  readonly #groups = new Map<string, object>();
  readonly #numbers = new Map<string, GpuBuffer>();
  readonly #ids = new WeakMap<GpuBuffer, number>();
  #nextId = 0;

  constructor(backend: WebGpuBackend) {
    this.backend = backend;
  }

  /** A new tensor for a shader to write. */
  output(shape: readonly number[]): TensorInfo {
    return this.backend.makeTensorInfo([...shape], 'float32');
  }

  /** A tensor of zeros. */
  zeros(shape: readonly number[]): TensorInfo {
    return this.backend.constant(shape, 0) ?? this.output(shape);
  }

  /** The whole buffer that parts made together lie in; they are released only when the commands are submitted. */
  whole(parts: readonly TensorInfo[]): GpuBinding {
    for (const { dataId } of parts) this.backend.commandQueueOwnedIds.add(dataId);
    return { buffer: this.backend.bindingOf(parts[0]!).buffer };
  }

  /** Where a part begins in the buffer that it lies in, in float32 values. */
  offsetOf(part: TensorInfo): number {
    return (this.backend.bindingOf(part).offset ?? 0) / 4;
  }

  /** Memory for shaders recorded from now on, until the commands are submitted. */
  scratch(floats: number): GpuBinding {
    const size = Math.max(4, floats * 4);
    const buffer = this.backend.bufferManager.acquireBuffer(size, tensorUsage);
    this.backend.uniformPendingDisposal.push(buffer);
    return { buffer };
  }

  /** Values of JavaScript in memory that lives as long as the recorded commands. */
  upload(values: Float32Array | Uint32Array): GpuBinding {
    const { buffer } = this.scratch(values.length);
    const bytes = values.buffer.slice(values.byteOffset, values.byteOffset + values.byteLength);
    if (bytes.byteLength > 0) this.backend.device.queue.writeBuffer(buffer, 0, bytes as ArrayBuffer);
    return { buffer };
  }

  /** Sets a tensor to zero, without a shader. */
  clear(operand: Operand): void {
    const { buffer, offset = 0, size = buffer.size - offset } = this.#bind(operand);
    this.#encoder().clearBuffer(buffer, offset, size);
  }

  /** Copies tensors into one that is as large as they are together, each at the offset of `slabOutputs`, without a shader. */
  gather(tensors: readonly TensorInfo[], target: TensorInfo): void {
    this.clear(target);
    const { buffer: to } = this.#bind(target);
    let at = 0;
    for (const tensor of tensors) {
      const { buffer, offset = 0 } = this.#bind(this.#real(tensor));
      const bytes = util.sizeFromShape(tensor.shape) * 4;
      if (bytes > 0) this.#encoder().copyBufferToBuffer(buffer, offset, to, at * 4, bytes);
      at += alignedSize(tensor.shape);
    }
  }

  /**
   * Records a shader.
   * @param name of the kernel, which errors tell
   * @param key apart from the name, all that the shader's text depends on
   */
  run(name: string, key: string, shader: () => Shader, call: Call): void {
    this.backend.checkLost();
    const program = this.#program(`${name} ${key}`, name, shader);
    if (call.groups === 0) return;
    const reads = call.reads.map((operand, index) => (program.reals[index] ? this.#real(operand) : operand));
    const bindings = [...call.writes, ...reads].map((operand) => this.#bind(operand));
    const numbers = this.#numbersBuffer(program.types, call);
    const group = this.#group(program, [
      ...bindings,
      ...(numbers === undefined ? [] : [{ buffer: numbers }]),
    ]);
    const { backend } = this;
    backend.ensureCommandEncoderReady();
    backend.computePassEncoder ??= backend.commandEncoder!.beginComputePass();
    const pass = backend.computePassEncoder;
    pass.setPipeline(program.pipeline);
    pass.setBindGroup(0, group);
    const rows = Math.ceil(call.groups / AXIS);
    pass.dispatchWorkgroups(Math.ceil(call.groups / rows), rows, 1);
    backend.recorded();
  }

  #encoder(): NonNullable<WebGpuBackend['commandEncoder']> {
    this.backend.ensureCommandEncoderReady();
    this.backend.endComputePassEncoder();
    return this.backend.commandEncoder!;
  }

  /** A tensor's values as float32: tfjs's backend casts whole numbers by name alone. */
  #real(operand: Operand): Operand {
    if (!('dataId' in operand)) return operand;
    const { dtype } = this.backend.tensorMap.get(operand.dataId);
    if (dtype === 'float32') return operand;
    const count = util.sizeFromShape(operand.shape);
    const values = this.scratch(count);
    const shader = (): Shader => ({
      reads: [['whole', 'i32']],
      writes: ['result'],
      numbers: { count: 'u32' },
      body: 'if (thread < n.count) { result[thread] = f32(whole[thread]); }',
    });
    const groups = Math.ceil(count / THREADS);
    this.run('Cast', '', shader, { reads: [operand], writes: [values], numbers: [count], groups });
    return values;
  }

  /** A tensor that commands use is released only when they are submitted. */
  #bind(operand: Operand): GpuBinding {
    if (!('dataId' in operand)) return operand;
    const binding = this.backend.bindingOf(operand);
    this.backend.commandQueueOwnedIds.add(operand.dataId);
    return binding;
  }

  #program(key: string, name: string, shader: () => Shader): Program {
    const found = this.#programs.get(key);
    if (found !== undefined) return found;
    const own = shader();
    const { device } = this.backend;
    const module = device.createShaderModule({ label: name, code: codeOf(own) });
    const compute = { module, entryPoint: 'main' };
    const pipeline = device.createComputePipeline({ label: name, layout: 'auto', compute });
    const types = Object.values(own.numbers);
    const reals = own.reads.map((buffer) => typeof buffer === 'string' || buffer[1] === 'f32');
    const program = { id: this.#nextId++, pipeline, layout: pipeline.getBindGroupLayout(0), types, reals };
    this.#programs.set(key, program);
    return program;
  }

  #group({ id, layout }: Program, bindings: readonly GpuBinding[]): object {
    const key = `${id}/${bindings.map(({ buffer, offset = 0, size = 0 }) => `${this.#idOf(buffer)},${offset},${size}`).join('/')}`;
    const found = this.#groups.get(key);
    if (found !== undefined) return found;
    if (this.#groups.size >= KEPT) this.#groups.clear();
    const entries = bindings.map((resource, binding) => ({ binding, resource }));
    const group = this.backend.device.createBindGroup({ layout, entries });
    this.#groups.set(key, group);
    return group;
  }

  #idOf(buffer: GpuBuffer): number {
    const known = this.#ids.get(buffer);
    if (known !== undefined) return known;
    const id = this.#nextId++;
    this.#ids.set(buffer, id);
    return id;
  }

  #numbersBuffer(
    types: readonly ('u32' | 'i32' | 'f32')[],
    { numbers, fleeting = false }: Call,
  ): GpuBuffer | undefined {
    if (types.length === 0) return undefined;
    const key = `${types.join()} ${numbers.join()}`;
    const found = this.#numbers.get(key);
    if (found !== undefined) return found;
    const view = new DataView(new ArrayBuffer(Math.ceil(types.length / 4) * 16));
    for (const [index, type] of types.entries()) {
      if (type === 'f32') view.setFloat32(4 * index, numbers[index]!, true);
      else if (type === 'u32') view.setUint32(4 * index, numbers[index]!, true);
      else view.setInt32(4 * index, numbers[index]!, true);
    }
    const { bufferManager, device, uniformPendingDisposal } = this.backend;
    const buffer = bufferManager.acquireBuffer(view.byteLength, usage.uniform | usage.copyTarget);
    device.queue.writeBuffer(buffer, 0, view.buffer as ArrayBuffer);
    if (fleeting) uniformPendingDisposal.push(buffer);
    else {
      if (this.#numbers.size >= KEPT) {
        uniformPendingDisposal.push(...this.#numbers.values());
        this.#numbers.clear();
      }
      this.#numbers.set(key, buffer);
    }
    return buffer;
  }
}

function codeOf({ reads, writes, numbers, threads = THREADS, declarations = '', body }: Shader): string {
  const buffers = [
    ...writes.map((buffer) => ({ buffer, access: 'read_write' })),
    ...reads.map((buffer) => ({ buffer, access: 'read' })),
  ];
  const named = buffers.map(({ buffer, access }) => {
    const [name, type] = typeof buffer === 'string' ? [buffer, 'f32'] : buffer;
    return { name, type, access };
  });
  const bindings = named.map(
    ({ name, type, access }, index) =>
      `@group(0) @binding(${index}) var<storage, ${access}> ${name} : array<${type}>;`,
  );
  // A layout made from the shader has only what the shader names.
  const uses = [
    ...named.map(({ name }) => `  _ = &${name};`),
    ...(Object.keys(numbers).length > 0 ? ['  _ = &n;'] : []),
  ];
  const members = Object.entries(numbers).map(([name, type]) => `${name} : ${type},`);
  const uniform =
    members.length === 0
      ? ''
      : `struct Numbers { ${members.join(' ')} }
@group(0) @binding(${buffers.length}) var<uniform> n : Numbers;`;
  return `${bindings.join('\n')}
${uniform}
${declarations}
@compute @workgroup_size(${threads})
fn main(
  @builtin(workgroup_id) groupId : vec3<u32>,
  @builtin(num_workgroups) groupCounts : vec3<u32>,
  @builtin(local_invocation_index) lane : u32,
) {
${uses.join('\n')}
  let group = groupId.y * groupCounts.x + groupId.x;
  let thread = group * ${threads}u + lane;
${body}
}`;
}
