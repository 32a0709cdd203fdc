import { expect, it } from 'vitest';
import type { OtherRecord } from '../../../src/streams/formats/other-records.ts';
import { openRecording } from '../../../src/streams/recording-file.ts';
import { describeWithShared, sharedPath } from '../../shared-data.ts';
import { collect, joinColumns } from '../columns.ts';

const DAVIS = 'data/recordings/aestream_davis.aedat4';
const DVXPLORER = 'data/recordings/tonic_sample.aedat4';

async function othersOf(path: string): Promise<OtherRecord[]> {
  const found: OtherRecord[] = [];
  const plain = (await openRecording(path)).chunks();
  const events = joinColumns(await collect(plain));
  const pass = (await openRecording(path, { others: (record) => found.push(record) })).chunks();
  expect(joinColumns(await collect(pass))).toEqual(events);
  expect(pass.counters).toEqual(plain.counters);
  return found;
}

describeWithShared('what AEDAT 4 holds besides events', [DAVIS, DVXPLORER], () => {
  it('is delivered once, in the order of the file, beside the same events', async () => {
    const found = await othersOf(sharedPath(DAVIS));
    const frames = found.filter((record) => record.kind === 'frame');
    expect(frames).toHaveLength(3);
    for (const { width, height, channels, pixels, micros, exposureMicros } of frames) {
      expect([width, height, channels, pixels.length]).toEqual([346, 260, 1, 346 * 260]);
      expect(micros).toBeGreaterThanOrEqual(exposureMicros![0]);
      expect(micros).toBeLessThanOrEqual(exposureMicros![1]);
    }
    const triggers = found.filter((record) => record.kind === 'trigger');
    expect(triggers.map(({ name }) => name)).toEqual(
      ['exposure start', 'exposure end', 'frame end', 'frame start']
        .concat(['exposure start', 'exposure end', 'frame end', 'frame start'])
        .concat(['exposure start', 'exposure end', 'frame end', 'frame start'])
        .concat(['exposure start', 'exposure end', 'frame end']),
    );
    // The frames of the file are those of its triggers.
    const starts = triggers.filter(({ name }) => name === 'exposure start').map(({ micros }) => micros);
    expect(frames.every(({ exposureMicros }) => starts.includes(exposureMicros![0]))).toBe(true);
  });

  it.each([DAVIS, DVXPLORER])('has samples of a camera at rest: one g (%s)', async (name) => {
    const samples = (await othersOf(sharedPath(name))).filter((record) => record.kind === 'inertial');
    expect(samples.length).toBeGreaterThan(100);
    for (const { acceleration, temperature } of samples) {
      expect(Math.hypot(...acceleration)).toBeCloseTo(1, 0);
      expect(temperature).toBeGreaterThan(20);
      expect(temperature).toBeLessThan(50);
    }
    const times = samples.map(({ micros }) => micros);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });
});
