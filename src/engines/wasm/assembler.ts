/**
 * A small assembler for WebAssembly with SIMD: kernels are written as TypeScript that emits instructions, made for
 * the shapes and constants at hand, and compiled by the JavaScript engine. Every value is a local; the engine's
 * compiler keeps them in registers. Encodings: WebAssembly core specification 2.0, section 5.
 */

/** Types of values. */
export type ValueType = 'i32' | 'f32' | 'f64' | 'v128';

/** A value, held in a local of a function. */
export interface Value {
  readonly type: ValueType;
  readonly local: number;
}

const TYPE_CODES: Record<ValueType, number> = { i32: 0x7f, f32: 0x7d, f64: 0x7c, v128: 0x7b };

/** One instruction: its bytes and the type that it gives. */
export interface Instruction {
  readonly code: readonly number[];
  readonly type: ValueType;
}

const plain = (type: ValueType, ...code: number[]): Instruction => ({ code, type });
const simd = (number: number, type: ValueType = 'v128'): Instruction => ({
  code: [0xfd, ...unsigned(number)],
  type,
});

/** The instructions that kernels use, by their names in the specification. */
export type InstructionName =
  | `i32.${'lt_u' | 'add' | 'sub' | 'mul' | 'div_u' | 'rem_u' | 'and' | 'or' | 'shl' | 'shr_u' | 'reinterpret_f32' | 'trunc_sat_f32_s'}`
  | `f32.${'abs' | 'nearest' | 'sqrt' | 'add' | 'sub' | 'mul' | 'div' | 'min' | 'max' | 'lt' | 'le' | 'convert_i32_u' | 'convert_i32_s' | 'reinterpret_i32'}`
  | `v128.${'and' | 'or'}`
  | `f32x4.${'splat' | 'lt' | 'le' | 'nearest' | 'abs' | 'sqrt' | 'add' | 'sub' | 'mul' | 'div' | 'min' | 'max' | 'convert_i32x4_s' | 'extract_lane 0' | 'extract_lane 1' | 'extract_lane 2' | 'extract_lane 3'}`
  | `i32x4.${'splat' | 'add' | 'sub' | 'trunc_sat_f32x4_s'}`;

const instructions: Record<InstructionName, Instruction> = {
  'i32.lt_u': plain('i32', 0x49),
  'i32.add': plain('i32', 0x6a),
  'i32.sub': plain('i32', 0x6b),
  'i32.mul': plain('i32', 0x6c),
  'i32.div_u': plain('i32', 0x6e),
  'i32.rem_u': plain('i32', 0x70),
  'i32.and': plain('i32', 0x71),
  'i32.or': plain('i32', 0x72),
  'i32.shl': plain('i32', 0x74),
  'i32.shr_u': plain('i32', 0x76),
  'i32.reinterpret_f32': plain('i32', 0xbc),
  'i32.trunc_sat_f32_s': plain('i32', 0xfc, 0x00),
  'f32.abs': plain('f32', 0x8b),
  'f32.nearest': plain('f32', 0x90),
  'f32.sqrt': plain('f32', 0x91),
  'f32.add': plain('f32', 0x92),
  'f32.sub': plain('f32', 0x93),
  'f32.mul': plain('f32', 0x94),
  'f32.div': plain('f32', 0x95),
  'f32.min': plain('f32', 0x96),
  'f32.max': plain('f32', 0x97),
  'f32.lt': plain('i32', 0x5d),
  'f32.le': plain('i32', 0x5f),
  'f32.convert_i32_u': plain('f32', 0xb3),
  'f32.convert_i32_s': plain('f32', 0xb2),
  'f32.reinterpret_i32': plain('f32', 0xbe),
  'v128.and': simd(78),
  'v128.or': simd(80),
  'f32x4.splat': simd(19),
  'f32x4.lt': simd(67),
  'f32x4.le': simd(69),
  'f32x4.nearest': simd(106),
  'f32x4.abs': simd(224),
  'f32x4.sqrt': simd(227),
  'f32x4.add': simd(228),
  'f32x4.sub': simd(229),
  'f32x4.mul': simd(230),
  'f32x4.div': simd(231),
  'f32x4.min': simd(232),
  'f32x4.max': simd(233),
  'i32x4.splat': simd(17),
  'i32x4.add': simd(174),
  'i32x4.sub': simd(177),
  'i32x4.trunc_sat_f32x4_s': simd(248),
  'f32x4.convert_i32x4_s': simd(250),
  'f32x4.extract_lane 0': { code: [0xfd, 31, 0], type: 'f32' },
  'f32x4.extract_lane 1': { code: [0xfd, 31, 1], type: 'f32' },
  'f32x4.extract_lane 2': { code: [0xfd, 31, 2], type: 'f32' },
  'f32x4.extract_lane 3': { code: [0xfd, 31, 3], type: 'f32' },
};

const ALIGNMENTS: Record<ValueType, number> = { i32: 2, f32: 2, f64: 3, v128: 2 };
const LOADS: Record<ValueType, number[]> = { i32: [0x28], f32: [0x2a], f64: [0x2b], v128: [0xfd, 0] };
const STORES: Record<ValueType, number[]> = { i32: [0x36], f32: [0x38], f64: [0x39], v128: [0xfd, 11] };

/** Builds one function, instruction by instruction. */
export class FunctionBuilder {
  readonly parameters: readonly Value[];
  readonly #locals: ValueType[] = [];
  readonly #code: number[] = [];

  constructor(parameters: readonly ValueType[]) {
    this.parameters = parameters.map((type, local) => ({ type, local }));
  }

  /** A new variable; its first value is zero. */
  variable(type: ValueType): Value {
    this.#locals.push(type);
    return { type, local: this.parameters.length + this.#locals.length - 1 };
  }

  /** A whole number. */
  integer(value: number): Value {
    const target = this.variable('i32');
    this.#code.push(0x41, ...signed(value | 0));
    this.#set(target);
    return target;
  }

  /** A float32 number. */
  float(value: number): Value {
    const target = this.variable('f32');
    this.#code.push(0x43, ...new Uint8Array(new Float32Array([value]).buffer));
    this.#set(target);
    return target;
  }

  /** The value of an instruction. */
  run(name: InstructionName, ...operands: Value[]): Value {
    const instruction = instructions[name];
    const target = this.variable(instruction.type);
    for (const operand of operands) this.#get(operand);
    this.#code.push(...instruction.code);
    this.#set(target);
    return target;
  }

  /** The sum of whole numbers. */
  add(a: Value, b: Value | number): Value {
    return this.run('i32.add', a, typeof b === 'number' ? this.integer(b) : b);
  }

  /** The product of whole numbers. */
  multiply(a: Value, b: Value | number): Value {
    return this.run('i32.mul', a, typeof b === 'number' ? this.integer(b) : b);
  }

  /** The smaller of two unsigned whole numbers. */
  minimum(a: Value, b: Value): Value {
    const smaller = this.copy(a);
    this.when(this.run('i32.lt_u', b, a), () => this.assign(smaller, b));
    return smaller;
  }

  /** A variable that begins with a value. */
  copy(value: Value): Value {
    const target = this.variable(value.type);
    this.assign(target, value);
    return target;
  }

  /** Adds to a variable. */
  advance(variable: Value, by: Value | number): void {
    this.assign(variable, this.add(variable, by));
  }

  /** Shifts lanes of 32 bits to the left. */
  shiftLeft(value: Value, bits: number): Value {
    const count = this.integer(bits);
    return value.type === 'i32' ? this.run('i32.shl', value, count) : this.#shiftLanes(171, value, count);
  }

  /** Shifts unsigned lanes of 32 bits to the right. */
  shiftRight(value: Value, bits: number): Value {
    const count = this.integer(bits);
    return value.type === 'i32' ? this.run('i32.shr_u', value, count) : this.#shiftLanes(173, value, count);
  }

  #shiftLanes(instruction: number, value: Value, count: Value): Value {
    const target = this.variable('v128');
    this.#get(value);
    this.#get(count);
    this.#code.push(0xfd, ...unsigned(instruction));
    this.#set(target);
    return target;
  }

  assign(target: Value, source: Value): void {
    this.#get(source);
    this.#set(target);
  }

  /** What memory holds at an address. @param offset bytes */
  load(type: ValueType, address: Value, offset = 0): Value {
    return this.#load(type, LOADS[type], address, offset);
  }

  /** Four copies of the float32 at an address. */
  loadSplat(address: Value, offset = 0): Value {
    return this.#load('v128', [0xfd, 9], address, offset);
  }

  #load(type: ValueType, code: readonly number[], address: Value, offset: number): Value {
    const target = this.variable(type);
    this.#get(address);
    this.#code.push(...code, ALIGNMENTS[type], ...unsigned(offset));
    this.#set(target);
    return target;
  }

  store(address: Value, value: Value, offset = 0): void {
    this.#get(address);
    this.#get(value);
    this.#code.push(...STORES[value.type], ALIGNMENTS[value.type], ...unsigned(offset));
  }

  /** Runs `body` for each whole number from `begin` to below `end`. */
  forEach(begin: Value | number, end: Value, body: (index: Value) => void): void {
    const index = this.copy(typeof begin === 'number' ? this.integer(begin) : begin);
    this.whileBelow(index, end, () => {
      body(index);
      this.advance(index, 1);
    });
  }

  /** Runs `body` while the unsigned `counter` is below `end`; the body moves the counter. */
  whileBelow(counter: Value, end: Value, body: () => void): void {
    this.#code.push(0x02, 0x40, 0x03, 0x40);
    this.#get(counter);
    this.#get(end);
    this.#code.push(...instructions['i32.lt_u'].code, 0x45, 0x0d, ...unsigned(1));
    body();
    this.#code.push(0x0c, ...unsigned(0), 0x0b, 0x0b);
  }

  /** Runs `body` if `condition` is not zero. */
  when(condition: Value, body: () => void): void {
    this.#get(condition);
    this.#code.push(0x04, 0x40);
    body();
    this.#code.push(0x0b);
  }

  #get({ local }: Value): void {
    this.#code.push(0x20, ...unsigned(local));
  }

  #set({ local }: Value): void {
    this.#code.push(0x21, ...unsigned(local));
  }

  /** The function's body as bytes, with its length before it. */
  encode(): number[] {
    const locals = this.#locals.map((type) => [1, TYPE_CODES[type]]);
    return sized([...vector(locals), ...this.#code, 0x0b]);
  }
}

/** Bytes of a module that exports one function as `run` and takes its shared memory from `env.memory`. */
export function moduleBytes(main: FunctionBuilder): Uint8Array<ArrayBuffer> {
  const type = [0x60, ...vector(main.parameters.map(({ type }) => [TYPE_CODES[type]])), 0];
  const sharedMemory = [...name('env'), ...name('memory'), 0x02, 0x03, 1, ...unsigned(65536)];
  const section = (id: number, entries: readonly number[][]): number[] => [id, ...sized(vector(entries))];
  return new Uint8Array([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [type]),
    ...section(2, [sharedMemory]),
    ...section(3, [[0]]),
    ...section(7, [[...name('run'), 0x00, 0]]),
    ...section(10, [main.encode()]),
  ]);
}

function vector(entries: readonly (readonly number[])[]): number[] {
  return [...unsigned(entries.length), ...entries.flat()];
}

function sized(bytes: readonly number[]): number[] {
  return [...unsigned(bytes.length), ...bytes];
}

function name(text: string): number[] {
  return sized([...new TextEncoder().encode(text)]);
}

/** Unsigned LEB128. */
function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value >>> 0;
  do {
    const more = rest >>> 7;
    bytes.push((rest & 0x7f) | (more === 0 ? 0 : 0x80));
    rest = more;
  } while (rest !== 0);
  return bytes;
}

/** Signed LEB128 of 32 bits. */
function signed(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (;;) {
    const byte = rest & 0x7f;
    rest >>= 7;
    const done = (rest === 0 && (byte & 0x40) === 0) || (rest === -1 && (byte & 0x40) !== 0);
    bytes.push(byte | (done ? 0 : 0x80));
    if (done) return bytes;
  }
}
