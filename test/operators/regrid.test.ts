import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EventChunk } from '../../src/events.ts';
import { BinByEvents, FrameGrid, regrid, regridChunk } from '../../src/operators/index.ts';
import { arbitraryEvents, chunkOf, runStage } from './event-cases.ts';
import { describeOperatorCases } from './operator-cases.ts';

const grid = new FrameGrid({
  sensor: { width: 8, height: 6 },
  crop: { x: 2, y: 1, width: 4, height: 4 },
  frame: { width: 2, height: 4 },
});

const inside = chunkOf([
  { micros: 7, x: 2, y: 1, on: 1 },
  { micros: 8, x: 5, y: 4, on: 0 },
]);

describeOperatorCases<EventChunk, EventChunk>('regrid', {
  create: () => regrid(grid),
  values: [inside, inside, inside],
  outputs: { empty: 0, one: 1, many: 3 },
});

describe('regridChunk', () => {
  it('moves and scales coordinates, and leaves out what is outside', () => {
    const chunk = chunkOf(
      [
        [1, 1],
        [2, 1],
        [5, 4],
        [5, 5],
        [8, 2],
        [4, 2],
      ].map(([x, y], i) => ({ micros: 100 + i, x: x!, y: y!, on: i % 2 })),
    );
    const { origin, t, x, y, on } = regridChunk(chunk, grid);
    expect([origin, [...t], [...x], [...y], [...on]]).toStrictEqual([
      100,
      [1, 2, 5],
      [0, 1, 1],
      [0, 3, 1],
      [1, 0, 1],
    ]);
  });

  it('binned as it is, gives the frames that the grid gives', () => {
    const plain = new FrameGrid({ sensor: { width: 2, height: 4 } });
    fc.assert(
      fc.property(arbitraryEvents({ width: 10, height: 8 }), (events) => {
        const chunk = chunkOf(events);
        const all = { count: 1000 };
        const [direct] = runStage(new BinByEvents({ ...all, grid }), [chunk]);
        const [after] = runStage(new BinByEvents({ ...all, grid: plain }), [regridChunk(chunk, grid)]);
        expect(after?.data ?? new Float32Array(16)).toStrictEqual(direct?.data ?? new Float32Array(16));
      }),
    );
  });
});
