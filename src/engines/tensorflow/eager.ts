/**
 * TensorFlow's operations without tfjs between them. Each costs tens of microseconds before it computes anything, so a
 * call makes as few as it can: numbers are folded, and what was computed once in a call is not computed again.
 */
import { engine, type KernelBackend, type Tensor, type TensorInfo } from '@tensorflow/tfjs-core';
import type { Algebra } from '../kernels/algebra.ts';

/** An attribute of an operation. */
interface OpAttribute {
  readonly name: string;
  readonly type: number;
  readonly value: unknown;
}

/** A number, a flag, a word, the name of a type, or whole numbers. */
type AttributeValue = number | boolean | string | readonly number[];

/** A tensor as the binding knows it. */
export interface Metadata {
  readonly id: number;
  readonly dtype: number;
  readonly shape: number[];
}

/** The binding of @tensorflow/tfjs-node, as far as it is used here. */
interface Binding {
  readonly TF_FLOAT: number;
  readonly TF_INT32: number;
  readonly TF_BOOL: number;
  readonly TF_ATTR_TYPE: number;
  readonly TF_ATTR_INT: number;
  readonly TF_ATTR_BOOL: number;
  readonly TF_ATTR_FLOAT: number;
  readonly TF_ATTR_STRING: number;
  readonly TF_Version: string;
  createTensor(shape: readonly number[], dtype: number, values: Float32Array | Int32Array): number;
  deleteTensor(id: number): void;
  tensorDataSync(id: number): Float32Array;
  executeOp(
    name: string,
    attributes: readonly OpAttribute[],
    ids: readonly number[],
    outputs: number,
  ): Metadata[];
}

/** The backend of @tensorflow/tfjs-node, as far as it is used here. */
export interface TensorflowBackend extends KernelBackend {
  readonly isUsingGpuDevice: boolean;
  readonly binding: Binding;
  getInputTensorIds(tensors: readonly TensorInfo[]): number[];
  createOutputTensor(metadata: Metadata): Tensor;
}

/** Arithmetic that is done when its result is wanted: much of a way back is for gradients that nobody asks for. */
interface Pending {
  readonly serial: number;
  readonly name: string;
  readonly operands: readonly Value[];
  made?: Metadata;
}

/** A value of a call: a number that no tensor was made of, arithmetic to be done, or a tensor of TensorFlow's. */
export type Value = number | Pending | Metadata;

/** The operations of one kernel's run; whatever is not given out is freed at its end. */
export class EagerCall {
  readonly #backend: TensorflowBackend;
  readonly #made = new Set<number>();
  readonly #constants = new Map<string, Metadata>();
  readonly #pending = new Map<string, Pending>();

  /** Arithmetic on values; numbers alone make no operations. */
  readonly algebra: Algebra<Value> = {
    constant: (value) => value,
    add: (a, b) => {
      if (typeof a === 'number' && typeof b === 'number') return a + b;
      return a === 0 ? b : b === 0 ? a : this.#later('AddV2', a, b);
    },
    sub: (a, b) => {
      if (typeof a === 'number' && typeof b === 'number') return a - b;
      return b === 0 ? a : a === 0 ? this.#later('Neg', b) : this.#later('Sub', a, b);
    },
    mul: (a, b) => {
      if (typeof a === 'number' && typeof b === 'number') return a * b;
      if (a === 0 || b === 0) return 0;
      return a === 1 ? b : b === 1 ? a : a === b ? this.#later('Square', a) : this.#later('Mul', a, b);
    },
    div: (a, b) => {
      if (typeof a === 'number' && typeof b === 'number') return a / b;
      return b === 1 ? a : this.#later('RealDiv', a, b);
    },
    max: (a, b) => {
      if (typeof a === 'number' && typeof b === 'number') return Math.max(a, b);
      return this.#later('Maximum', a, b);
    },
    min: (a, b) => {
      if (typeof a === 'number' && typeof b === 'number') return Math.min(a, b);
      return this.#later('Minimum', a, b);
    },
    abs: (a) => (typeof a === 'number' ? Math.abs(a) : this.#later('Abs', a)),
    sqrt: (a) => (typeof a === 'number' ? Math.sqrt(a) : this.#later('Sqrt', a)),
    exp: (a) => (typeof a === 'number' ? Math.exp(a) : this.#later('Exp', a)),
    log: (a) => (typeof a === 'number' ? Math.log(a) : this.#later('Log', a)),
    less: (a, b) => {
      if (typeof a === 'number' && typeof b === 'number') return Number(a < b);
      return this.#later('Cast', this.#later('Less', a, b));
    },
    lessEqual: (a, b) => {
      if (typeof a === 'number' && typeof b === 'number') return Number(a <= b);
      return this.#later('Cast', this.#later('LessEqual', a, b));
    },
  };

  private constructor(backend: TensorflowBackend) {
    this.#backend = backend;
  }

  /** Runs operations in the engine that runs, and gives the tensors of what they return. */
  static run(compute: (call: EagerCall) => readonly Value[]): Tensor[] {
    const call = new EagerCall(engine().backend as TensorflowBackend);
    try {
      return call.#give(compute(call));
    } finally {
      for (const id of call.#made) call.#backend.binding.deleteTensor(id);
    }
  }

  /** Runs operations in the engine that runs, and gives the numbers of what they return. */
  static read(compute: (call: EagerCall) => readonly Metadata[]): Float32Array[] {
    const call = new EagerCall(engine().backend as TensorflowBackend);
    const { binding } = call.#backend;
    try {
      return compute(call).map(({ id }) => binding.tensorDataSync(id));
    } finally {
      for (const id of call.#made) binding.deleteTensor(id);
    }
  }

  /** Numbers as a tensor. */
  tensor(shape: readonly number[], values: readonly number[]): Metadata {
    return this.#constant(shape, 'TF_FLOAT', Float32Array.from(values));
  }

  /** A tensor of tfjs as a value. */
  take(tensor: TensorInfo): Metadata {
    const [id] = this.#backend.getInputTensorIds([tensor]);
    return { id: id!, dtype: this.#backend.binding.TF_FLOAT, shape: tensor.shape };
  }

  /** The slices along an axis of a tensor that has `count` of them. */
  unstack(value: Metadata, axis: number, count: number): Metadata[] {
    const attributes = [this.#integer('num', count), this.#type(), this.#integer('axis', axis)];
    return this.#execute('Unpack', attributes, [value.id], count);
  }

  /** @param shape of each value; one that is a number is that everywhere */
  stack(values: readonly Value[], axis: number, shape: readonly number[]): Value {
    const tensors = values.map((value) => this.whole(value, shape));
    const attributes = [this.#integer('N', tensors.length), this.#type(), this.#integer('axis', axis)];
    return this.#execute('Pack', attributes, idsOf(tensors), 1)[0]!;
  }

  /** Does pending arithmetic now. */
  compute(value: Value): void {
    if (typeof value !== 'number') this.#tensor(value);
  }

  /** A number as a tensor that is it everywhere, a tensor as it is. */
  whole(value: Value, shape: readonly number[]): Metadata {
    if (typeof value !== 'number' || shape.length === 0) return this.#tensor(value);
    const attributes = [this.#type(), this.#type('index_type', 'TF_INT32')];
    const operands = [this.#integers([shape.length], shape), this.#tensor(value).id];
    return this.#execute('Fill', attributes, operands, 1)[0]!;
  }

  /** Tensors one after the other along their first axis. */
  concat(values: readonly Metadata[]): Metadata {
    if (values.length === 1) return values[0]!;
    const attributes = [this.#integer('N', values.length), this.#type(), this.#type('Tidx', 'TF_INT32')];
    const operands = [...idsOf(values), this.#integers([], [0])];
    return this.#execute('ConcatV2', attributes, operands, 1)[0]!;
  }

  /** Parts of given lengths along the first axis. */
  split(value: Metadata, lengths: readonly number[]): Metadata[] {
    if (lengths.length === 1) return [value];
    const attributes = [
      this.#integer('num_split', lengths.length),
      this.#type(),
      this.#type('Tlen', 'TF_INT32'),
    ];
    const operands = [value.id, this.#integers([lengths.length], lengths), this.#integers([], [0])];
    return this.#execute('SplitV', attributes, operands, lengths.length);
  }

  reshape(value: Metadata, shape: readonly number[]): Metadata {
    if (value.shape.length === shape.length && value.shape.every((side, axis) => side === shape[axis])) {
      return value;
    }
    const attributes = [this.#type(), this.#type('Tshape', 'TF_INT32')];
    return this.#execute('Reshape', attributes, [value.id, this.#integers([shape.length], shape)], 1)[0]!;
  }

  /** A tensor of no elements. */
  empty(): Metadata {
    return this.#constant([0], 'TF_FLOAT', new Float32Array(0));
  }

  /** Sums over axes. */
  sum(tensor: Metadata, axes: readonly number[]): Metadata {
    const { binding } = this.#backend;
    const keep = { name: 'keep_dims', type: binding.TF_ATTR_BOOL, value: false };
    const attributes = [keep, this.#type(), this.#type('Tidx', 'TF_INT32')];
    return this.#execute('Sum', attributes, [tensor.id, this.#integers([axes.length], axes)], 1)[0]!;
  }

  /** Half the sum of the squares. */
  halfSquares(value: Metadata): Metadata {
    return this.#execute('L2Loss', [this.#type()], [value.id], 1)[0]!;
  }

  /** The sum of tensors of one shape. */
  sumOf(values: readonly Metadata[]): Metadata {
    if (values.length === 1) return values[0]!;
    return this.#execute('AddN', [this.#integer('N', values.length), this.#type()], idsOf(values), 1)[0]!;
  }

  /** An operation by its name, with attributes besides its type `T`. */
  operation(
    name: string,
    operands: readonly Metadata[],
    attributes: Readonly<Record<string, AttributeValue>>,
    outputs: number,
  ): Metadata[] {
    const listed = Object.entries(attributes).map(([key, value]) => this.#attribute(key, value));
    return this.#execute(name, [this.#type(), ...listed], idsOf(operands), outputs);
  }

  /** Whole numbers as a tensor [count], as operations take shapes. */
  shape(sides: readonly number[]): Metadata {
    return this.#constant([sides.length], 'TF_INT32', Int32Array.from(sides));
  }

  #attribute(name: string, value: AttributeValue): OpAttribute {
    const { binding } = this.#backend;
    if (value === 'TF_FLOAT' || value === 'TF_INT32') return this.#type(name, value);
    if (typeof value === 'number') return { name, type: binding.TF_ATTR_FLOAT, value };
    if (typeof value === 'boolean') return { name, type: binding.TF_ATTR_BOOL, value };
    return { name, type: typeof value === 'string' ? binding.TF_ATTR_STRING : binding.TF_ATTR_INT, value };
  }

  /** A number or pending arithmetic as a tensor, a tensor as it is. */
  #tensor(value: Value): Metadata {
    if (typeof value !== 'number') {
      if ('id' in value) return value;
      value.made ??= this.#compute(value);
      return value.made;
    }
    return this.#constant([], 'TF_FLOAT', Float32Array.of(value));
  }

  #integers(shape: readonly number[], values: readonly number[]): number {
    return this.#constant(shape, 'TF_INT32', Int32Array.from(values)).id;
  }

  /** A tensor that is made once in a call. */
  #constant(
    shape: readonly number[],
    type: 'TF_FLOAT' | 'TF_INT32',
    values: Float32Array | Int32Array,
  ): Metadata {
    const key = `${type} ${shape} ${values}`;
    const known = this.#constants.get(key);
    if (known !== undefined) return known;
    const { binding } = this.#backend;
    const made = {
      id: binding.createTensor(shape, binding[type], values),
      dtype: binding[type],
      shape: [...shape],
    };
    this.#made.add(made.id);
    this.#constants.set(key, made);
    return made;
  }

  #later(name: string, ...operands: Value[]): Pending {
    const key = `${name} ${operands.map(keyOf)}`;
    const known = this.#pending.get(key);
    if (known !== undefined) return known;
    const pending: Pending = { serial: this.#pending.size, name, operands };
    this.#pending.set(key, pending);
    return pending;
  }

  #compute({ name, operands }: Pending): Metadata {
    const ids = operands.map((operand) => this.#tensor(operand).id);
    if (name !== 'Cast') return this.#execute(name, [this.#type()], ids, 1)[0]!;
    const truncate = { name: 'Truncate', type: this.#backend.binding.TF_ATTR_BOOL, value: false };
    const attributes = [this.#type('SrcT', 'TF_BOOL'), this.#type('DstT', 'TF_FLOAT'), truncate];
    return this.#execute('Cast', attributes, ids, 1)[0]!;
  }

  #execute(
    name: string,
    attributes: readonly OpAttribute[],
    ids: readonly number[],
    outputs: number,
  ): Metadata[] {
    const made = this.#backend.binding.executeOp(name, attributes, ids, outputs);
    for (const { id } of made) this.#made.add(id);
    return made;
  }

  #type(name = 'T', type: 'TF_FLOAT' | 'TF_INT32' | 'TF_BOOL' = 'TF_FLOAT'): OpAttribute {
    const { binding } = this.#backend;
    return { name, type: binding.TF_ATTR_TYPE, value: binding[type] };
  }

  #integer(name: string, value: number): OpAttribute {
    return { name, type: this.#backend.binding.TF_ATTR_INT, value };
  }

  /** Each tensor that is given out is one of its own: an input, or one that is given twice, is copied. */
  #give(values: readonly Value[]): Tensor[] {
    return values.map((value) => {
      const tensor = this.#tensor(value);
      const own = this.#made.has(tensor.id)
        ? tensor
        : this.#execute('Identity', [this.#type()], [tensor.id], 1)[0]!;
      this.#made.delete(own.id);
      return this.#backend.createOutputTensor(own);
    });
  }
}

function idsOf(values: readonly Metadata[]): number[] {
  return values.map(({ id }) => id);
}

function keyOf(value: Value): string {
  return typeof value === 'number' ? `${value}` : 'id' in value ? `id${value.id}` : `of${value.serial}`;
}
