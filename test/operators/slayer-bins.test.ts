import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import type { EventChunk, Frame, Stage } from '../../src/events.ts';
import { BinByCount, BinByTime, FrameGrid } from '../../src/operators/index.ts';
import { describeWithShared, sharedPath } from '../shared-data.ts';
import { chunkOf, type PlainEvent, runStage } from './event-cases.ts';

const raw = 'expected/events/slayer_NMNIST_1_raw_spikes.csv';
const binned = [
  { milliseconds: 1, name: 'expected/events/slayer_NMNIST_1_binned_spikes.csv.gz' },
  { milliseconds: 2, name: 'expected/events/slayer_NMNIST_1_binned_spikes_ts2.csv.gz' },
];

describeWithShared(
  'the N-MNIST recording that SLAYER binned',
  [raw, ...binned.map(({ name }) => name)],
  () => {
    const sensor = { width: 34, height: 34 };
    const grid = new FrameGrid({ sensor });
    /** SLAYER's bins start at time 0 and end at 350 ms, ours span what there is: two events beside the sensor do that. */
    const beside = (micros: number): PlainEvent => ({ micros, x: 999, y: 999, on: 0 });

    const readEvents = (): EventChunk => {
      const rows = readFileSync(sharedPath(raw), 'utf8').trim().split(/\s+/).slice(1);
      // Coordinates and polarity count from 1 there.
      const events = rows.map((row) => {
        const [x, y, polarity, micros] = row.split(',').map(Number);
        return { micros: micros!, x: x! - 1, y: y! - 1, on: polarity! - 1 };
      });
      return chunkOf([beside(0), ...events, beside(350_000)]);
    };

    /** Where the file has a spike, as `row,bin`: it writes 1 / Ts where a bin has any event. */
    const readSpikes = (name: string): Set<string> => {
      const rows = gunzipSync(readFileSync(sharedPath(name)))
        .toString()
        .trim()
        .split(/\s+/);
      return new Set(
        rows.flatMap((row, i) =>
          row.split(',').flatMap((value, bin) => (Number(value) > 0 ? [`${i},${bin}`] : [])),
        ),
      );
    };

    /** Where the frames have events; SLAYER's rows are [polarity, y, x]. */
    const spikesOf = (frames: readonly Frame[]): Set<string> =>
      new Set(
        frames.flatMap(({ data }, bin) =>
          [...data].flatMap((count, i) => (count > 0 ? [`${(i % 2) * 34 * 34 + (i >> 1)},${bin}`] : [])),
        ),
      );

    for (const { milliseconds, name } of binned) {
      const bins = 350 / milliseconds;
      it.each<[string, Stage<EventChunk, Frame>, number]>([
        // The event at 350 ms opens one bin more.
        ['time', new BinByTime({ windowMicros: 1000 * milliseconds, grid }), bins + 1],
        ['count', new BinByCount({ bins, grid }), bins],
      ])(`has events in the same bins of ${milliseconds} ms, binned by %s`, (_, stage, frameCount) => {
        const frames = runStage(stage, [readEvents()]);
        expect(frames).toHaveLength(frameCount);
        expect(spikesOf(frames)).toStrictEqual(readSpikes(name));
      });
    }
  },
);
