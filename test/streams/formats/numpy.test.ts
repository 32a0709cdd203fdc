import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { npyFile, npzFile } from '../../../fixtures/recordings/numpy-file.ts';
import { barEvents } from '../../../fixtures/recordings/scene.ts';
import { FormatError } from '../../../src/errors.ts';
import { memorySource } from '../../../src/streams/byte-source.ts';
import { detectFormat, numpy } from '../../../src/streams/formats/index.ts';
import {
  openRecording,
  type RecordingOptions,
  recordingFromBytes,
} from '../../../src/streams/recording-file.ts';
import { describeWithShared, sharedPath } from '../../shared-data.ts';
import { type Columns, collect, joinColumns } from '../columns.ts';
import { temporaryFolders } from '../temporary-folder.ts';

const sensor = { width: 346, height: 260 };
const events = joinColumns([barEvents('numpy', sensor, 40_000, 1_700_000_000_000_000)]);
const folderOf = temporaryFolders();

const read = async (bytes: Uint8Array, options: Partial<RecordingOptions> = {}): Promise<Columns> =>
  joinColumns(await collect(recordingFromBytes(async () => bytes, { id: 'a.npy', ...options }).chunks()));

/** Rows of the values of a type, each written by `write` at its place. */
function rowsOf(bytes: number, write: (row: Buffer, i: number) => void): Buffer {
  const values = Buffer.alloc(bytes * events.t.length);
  for (let i = 0; i < events.t.length; i++) write(values.subarray(i * bytes, (i + 1) * bytes), i);
  return values;
}

const { t, x, y, on } = events;
const vectors = {
  t: npyFile("'<i8'", [t.length], Buffer.from(BigInt64Array.from(t, BigInt).buffer)),
  x: npyFile("'<u2'", [t.length], Buffer.from(Uint16Array.from(x).buffer)),
  y: npyFile("'<i4'", [t.length], Buffer.from(Int32Array.from(y).buffer)),
  p: npyFile("'|b1'", [t.length], Buffer.from(Uint8Array.from(on).buffer)),
};
const structured = npyFile(
  "[('t', '<i8'), ('x', '<i2'), ('', '|V2'), ('y', '<i2'), ('p', '|i1')]",
  [t.length],
  rowsOf(15, (row, i) => {
    row.writeBigInt64LE(BigInt(t[i]!), 0);
    row.writeInt16LE(x[i]!, 8);
    row.writeInt16LE(y[i]!, 12);
    row.writeInt8(on[i]! === 1 ? 1 : -1, 14);
  }),
);
const floats = (order: string) =>
  rowsOf(32, (row, i) => {
    const values = { t: t[i]! / 1e6, x: x[i]!, y: y[i]!, p: on[i]! };
    for (const [k, letter] of [...order].entries()) row.writeDoubleLE(values[letter as 't'], 8 * k);
  });
const byColumn = (): Buffer =>
  Buffer.concat([x, y, on, t].map((values) => Buffer.from(BigInt64Array.from(values, BigInt).buffer)));

describe('NumPy', () => {
  it.each([
    ['rows with members', structured],
    [
      'big-endian rows with names of their own',
      npyFile(
        "[('polarity', '|u1'), ('timestamp', '>u8'), ('y_pos', '>u2'), ('x_pos', '>u2')]",
        [t.length],
        rowsOf(13, (row, i) => {
          row.writeUInt8(on[i]!, 0);
          row.writeBigUInt64BE(BigInt(t[i]!), 1);
          row.writeUInt16BE(y[i]!, 9);
          row.writeUInt16BE(x[i]!, 11);
        }),
      ),
    ],
    ['plain rows in seconds', npyFile("'<f8'", [t.length, 4], floats('txyp'))],
    ['plain rows in another order', npyFile("'<f8'", [t.length, 4], floats('xypt'))],
    ['columns, in Fortran order', npyFile("'<i8'", [t.length, 4], byColumn(), true)],
    ['columns, one after the other', npyFile("'<i8'", [4, t.length], byColumn())],
    ['an archive of vectors', npzFile(vectors, false)],
    ['a compressed archive of vectors', npzFile(vectors, true)],
    ['a compressed archive of rows', npzFile({ arr_0: structured }, true)],
    ['an archive of columns', npzFile({ events: npyFile("'<i8'", [4, t.length], byColumn()) }, false)],
    ['an archive of plain rows', npzFile({ events: npyFile("'<f8'", [t.length, 4], floats('txyp')) }, false)],
  ])('is read from %s', async (_, bytes) => {
    expect(detectFormat(bytes.subarray(0, 1 << 16), bytes.length).name).toBe('numpy');
    expect(await read(bytes)).toEqual(events);
  });

  it('is read in the order and the unit that options say', async () => {
    const millis = npyFile(
      "'<i4'",
      [3, 5],
      Buffer.from(Int32Array.of(5, 9, 1, 6, 2, 7, 9, 0, 3, 4, 9, 9, 1, 8, 8).buffer),
    );
    expect(await read(millis, { columns: 'x-pyt', timeUnit: 'ms' })).toEqual({
      t: [2000, 4000, 8000],
      x: [5, 7, 9],
      y: [6, 3, 8],
      on: [1, 0, 1],
    });
  });

  it('is read in part as in whole, from a file', async () => {
    const folder = folderOf();
    for (const [name, bytes] of [
      ['a.npy', structured],
      ['b.npy', npyFile("'<f8'", [t.length, 4], floats('txyp'))],
      ['c.npz', npzFile(vectors, true)],
      ['d.npz', npzFile(vectors, false)],
      ['e.npz', npzFile({ arr_0: structured }, false)],
    ] as const) {
      const path = join(folder, name);
      writeFileSync(path, bytes);
      const [from, to] = [t[30_000]!, t[30_100]!];
      const part = await openRecording(path, { fromMicros: from, toMicros: to });
      expect(joinColumns(await collect(part.chunks())).t).toEqual(
        t.filter((time) => time >= from && time < to),
      );
    }
  });

  it('is read in part without what is before it, from arrays that are stored', async () => {
    for (const files of [vectors, { arr_0: structured }]) {
      const bytes = npzFile(files, false);
      const reader = await numpy.openReader(memorySource(bytes));
      const [chunk] = await collect(reader.chunks({ fromMicros: t[39_000]! }));
      expect(chunk!.origin + chunk!.t[0]!).toBeGreaterThan(t[20_000]!);
      expect(chunk!.origin + chunk!.t.at(-1)!).toBe(t.at(-1));
      await reader.close();
    }
  });

  it.each([
    ['cut off', structured.subarray(0, -20), 'array of 40000 rows expected, the data end after 39998'],
    ['of texts', npyFile("'<U5'", [3], Buffer.alloc(60)), 'numbers expected'],
    [
      'of other members',
      npyFile("[('a', '<i8'), ('b', '<i8')]", [1], Buffer.alloc(16)),
      'members t, x, y and p expected, found a, b',
    ],
    ['of one dimension', vectors.t, 'an array of events expected, found shape (40000)'],
    [
      'an archive of other arrays',
      npzFile({ a: vectors.t, b: vectors.x }, false),
      'one array, or arrays t, x, y and p expected, found a, b',
    ],
    [
      'of unlike lengths',
      npzFile({ ...vectors, y: npyFile("'<u2'", [1], Buffer.alloc(2)) }, false),
      'arrays of one length expected',
    ],
    ['a damaged archive', npzFile(vectors, true).fill(0x55, 2000, 4000), 'NumPy '],
  ])('that is %s is a fault', async (_, bytes, message) => {
    const reading = read(bytes);
    await expect(reading).rejects.toThrow(FormatError);
    await expect(reading).rejects.toThrow(message);
  });

  it('gives events or a FormatError, whatever is changed', async () => {
    const small = (bytes: Buffer): Buffer => bytes;
    const head = npyFile(
      "[('t', '<i8'), ('x', '<i2'), ('y', '<i2'), ('p', '|b1')]",
      [20],
      Buffer.alloc(260, 1),
    );
    const files = [
      head,
      npzFile({ arr_0: head }, true),
      npzFile({ t: vectors.t.subarray(0, 500) }, false),
    ].map(small);
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...files),
        fc.array(fc.tuple(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), fc.nat(255)), {
          minLength: 1,
          maxLength: 6,
        }),
        async (file, flips) => {
          const bytes = Buffer.from(file);
          for (const [at, value] of flips) bytes[Math.floor(at * bytes.length)] = value;
          try {
            await read(bytes, { format: detectFormat(file, file.length) });
          } catch (error) {
            expect(error).toBeInstanceOf(FormatError);
            expect((error as Error).message).not.toContain('\n');
          }
        },
      ),
      { numRuns: 400 },
    );
  });
});

const REAL = 'expected/events/expelliarmus_evt3_pedestrians.npy';
describeWithShared('a real array', [REAL], () => {
  it('is read', async () => {
    const recording = await openRecording(sharedPath(REAL));
    const found = joinColumns(await collect(recording.chunks()));
    expect(found.t).toHaveLength(5000);
    expect([found.x[0], found.y[0], found.on[0]]).toEqual([707, 297, 0]);
    expect(found.on.filter(Boolean)).toHaveLength(2894);
  });
});
