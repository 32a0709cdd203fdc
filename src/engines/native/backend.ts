/**
 * The tfjs backend of the native engine. A kernel submits an operation to the addon's stream and returns at once;
 * reading a tensor waits until the stream has got there. So the thread of JavaScript prepares the next operations
 * while the stream computes, and is free while a result is awaited.
 *
 * The kernels of tfjs's CPU backend that have no native form work on the same tensors: asking for a tensor's values
 * waits for the stream.
 */
import { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import type { backend_util, DataType, TensorInfo } from '@tensorflow/tfjs-core';
import { EngineError } from '../../errors.ts';
import type { Addon, Operand } from './addon.ts';
import { Arena, type Block } from './arena.ts';
import { sizeOf } from './layout.ts';
import { type Program, Recorder, type Span } from './recording.ts';

type Values = backend_util.BackendValues;
type DataId = TensorInfo['dataId'];

/** A tensor's memory: a block that operations write, or values that JavaScript brought. */
class TensorMemory {
  refCount: number;
  readonly dtype: DataType;
  readonly block: Block | undefined;
  complexTensorInfos?: { real: TensorInfo; imag: TensorInfo };
  /** Names the tensor's values to caches, 0 until asked for. */
  identity = 0;
  readonly #backend: NativeBackend;
  #values: Values;
  #address = 0;

  constructor(backend: NativeBackend, dtype: DataType, values: Values, block?: Block, refCount = 1) {
    this.#backend = backend;
    this.dtype = dtype;
    this.#values = values;
    this.block = block;
    this.refCount = refCount;
  }

  /** The values as JavaScript sees them; a block's are good until the tensor is disposed of. */
  get values(): Values {
    if (this.block !== undefined) this.#backend.wait();
    return this.#values;
  }

  set values(values: Values) {
    this.#values = values;
  }

  /** Number of a block's values. */
  get length(): number {
    return (this.#values as Float32Array).length;
  }

  /** Where the values lie, for an operation that is about to be submitted. */
  address(): number {
    const { block } = this;
    if (block !== undefined) return block.segment.address + block.offset;
    if (!(this.#values instanceof Float32Array))
      this.#values = Float32Array.from(this.#values as ArrayLike<number>);
    // An empty array has no address, but an operand of 0 means that it is absent.
    if (this.#values.length === 0) return 1;
    this.#address ||= this.#backend.addon.addressOf(this.#values);
    this.#backend.hold(this.#values);
    return this.#address;
  }
}

/** What `record` took down. */
export interface Recording {
  readonly program: Program;
  /** Of the outputs. */
  readonly shapes: readonly (readonly number[])[];
  /** What the operations work on, kept as long as the recording. */
  readonly memory: readonly object[];
}

/** Options of the backend's stream. */
export interface StreamOptions {
  readonly threads: number;
  /** Instruction set of the vector kernels: one of the addon's levels. */
  readonly level: string;
}

/** tfjs's CPU backend on the addon's memory and stream. */
export class NativeBackend extends MathBackendCPU {
  readonly addon: Addon;
  readonly #arena: Arena;
  readonly #operations: ReadonlyMap<string, number>;
  /** Submitted and perhaps not done. */
  #pending = false;
  /** Values of JavaScript that operations which are perhaps not done read. */
  #held = new Set<object>();
  #recorder: Recorder | undefined;
  #nextId = 0;
  #nextIdentity = 0;

  constructor(addon: Addon, { threads, level }: StreamOptions) {
    super();
    this.addon = addon;
    this.#arena = new Arena(addon);
    this.#operations = new Map(addon.start(threads, level).map((name, number) => [name, number]));
  }

  /** Submits an operation of the addon. */
  submit(operation: string, ...operands: Operand[]): void {
    const number = this.#operations.get(operation);
    if (number === undefined)
      throw new EngineError(`engine native: the addon has no operation "${operation}"`);
    this.#pending = true;
    this.addon.submit(number, ...operands);
    this.#recorder?.submitted(number, operands);
  }

  /**
   * Runs a function of tensors and takes down what it submits, for `replay`. It must not keep tensors that it makes;
   * what it returns is good until the first `replay`, which works on the same memory.
   * @returns what it submitted, if that is all of what it does
   */
  record(
    inputs: readonly TensorInfo[],
    run: () => readonly TensorInfo[],
  ): { readonly recording: Recording | undefined } {
    const spans = inputs.map((input) => this.#span(input));
    const recorder = new Recorder(new Arena(this.addon), this.#nextId);
    this.#recorder = recorder;
    let outputs: readonly TensorInfo[];
    try {
      outputs = run();
    } finally {
      this.#recorder = undefined;
    }
    const distinct = new Set([...inputs, ...outputs].map(({ dataId }) => dataId)).size;
    const program =
      distinct < inputs.length + outputs.length
        ? undefined
        : recorder.finish(spans, new Map(outputs.map((output) => [output.dataId, this.#span(output)])));
    for (const { dataId } of inputs) program?.outside.delete(dataId);
    const recording = program && {
      program,
      shapes: outputs.map(({ shape }) => shape),
      memory: [recorder.arena, recorder.held],
    };
    return { recording };
  }

  /** Runs a recording on inputs of the same shapes; undefined where what it reads besides is gone. */
  replay(recording: Recording, inputs: readonly TensorInfo[]): TensorInfo[] | undefined {
    const { program, shapes } = recording;
    for (const [dataId, memory] of program.outside) {
      if (!this.data.has(dataId) || this.#memory(dataId) !== memory) return undefined;
    }
    const outputs = shapes.map((shape) => this.output(shape));
    const addresses = [...inputs, ...outputs].map((tensor) => this.address(tensor));
    for (const { index, span, offset } of program.places) program.operands[index] = addresses[span]! + offset;
    this.#pending = true;
    this.hold(recording);
    this.addon.submitAll(program.operands);
    return outputs;
  }

  #span(tensor: TensorInfo): Span {
    return { address: this.address(tensor), bytes: Math.max(1, 4 * sizeOf(tensor.shape)) };
  }

  /** A new float32 tensor for an operation to write. */
  output(shape: readonly number[]): TensorInfo {
    let size = 1;
    for (const side of shape) size *= side;
    const block = this.#present.allocate(size * 4);
    const values = new Float32Array(block.segment.buffer, block.offset, size);
    const dataId = this.#add(new TensorMemory(this, 'float32', values, block));
    this.#recorder?.makes(dataId);
    return { dataId, shape: [...shape], dtype: 'float32' };
  }

  /** Where a float32 tensor lies, for the operation that is submitted next. */
  address({ dataId }: TensorInfo): number {
    const memory = this.#memory(dataId);
    this.#recorder?.reads(dataId, memory);
    return memory.address();
  }

  /** Where values of JavaScript lie, for the operation that is submitted next. */
  hostAddress(values: Float32Array): number {
    this.hold(values);
    return values.length === 0 ? 1 : this.addon.addressOf(values);
  }

  /** A number that no other values have had; `forgetFilter` ends its use when the tensor is gone. */
  identity({ dataId }: TensorInfo): number {
    const memory = this.#memory(dataId);
    memory.identity ||= ++this.#nextIdentity;
    return memory.identity;
  }

  /** Memory for operations submitted from now on until it is freed. */
  scratch(floats: number): { readonly address: number; free(): void } {
    const block = this.#present.allocate(floats * 4);
    return { address: block.segment.address + block.offset, free: () => this.#arena.free(block) };
  }

  /** Where a table of operands lies, for the operation that is submitted next. */
  tableAddress(operands: readonly Operand[]): number {
    const table = Float64Array.from(operands);
    this.hold(table);
    this.#recorder?.table(table);
    return table.length === 0 ? 1 : this.addon.addressOf(table);
  }

  /** Keeps values of JavaScript alive while operations may read them. */
  hold(values: object): void {
    this.#held.add(values);
    this.#recorder?.held.add(values);
  }

  /** Waits until everything submitted is done. */
  wait(): void {
    this.#recorder?.waited();
    if (!this.#pending) return;
    this.addon.wait();
    this.#pending = false;
    this.#held.clear();
  }

  override write(values: Values, _shape: number[], dtype: DataType): DataId {
    return this.#add(new TensorMemory(this, dtype, this.#ownCopy(values)));
  }

  override move(dataId: DataId, values: Values, _shape: number[], dtype: DataType, refCount: number): void {
    this.data.set(dataId, new TensorMemory(this, dtype, this.#ownCopy(values), undefined, refCount));
  }

  override readSync(dataId: DataId): backend_util.BackendValues {
    const values = super.readSync(dataId);
    return this.#memory(dataId).block === undefined ? values : (values as Float32Array).slice();
  }

  override async read(dataId: DataId): Promise<backend_util.BackendValues> {
    const memory = this.#memory(dataId);
    if (memory.block === undefined) return this.readSync(dataId);
    this.#recorder?.waited();
    // The stream makes the copy: by the time JavaScript runs again the block may be another tensor's.
    const copy = new Float32Array(memory.length);
    this.submit('copyValues', memory.address(), this.addon.addressOf(copy), copy.length);
    const held = this.#held;
    this.#held = new Set();
    await this.addon.drain();
    held.clear();
    return copy;
  }

  override disposeData(dataId: DataId, force = false): boolean {
    if (!this.data.has(dataId)) return true;
    const { block, identity } = this.#memory(dataId);
    if (!super.disposeData(dataId, force)) return false;
    if (identity > 0) this.submit('forgetFilter', identity);
    if (block !== undefined) this.#arena.free(block);
    return true;
  }

  override dispose(): void {
    this.addon.stop();
  }

  /** Where new tensors lie. */
  get #present(): Arena {
    return this.#recorder?.arena ?? this.#arena;
  }

  #memory(dataId: DataId): TensorMemory {
    return this.data.get(dataId) as unknown as TensorMemory;
  }

  #add(memory: TensorMemory): DataId {
    const dataId = { id: this.#nextId++ };
    this.data.set(dataId, memory);
    return dataId;
  }

  /** Inherited kernels may return a part of an input's memory as a new tensor, which would outlive the input's block. */
  #ownCopy(values: Values): Values {
    return values instanceof Float32Array && this.#present.owns(values.buffer) ? values.slice() : values;
  }
}
