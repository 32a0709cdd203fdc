import type { OperatorFunction } from 'rxjs';
import { OptionError, ShapeError } from '../../errors.ts';
import type { Frame, Stage } from '../../events.ts';
import { stage } from '../stage.ts';
import { wholeNumber } from '../whole-number.ts';

export interface BinaryRepresentationOptions {
  /** Frames that become one, 2 to 24: as many bits as float32 holds. */
  readonly bits: number;
  /** Fewer frames at the end: the bits that are missing are 0 (`keep`, the default), or they are left out (`drop`). */
  readonly tail?: 'keep' | 'drop';
  /** Where frame number `ordinal` goes: zeros. Default a fresh array. */
  readonly allocate?: (ordinal: number) => Float32Array;
}

/**
 * Joins each N frames into one of N-bit numbers: sum over k of 2^(N - 1 - k) [frame k has an event] / (2^N - 1), the
 * first frame being the highest bit. Barchid et al., "Bina-Rep event frames: a simple and effective representation for
 * event-based cameras", ICIP 2022.
 */
export class BinaryRepresentation implements Stage<Frame, Frame> {
  readonly #bits: number;
  readonly #tail: 'keep' | 'drop';
  readonly #allocate: ((ordinal: number) => Float32Array) | undefined;
  #joined: Frame | undefined;
  #frames = 0;
  #given = 0;
  #dropped = 0;

  constructor({ bits, tail = 'keep', allocate }: BinaryRepresentationOptions) {
    this.#bits = wholeNumber('binary representation bits', bits, 2);
    if (bits > 24) throw new OptionError(`binary representation bits: expected at most 24, got ${bits}`);
    this.#tail = tail;
    this.#allocate = allocate;
  }

  /** Events of frames at the end that were left out. */
  get dropped(): number {
    return this.#dropped;
  }

  push(frame: Frame, emit: (frame: Frame) => void): void {
    const { data } = frame;
    const size = data.length;
    const before = this.#joined ?? {
      ...frame,
      events: 0,
      data: this.#allocate?.(this.#given) ?? new Float32Array(size),
    };
    if (before.data.length !== size) {
      throw new ShapeError(
        `binary representation: expected frames of ${before.data.length} values, found one of ${size}`,
      );
    }
    if (frame.events > 0) {
      const value = 2 ** (this.#bits - 1 - this.#frames);
      for (let i = 0; i < size; i++) if (data[i]! > 0) before.data[i]! += value;
    }
    this.#joined = { ...before, endMicros: frame.endMicros, events: before.events + frame.events };
    if (++this.#frames === this.#bits) this.#give(emit);
  }

  end(emit: (frame: Frame) => void): void {
    if (this.#joined !== undefined && this.#tail === 'keep') this.#give(emit);
    this.#dropped += this.#joined?.events ?? 0;
    this.#joined = undefined;
    this.#frames = 0;
  }

  #give(emit: (frame: Frame) => void): void {
    const frame = this.#joined!;
    const highest = 2 ** this.#bits - 1;
    for (let i = 0; i < frame.data.length; i++) frame.data[i]! /= highest;
    this.#joined = undefined;
    this.#frames = 0;
    this.#given++;
    emit(frame);
  }
}

/** Joins each `bits` frames into one of numbers with as many bits. */
export function binaryRepresentation(options: BinaryRepresentationOptions): OperatorFunction<Frame, Frame> {
  return stage(() => new BinaryRepresentation(options));
}
