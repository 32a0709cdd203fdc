import { describe, expect, it } from 'vitest';
import type { FormatError } from '../../../src/errors.ts';
import { dat, dat1 } from '../../../src/streams/formats/dat.ts';
import { detectFormat } from '../../../src/streams/formats/index.ts';
import { decodeBytes, joinColumns } from '../columns.ts';

const TWO = '% Data file containing CD events.\n% Version 2\n% Height 720\n% Width 1280\n';

function file(records: [time: number, address: number][], header = TWO, kind = 0x0c, size = 8): Buffer {
  const body = Buffer.alloc(8 * records.length);
  records.forEach(([time, address], i) => {
    body.writeUInt32LE(time, 8 * i);
    body.writeUInt32LE(address >>> 0, 8 * i + 4);
  });
  return Buffer.concat([Buffer.from(header), Buffer.of(kind, size), body]);
}

const address = (x: number, y: number, on: number): number => x | (y << 14) | (on << 28);

describe('DAT', () => {
  it('of version 2 has 14 bits a coordinate', () => {
    const { chunks, decoder } = decodeBytes(
      dat,
      file([
        [7, address(1279, 719, 1)],
        [9, address(0, 3, 0)],
        [9, address(1280, 3, 0)],
      ]),
      () => 3,
    );
    expect(joinColumns(chunks)).toEqual({ t: [7, 9], x: [1279, 0], y: [719, 3], on: [1, 0] });
    expect(decoder.sensor).toEqual({ width: 1280, height: 720 });
    expect(decoder.counters).toEqual({ events: 2, backward: 0, outOfRange: 1, skipped: 0 });
  });

  it('of version 1, or of no version and kind 0, has 9 and 8', () => {
    const records: [number, number][] = [[5, 303 | (239 << 9) | (1 << 17)]];
    for (const header of ['% Version 1\n', '% Date 2014\n']) {
      const bytes = file(records, header, 0);
      expect(joinColumns(decodeBytes(dat1, bytes).chunks)).toEqual({ t: [5], x: [303], y: [239], on: [1] });
      expect(detectFormat(bytes)).toBe(dat1);
    }
  });

  it('goes on after 2^32, and stays where its clock goes back', () => {
    const times = [2 ** 32 - 2, 3, 2, 2 ** 31, 2 ** 32 - 1, 0, 2 ** 32 - 9];
    const { chunks, decoder } = decodeBytes(dat, file(times.map((time) => [time, 0])));
    const wrapped = [2 ** 32 - 2, 2 ** 32 + 3, 2 ** 32 + 3, 2 ** 32 + 2 ** 31, 2 ** 33 - 1, 2 ** 33, 2 ** 33];
    expect(joinColumns(chunks).t).toEqual(wrapped);
    expect(decoder.counters.backward).toBe(2);
  });

  it.each([
    [file([], TWO, 0x0e), 'DAT with events of kind 0x00 or 0x0c expected, found 0x0e', TWO.length],
    [file([], TWO, 0x0c, 4), 'DAT with events of 8 bytes expected, found 4', TWO.length + 1],
    [file([], '% Version 3\n'), 'DAT of version 1 or 2 expected, found "3"', 13],
    [Buffer.from(TWO), 'DAT kind and size of events expected, the data end before them', TWO.length],
    [file([[1, 1]]).subarray(0, -3), 'DAT record of 8 bytes expected, the data end after 5', TWO.length + 2],
  ])('%# is a fault', (bytes, message, byteOffset) => {
    const { error } = decodeBytes(dat, bytes, () => 4, { path: 'a.dat' });
    expect((error as FormatError).message).toBe(`a.dat: ${message} at byte ${byteOffset}`);
  });

  it('is told by its header, also where its events are of another kind or version', () => {
    for (const bytes of [file([], TWO, 0x0e), file([], '% Version 3\n'), file([])]) {
      expect(detectFormat(bytes)).toBe(dat);
    }
  });

  it('is refused for sensors that its addresses cannot say', () => {
    expect(() => dat1.createEncoder!({ sensor: { width: 640, height: 480 } })).toThrow(
      'DAT 1 holds sensors up to 512x256, not 640x480',
    );
  });
});
