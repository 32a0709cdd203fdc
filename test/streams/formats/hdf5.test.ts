import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { File } from 'h5wasm/node';
import { describe, expect, it } from 'vitest';
import { addRows, hdf5File } from '../../../fixtures/recordings/hdf5-file.ts';
import { barEvents } from '../../../fixtures/recordings/scene.ts';
import { FormatError } from '../../../src/errors.ts';
import { hdf5 } from '../../../src/streams/formats/hdf5.ts';
import { detectFormat } from '../../../src/streams/formats/index.ts';
import {
  openRecording,
  type RecordingOptions,
  recordingFromBytes,
} from '../../../src/streams/recording-file.ts';
import { describeWithShared, sharedPath } from '../../shared-data.ts';
import { type Columns, collect, joinColumns } from '../columns.ts';
import { temporaryFolders } from '../temporary-folder.ts';

const sensor = { width: 640, height: 480 };
const START = 1_000_000;
const events = joinColumns([barEvents('hdf5', sensor, 50_000, START)]);
const { t, x, y, on } = events;
const folderOf = temporaryFolders();

const read = async (bytes: Uint8Array, options: Partial<RecordingOptions> = {}): Promise<Columns> =>
  joinColumns(await collect(recordingFromBytes(async () => bytes, { id: 'a.h5', ...options }).chunks()));

const packed = { chunks: [7000], compression: 4 };

/** Metavision: rows of named members. */
function metavision(file: File): void {
  file.create_group('CD');
  const rows = Buffer.alloc(16 * t.length);
  for (let i = 0; i < t.length; i++) {
    rows.writeUInt16LE(x[i]!, 16 * i);
    rows.writeUInt16LE(y[i]!, 16 * i + 2);
    rows.writeInt16LE(on[i]!, 16 * i + 4);
    rows.writeBigInt64LE(BigInt(t[i]!), 16 * i + 8);
  }
  const member = (name: string, offset: number, size: number, signed: boolean) => ({
    name,
    offset,
    size,
    signed,
  });
  const members = [
    member('x', 0, 2, false),
    member('y', 2, 2, false),
    member('p', 4, 2, true),
    member('t', 8, 8, true),
  ];
  file.create_attribute('geometry', '640x480');
  addRows(file.get('CD') as File, 'events', members, 16, rows);
}

/** DSEC: columns, times after an offset, and an index by milliseconds. */
function dsec(file: File): void {
  const offset = t[0]! - 300;
  file.create_group('events');
  const group = file.get('events') as File;
  group.create_dataset({ name: 't', data: Uint32Array.from(t, (time) => time - offset), ...packed });
  group.create_dataset({ name: 'x', data: Uint16Array.from(x), ...packed });
  group.create_dataset({ name: 'y', data: Uint16Array.from(y), ...packed });
  group.create_dataset({ name: 'p', data: Uint8Array.from(on), ...packed });
  file.create_dataset({ name: 't_offset', data: BigInt64Array.of(BigInt(offset)), shape: [] });
  const millis = Math.ceil((t.at(-1)! - offset) / 1000);
  const index = Array.from({ length: millis }, (_, ms) =>
    BigInt(t.findIndex((time) => time - offset >= 1000 * ms)),
  );
  file.create_dataset({ name: 'ms_to_idx', data: BigUint64Array.from(index) });
}

/** ESIM: columns with plural names, in seconds, the sensor's resolution as an attribute. */
function esim(file: File): void {
  file.create_group('events');
  const group = file.get('events') as File;
  group.create_dataset({ name: 'ts', data: Float64Array.from(t, (time) => time / 1e6) });
  group.create_dataset({ name: 'xs', data: Int16Array.from(x) });
  group.create_dataset({ name: 'ys', data: Int16Array.from(y) });
  group.create_dataset({ name: 'ps', data: Int8Array.from(on, (value) => 2 * value - 1) });
  file.create_attribute('sensor_resolution', Int32Array.of(480, 640));
}

/** MVSEC: rows of numbers. */
function mvsec(file: File): void {
  for (const path of ['davis', 'davis/left']) file.create_group(path);
  const rows = t.flatMap((time, i) => [x[i]!, y[i]!, time / 1e6, 2 * on[i]! - 1]);
  (file.get('davis/left') as File).create_dataset({
    name: 'events',
    data: Float64Array.from(rows),
    shape: [t.length, 4],
    chunks: [5000, 4],
    compression: 4,
  });
}

const layouts = { Metavision: metavision, DSEC: dsec, ESIM: esim, MVSEC: mvsec };

describe('HDF5', () => {
  it.each(Object.entries(layouts))('of %s is read', async (name, fill) => {
    const bytes = await hdf5File(fill);
    expect(detectFormat(bytes.subarray(0, 1 << 16), bytes.length)).toBe(hdf5);
    expect(await read(bytes)).toEqual(events);
    const path = join(folderOf(), 'a');
    writeFileSync(path, bytes);
    const recording = await openRecording(path);
    expect(recording.sensor).toEqual({ Metavision: sensor, ESIM: sensor }[name]);
  });

  it.each(Object.entries(layouts))('of %s is read in part as in whole', async (_, fill) => {
    const path = join(folderOf(), 'a.h5');
    writeFileSync(path, await hdf5File(fill));
    for (const [from, to] of [
      [t[40_000]!, t[40_100]!],
      [0, t[3]!],
      [t[49_990]!, 1e12],
    ] as const) {
      const part = await openRecording(path, { fromMicros: from, toMicros: to });
      expect(joinColumns(await collect(part.chunks())).t).toEqual(
        t.filter((time) => time >= from && time < to),
      );
    }
  });

  it('of no events, or of columns that do not fit, is a fault', async () => {
    const other = await hdf5File((file) =>
      file.create_dataset({ name: 'weights', data: Float32Array.of(1) }),
    );
    await expect(read(other)).rejects.toThrow('HDF5 events under /CD/events');
    await expect(read(other)).rejects.toThrow('found weights at byte 0');
    const uneven = await hdf5File((file) => {
      for (const [name, length] of [
        ['t', 3],
        ['x', 3],
        ['y', 2],
        ['p', 3],
      ] as const)
        file.create_dataset({ name, data: new Uint8Array(length) });
    });
    await expect(read(uneven)).rejects.toThrow('columns of one length expected in /, found 3, 3, 2, 3');
  });

  it('leaves no files and no open ones behind', async () => {
    const before = readdirSync('/proc/self/fd').length;
    const bytes = await hdf5File(dsec);
    for await (const _ of recordingFromBytes(async () => bytes, { id: 'a.h5' }).chunks()) break;
    await expect(read(bytes.subarray(0, 3000))).rejects.toThrow(FormatError);
    expect(readdirSync(tmpdir()).filter((name) => /^rxspike-[0-9a-f]{12}\.h5$/.test(name))).toEqual([]);
    expect(readdirSync('/proc/self/fd').length).toBeLessThanOrEqual(before + 1);
  });

  it('gives events or a FormatError, whatever is changed', async () => {
    const small = await hdf5File((file) => {
      for (const name of ['t', 'x', 'y', 'p']) {
        file.create_dataset({
          name,
          data: Int32Array.from({ length: 100 }, (_, i) => i & 1),
          chunks: [50],
          compression: 4,
        });
      }
    });
    const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(place, fc.nat(255)), { minLength: 1, maxLength: 6 }),
        fc.option(place),
        async (flips, cut) => {
          let bytes = Buffer.from(small);
          for (const [at, value] of flips) bytes[Math.floor(at * bytes.length)] = value;
          if (cut !== null) bytes = bytes.subarray(0, Math.floor(cut * bytes.length));
          try {
            await read(bytes, { format: hdf5 });
          } catch (error) {
            expect(error).toBeInstanceOf(FormatError);
            expect((error as Error).message).not.toContain('\n');
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});

const [HDF5, TEXT] = ['data/recordings/evl_event.hdf5', 'data/recordings/evl_event.txt'];
describeWithShared('a real HDF5', [HDF5, TEXT], () => {
  it('holds the events of its text', async () => {
    const [recording, same] = [await openRecording(sharedPath(HDF5)), await openRecording(sharedPath(TEXT))];
    expect(recording.format).toBe(hdf5);
    expect(joinColumns(await collect(recording.chunks()))).toEqual(joinColumns(await collect(same.chunks())));
    expect(readFileSync(sharedPath(TEXT), 'utf8').trim().split('\n')).toHaveLength(17);
  });
});
