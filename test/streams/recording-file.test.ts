import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { barEvents } from '../../fixtures/recordings/scene.ts';
import { FormatError, InputError, OptionError } from '../../src/errors.ts';
import { type EventChunk, sliceChunk } from '../../src/events.ts';
import { writeFileAtomic } from '../../src/streams/atomic-file.ts';
import { fileBlocks } from '../../src/streams/file-blocks.ts';
import { aedat2, aedat4, arrowEvents, type EventFormat, nmnist } from '../../src/streams/formats/index.ts';
import {
  encodeRecording,
  openRecording,
  recordingFromBytes,
  writeRecording,
} from '../../src/streams/recording-file.ts';
import { summarizeRecording } from '../../src/streams/summarize.ts';
import { collect, joinColumns } from './columns.ts';

const sensor = { width: 128, height: 128 };
const events = barEvents('files', sensor, 20_000, 1000);

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rxspike-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** Files of the folder that this process holds open. */
async function openFiles(): Promise<string[]> {
  const { readlink } = await import('node:fs/promises');
  const handles = await readdir('/proc/self/fd');
  const targets = await Promise.all(handles.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')));
  return targets.filter((target) => target.startsWith(folder));
}

const write = (
  path: string,
  format: EventFormat = aedat2,
  chunks: Iterable<EventChunk> = [events],
): Promise<number> => writeRecording(path, chunks, { format, sensor });

describe('a recording in a file', () => {
  it.each([aedat2, aedat4, nmnist, arrowEvents])('comes back as it was written ($name)', async (format) => {
    const path = join(folder, 'misleading.txt');
    await write(path, format, [sliceChunk(events, 0, 5000), sliceChunk(events, 5000, 20_000)]);
    const recording = await openRecording(path, { label: 3 });
    expect(recording).toMatchObject({ id: 'misleading.txt', label: 3, simulated: false, path, format });
    for (let pass = 0; pass < 2; pass++) {
      expect(joinColumns(await collect(recording.chunks()))).toEqual(joinColumns([events]));
    }
    expect(await readdir(folder)).toEqual(['misleading.txt']);
  });

  it.each([aedat2, aedat4, arrowEvents])(
    'has what its encoder makes, block by block ($name)',
    async (format) => {
      const path = join(folder, 'long');
      const chunks = Array.from({ length: 23 }, (_, k) => ({ ...events, origin: k * 10_000_000 }));
      const length = await write(path, format, chunks);
      const file = await readFile(path);
      expect(file.length).toBe(length);
      const parts: Uint8Array[] = [];
      for await (const part of encodeRecording(chunks, { format, sensor })) parts.push(part);
      // The header of AEDAT 4 is patched to point to its table.
      const patched = format === aedat4 ? 1000 : 0;
      expect(file.subarray(patched).equals(Buffer.concat(parts).subarray(patched))).toBe(true);
    },
  );

  it('says that it is simulated where its format can', async () => {
    const path = join(folder, 'a');
    await writeRecording(path, [events], { format: arrowEvents, sensor, simulated: true });
    expect(await openRecording(path)).toMatchObject({ simulated: true, sensor });
  });

  it('closes its file when the iteration ends early, and when it ends', async () => {
    const path = join(folder, 'a');
    await write(path);
    const recording = await openRecording(path);
    expect(await openFiles()).toEqual([]);
    for await (const _ of recording.chunks()) {
      expect(await openFiles()).toEqual([path]);
      break;
    }
    expect(await openFiles()).toEqual([]);
    await collect(recording.chunks());
    expect(await openFiles()).toEqual([]);
  });

  it('gives its good events before the fault, also where the fault is in its first block', async () => {
    const path = join(folder, 'a');
    await write(path, aedat2, [sliceChunk(events, 0, 100)]);
    const bytes = await readFile(path);
    await writeFile(path, bytes.subarray(0, -3));
    const recording = await openRecording(path);
    const found: EventChunk[] = [];
    const reading = (async () => {
      for await (const chunk of recording.chunks()) found.push(chunk);
    })();
    const where = { path, byteOffset: bytes.length - 8 };
    await expect(reading).rejects.toThrow(
      new FormatError('AEDAT 2.0 record of 8 bytes expected, the data end after 5', where),
    );
    expect(joinColumns(found).t).toHaveLength(99);
    expect(await openFiles()).toEqual([]);
  });

  it('with a fault in its header is not opened', async () => {
    const path = join(folder, 'a');
    await writeFile(path, '#!AER-DAT2.0\r\n# AEChip: other.Chip\r\n');
    await expect(openRecording(path)).rejects.toThrow(`${path}: chip "other.Chip" is not known`);
    await writeFile(path, '');
    await expect(openRecording(path)).rejects.toThrow('found an empty file at byte 0');
    expect(await openFiles()).toEqual([]);
  });

  it('that is not there, or is a folder, is named', async () => {
    const path = join(folder, 'nothing');
    await expect(openRecording(path)).rejects.toThrow(new InputError('no such file', path));
    await expect(openRecording(folder)).rejects.toThrow(
      new InputError('a file expected, this is none', folder),
    );
  });

  it('is summed up', async () => {
    const path = join(folder, 'a');
    await write(path);
    const summary = await summarizeRecording(await openRecording(path));
    const { t, x, y, on } = joinColumns([events]);
    const duration = t.at(-1)! - 1000;
    expect(summary).toEqual({
      id: 'a',
      format: 'aedat2',
      sensor,
      simulated: false,
      events: 20_000,
      on: on.filter(Boolean).length,
      off: on.filter((value) => value === 0).length,
      firstMicros: 1000,
      lastMicros: t.at(-1),
      durationMicros: duration,
      eventsPerSecond: (20_000 * 1e6) / duration,
      xRange: [Math.min(...x), Math.max(...x)],
      yRange: [Math.min(...y), Math.max(...y)],
      counters: { events: 20_000, backward: 0, outOfRange: 0, skipped: 0 },
    });
  });

  it('without events is summed up', async () => {
    const path = join(folder, 'a');
    await write(path, arrowEvents, []);
    expect(await summarizeRecording(await openRecording(path))).toMatchObject({
      events: 0,
      firstMicros: undefined,
      durationMicros: 0,
      eventsPerSecond: 0,
      xRange: undefined,
    });
  });
});

describe('a recording in memory', () => {
  it('is read anew for each pass, and only when it is iterated', async () => {
    const path = join(folder, 'a');
    await write(path, nmnist);
    let reads = 0;
    const read = (): Promise<Uint8Array> => {
      reads++;
      return readFile(path);
    };
    const recording = recordingFromBytes(read, { id: 'train/7/00001', label: 7, sensor });
    expect(recording).toMatchObject({ id: 'train/7/00001', label: 7, sensor, simulated: false });
    expect(reads).toBe(0);
    expect(joinColumns(await collect(recording.chunks()))).toEqual(joinColumns([events]));
    const pass = recording.chunks();
    await collect(pass);
    expect(pass.counters.events).toBe(20_000);
    expect(reads).toBe(2);
  });

  it('is named in its faults', async () => {
    const recording = recordingFromBytes(async () => Buffer.from('nonsense'), { id: 'train/7/00001' });
    await expect(collect(recording.chunks())).rejects.toThrow(
      'train/7/00001: not a recording that can be read',
    );
  });
});

describe('writing', () => {
  it('leaves nothing behind where it fails', async () => {
    const path = join(folder, 'a');
    await writeFile(path, 'before');
    function* failing(): Generator<EventChunk> {
      yield events;
      throw new Error('no more');
    }
    await expect(write(path, arrowEvents, failing())).rejects.toThrow('no more');
    expect(await readdir(folder)).toEqual(['a']);
    expect(await readFile(path, 'utf8')).toBe('before');
  });

  it('replaces whole files', async () => {
    const path = join(folder, 'a');
    await writeFileAtomic(path, 'one');
    await writeFileAtomic(path, Uint8Array.of(50));
    expect(await readFile(path, 'utf8')).toBe('2');
    expect(await readdir(folder)).toEqual(['a']);
  });

  it('to nowhere is named', async () => {
    const path = join(folder, 'none', 'a');
    await expect(writeFileAtomic(path, 'x')).rejects.toThrow(InputError);
    await expect(writeFileAtomic(path, 'x')).rejects.toThrow(
      `${path}: file cannot be written: its folder does not exist`,
    );
  });

  it('is refused for a format that is only read', async () => {
    const { createEncoder: _, ...readOnly } = aedat4;
    await expect(write(join(folder, 'a'), readOnly)).rejects.toThrow(
      new OptionError('AEDAT 4 can be read but not written'),
    );
  });
});

describe('fileBlocks', () => {
  const lengths = [0, 1, 999, 1000, 1001, 2000, 12_345];
  // From memory; from a disk, where every read is slow; and from one where only some are.
  const slowest = [Number.POSITIVE_INFINITY, -1, 0.004];

  it.each(lengths.flatMap((length) => slowest.map((millis) => [length, millis])))(
    'gives all of %i bytes in blocks of 1000, reads of over %d ms being slow',
    async (length, millis) => {
      const path = join(folder, 'a');
      const bytes = Buffer.from(Array.from({ length }, (_, i) => i & 255));
      await writeFile(path, bytes);
      const blocks: Buffer[] = [];
      for await (const block of fileBlocks(path, 1000, 0, Number.POSITIVE_INFINITY, millis)) {
        await Promise.resolve();
        blocks.push(Buffer.from(block));
      }
      expect(Buffer.concat(blocks).equals(bytes)).toBe(true);
      expect(blocks).toHaveLength(Math.ceil(length / 1000));
    },
  );
});
