import { from, lastValueFrom, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { EventChunk, Frame } from '../../src/events.ts';
import {
  BinByCount,
  BinByEvents,
  BinByTime,
  type Binning,
  bin,
  type createBinning,
  FrameGrid,
} from '../../src/operators/index.ts';
import { chunkAt, runStage } from './event-cases.ts';
import { describeOperatorCases } from './operator-cases.ts';

const grid = new FrameGrid({ sensor: { width: 1, height: 1 } });
const chunks = [chunkAt(0, 5), chunkAt(12), chunkAt(40)];

describeOperatorCases<EventChunk, Frame>('bin', {
  create: () => bin({ kind: 'events', count: 2 }, { grid }),
  values: chunks,
  outputs: { empty: 0, one: 1, many: 2 },
});

describe('a binning as plain data', () => {
  it.each<[Binning, ReturnType<typeof createBinning>]>([
    [{ kind: 'count', bins: 3, overlap: 0.5 }, new BinByCount({ bins: 3, overlap: 0.5, grid })],
    [
      { kind: 'time', windowMicros: 10, strideMicros: 5, tail: 'drop', maxEmptyBins: 1, silence: 'skip' },
      new BinByTime({
        windowMicros: 10,
        strideMicros: 5,
        tail: 'drop',
        maxEmptyBins: 1,
        silence: 'skip',
        grid,
      }),
    ],
    [
      { kind: 'events', count: 3, stride: 2, tail: 'drop' },
      new BinByEvents({ count: 3, stride: 2, tail: 'drop', grid }),
    ],
  ])('%o', async (binning, stage) => {
    const frames = await lastValueFrom(from(chunks).pipe(bin(binning, { grid }), toArray()));
    expect(frames).toStrictEqual(runStage(stage, chunks));
  });
});
