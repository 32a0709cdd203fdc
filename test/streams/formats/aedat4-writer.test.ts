import { readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { uncompressSync } from 'lz4-napi';
import { beforeAll, describe, expect, it } from 'vitest';
import { barEvents } from '../../../fixtures/recordings/scene.ts';
import { type EventChunk, sliceChunk } from '../../../src/events.ts';
import { readDataTable } from '../../../src/streams/formats/aedat4/data-table.ts';
import { Aedat4Encoder } from '../../../src/streams/formats/aedat4/encoder.ts';
import { readIoHeader } from '../../../src/streams/formats/aedat4/io-header.ts';
import { Lz4Frames } from '../../../src/streams/formats/aedat4/lz4.ts';
import { encodeLz4 } from '../../../src/streams/formats/aedat4/lz4-encoder.ts';
import { loadZstd } from '../../../src/streams/formats/aedat4/zstd.ts';
import { loadZstdEncoder } from '../../../src/streams/formats/aedat4/zstd-encoder.ts';
import { aedat4 } from '../../../src/streams/formats/aedat4.ts';
import { openRecording, writeRecording } from '../../../src/streams/recording-file.ts';
import { collect, decodeBytes, joinColumns } from '../columns.ts';
import { temporaryFolders } from '../temporary-folder.ts';

const sensor = { width: 346, height: 260 };
const events = barEvents('written', sensor, 20_000, 1_700_000_000_000_000);
const chunks = [0, 1, 2, 3].map((i) => sliceChunk(events, 5000 * i, 5000 * (i + 1)));
const folderOf = temporaryFolders();

beforeAll(async () => {
  await loadZstdEncoder();
  await loadZstd();
});

function written(encoder: Aedat4Encoder, parts: readonly EventChunk[]): Buffer {
  const bytes: Uint8Array[] = [];
  for (const chunk of parts) encoder.push(chunk, (part) => bytes.push(part));
  encoder.end((part) => bytes.push(part));
  const file = Buffer.concat(bytes);
  for (const { byteOffset, bytes: patch } of encoder.patches()) file.set(patch, byteOffset);
  return file;
}

describe('LZ4 frames', () => {
  const content = fc.oneof(
    fc.uint8Array({ maxLength: 3000 }),
    fc.array(fc.nat(3), { maxLength: 5000 }).map((values) => Uint8Array.from(values)),
    fc
      .tuple(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.nat(3000))
      .map(([part, times]) => Uint8Array.from({ length: times }, (_, i) => part[i % part.length]!)),
  );

  it('come back through our decoder and the reference one', () => {
    fc.assert(
      fc.property(content, (bytes) => {
        const frame = encodeLz4(bytes);
        expect(Buffer.from(new Lz4Frames(1 << 20).decode(frame)).equals(bytes)).toBe(true);
      }),
    );
  });

  it('hold blocks of any length', () => {
    const long = Uint8Array.from({ length: (1 << 22) + 99_999 }, (_, i) => (i * i) >> (i & 15));
    const frame = encodeLz4(long);
    expect(Buffer.from(new Lz4Frames(1 << 23).decode(frame)).equals(long)).toBe(true);
    expect(encodeLz4(new Uint8Array(1 << 20)).length).toBeLessThan(5000);
  });

  it('are what the reference implementation unpacks', () => {
    const bytes = Buffer.from('so much, so much, so much depends upon a red wheel barrow '.repeat(40));
    const block = encodeLz4(bytes).subarray(11, -4);
    const sized = Buffer.concat([Buffer.alloc(4), block]);
    sized.writeUInt32LE(bytes.length);
    expect(uncompressSync(sized).equals(bytes)).toBe(true);
  });
});

describe('a written AEDAT 4', () => {
  const encoders = {
    none: () => new Aedat4Encoder({ sensor, compression: 'none' }),
    lz4: () => new Aedat4Encoder({ sensor }),
    zstd: () => new Aedat4Encoder({ sensor, compression: 'zstd' }),
  };

  it.each(Object.entries(encoders))('comes back (%s)', (_, encoder) => {
    const { chunks: found, decoder, error } = decodeBytes(aedat4, written(encoder(), chunks));
    expect(error).toBeUndefined();
    expect(decoder.sensor).toEqual(sensor);
    expect(joinColumns(found)).toEqual(joinColumns([events]));
  });

  it.each(Object.entries(encoders))('lists its packets in a table (%s)', (name, encoder) => {
    const file = written(encoder(), [...chunks, sliceChunk(events, 0, 0)]);
    const table = file.subarray(headerOf(file).tablePosition);
    const content =
      name === 'none' ? table : name === 'lz4' ? new Lz4Frames(1 << 20).decode(table) : undefined;
    if (content === undefined) return;
    const entries = readDataTable(new DataView(content.buffer, content.byteOffset, content.length));
    expect(entries.map(({ elements, firstMicros }) => [elements, firstMicros])).toEqual(
      chunks.map(({ origin, t }) => [5000, origin + t[0]!]),
    );
    for (const { byteOffset, size } of entries) expect(file.readInt32LE(byteOffset - 4)).toBe(size);
  });

  it('is written in zstd by any Node, and comes back', async () => {
    const path = join(folderOf(), 'a.aedat4');
    await writeRecording(path, chunks, { format: aedat4, sensor, compression: 'zstd' });
    expect(headerOf(readFileSync(path)).compression).toBe('zstd');
    expect(joinColumns(await collect((await openRecording(path)).chunks()))).toEqual(joinColumns([events]));
  });

  it.each(['lz4', 'none'] as const)('is read in part, without the rest (%s)', async (compression) => {
    const path = join(folderOf(), 'a.aedat4');
    await writeRecording(path, chunks, { format: aedat4, sensor, compression });
    // What is outside the packets of the range is spoilt: it is not read.
    const file = await open(path, 'r+');
    const { t } = joinColumns([events]);
    const [from, to] = [t[7000]!, t[9000]!];
    const packets = packetsOf(readFileSync(path));
    for (const packet of [packets[0]!, packets[3]!])
      await file.write(Buffer.alloc(20, 255), 0, 20, packet + 30);
    await file.close();
    await expect(collect((await openRecording(path)).chunks())).rejects.toThrow('event packet is not valid');
    const recording = await openRecording(path, { fromMicros: from, toMicros: to });
    const pass = recording.chunks();
    const found = joinColumns(await collect(pass));
    expect(found.t).toEqual(t.filter((micros) => micros >= from && micros < to));
    expect(pass.counters.events).toBe(found.t.length);
  });
});

function headerOf(file: Buffer): ReturnType<typeof readIoHeader> {
  return readIoHeader(file.subarray(18, 18 + file.readUInt32LE(14)));
}

/** Where the packets begin. */
function packetsOf(file: Buffer): number[] {
  const starts: number[] = [];
  const end = headerOf(file).tablePosition;
  for (let at = 18 + file.readUInt32LE(14); at < end; at += 8 + file.readInt32LE(at + 4)) starts.push(at);
  return starts;
}
