import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fixtureNames } from '../../fixtures/recordings/names.ts';
import { barEvents } from '../../fixtures/recordings/scene.ts';
import { allocateChunk, type EventChunk, sliceChunk } from '../../src/events.ts';
import { type ByteSource, openByteSource } from '../../src/streams/byte-source.ts';
import { aedat2, arrowEvents, dat, type EventFormat, evt2 } from '../../src/streams/formats/index.ts';
import { openRecording, recordingFromBytes, writeRecording } from '../../src/streams/recording-file.ts';
import { chunksWithin } from '../../src/streams/time-range.ts';
import { describeWithShared, sharedPath } from '../shared-data.ts';
import { type Columns, collect, joinColumns } from './columns.ts';
import { temporaryFolders } from './temporary-folder.ts';

const folderOf = temporaryFolders();

const within = ({ t, x, y, on }: Columns, from: number, to: number): Columns => {
  const kept = t.flatMap((time, i) => (time >= from && time < to ? [i] : []));
  const of = (values: number[]): number[] => kept.map((i) => values[i]!);
  return { t: of(t), x: of(x), y: of(y), on: of(on) };
};

/** Ranges over the length of a recording, and around it. */
function rangesOf(t: readonly number[]): [from: number, to: number][] {
  const at = (fraction: number): number => t[Math.min(t.length - 1, Math.floor(fraction * t.length))]!;
  return [
    [at(0), at(0.01) + 1],
    [at(0.3), at(0.31)],
    [at(0.95) + 1, Number.MAX_SAFE_INTEGER],
    [0, at(0)],
    [at(1) + 1, at(1) + 1000],
  ];
}

async function expectPartsOfWhole(path: string): Promise<void> {
  const whole = joinColumns(await collect((await openRecording(path)).chunks()));
  for (const [fromMicros, toMicros] of rangesOf(whole.t)) {
    const part = (await openRecording(path, { fromMicros, toMicros })).chunks();
    const found = joinColumns(await collect(part));
    expect(found).toEqual(within(whole, fromMicros, toMicros));
    expect(part.counters.events).toBe(found.t.length);
  }
}

describe('chunksWithin', () => {
  async function* chunksOf(times: readonly (readonly number[])[]): AsyncGenerator<EventChunk> {
    for (const part of times) {
      const chunk = allocateChunk(1000, part.length);
      chunk.t.set(part);
      chunk.x.fill(1);
      yield chunk;
    }
  }

  it('gives the events of a range, whatever the chunks', async () => {
    const times = fc.array(fc.nat(50), { maxLength: 40 }).map((values) => values.sort((a, b) => a - b));
    await fc.assert(
      fc.asyncProperty(times, fc.nat(40), fc.integer({ min: 990, max: 1060 }), async (t, cut, from) => {
        const parts = [t.slice(0, cut), t.slice(cut)];
        const found = await collect(chunksWithin(chunksOf(parts), { fromMicros: from, toMicros: from + 20 }));
        const joined = found.flatMap((chunk) => Array.from(chunk.t));
        expect(joined).toEqual(t.filter((time) => time + 1000 >= from && time + 1000 < from + 20));
      }),
    );
  });

  it('ends at the first event after the range', async () => {
    let asked = 0;
    async function* counted(): AsyncGenerator<EventChunk> {
      for await (const chunk of chunksOf([
        [1, 2],
        [3, 4],
        [5, 6],
        [7, 8],
      ])) {
        asked++;
        yield chunk;
      }
    }
    await collect(chunksWithin(counted(), { toMicros: 1004 }));
    expect(asked).toBe(2);
  });
});

describe('a part of a recording', () => {
  it.each(fixtureNames)('is what lies in it of the whole (%s)', async (name) => {
    await expectPartsOfWhole(fileURLToPath(new URL(`../../fixtures/recordings/${name}`, import.meta.url)));
  });

  it('is that of an archive, too', async () => {
    const events = barEvents('part', { width: 34, height: 34 }, 900, 0);
    const path = join(folderOf(), 'a.arrow');
    await writeRecording(path, [events], { format: arrowEvents, sensor: { width: 34, height: 34 } });
    const recording = recordingFromBytes(async () => readFileSync(path), {
      id: 'a',
      fromMicros: 500,
      toMicros: 900,
    });
    const whole = joinColumns([events]);
    expect(joinColumns(await collect(recording.chunks()))).toEqual(within(whole, 500, 900));
  });

  const sensor = { width: 240, height: 180 };
  /** An hour and a half of events, so that a clock of 32 bits wraps. */
  const long = ((): EventChunk[] => {
    const events = barEvents('long', sensor, 60_000, 0);
    return Array.from({ length: 60 }, (_, i) => {
      const part = sliceChunk(events, 1000 * i, 1000 * (i + 1));
      return { ...part, origin: i * 95_000_000 };
    });
  })();

  it.each([aedat2, arrowEvents, dat, evt2])(
    'is found without decoding what is before it ($name)',
    async (format: EventFormat) => {
      const path = join(folderOf(), 'a');
      await writeRecording(path, long, { format, sensor });
      await expectPartsOfWhole(path);
      const last = long[50]!.origin;
      const source = await openByteSource(path);
      let read = 0;
      const counted: ByteSource = {
        ...source,
        read: async (start, end) => {
          const bytes = await source.read(start, end);
          if (start > 0) read += bytes.length;
          return bytes;
        },
      };
      const found = await format.seek!(counted, { fromMicros: last }, { path });
      await source.close();
      expect(found!.start).toBeGreaterThan(source.size * 0.7);
      expect(read).toBeLessThan(source.size);
    },
  );

  it('is found behind several wraps of the clock of EVT2, which is 4.8 hours', async () => {
    const path = join(folderOf(), 'a.raw');
    const longer = long.map((chunk) => ({ ...chunk, origin: 10 * chunk.origin }));
    await writeRecording(path, longer, { format: evt2, sensor });
    await expectPartsOfWhole(path);
    const source = await openByteSource(path);
    const found = await evt2.seek!(source, { fromMicros: longer[50]!.origin }, { path });
    expect(await evt2.seek!(source, { fromMicros: 0 }, { path, shiftTime: true })).toBeUndefined();
    await source.close();
    expect(found!.start).toBeGreaterThan(source.size * 0.7);
  });

  it('is found where a file is damaged before it', async () => {
    const path = join(folderOf(), 'a.arrow');
    await writeRecording(path, long, { format: arrowEvents, sensor });
    const bytes = readFileSync(path);
    bytes.fill(0, 30_000, 30_500);
    writeFileSync(path, bytes);
    const fromMicros = long[59]!.origin;
    const found = await collect((await openRecording(path, { fromMicros })).chunks());
    expect(joinColumns(found)).toEqual(joinColumns([long[59]!]));
  });
});

const real = [
  'aestream_davis.aedat4',
  'tonic_sample.aedat4',
  'redpob_dvSave-2024_06_13_16_16_25.aedat4',
  'dvs128_biolab_Lapiseira.aedat',
  'pyaedat_IMU_rotDisk.aedat',
  'expelliarmus_evt3_pedestrians.raw',
  'faery_evt2.raw',
  'tonic_nmnist.bin',
  'tonic_ncars.dat',
].map((name) => `data/recordings/${name}`);
describeWithShared('a part of a real recording', real, () => {
  it.each(real)('is what lies in it of the whole (%s)', (name) => expectPartsOfWhole(sharedPath(name)));
});
