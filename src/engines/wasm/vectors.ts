/**
 * Loops over float32 values, four at a time with a tail of single ones. The same formula makes both, and lanes round
 * like single values, so where the tail begins does not change a result.
 */
import type { Algebra } from '../kernels/algebra.ts';
import type { FunctionBuilder, InstructionName, Value } from './assembler.ts';

/** Float32 values as one unit: a vector of four, or one. */
export interface Lanes extends Algebra<Value> {
  readonly count: 1 | 4;
  readonly type: 'f32' | 'v128';
  load(address: Value, offset?: number): Value;
  /** The value at the address in every lane. */
  loadSplat(address: Value, offset?: number): Value;
  /** A float32 value in every lane. */
  splat(value: Value): Value;
  /** A variable that begins with zero. */
  zero(): Value;
}

/** Arithmetic that emits instructions for one value or four. */
export function lanes(builder: FunctionBuilder, count: 1 | 4): Lanes {
  const shape = count === 1 ? 'f32' : 'f32x4';
  const type = count === 1 ? 'f32' : 'v128';
  const splat = (value: Value): Value => (count === 1 ? value : builder.run('f32x4.splat', value));
  const binary =
    (name: 'add' | 'sub' | 'mul' | 'div' | 'min' | 'max') =>
    (a: Value, b: Value): Value =>
      builder.run(`${shape}.${name}`, a, b);
  const unary =
    (name: 'abs' | 'sqrt') =>
    (a: Value): Value =>
      builder.run(`${shape}.${name}`, a);
  const compare =
    (name: 'lt' | 'le') =>
    (a: Value, b: Value): Value => {
      const condition = builder.run(`${shape}.${name}` as InstructionName, a, b);
      if (count === 1) return builder.run('f32.convert_i32_u', condition);
      return builder.run('v128.and', condition, splat(builder.float(1)));
    };
  const algebra: Lanes = {
    count,
    type,
    load: (address, offset = 0) => builder.load(type, address, offset),
    loadSplat: (address, offset = 0) =>
      count === 1 ? builder.load('f32', address, offset) : builder.loadSplat(address, offset),
    splat,
    zero: () => builder.copy(splat(builder.float(0))),
    constant: (value) => splat(builder.float(value)),
    add: binary('add'),
    sub: binary('sub'),
    mul: binary('mul'),
    div: binary('div'),
    min: binary('min'),
    max: binary('max'),
    abs: unary('abs'),
    sqrt: unary('sqrt'),
    less: compare('lt'),
    lessEqual: compare('le'),
    exp: (a) => exponential(builder, algebra, a),
    log: (a) => logarithm(builder, algebra, a),
  };
  return algebra;
}

/**
 * e^x to about one unit in the last place: x = n ln 2 + r, a polynomial for e^r (Cephes expf, Moshier 1987), and n
 * added to the exponent bits.
 */
function exponential(builder: FunctionBuilder, algebra: Lanes, x: Value): Value {
  const { add, sub, mul, constant } = algebra;
  const bounded = algebra.max(algebra.min(x, constant(88.3)), constant(-87.3));
  const shape = algebra.count === 1 ? 'f32' : 'f32x4';
  const n = builder.run(`${shape}.nearest`, mul(bounded, constant(Math.LOG2E)));
  const high = sub(bounded, mul(n, constant(0.693359375)));
  const r = sub(high, mul(n, constant(-2.1219444e-4)));
  const coefficients = [
    1.98756915e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 0.5,
  ];
  const polynomial = coefficients
    .map((value) => constant(value))
    .reduce((sum, coefficient) => add(mul(sum, r), coefficient));
  const fraction = add(add(mul(mul(polynomial, r), r), r), constant(1));
  const bias = builder.integer(127);
  if (algebra.count === 1) {
    const exponent = builder.run('i32.add', builder.run('i32.trunc_sat_f32_s', n), bias);
    return mul(fraction, builder.run('f32.reinterpret_i32', builder.shiftLeft(exponent, 23)));
  }
  const whole = builder.run('i32x4.trunc_sat_f32x4_s', n);
  const exponent = builder.run('i32x4.add', whole, builder.run('i32x4.splat', bias));
  return mul(fraction, builder.shiftLeft(exponent, 23));
}

/**
 * ln x of a positive normal number to about one unit in the last place: x = m 2^n with m from sqrt(1/2) to sqrt(2), a
 * polynomial for ln m (Cephes logf, Moshier 1987), and n ln 2.
 */
function logarithm(builder: FunctionBuilder, algebra: Lanes, x: Value): Value {
  const { add, sub, mul, constant } = algebra;
  const { exponent, mantissa } = splitFloat(builder, algebra, x);
  const small = algebra.less(mantissa, constant(Math.SQRT1_2));
  const n = sub(exponent, small);
  const r = add(sub(mantissa, constant(1)), mul(small, mantissa));
  const square = mul(r, r);
  const coefficients = [
    7.0376836292e-2, -1.151461031e-1, 1.167699874e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1,
    2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
  ];
  const polynomial = coefficients
    .map((value) => constant(value))
    .reduce((sum, coefficient) => add(mul(sum, r), coefficient));
  const correction = sub(mul(mul(r, square), polynomial), mul(constant(0.5), square));
  const low = add(correction, mul(n, constant(-2.1219444e-4)));
  return add(add(r, low), mul(n, constant(0.693359375)));
}

/** A positive normal number as mantissa 2^exponent, the mantissa from 1/2 to 1. */
function splitFloat(
  builder: FunctionBuilder,
  { count }: Lanes,
  x: Value,
): { readonly exponent: Value; readonly mantissa: Value } {
  const [bias, mask, half] = [126, 0x007fffff, 0x3f000000].map((value) => builder.integer(value)) as [
    Value,
    Value,
    Value,
  ];
  if (count === 1) {
    const bits = builder.run('i32.reinterpret_f32', x);
    const power = builder.run('i32.sub', builder.run('i32.shr_u', bits, builder.integer(23)), bias);
    const fraction = builder.run('i32.or', builder.run('i32.and', bits, mask), half);
    return {
      exponent: builder.run('f32.convert_i32_s', power),
      mantissa: builder.run('f32.reinterpret_i32', fraction),
    };
  }
  const splat = (value: Value): Value => builder.run('i32x4.splat', value);
  const power = builder.run('i32x4.sub', builder.shiftRight(x, 23), splat(bias));
  return {
    exponent: builder.run('f32x4.convert_i32x4_s', power),
    mantissa: builder.run('v128.or', builder.run('v128.and', x, splat(mask)), splat(half)),
  };
}

/** The sum of the lanes, always in the same order. */
export function sumOfLanes(builder: FunctionBuilder, value: Value): Value {
  if (value.type === 'f32') return value;
  const [a, b, c, d] = ([0, 1, 2, 3] as const).map((lane) =>
    builder.run(`f32x4.extract_lane ${lane}`, value),
  );
  return builder.run('f32.add', builder.run('f32.add', a!, b!), builder.run('f32.add', c!, d!));
}

/**
 * Visits `count` neighbouring values: `body` for whole vectors first, then for single values.
 * @param body takes the byte offset of the unit from the first value
 */
export function forEachValue(
  builder: FunctionBuilder,
  count: Value,
  body: (algebra: Lanes, byteOffset: Value) => void,
): void {
  const bytes = builder.multiply(count, 4);
  const wholeBytes = builder.run('i32.and', bytes, builder.integer(-16));
  const offset = builder.copy(builder.integer(0));
  builder.whileBelow(offset, wholeBytes, () => {
    body(lanes(builder, 4), offset);
    builder.advance(offset, 16);
  });
  builder.whileBelow(offset, bytes, () => {
    body(lanes(builder, 1), offset);
    builder.advance(offset, 4);
  });
}
