import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { allocateChunk, type EventChunk, type Frame, type SensorSize } from '../../src/events.ts';

/** Numbers of a tensor, row by row. */
interface Plain {
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

interface Reference {
  readonly events: { readonly t: number[]; readonly x: number[]; readonly y: number[]; readonly p: number[] };
  readonly sensor: SensorSize;
  readonly frames: Readonly<Record<string, Plain>>;
  readonly kept: Readonly<Record<string, readonly number[]>>;
  readonly hotPixels: readonly (readonly [x: number, y: number])[];
  /** Rows t, x, y, on. */
  readonly integrated: readonly (readonly [number, number, number, number])[];
}

/** What bench/peers/operators_reference.py writes: a small recording, and what is made of it. */
export const reference: Reference = JSON.parse(
  readFileSync(new URL('../../fixtures/operators/reference.json', import.meta.url), 'utf8'),
);

/** The recording of the reference as one chunk. */
export function referenceChunk(): EventChunk {
  const { t, x, y, p } = reference.events;
  const chunk = allocateChunk(t[0]!, t.length);
  chunk.t.set(t.map((micros) => micros - t[0]!));
  chunk.x.set(x);
  chunk.y.set(y);
  chunk.on.set(p);
  return chunk;
}

/** Checks that frames are the reference's of that name, [frames, height, width, channels], to float32's rounding. */
export function expectFrames(frames: readonly Frame[], name: string): void {
  const { shape, values } = reference.frames[name]!;
  const [first] = frames;
  expect([frames.length, first?.height, first?.width, first?.channels]).toStrictEqual(shape);
  const found = frames.flatMap(({ data }) => [...data]);
  const wrong = found.findIndex(
    (value, i) => !(Math.abs(value - values[i]!) <= 2e-6 * Math.max(1, Math.abs(value))),
  );
  expect(wrong < 0 ? 'equal' : `${name}[${wrong}]: expected ${values[wrong]}, found ${found[wrong]}`).toBe(
    'equal',
  );
}
