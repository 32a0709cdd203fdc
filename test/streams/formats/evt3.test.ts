import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { FormatError } from '../../../src/errors.ts';
import { evt3 } from '../../../src/streams/formats/evt3.ts';
import type { DecodeOptions, OtherRecord } from '../../../src/streams/formats/index.ts';
import { describeWithShared, sharedPath } from '../../shared-data.ts';
import { type Columns, decodeBytes, joinColumns } from '../columns.ts';

const HEADER = '% format EVT3;height=720;width=1280\n% end\n';

function file(words: readonly number[], header = HEADER): Buffer {
  const body = Buffer.alloc(2 * words.length);
  words.forEach((word, i) => {
    body.writeUInt16LE(word, 2 * i);
  });
  return Buffer.concat([Buffer.from(header, 'latin1'), body]);
}

function decode(words: readonly number[], options: DecodeOptions = {}): Columns {
  const { chunks, error } = decodeBytes(evt3, file(words), () => 3, options);
  if (error !== undefined) throw error;
  return joinColumns(chunks);
}

const timeHigh = (value: number): number => 0x8000 | value;
const timeLow = (value: number): number => 0x6000 | value;
const addressY = (row: number): number => row;
const addressX = (column: number, on = 0): number => 0x2000 | (on << 11) | column;
const vectorBase = (column: number, on = 0): number => 0x3000 | (on << 11) | column;

describe('EVT3 words', () => {
  it('decode as event-vision-library states', () => {
    expect(decode([0x8001, 0x6002, 0x0003, 0x2804, 0x300a, 0x4005, 0x5003])).toEqual({
      x: [4, 10, 12, 22, 23],
      y: [3, 3, 3, 3, 3],
      t: [4098, 4098, 4098, 4098, 4098],
      on: [1, 0, 0, 0, 0],
    });
    expect(decode([0x8000, 0x6001, 0x0002, 0x2803])).toEqual({ t: [1], x: [3], y: [2], on: [1] });
  });

  it('decode as OpenEB tests', () => {
    expect(decode([timeHigh(0), addressY(1), addressX(2), addressX(3, 1)])).toEqual({
      t: [0, 0],
      x: [2, 3],
      y: [1, 1],
      on: [0, 1],
    });
    expect(decode([addressY(1), addressX(2), timeHigh(3), addressY(4), addressX(5)])).toEqual({
      t: [12288],
      x: [5],
      y: [4],
      on: [0],
    });
    const vectors = [timeHigh(0), addressY(1), vectorBase(1), 0x4fff, 0x4fff, 0x50ff];
    expect(decode(vectors).x).toEqual(Array.from({ length: 32 }, (_, i) => i + 1));
  });

  it('count the loops of the clock', () => {
    const rising = Array.from({ length: 0xffe }, (_, value) => timeHigh(value));
    const words = [...rising, addressY(1), addressX(2), timeHigh(1), addressX(3), timeHigh(2), addressX(4)];
    expect(decode(words).t).toEqual([16764928, 16781312, 16785408]);
    expect(decode([0x8fff, 0x6fff, 0x0001, 0x2001, 0x8000, 0x6000, 0x0001, 0x2002]).t).toEqual([
      16777215, 16777216,
    ]);
  });

  it('may go back a little, which is no loop; the events stay and are counted', () => {
    const words = [timeHigh(0), addressY(1), addressX(2), timeHigh(1), addressX(3)];
    const back = [...words, timeHigh(0), addressX(4), timeHigh(1), addressX(5)];
    const { chunks, decoder } = decodeBytes(evt3, file(back));
    expect(joinColumns(chunks).t).toEqual([0, 4096, 4096, 4096]);
    expect(decoder.counters.backward).toBe(1);
  });

  it('may step back in time between events without moving any', () => {
    const words = [
      timeHigh(0),
      timeLow(811),
      timeLow(800),
      addressY(1),
      addressX(2),
      timeLow(805),
      addressX(3),
    ];
    expect(decode(words).t).toEqual([800, 805]);
    // The event is later than the one before it, although the time word before it was later still.
    const between = [timeHigh(0), addressY(1), timeLow(5), addressX(1), timeLow(9), timeLow(7), addressX(2)];
    const { chunks, decoder } = decodeBytes(evt3, file(between));
    expect(joinColumns(chunks).t).toEqual([5, 7]);
    expect(decoder.counters.backward).toBe(0);
  });

  it('keep the lower time where TIME_HIGH is repeated, and lose it where it changes', () => {
    const words = [timeHigh(2), timeLow(9), addressY(0), timeHigh(2), addressX(1), timeHigh(3), addressX(2)];
    expect(decode(words).t).toEqual([2 * 4096 + 9, 3 * 4096]);
  });

  it('last for hours', () => {
    const words = [timeHigh(7), addressY(0), addressX(0)];
    const loops = 1500;
    for (let loop = 0; loop < loops; loop++) words.push(timeHigh(4000), timeHigh(7));
    words.push(timeLow(3), addressX(1), timeHigh(6), timeLow(1), addressX(2));
    const { chunks, decoder } = decodeBytes(evt3, file(words));
    const end = loops * 2 ** 24 + 7 * 4096 + 3;
    expect(joinColumns(chunks).t).toEqual([7 * 4096, end, end]);
    expect(decoder.counters.backward).toBe(1);
  });

  it('outside the sensor are dropped and counted, one by one in vectors', () => {
    const words = [timeHigh(0), addressY(719), addressX(1280), vectorBase(1270), 0x4fff, 0x4801, 0x50ff];
    words.push(addressY(720), addressX(0), vectorBase(0), 0x4003, addressY(0), addressX(1279));
    const { chunks, decoder } = decodeBytes(evt3, file(words));
    expect(joinColumns(chunks).x).toEqual([1270, 1271, 1272, 1273, 1274, 1275, 1276, 1277, 1278, 1279, 1279]);
    expect(decoder.counters).toMatchObject({ events: 11, outOfRange: 1 + 2 + 2 + 8 + 1 + 2 });
  });

  it('of vectors that run on for ever stay outside', () => {
    const words = [timeHigh(0), addressY(0), vectorBase(0), ...Array.from({ length: 20_000 }, () => 0x4001)];
    const { decoder } = decodeBytes(evt3, file(words, '% evt 3.0\n% end\n'));
    expect(decoder.counters).toMatchObject({ events: Math.ceil(2048 / 12), outOfRange: 20_000 - 171 });
  });

  it('of other kinds are skipped and counted; what continues them belongs to them', () => {
    const words = [
      timeHigh(0),
      0xe001,
      0xf002,
      0xf003,
      0x7004,
      0x1000,
      0xd000,
      0xa100,
      addressY(1),
      addressX(1),
    ];
    const { decoder } = decodeBytes(evt3, file(words));
    expect(decoder.counters).toEqual({ events: 1, backward: 0, outOfRange: 0, skipped: 4 });
  });

  it('of triggers are delivered on request, with the time of the clock', () => {
    const others: OtherRecord[] = [];
    const words = [0xa001, timeHigh(1), timeLow(5), 0xa301, timeLow(9), 0xa300];
    decode(words, { others: (record) => others.push(record) });
    expect(others).toEqual([
      { kind: 'trigger', micros: 4101, type: 1, name: 'rising', channel: 3 },
      { kind: 'trigger', micros: 4105, type: 0, name: 'falling', channel: 3 },
    ]);
  });

  it('count from the first TIME_HIGH on request', () => {
    const words = [timeHigh(5), timeLow(3), addressY(0), addressX(1), timeHigh(6), addressX(2)];
    expect(decode(words, { shiftTime: true }).t).toEqual([3, 4096]);
    expect(decode([...words, timeHigh(2054), timeHigh(1), addressX(3)], { shiftTime: true }).t[2]).toBe(
      2 ** 24 - 4 * 4096,
    );
  });

  it('cut in two are a fault, after the events before', () => {
    const bytes = file([timeHigh(0), addressY(0), addressX(1), addressX(2)]);
    const { chunks, error } = decodeBytes(evt3, bytes.subarray(0, -1), () => 7, { path: 'a.raw' });
    expect(joinColumns(chunks).x).toEqual([1]);
    expect((error as FormatError).message).toBe(
      `a.raw: EVT3 word of 2 bytes expected, the data end after 1 at byte ${HEADER.length + 6}`,
    );
  });
});

describeWithShared(
  'EVT3 recordings of expelliarmus',
  ['expected/events/expelliarmus_evt3.npy', 'data/recordings/expelliarmus_evt3.raw'],
  () => {
    // Its times are wrong (it adds a TIME_LOW wrap that TIME_HIGH has counted already), the rest agrees.
    it.each([
      ['expelliarmus_evt3', 16],
      ['expelliarmus_evt3_pedestrians', 13],
    ])('%s has its columns, rows and polarities', (name, size) => {
      const npy = readFileSync(sharedPath(`expected/events/${name}.npy`));
      const start = 10 + npy.readUInt16LE(8);
      const raw = readFileSync(sharedPath(`data/recordings/${name}.raw`));
      const { x, y, on } = joinColumns(decodeBytes(evt3, raw).chunks);
      const events = (npy.length - start) / size;
      expect(x).toHaveLength(events);
      const at = (i: number): number => start + i * size + 8;
      expect(x).toEqual(Array.from({ length: events }, (_, i) => npy.readInt16LE(at(i))));
      expect(y).toEqual(Array.from({ length: events }, (_, i) => npy.readInt16LE(at(i) + 2)));
      expect(on).toEqual(Array.from({ length: events }, (_, i) => npy[at(i) + 4]));
    });
  },
);
