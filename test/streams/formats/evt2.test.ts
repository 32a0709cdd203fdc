import { describe, expect, it } from 'vitest';
import type { FormatError } from '../../../src/errors.ts';
import { allocateChunk } from '../../../src/events.ts';
import { evt2 } from '../../../src/streams/formats/evt2.ts';
import { evt3 } from '../../../src/streams/formats/evt3.ts';
import { evt21 } from '../../../src/streams/formats/evt21.ts';
import { detectFormat, type EventFormat, type OtherRecord } from '../../../src/streams/formats/index.ts';
import { type Columns, decodeBytes, joinColumns } from '../columns.ts';

const VGA = '% format EVT2;height=480;width=640\n% end\n';

function file(words: readonly number[], header = VGA): Buffer {
  const body = Buffer.alloc(4 * words.length);
  words.forEach((word, i) => {
    body.writeUInt32LE(word >>> 0, 4 * i);
  });
  return Buffer.concat([Buffer.from(header, 'latin1'), body]);
}

function decode(format: EventFormat, bytes: Uint8Array): Columns {
  const { chunks, error } = decodeBytes(format, bytes, () => 5);
  if (error !== undefined) throw error;
  return joinColumns(chunks);
}

const timeHigh = (value: number): number => 0x80000000 + value;
const event = (x: number, y: number, on: number, low: number): number =>
  (on << 28) | (low << 22) | (x << 11) | y;

describe('EVT2 words', () => {
  it('hold polarity, lower time, column and row', () => {
    const words = [event(1, 1, 1, 0), timeHigh(3), event(639, 479, 1, 5), event(0, 7, 0, 63)];
    const { chunks, decoder } = decodeBytes(evt2, file(words));
    expect(joinColumns(chunks)).toEqual({ t: [197, 255], x: [639, 0], y: [479, 7], on: [1, 0] });
    expect(decoder.sensor).toEqual({ width: 640, height: 480 });
    expect(decoder.counters).toEqual({ events: 2, backward: 0, outOfRange: 0, skipped: 1 });
  });

  it('count the loops of the clock, across silences of any length', () => {
    const words = [timeHigh(0), event(1, 1, 1, 5), timeHigh(2 ** 28 - 1), timeHigh(0), event(1, 1, 1, 5)];
    expect(decode(evt2, file([...words, ...words.slice(2)])).t).toEqual([5, 17179869189, 34359738373]);
  });

  it('may go back, a little or by an hour; the events stay where they were', () => {
    const words = [timeHigh(2 ** 27), event(1, 1, 1, 5), timeHigh(2 ** 27 - 1), event(2, 1, 1, 63)];
    words.push(timeHigh(1), event(3, 1, 1, 0), timeHigh(2 ** 27), event(4, 1, 1, 6));
    const { chunks, decoder } = decodeBytes(evt2, file(words));
    const start = 2 ** 33;
    expect(joinColumns(chunks).t).toEqual([start + 5, start + 5, start + 5, start + 6]);
    expect(decoder.counters.backward).toBe(2);
  });

  it('that go back behind a long silence stay exact', () => {
    const words = [
      timeHigh(0),
      event(1, 1, 1, 0),
      timeHigh(2 ** 26),
      timeHigh(2 ** 26 - 10),
      event(1, 1, 1, 3),
    ];
    expect(decode(evt2, file(words)).t).toEqual([0, (2 ** 26 - 10) * 64 + 3]);
  });

  it('of triggers are delivered on request, others are skipped', () => {
    const others: OtherRecord[] = [];
    const words = [timeHigh(1), 0xa1400201, 0xe0000000, 0xf0000000, 0x30000000, event(1, 1, 1, 9)];
    const { decoder } = decodeBytes(evt2, file(words), () => 9, { others: (record) => others.push(record) });
    expect(others).toEqual([{ kind: 'trigger', micros: 69, type: 1, name: 'rising', channel: 2 }]);
    expect(decoder.counters).toEqual({ events: 1, backward: 0, outOfRange: 0, skipped: 3 });
  });

  it('whose times are beyond 2^53 are a fault', () => {
    const words = [timeHigh(0), event(1, 1, 1, 0)];
    for (let loop = 0; loop < 2 ** 19; loop++) words.push(timeHigh(2 ** 28 - 1), timeHigh(0));
    const { chunks, error } = decodeBytes(evt2, file(words));
    expect(joinColumns(chunks).t).toEqual([0]);
    expect((error as FormatError).message).toMatch(/^EVT2 times within 2\^53 µs expected at byte \d+$/);
  });
});

describe('EVT2.1 words', () => {
  type Word = [upper: number, mask: number];
  const words = (list: Word[], swapped: boolean): Buffer => {
    const halves = list.flatMap(([upper, mask]) => (swapped ? [upper, mask] : [mask, upper]));
    const order = swapped ? '% endianness legacy\n' : '';
    return file(halves, `% evt 2.1\n% geometry 1280x720\n${order}% end\n`);
  };

  it.each([false, true])('decode as OpenEB tests (swapped: %s)', (swapped) => {
    const vectors: Word[] = [
      [timeHigh(0), 0],
      [event(5, 4, 0, 0), (1 << 7) | (1 << 3) | 1],
      [event(10, 6, 1, 0), (1 << 14) | (1 << 10) | (1 << 4)],
    ];
    expect(decode(evt21, words(vectors, swapped))).toEqual({
      t: [0, 0, 0, 0, 0, 0],
      x: [5, 8, 12, 14, 20, 24],
      y: [4, 4, 4, 6, 6, 6],
      on: [0, 0, 0, 1, 1, 1],
    });
    const times: Word[] = [
      [timeHigh(0), 0],
      [event(5, 4, 0, 5), 1],
      [event(10, 6, 1, 20), 1],
      [timeHigh(15), 0],
      [event(5, 4, 0, 5), 1],
      [event(10, 6, 1, 20), 1],
    ];
    expect(decode(evt21, words(times, swapped)).t).toEqual([5, 20, 965, 980]);
    const loop: Word[] = [
      [timeHigh(2 ** 28 - 1), 0],
      [timeHigh(0), 0],
      [event(1, 1, 1, 5), 1 << 31],
    ];
    const loops: Word[] = [[timeHigh(0), 0], [event(1, 1, 1, 5), 1], ...loop, ...loop];
    expect(decode(evt21, words(loops, swapped))).toMatchObject({
      t: [5, 17179869189, 34359738373],
      x: [1, 32, 32],
    });
  });

  it('count each pixel that is late or outside', () => {
    const list: Word[] = [
      [timeHigh(1), 0],
      [event(1270, 1, 1, 9), 0xffffffff],
      [event(0, 1, 1, 5), 0b111],
      [event(0, 720, 1, 9), 0b11],
    ];
    const { decoder } = decodeBytes(evt21, words(list, false));
    expect(decoder.counters).toEqual({ events: 13, backward: 3, outOfRange: 24, skipped: 0 });
  });
});

describe('the header of RAW files', () => {
  const words = [timeHigh(0), event(1, 1, 1, 5)];
  const sensorOf = (lines: string[]): unknown =>
    decodeBytes(evt2, file(words, `${lines.join('\n')}\n`)).decoder.sensor;

  it('says the sensor in four ways', () => {
    expect(sensorOf(['% format EVT2;height=480;width=640', '% end'])).toEqual({ width: 640, height: 480 });
    expect(sensorOf(['% evt 2.0', '% geometry 320x200', '% end'])).toEqual({ width: 320, height: 200 });
    expect(sensorOf(['% evt 2.0', '% width 304', '% height 240'])).toEqual({ width: 304, height: 240 });
    expect(sensorOf(['% system_ID 21', '% evt 2.0'])).toEqual({ width: 640, height: 480 });
    expect(sensorOf(['% system_ID 31'])).toEqual({ width: 1280, height: 720 });
    expect(sensorOf(['% integrator_name Somebody', '% system_ID 21', '% evt 2.0'])).toBeUndefined();
  });

  it('may be followed by data that begin with its first byte', () => {
    const body = [0x80000025, event(1, 1, 1, 5)];
    expect(decode(evt2, file(body, '% evt 2.0\n% end\n')).t).toEqual([0x25 * 64 + 5]);
    expect(decode(evt2, file(body, '% evt 2.0\n')).t).toEqual([0x25 * 64 + 5]);
  });

  it('may be all there is, and say that the events are simulated', () => {
    const { decoder, chunks, error } = decodeBytes(evt2, Buffer.from('% evt 2.0\n% simulated true\n'));
    expect({ chunks, error, simulated: decoder.simulated }).toEqual({
      chunks: [],
      error: undefined,
      simulated: true,
    });
  });

  it.each([
    [
      '% evt 4.0\n% end\n',
      'RAW header with encoding EVT3 expected (EVT2, EVT2.1 and EVT3 are known), found "4.0"',
    ],
    [
      '% firmware_version 1\n',
      'RAW header with encoding EVT3 expected (EVT2, EVT2.1 and EVT3 are known), found none',
    ],
    ['% format EVT3;height=0;width=5\n% end\n', 'RAW header is not valid: sensor size expected, found 5x0'],
    ['% evt 3', 'RAW header line expected, the data end within it'],
    [
      '% evt 2.0\n% end\n',
      'RAW header with encoding EVT3 expected (EVT2, EVT2.1 and EVT3 are known), found "evt2"',
    ],
  ])('%j is a fault', (header, message) => {
    const { error } = decodeBytes(evt3, Buffer.from(header), () => 4, { path: 'a.raw' });
    expect((error as FormatError).message).toMatch(`a.raw: ${message} at byte `);
  });

  it('tells the format, also where no decoder knows it', () => {
    const formatOf = (header: string): string => detectFormat(file(words, header)).name;
    expect(formatOf('% evt 2.0\n')).toBe('evt2');
    expect(formatOf('% evt 2.1\n')).toBe('evt21');
    expect(formatOf('% format EVT21;width=1280;height=720;endianness=legacy\n% end\n')).toBe('evt21');
    expect(formatOf('% evt 3.0\n')).toBe('evt3');
    expect(formatOf('% evt 4.0\n')).toBe('evt3');
  });
});

it('is refused where the sensor or an event does not fit', () => {
  expect(() => evt2.createEncoder!({ sensor: { width: 2049, height: 10 } })).toThrow(
    'EVT2 holds sensors up to 2048x2048, not 2049x10',
  );
  const chunk = allocateChunk(0, 1);
  chunk.t[0] = 0;
  chunk.x[0] = 20;
  chunk.y[0] = 3;
  chunk.on[0] = 1;
  expect(() => evt3.createEncoder!({ sensor: { width: 20, height: 10 } }).push(chunk, () => 0)).toThrow(
    'EVT3 for a sensor of 20x10 holds no event at (20, 3); crop the events first',
  );
});
