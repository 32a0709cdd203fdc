import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { EventChunk, SensorSize } from '../../src/events.ts';
import { openRecording } from '../../src/streams/recording-file.ts';
import { summarizeRecording } from '../../src/streams/summarize.ts';
import { describeWithShared, sharedPath } from '../shared-data.ts';
import { columnDigests, joinColumns } from './columns.ts';

interface Expected {
  n_events: number;
  n_on: number;
  n_off: number;
  t_first: number;
  t_last: number;
  t_nonmonotonic: number;
  x_range: [number, number];
  y_range: [number, number];
  sum_t: number;
  sum_x: number;
  sum_y: number;
  first5_txyp: number[][];
  last_txyp: number[];
  sha3_224: Record<string, string>;
  packets?: Record<string, number>;
  imu_records?: number;
  word_types?: Record<string, number>;
  triggers?: number;
  sha3_224_y_flipped?: string;
}

const SUMMARY = 'expected/events/decoded_summary.json';

/** What each file's header says of the sensor; the headerless say nothing. */
const files: Record<string, { format: string; sensor?: SensorSize }> = {
  'aestream_davis.aedat4': { format: 'aedat4', sensor: { width: 346, height: 260 } },
  'tonic_sample.aedat4': { format: 'aedat4', sensor: { width: 320, height: 240 } },
  'redpob_dvSave-2024_06_13_16_16_25.aedat4': { format: 'aedat4', sensor: { width: 128, height: 128 } },
  'tonic_nmnist.bin': { format: 'nmnist' },
  'slayer_NMNIST_1.bs2': { format: 'nmnist' },
  'evl_ncaltech101_faces_easy_0001.bin': { format: 'nmnist' },
  'dvs128_alex_walking_again.aedat': { format: 'aedat2', sensor: { width: 128, height: 128 } },
  'dvs128_cam255_right_clamp_test1.aedat': { format: 'aedat2', sensor: { width: 128, height: 128 } },
  'dvs128_biolab_pendulo2.aedat': { format: 'aedat2', sensor: { width: 128, height: 128 } },
  'dvs128_biolab_Lapiseira.aedat': { format: 'aedat2', sensor: { width: 128, height: 128 } },
  'dvs128_biolab_video_chave_fenda.aedat': { format: 'aedat2', sensor: { width: 128, height: 128 } },
  'pyaedat_IMU_rotDisk.aedat': { format: 'aedat2', sensor: { width: 240, height: 180 } },
  'pyaedat_synth_TranslatingSquare.aedat': { format: 'aedat2', sensor: { width: 240, height: 180 } },
  'pyaedat_synth_TranslatingBarX.aedat': { format: 'aedat2', sensor: { width: 240, height: 180 } },
  'pyaedat_synth_RotatingBar.aedat': { format: 'aedat2', sensor: { width: 240, height: 180 } },
  'faery_evt2.raw': { format: 'evt2', sensor: { width: 640, height: 480 } },
  'expelliarmus_evt3.raw': { format: 'evt3', sensor: { width: 1280, height: 720 } },
  'expelliarmus_evt3_pedestrians.raw': { format: 'evt3', sensor: { width: 1280, height: 720 } },
  'eccodecs_trigger.evt3.raw': { format: 'evt3', sensor: { width: 1280, height: 720 } },
  'tonic_ncars.dat': { format: 'dat' },
  'faery_dvs.es': { format: 'es', sensor: { width: 320, height: 240 } },
};

const names = Object.keys(files);

/** What the summary says, with rows from the top also where it has them as stored, from the bottom. */
function fromTheTop(expected: Expected, { height }: SensorSize): Expected {
  const top = height - 1;
  const turn = ([t, x, y, on]: number[]): number[] => [t!, x!, top - y!, on!];
  return {
    ...expected,
    sum_y: top * expected.n_events - expected.sum_y,
    y_range: [top - expected.y_range[1], top - expected.y_range[0]],
    first5_txyp: expected.first5_txyp.map(turn),
    last_txyp: turn(expected.last_txyp),
    sha3_224: { ...expected.sha3_224, y_u16le: expected.sha3_224_y_flipped! },
  };
}

/** Records that are no events: those of other packets and samples, triggers, and words of kind OTHERS. */
function othersIn({ packets = {}, imu_records = 0, triggers = 0, word_types = {} }: Expected): number {
  const otherPackets = Object.entries(packets).filter(([key]) => !key.endsWith('EVTS'));
  const counts = otherPackets.map(([, count]) => count);
  return counts.reduce((total, count) => total + count, imu_records + triggers + (word_types['14'] ?? 0));
}

describeWithShared('real recordings', [SUMMARY, ...names.map((name) => `data/recordings/${name}`)], () => {
  const path = sharedPath(SUMMARY);
  const summary = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : { files: {} };
  const expectedOf = (name: string): Expected => {
    const expected = summary.files[name] as Expected;
    return expected.sha3_224_y_flipped === undefined ? expected : fromTheTop(expected, files[name]!.sensor!);
  };

  it.each(names)('decodes %s as an independent reader does', async (name) => {
    const expected = expectedOf(name);
    const recording = await openRecording(sharedPath(`data/recordings/${name}`));
    expect(recording.format.name).toBe(files[name]!.format);
    expect(recording.sensor).toEqual(files[name]!.sensor);
    const chunks: EventChunk[] = [];
    const pass = recording.chunks();
    for await (const chunk of pass) chunks.push(chunk);
    const columns = joinColumns(chunks);
    const { t, x, y, on } = columns;
    const sum = (values: readonly number[]): bigint =>
      values.reduce((total, value) => total + BigInt(value), 0n);
    const event = (i: number): number[] => [t[i]!, x[i]!, y[i]!, on[i]!];

    expect(t).toHaveLength(expected.n_events);
    expect(sum(on)).toBe(BigInt(expected.n_on));
    expect([0, 1, 2, 3, 4].map(event)).toEqual(expected.first5_txyp);
    expect(event(t.length - 1)).toEqual(expected.last_txyp);
    expect(Number(sum(t))).toBe(expected.sum_t);
    expect(sum(x)).toBe(BigInt(expected.sum_x));
    expect(sum(y)).toBe(BigInt(expected.sum_y));
    expect(columnDigests(columns)).toEqual(expected.sha3_224);
    expect(pass.counters).toMatchObject({
      events: expected.n_events,
      backward: expected.t_nonmonotonic,
      outOfRange: 0,
    });
    expect(pass.counters.skipped).toBe(othersIn(expected));
  });

  it.each(names)('sums up %s', async (name) => {
    const expected = expectedOf(name);
    const found = await summarizeRecording(await openRecording(sharedPath(`data/recordings/${name}`)));
    expect(found).toMatchObject({
      id: name,
      format: files[name]!.format,
      simulated: false,
      events: expected.n_events,
      on: expected.n_on,
      off: expected.n_off,
      firstMicros: expected.t_first,
      lastMicros: expected.t_last,
      durationMicros: expected.t_last - expected.t_first,
      xRange: expected.x_range,
      yRange: expected.y_range,
    });
  });
});
