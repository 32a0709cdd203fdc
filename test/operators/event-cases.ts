import fc from 'fast-check';
import { allocateChunk, type EventChunk, type Frame, type Stage, sliceChunk } from '../../src/events.ts';

/** One event; time in microseconds. */
export interface PlainEvent {
  readonly micros: number;
  readonly x: number;
  readonly y: number;
  readonly on: number;
}

/** A chunk of the events, its origin the first one's time. */
export function chunkOf(events: readonly PlainEvent[], origin: number = events[0]?.micros ?? 0): EventChunk {
  const chunk = allocateChunk(origin, events.length);
  events.forEach(({ micros, x, y, on }, i) => {
    chunk.t[i] = micros - origin;
    chunk.x[i] = x;
    chunk.y[i] = y;
    chunk.on[i] = on;
  });
  return chunk;
}

/** A chunk with an event at [0, 0] for each time. */
export function chunkAt(...times: readonly number[]): EventChunk {
  return chunkOf(times.map((micros) => ({ micros, x: 0, y: 0, on: 1 })));
}

/** Cuts a chunk before the given positions; equal positions give empty chunks. */
export function split(chunk: EventChunk, positions: readonly number[]): EventChunk[] {
  const cuts = [0, ...[...positions].sort((a, b) => a - b), chunk.t.length];
  return cuts.slice(1).map((end, i) => sliceChunk(chunk, cuts[i]!, end));
}

/** All that a stage gives for the values and at the end. */
export function runStage<In, Out>(stage: Stage<In, Out>, values: Iterable<In>): Out[] {
  const outputs: Out[] = [];
  const emit = (value: Out): void => {
    outputs.push(value);
  };
  for (const value of values) stage.push(value, emit);
  stage.end(emit);
  return outputs;
}

/** Sum of all counts of the frames. */
export function total(frames: readonly Frame[]): number {
  return frames.reduce((sum, { data }) => sum + data.reduce((counts, count) => counts + count, 0), 0);
}

/** Sorted events on a small sensor, with bursts at one time and gaps. */
export function arbitraryEvents(
  sensor: { width: number; height: number },
  constraints: { minLength?: number; maxLength?: number } = {},
): fc.Arbitrary<PlainEvent[]> {
  const event = fc.record({
    gap: fc.oneof(
      { arbitrary: fc.constant(0), weight: 2 },
      { arbitrary: fc.nat(50), weight: 5 },
      fc.nat(3000),
    ),
    x: fc.nat(sensor.width - 1),
    y: fc.nat(sensor.height - 1),
    on: fc.nat(1),
  });
  return fc
    .tuple(fc.nat(2 ** 40), fc.array(event, { minLength: 0, maxLength: 60, ...constraints }))
    .map(([start, events]) => {
      let micros = start;
      return events.map(({ gap, ...rest }) => {
        micros += gap;
        return { micros, ...rest };
      });
    });
}

/** Positions at which `split` cuts. */
export const arbitraryCuts = (length: number): fc.Arbitrary<number[]> =>
  fc.array(fc.nat(length), { maxLength: 8 });
