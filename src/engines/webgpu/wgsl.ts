/** Formulas as WGSL: what neurons and element-wise kernels are written in, as statements of a shader. */
import type { Algebra } from '../kernels/algebra.ts';

/** A float32 number in WGSL. */
export function literal(value: number): string {
  return value < 0 ? `(${value}f)` : `${value}f`;
}

/** Arithmetic that writes statements; its values are the names of what they define. */
export class WgslAlgebra implements Algebra<string> {
  readonly #prefix: string;
  #statements: string[] = [];
  #count = 0;

  /** @param prefix of the names, which keeps apart what two of them define in one scope */
  constructor(prefix = 'v') {
    this.#prefix = prefix;
  }

  /** The statements so far, each a line; the next ones begin anew. */
  take(): string {
    const text = this.#statements.join('\n');
    this.#statements = [];
    return text;
  }

  #define(expression: string): string {
    const name = `${this.#prefix}${this.#count++}`;
    this.#statements.push(`let ${name} = ${expression};`);
    return name;
  }

  constant = (value: number): string => literal(value);
  add = (a: string, b: string): string => this.#define(`${a} + ${b}`);
  sub = (a: string, b: string): string => this.#define(`${a} - ${b}`);
  mul = (a: string, b: string): string => this.#define(`${a} * ${b}`);
  div = (a: string, b: string): string => this.#define(`${a} / ${b}`);
  abs = (a: string): string => this.#define(`abs(${a})`);
  max = (a: string, b: string): string => this.#define(`max(${a}, ${b})`);
  min = (a: string, b: string): string => this.#define(`min(${a}, ${b})`);
  sqrt = (a: string): string => this.#define(`sqrt(${a})`);
  exp = (a: string): string => this.#define(`exp(${a})`);
  log = (a: string): string => this.#define(`log(${a})`);
  less = (a: string, b: string): string => this.#define(`select(0f, 1f, ${a} < ${b})`);
  lessEqual = (a: string, b: string): string => this.#define(`select(0f, 1f, ${a} <= ${b})`);
}
