import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { parquetReadObjects } from 'hyparquet';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { beforeAll, describe, expect, it } from 'vitest';
import { barEvents } from '../../../fixtures/recordings/scene.ts';
import { FormatError } from '../../../src/errors.ts';
import { allocateChunk, type EventChunk, sliceChunk } from '../../../src/events.ts';
import { loadZstd } from '../../../src/streams/formats/aedat4/zstd.ts';
import { detectFormat } from '../../../src/streams/formats/index.ts';
import { parquet } from '../../../src/streams/formats/parquet.ts';
import {
  openRecording,
  type RecordingOptions,
  recordingFromBytes,
  writeRecording,
} from '../../../src/streams/recording-file.ts';
import { type Columns, collect, joinColumns } from '../columns.ts';
import { temporaryFolders } from '../temporary-folder.ts';

const sensor = { width: 346, height: 260 };
const folderOf = temporaryFolders();

const read = async (bytes: Uint8Array, options: Partial<RecordingOptions> = {}): Promise<Columns> =>
  joinColumns(
    await collect(
      recordingFromBytes(async () => bytes, { id: 'a.parquet', format: parquet, ...options }).chunks(),
    ),
  );

function encode(chunks: readonly EventChunk[], simulated = false): Buffer {
  const encoder = parquet.createEncoder!({ sensor, simulated });
  const parts: Buffer[] = [];
  const emit = (bytes: Uint8Array): number => parts.push(Buffer.from(bytes));
  for (const chunk of chunks) encoder.push(chunk, emit);
  encoder.end(emit);
  return Buffer.concat(parts);
}

beforeAll(loadZstd);

describe('Parquet', () => {
  it('comes back as it was written, whatever the times', async () => {
    const step = fc.oneof(
      fc.nat(20),
      fc.nat(2 ** 24 + 5),
      fc.nat(2 ** 33),
      fc.constantFrom(2 ** 46, 2 ** 52, 2 ** 32 - 1),
    );
    const event = fc.tuple(step, fc.nat(345), fc.nat(259), fc.nat(1));
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: -5, max: 2 ** 50 }),
        fc.array(event, { maxLength: 400 }),
        async (start, events) => {
          const chunks: EventChunk[] = [];
          let time = start;
          for (const [micros, x, y, on] of events) {
            if (time + micros >= 2 ** 53) break;
            time += micros;
            const chunk = allocateChunk(time, 1);
            chunk.t[0] = 0;
            chunk.x[0] = x;
            chunk.y[0] = y;
            chunk.on[0] = on;
            chunks.push(chunk);
          }
          expect(await read(encode(chunks))).toEqual(joinColumns(chunks));
        },
      ),
      { numRuns: 60 },
    );
  });

  const events = barEvents('parquet', sensor, 300_000, 1_700_000_000_000_000);

  it('has groups of rows, the sensor, and says what is simulated', async () => {
    const path = join(folderOf(), 'a.parquet');
    await writeRecording(path, [sliceChunk(events, 0, 100_000), sliceChunk(events, 100_000, 300_000)], {
      format: parquet,
      sensor,
      simulated: true,
    });
    const recording = await openRecording(path);
    expect(recording).toMatchObject({ format: parquet, sensor, simulated: true });
    expect(joinColumns(await collect(recording.chunks()))).toEqual(joinColumns([events]));
  });

  it('is read in part as in whole', async () => {
    const path = join(folderOf(), 'a.parquet');
    const bytes = encode([events]);
    const { t } = joinColumns([events]);
    bytes.fill(0xee, 5000, 6000); // in the first group, which is not read
    writeFileSync(path, bytes);
    const [from, to] = [t[270_000]!, t[270_500]!];
    const part = await openRecording(path, { fromMicros: from, toMicros: to });
    expect(joinColumns(await collect(part.chunks())).t).toEqual(
      t.filter((time) => time >= from && time < to),
    );
  });

  it('is what another reader reads', async () => {
    const bytes = encode([sliceChunk(events, 0, 500)]);
    const buffer = new Uint8Array(bytes).buffer;
    const rows = await parquetReadObjects({ file: buffer });
    expect(rows).toHaveLength(500);
    expect(rows[499]).toMatchObject({ x: events.x[499], y: events.y[499], on: events.on[499] === 1 });
    expect((rows[499]!.t as Date).getTime()).toBe(Math.floor((events.origin + events.t[499]!) / 1000));
  });

  const { t, x, y, on } = joinColumns([sliceChunk(events, 0, 3000)]);
  const others = {
    'doubles in seconds': [
      { name: 'timestamp', data: Float64Array.from(t, (time) => time / 1e6), type: 'DOUBLE' },
      { name: 'x', data: Int32Array.from(x), type: 'INT32' },
      { name: 'y', data: Int32Array.from(y), type: 'INT32' },
      { name: 'polarity', data: Int32Array.from(on, (value) => 2 * value - 1), type: 'INT32' },
    ],
    'timestamps, in another order': [
      { name: 'p', data: on.map((value) => value === 1), type: 'BOOLEAN' },
      { name: 'y', data: y, type: 'INT32' },
      { name: 'x', data: x, type: 'INT32' },
      { name: 't', data: BigInt64Array.from(t, BigInt), type: 'INT64' },
      { name: 'label', data: t.map(() => 'a'), type: 'STRING' },
    ],
  } as const;

  it.each(Object.entries(others))('of another writer is read (%s)', async (_, columnData) => {
    for (const codec of ['UNCOMPRESSED', 'SNAPPY'] as const) {
      const bytes = new Uint8Array(
        parquetWriteBuffer({ columnData: columnData as never, codec, rowGroupSize: 1000 }),
      );
      expect(detectFormat(bytes.subarray(0, 1 << 16), bytes.length)).toBe(parquet);
      expect(await read(bytes)).toEqual({ t, x, y, on });
    }
  });

  it.each([
    ['cut off', encode([events]).subarray(0, -10), 'PAR1 expected at the end'],
    [
      'of other columns',
      new Uint8Array(parquetWriteBuffer({ columnData: [{ name: 'a', data: [1], type: 'INT32' }] })),
      'columns t, x, y and p expected, found a',
    ],
    ['empty', Buffer.from('PAR1'), 'PAR1 expected at the end'],
  ])('that is %s is a fault', async (_, bytes, message) => {
    await expect(read(bytes)).rejects.toThrow(FormatError);
    await expect(read(bytes)).rejects.toThrow(message);
  });

  it('gives events or a FormatError, whatever is changed', async () => {
    const ours = encode([sliceChunk(events, 0, 300)]);
    const theirs = Buffer.from(
      parquetWriteBuffer({ columnData: others['doubles in seconds'] as never, rowGroupSize: 500 }),
    );
    const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    const before = process.memoryUsage().arrayBuffers;
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(ours, theirs),
        fc.array(
          fc.tuple(
            fc.oneof(
              place,
              place.map((at) => 1 - at ** 4 / 2),
            ),
            fc.nat(255),
          ),
          { minLength: 1, maxLength: 6 },
        ),
        async (file, flips) => {
          const bytes = Buffer.from(file);
          for (const [at, value] of flips) bytes[Math.floor(at * bytes.length)] = value;
          try {
            await read(bytes);
          } catch (error) {
            if (!(error instanceof FormatError)) throw error;
            expect(error.message).not.toContain('\n');
          }
        },
      ),
      { numRuns: 500 },
    );
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(512 << 20);
  });
});
