import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { FormatError } from '../../../src/errors.ts';
import { allocateChunk } from '../../../src/events.ts';
import { aedat2 } from '../../../src/streams/formats/aedat2.ts';
import type { DecodeOptions } from '../../../src/streams/formats/format.ts';
import { describeWithShared, sharedPath } from '../../shared-data.ts';
import { type Columns, decodeBytes, joinColumns } from '../columns.ts';

const DVS128 = '# AEChip: ch.unizh.ini.jaer.chip.retina.DVS128';
const DAVIS346 = '# AEChip: eu.seebetter.ini.chips.davis.Davis346red';

function file(lines: string[], records: [address: number, time: number][], end = '\r\n'): Buffer {
  const body = Buffer.alloc(8 * records.length);
  records.forEach(([address, time], i) => {
    body.writeUInt32BE(address >>> 0, 8 * i);
    body.writeUInt32BE(time >>> 0, 8 * i + 4);
  });
  return Buffer.concat([Buffer.from(['#!AER-DAT2.0', ...lines, ''].join(end)), body]);
}

function decode(bytes: Uint8Array, options: DecodeOptions = {}): Columns {
  const { chunks, error } = decodeBytes(aedat2, bytes, () => 1 << 20, options);
  if (error !== undefined) throw error;
  return joinColumns(chunks);
}

const dvs = (xRaw: number, yRaw: number, off: number): number => (yRaw << 8) | (xRaw << 1) | off;
const davis = (xRaw: number, yRaw: number, on: number): number => (yRaw << 22) | (xRaw << 12) | (on << 11);

describe('AEDAT 2.0 of a DVS128', () => {
  const bytes = file(
    [DVS128],
    [
      [dvs(10, 3, 0), 5],
      [dvs(127, 0, 1), 7],
    ],
  );

  it('is shown as jAER does by default', () => {
    expect(decode(bytes)).toEqual({ t: [5, 7], x: [117, 0], y: [124, 127], on: [1, 0] });
  });

  it('is transposed for display, as CIFAR10-DVS is', () => {
    expect(decode(bytes, { orientation: 'display' })).toEqual({
      t: [5, 7],
      x: [124, 127],
      y: [117, 0],
      on: [1, 0],
    });
  });

  it('drops and counts what lies outside a given sensor', () => {
    const sensor = { width: 100, height: 126 };
    const { chunks, decoder } = decodeBytes(aedat2, bytes, () => 1 << 20, { sensor });
    expect(joinColumns(chunks).t).toEqual([]);
    expect(decoder.counters).toEqual({ events: 0, backward: 0, outOfRange: 2, skipped: 0 });
    expect(decode(bytes, { sensor: { width: 125, height: 128 }, orientation: 'display' }).x).toEqual([124]);
  });
});

describe('AEDAT 2.0 of a DAVIS', () => {
  it('counts rows and columns from the other corner and skips what is no event', () => {
    const bytes = file(
      [DAVIS346],
      [
        [0x80000000, 900],
        [davis(0, 0, 1), 10],
        [davis(345, 259, 0), 11],
        [davis(346, 0, 0), 12],
        [0x80000c00, 5],
        [0x400, 5],
        [davis(1, 2, 1), 13],
      ],
    );
    const { chunks, decoder } = decodeBytes(aedat2, bytes);
    expect(joinColumns(chunks)).toEqual({
      t: [10, 11, 13],
      x: [345, 0, 344],
      y: [259, 0, 257],
      on: [1, 0, 1],
    });
    expect(decoder.sensor).toEqual({ width: 346, height: 260 });
    expect(decoder.counters).toEqual({ events: 3, backward: 0, outOfRange: 1, skipped: 3 });
  });
});

describe('the clock of AEDAT 2.0', () => {
  const times = (...clock: number[]): number[] =>
    decode(
      file(
        [DVS128],
        clock.map((time) => [dvs(1, 1, 0), time]),
      ),
    ).t;

  it('goes on after 2^32', () => {
    expect(times(2 ** 32 - 2, 2 ** 32 - 1, 3, 2 ** 31, 2 ** 32 - 1, 0)).toEqual([
      2 ** 32 - 2,
      2 ** 32 - 1,
      2 ** 32 + 3,
      2 ** 32 + 2 ** 31,
      2 ** 33 - 1,
      2 ** 33,
    ]);
  });

  it('stays where it would go back, also across 2^32', () => {
    const bytes = file(
      [DVS128],
      [100, 90, 95, 101].map((time) => [dvs(1, 1, 0), time]),
    );
    const { chunks, decoder } = decodeBytes(aedat2, bytes);
    expect(joinColumns(chunks).t).toEqual([100, 100, 100, 101]);
    expect(decoder.counters).toMatchObject({ events: 4, backward: 2 });
    expect(times(2 ** 32 - 5, 2, 2 ** 32 - 1, 3)).toEqual([
      2 ** 32 - 5,
      2 ** 32 + 2,
      2 ** 32 + 2,
      2 ** 32 + 3,
    ]);
  });

  it('spans chunks of other origins where a recording is long', () => {
    const clock = Array.from({ length: 12 }, (_, i) => (i * 1_500_000_000) % 2 ** 32);
    expect(times(...clock)).toEqual(clock.map((_, i) => i * 1_500_000_000));
  });
});

describe('the header of AEDAT 2.0', () => {
  const records: [number, number][] = [[dvs(1, 1, 0), 9]];

  it('may have lines that end in \\n alone', () => {
    expect(decode(file([DVS128, '# more'], records, '\n')).t).toEqual([9]);
  });

  it('ends after its end mark, even if the records start with the byte of #', () => {
    const body: [number, number][] = [[davis(50, 140, 0) | 0x23000000, 0x0a0a0a0a]];
    expect(body[0]![0] >>> 24).toBe(0x23);
    expect(decode(file([DAVIS346, '#End Of ASCII Header'], body)).t).toEqual([0x0a0a0a0a]);
  });

  it('ends without a mark where a line holds control bytes', () => {
    expect(
      decode(
        file(
          [DAVIS346],
          [
            [0x23020000, 4],
            [davis(5, 5, 0), 5],
          ],
        ),
      ).t,
    ).toEqual([4, 5]);
  });

  it('may name no chip: addresses of 16 bits are those of a DVS128, others of a DAVIS240', () => {
    const small = decodeBytes(aedat2, file([], records));
    expect(small.decoder.sensor).toEqual({ width: 128, height: 128 });
    const large = decodeBytes(aedat2, file([], [...records, [davis(20, 30, 1), 10]]));
    expect(large.decoder.sensor).toEqual({ width: 240, height: 180 });
    expect(joinColumns(large.chunks).x).toEqual([239, 219]);
  });

  it('may be all there is', () => {
    const { chunks, error, decoder } = decodeBytes(aedat2, file([DVS128], []));
    expect({ chunks, error }).toEqual({ chunks: [], error: undefined });
    expect(decoder.sensor).toEqual({ width: 128, height: 128 });
  });

  it.each([
    [
      'names an unknown chip',
      file(['# AEChip: x.Cochlea'], []),
      'chip "x.Cochlea" is not known; DVS128 and DAVIS are at byte 14',
    ],
    [
      'is cut off',
      file([DVS128], []).subarray(0, 20),
      'AEDAT 2.0 header line expected, the data end within it at byte 20',
    ],
    [
      'is of another version',
      Buffer.from('#!AER-DAT3.1\r\n'),
      'AEDAT 2.0 starts with #!AER-DAT2.0, found "#!AER-DAT3.1" at byte 0',
    ],
    ['is missing', Buffer.from('abc'), 'AEDAT 2.0 starts with #!AER-DAT2.0, found byte 0x61 at byte 0'],
  ])('that %s is a fault', (_, bytes, message) => {
    const { error } = decodeBytes(aedat2, bytes, () => 3, { path: 'a.aedat' });
    expect((error as FormatError).message).toBe(`a.aedat: ${message}`);
  });
});

it('says where a record is cut off, after the events before it', () => {
  const bytes = file(
    [DVS128],
    [
      [dvs(1, 1, 0), 1],
      [dvs(1, 1, 0), 2],
    ],
  );
  const { chunks, error } = decodeBytes(aedat2, bytes.subarray(0, -3));
  expect(joinColumns(chunks).t).toEqual([1]);
  expect((error as FormatError).byteOffset).toBe(bytes.length - 8);
  expect((error as FormatError).message).toContain(
    'AEDAT 2.0 record of 8 bytes expected, the data end after 5',
  );
});

it('is written only for sensors that it knows', () => {
  expect(() => aedat2.createEncoder!({ sensor: { width: 100, height: 100 } })).toThrow(
    'AEDAT 2.0 holds sensors of 128x128, 240x180, 346x260, 208x192, 640x480, not 100x100; write Arrow instead',
  );
});

it.each([
  [128, 128],
  [208, 192],
  [640, 480],
])('comes back as it was written, %ix%i', (width, height) => {
  const chunk = allocateChunk(2 ** 32 - 50, 100);
  for (let i = 0; i < 100; i++) {
    chunk.t[i] = i;
    chunk.x[i] = (i * 7) % width;
    chunk.y[i] = (i * 5) % height;
    chunk.on[i] = i & 1;
  }
  const parts: Uint8Array[] = [];
  const encoder = aedat2.createEncoder!({ sensor: { width, height } });
  encoder.push(chunk, (bytes) => parts.push(bytes));
  encoder.end((bytes) => parts.push(bytes));
  expect(decode(Buffer.concat(parts))).toEqual(joinColumns([chunk]));
});

const headers = {
  'mibblez_header_test_128.aedat': [128, 128],
  'mibblez_header_test_240.aedat': [240, 180],
} as const;

describeWithShared(
  'real headers',
  Object.keys(headers).map((name) => `data/recordings/${name}`),
  () => {
    it.each(Object.entries(headers))('of %s', (name, [width, height]) => {
      const bytes = readFileSync(sharedPath(`data/recordings/${name}`));
      const { decoder, error } = decodeBytes(aedat2, bytes, () => 999);
      expect(decoder.sensor).toEqual({ width, height });
      // What stands behind the header is text of another number of bytes than records have.
      const body = bytes.length - bytes.indexOf('$$$');
      expect((error as FormatError).byteOffset).toBe(bytes.length - (body % 8));
    });
  },
);
