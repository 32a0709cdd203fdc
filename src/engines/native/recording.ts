/**
 * A function's operations, taken down once and submitted again together on other tensors: what JavaScript does to
 * prepare a step, which takes as long as a small network computes, is done once.
 *
 * Memory that the function's operations write in between is the recording's own. Where an operation names an input or
 * an output it is told the new one's place. Everything else that it reads (weights, constants) stays as it was; a
 * recording whose weights are gone is not `valid` any more.
 */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { Operand } from './addon.ts';
import type { Arena } from './arena.ts';

type DataId = TensorInfo['dataId'];

/** A tensor's memory. */
export interface Span {
  readonly address: number;
  readonly bytes: number;
}

/** A span of an input or an output, and the operand from which on it is that: it may have been something else before. */
interface DatedSpan extends Span {
  readonly from: number;
}

/** What takes down operations as they are submitted. */
export class Recorder {
  /** Memory of everything that is made meanwhile. */
  readonly arena: Arena;
  /** Values of JavaScript that operations read. */
  readonly held: Set<object> = new Set();
  readonly #operands: number[] = [];
  readonly #tables: Float64Array[] = [];
  readonly #made = new Map<DataId, number>();
  readonly #outside = new Map<DataId, object>();
  readonly #firstId: number;
  #possible = true;

  /** @param firstId of the tensors that are made meanwhile */
  constructor(arena: Arena, firstId: number) {
    this.arena = arena;
    this.#firstId = firstId;
  }

  submitted(operation: number, operands: readonly Operand[]): void {
    this.#operands.push(operation, ...operands);
  }

  /** Notes a tensor that is made now. */
  makes(dataId: DataId): void {
    this.#made.set(dataId, this.#operands.length);
  }

  /** Notes a table of operands that lies in memory of its own. */
  table(operands: Float64Array): void {
    this.#tables.push(operands);
  }

  /** Notes the memory of a tensor, of which those count that were there before. */
  reads(dataId: DataId, memory: object): void {
    if ((dataId as { readonly id: number }).id < this.#firstId) this.#outside.set(dataId, memory);
  }

  /** Notes that JavaScript read values, on which what it did next may hang. */
  waited(): void {
    this.#possible = false;
  }

  /** What was taken down, or undefined where it would not give the same again. */
  finish(inputs: readonly Span[], outputs: ReadonlyMap<DataId, Span>): Program | undefined {
    const spans: DatedSpan[] = inputs.map((span) => ({ ...span, from: 0 }));
    for (const [dataId, span] of outputs) {
      const from = this.#made.get(dataId);
      if (from === undefined) return undefined;
      spans.push({ ...span, from });
    }
    const spanOf = (operand: number, index: number): number =>
      spans.findIndex(
        ({ address, bytes, from }) => index >= from && operand >= address && operand < address + bytes,
      );
    const named = (operand: number): boolean => spanOf(operand, Number.POSITIVE_INFINITY) >= 0;
    if (!this.#possible || this.#tables.some((table) => table.some(named))) return undefined;
    const operands = Float64Array.from(this.#operands);
    const places: Place[] = [];
    operands.forEach((operand, index) => {
      const span = spanOf(operand, index);
      if (span >= 0) places.push({ index, span, offset: operand - spans[span]!.address });
    });
    return { operands, places, outside: this.#outside };
  }
}

/** An operand that lies `offset` bytes into an input or, after all inputs, an output. */
interface Place {
  readonly index: number;
  readonly span: number;
  readonly offset: number;
}

/** Operations, each its number and then its operands, with places for inputs and outputs. */
export interface Program {
  readonly operands: Float64Array;
  readonly places: readonly Place[];
  /** Memory of the tensors that they read besides, by the tensor's name. */
  readonly outside: Map<DataId, object>;
}
