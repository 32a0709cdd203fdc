import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EventChunk } from '../../../src/events.ts';
import { filters } from '../../../src/operators/index.ts';
import { arbitraryCuts, chunkOf, runStage, split } from '../event-cases.ts';
import { arbitraryHostileEvents, rowsOf } from './filter-cases.ts';

const sensor = { width: 9, height: 7 };

/** Every filter with options that leave their marks on short streams of few pixels. */
const texts = [
  'crop:x=0,y=0,width=9,height=7',
  'crop:x=2,y=1,width=5,height=4',
  'centre-crop:width=4,height=4',
  'downsample:width=4,height=3',
  'downsample:factor=2',
  'integrate:width=3,height=3,micros=400,threshold=2',
  'integrate:width=9,height=7,micros=1',
  'flip',
  'flip:axis=both',
  'transpose',
  'rotate:degrees=90',
  'rotate:degrees=180',
  'rotate:degrees=270',
  'select-polarity:polarity=on',
  'merge-polarities',
  'flip-polarity',
  'time-crop:from-micros=100,to-micros=3000',
  'time-crop:from-micros=1000,since=clock',
  'time-shift:micros=-20000',
  'time-shift:start-micros=7',
  'time-scale:factor=0.37',
  'time-scale:factor=1e6',
  'time-scale:factor=0.5,about=zero',
  'downsample-time:micros=1000',
  'regularise:micros=333.3',
  'denoise:micros=500',
  'denoise:micros=5000,neighbours=4,support=2',
  'refractory:micros=300',
  'refractory:micros=300,since=any',
  'hot-pixels:rate=2000,period-micros=1000',
  'arbiter-lines:ratio=0.1',
  'arbiter-lines:ratio=0.3,lines=column',
  'drop-pixels:pixels=1x1+2x2,probability=0.2',
  'limit-rate:events-per-second=3000',
  'limit-rate:events-per-second=3000,burst-micros=2000',
  'decimate:count=2',
  'drop:probability=0.4',
  'drop-time:ratio=0.3,period-micros=700',
  'drop-area:ratio=0.5',
  'noise:rate=100',
  'jitter-space:deviation-x=1,correlation=0.5',
  'jitter-space:deviation-x=2,deviation-y=0.5,outside=clamp',
  'jitter-time:deviation-micros=200',
];

/** Filters that wait for events to come, or give more chunks than they get. */
const irregular = ['regularise', 'integrate', 'arbiter-lines', 'noise', 'jitter-time', 'time-scale'];

it('has a case for every filter', () => {
  const tried = new Set(texts.map((text) => text.split(':')[0]));
  expect([...tried].sort()).toStrictEqual(filters.filterDefinitions.map(({ name }) => name).sort());
});

describe.each(texts)('%s', (text) => {
  const filter = filters.parseFilter(text);
  const create = (): filters.FilterStage => filter.create(sensor);

  it('gives the same however the events are cut into chunks, in order, on its sensor, and counts them', () => {
    const after = filter.sensorAfter(sensor)!;
    const cases = arbitraryHostileEvents(sensor).chain((events) =>
      fc.record({ events: fc.constant(events), cuts: arbitraryCuts(events.length) }),
    );
    fc.assert(
      fc.property(cases, ({ events, cuts }) => {
        const whole = chunkOf(events);
        const kept = structuredClone(whole);
        const stage = create();
        const expected = rowsOf(runStage(stage, [whole]));
        expect(rowsOf(runStage(create(), split(whole, cuts)))).toStrictEqual(expected);
        expect(whole).toStrictEqual(kept);
        expect(stage.counters.in).toBe(events.length);
        expect(stage.counters.out).toBe(expected.length);
        for (const [i, [micros, x, y]] of expected.entries()) {
          expect(micros).toBeGreaterThanOrEqual(i === 0 ? 0 : expected[i - 1]![0]);
          if (stage.counters.outside > 0 || filter.name === 'integrate') {
            expect(x).toBeLessThan(after.width);
            expect(y).toBeLessThan(after.height);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it('gives the same for a second stream', () => {
    const events = chunkOf(fc.sample(arbitraryHostileEvents(sensor), { numRuns: 1, seed: 5 })[0]!);
    expect(runStage(create(), [events])).toStrictEqual(runStage(create(), [events]));
  });

  it('takes an empty stream, and empty chunks', () => {
    expect(rowsOf(runStage(create(), []))).toStrictEqual([]);
    expect(rowsOf(runStage(create(), [chunkOf([], 5), chunkOf([], 5)]))).toStrictEqual([]);
  });

  if (!irregular.includes(filter.name)) {
    it('gives one chunk for each', () => {
      const chunks: EventChunk[] = split(
        chunkOf(fc.sample(arbitraryHostileEvents(sensor), { numRuns: 1, seed: 3 })[0]!),
        [3, 3, 9, 20],
      );
      const stage = create();
      for (const chunk of chunks) {
        let given = 0;
        stage.push(chunk, () => given++);
        expect(given).toBe(1);
      }
    });
  }
});
