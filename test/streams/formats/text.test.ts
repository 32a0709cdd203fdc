import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { barEvents } from '../../../fixtures/recordings/scene.ts';
import { FormatError, OptionError } from '../../../src/errors.ts';
import { allocateChunk, type EventChunk } from '../../../src/events.ts';
import type { DecodeOptions, EncodeOptions } from '../../../src/streams/formats/format.ts';
import { text } from '../../../src/streams/formats/text.ts';
import { openRecording } from '../../../src/streams/recording-file.ts';
import { describeWithShared, sharedPath } from '../../shared-data.ts';
import { type Columns, collect, decodeBytes, joinColumns } from '../columns.ts';
import { temporaryFolders } from '../temporary-folder.ts';

const sensor = { width: 240, height: 180 };
const folderOf = temporaryFolders();

const decode = (content: string, options: DecodeOptions = {}, block = 1 << 20) =>
  decodeBytes(text, Buffer.from(content), () => block, options);
const eventsOf = (content: string, options: DecodeOptions = {}): Columns => {
  const { chunks, error } = decode(content, options);
  if (error !== undefined) throw error;
  return joinColumns(chunks);
};

function encode(chunks: readonly EventChunk[], options: Partial<EncodeOptions> = {}): string {
  const encoder = text.createEncoder!({ sensor, ...options });
  let content = '';
  const emit = (bytes: Uint8Array): void => {
    content += Buffer.from(bytes).toString('latin1');
  };
  for (const chunk of chunks) encoder.push(chunk, emit);
  encoder.end(emit);
  return content;
}

const chunkOf = (origin: number, events: readonly (readonly number[])[]): EventChunk => {
  const chunk = allocateChunk(origin, events.length);
  for (const [i, [t, x, y, on]] of events.entries()) {
    chunk.t[i] = t!;
    chunk.x[i] = x!;
    chunk.y[i] = y!;
    chunk.on[i] = on!;
  }
  return chunk;
};

describe('text', () => {
  const two: Columns = { t: [1_000_001, 1_000_002], x: [3, 4], y: [100, 6], on: [1, 0] };

  it.each([
    ['RPG', '1.000001 3 100 1\n1.000002 4 6 0\n'],
    ['RPG with the size first', '240 180\n1.000001 3 100 1\n1.000002 4 6 0'],
    ['faery', 't,x,y,on\n1000001,3,100,1\n1000002,4,6,0\n'],
    ['Metavision with a header', '%geometry:640,480\n3,100,1,1000001\n4,6,0,1000002\n'],
    ['Metavision', '3,100,1,1000001\n4,6,0,1000002\n'],
    ['spreadsheets', 'Timestamp;X;Y;Polarity\r\n1000001;3;100;1\r\n\r\n1000002;4;6;-1\r\n'],
    ['comments and tabs', '# recorded\n# t\tx y p\n1000001\t3\t100\t1\n# pause\n1000002\t4\t6\t0\n'],
    ['named units', 'p,t[ms],y,x\n1,1000.001,100,3\n0,1000.002,6,4\n'],
    ['numpy.savetxt', '1.000001e+00 3.0e0 1.0e2 1.0\n1.000002e+00 4.0e0 6.0e0 0.0\n'],
    ['truth values', 'x,y,p,t\n3,100,True,1000001\n4,6,False,1000002\n'],
    ['more columns', 't,x,y,p,label\n1000001,3,100,1,7\n1000002,4,6,0,7\n'],
    ['quotes of names', '"timestamp","x","y","polarity"\n1000001,3,100,1\n1000002,4,6,0\n'],
  ])('of %s is read', (_, content) => {
    expect(text.sniff(Buffer.from(content), content.length)).toBeGreaterThan(0.5);
    expect(eventsOf(content)).toEqual(two);
  });

  it('is read in the order and unit that options say', () => {
    expect(eventsOf('9 1 100 3 1000001\n9 0 6 4 1000002\n', { columns: '-pyxt' })).toEqual(two);
    expect(eventsOf('1000001000 3 100 1\n1000001600 4 6 0\n', { timeUnit: 'ns' })).toEqual(two);
    expect(eventsOf('1000.0014 3 100 1\n1000.0015 4 6 0\n', { timeUnit: 'ms' })).toEqual(two);
    expect(() => eventsOf('1 2 3 1\n', { columns: 'txy' })).toThrow(OptionError);
    expect(() => eventsOf('1 2 3 1\n', { columns: 'txxyp' })).toThrow('expected the letters t, x, y and p');
  });

  it('rounds times to microseconds, exactly', () => {
    const times = [
      '0.0000004',
      '0.0000005',
      '0.000779999',
      '1468941032.229165',
      '1600000000.123456789',
      '4e9',
    ];
    expect(eventsOf(times.map((time) => `${time} 1 2 0\n`).join('')).t).toEqual([
      0, 1, 780, 1468941032229165, 1600000000123457, 4000000000000000,
    ]);
  });

  it('says the size of the sensor where the text does', () => {
    expect(decode('240 180\n1.5 3 100 1\n').decoder.sensor).toEqual(sensor);
    const { decoder, chunks } = decode('% geometry 64x48\n3,40,1,5\n64,4,1,6\n-1,4,1,7\n', {
      columns: 'xypt',
    });
    expect(decoder.sensor).toEqual({ width: 64, height: 48 });
    expect(joinColumns(chunks).t).toEqual([5]);
    expect(decoder.counters).toMatchObject({ events: 1, outOfRange: 2 });
  });

  it.each([
    ['t,x,y,on\n1,2,3,1\n1,2,3\n', 'row of 4 columns expected, found "1,2,3" at byte 17'],
    ['t,x,y,on\n1,2,3,1\n1,2,3,x\n', 'row of numbers expected, found "1,2,3,x" at byte 17'],
    ['t,x,y,on\n1,2,3,1\n1,2,3,2\n', 'row of polarity 1, 0 or -1 expected, found "1,2,3,2" at byte 17'],
    ['t,x,y,on\n1,2,3,1\n9007199254740993,2,3,1\n', 'row of a time within 2^53 µs expected'],
    ['class,startTime_usec,endTime_usec\n1,53036986,59508469\n', 'rows of time, x, y and polarity expected'],
    ['', 'rows of time, x, y and polarity expected'],
  ])('with a fault gives the events before it (%#)', (content, message) => {
    const { chunks, error } = decode(content);
    expect(error).toBeInstanceOf(FormatError);
    expect((error as Error).message).toContain(message);
    expect(joinColumns(chunks).t.length).toBeLessThanOrEqual(1);
  });

  it.each(['faery', 'metavision', 'rpg'] as const)(
    'comes back as it was written, in any blocks (%s)',
    (textStyle) => {
      const event = fc.tuple(fc.nat(0xffffffff), fc.nat(239), fc.nat(179), fc.nat(1));
      const origin = fc.oneof(fc.constant(0), fc.nat(2 ** 31 - 1), fc.constant(1_700_000_000_000_000));
      fc.assert(
        fc.property(
          origin,
          fc.array(event, { minLength: 1, maxLength: 50 }),
          fc.nat(60),
          (start, events, block) => {
            const chunk = chunkOf(
              start,
              events.sort(([a], [b]) => a - b),
            );
            const content = encode([chunk], { textStyle });
            // A few rows may look like another order: this one is known.
            const columns = textStyle === 'metavision' ? 'xypt' : 'txyp';
            const options: DecodeOptions = { columns, timeUnit: textStyle === 'rpg' ? 's' : 'us' };
            const { chunks, error } = decode(content, options, block + 1);
            expect(error).toBeUndefined();
            expect(joinColumns(chunks)).toEqual(joinColumns([chunk]));
          },
        ),
        { numRuns: 60 },
      );
    },
  );

  it('is told from its content alone when it is long enough', () => {
    const events = barEvents('text', sensor, 3000, 1_700_000_000_000_000);
    for (const textStyle of ['faery', 'metavision', 'rpg'] as const) {
      expect(eventsOf(encode([events], { textStyle }))).toEqual(joinColumns([events]));
    }
  });

  it('is read in part as in whole', async () => {
    const path = join(folderOf(), 'a.csv');
    const events = barEvents('text', sensor, 30_000, 5_000_000);
    writeFileSync(path, encode([events]));
    const { t } = joinColumns([events]);
    for (const [from, to] of [
      [t[20_000]!, t[20_100]!],
      [t[0]!, t[5]!],
      [t[29_990]!, 1e12],
    ] as const) {
      const part = await openRecording(path, { fromMicros: from, toMicros: to });
      expect(joinColumns(await collect(part.chunks())).t).toEqual(
        t.filter((time) => time >= from && time < to),
      );
    }
  });
});

const RPG = 'data/recordings/evl_event.txt';
describeWithShared('a real RPG text', [RPG], () => {
  it('is what its lines say', async () => {
    const rows = readFileSync(sharedPath(RPG), 'utf8')
      .trim()
      .split('\n')
      .map((line) => line.split(' ').map(Number));
    const recording = await openRecording(sharedPath(RPG));
    expect(recording.format.name).toBe('csv');
    expect(joinColumns(await collect(recording.chunks()))).toEqual({
      t: rows.map(([t]) => Math.round(t! * 1e6)),
      x: rows.map(([, x]) => x),
      y: rows.map(([, , y]) => y),
      on: rows.map(([, , , p]) => p),
    });
  });
});

const LABELS = 'data/recordings/dvsgesture_user01_natural_labels.csv';
describeWithShared('a table of labels', [LABELS], () => {
  it('is no recording', async () => {
    const bytes = readFileSync(sharedPath(LABELS));
    expect(text.sniff(bytes, bytes.length)).toBe(0);
  });
});
