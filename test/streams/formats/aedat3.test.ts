import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  aedat3Header,
  aedat3Packet,
  frameEvent,
  inertialEvent,
  polarityEvent,
  polarityPackets,
  specialEvent,
} from '../../../fixtures/recordings/aedat3-file.ts';
import { barEvents } from '../../../fixtures/recordings/scene.ts';
import { FormatError } from '../../../src/errors.ts';
import { aedat3 } from '../../../src/streams/formats/aedat3.ts';
import type { OtherRecord } from '../../../src/streams/formats/other-records.ts';
import { openRecording } from '../../../src/streams/recording-file.ts';
import { collect, decodeBytes, joinColumns } from '../columns.ts';
import { temporaryFolders } from '../temporary-folder.ts';

const sensor = { width: 240, height: 180 };
const header = aedat3Header('DAVIS240C');
const folderOf = temporaryFolders();

describe('AEDAT 3.1', () => {
  it('gives its polarity events, whatever the packets and blocks', () => {
    const start = fc.constantFrom(0, 53_036_986, 2 ** 31 - 3000, 2 ** 32 - 3000, 5 * 2 ** 31 - 3000);
    fc.assert(
      fc.property(
        start,
        fc.integer({ min: 1, max: 400 }),
        fc.integer({ min: 1, max: 5000 }),
        (micros, most, block) => {
          const events = barEvents('aedat3', sensor, 500, micros);
          const bytes = Buffer.concat([header, ...polarityPackets(events, most)]);
          const { chunks, decoder, error } = decodeBytes(aedat3, bytes, () => block);
          expect(error).toBeUndefined();
          expect(joinColumns(chunks)).toEqual(joinColumns([events]));
          expect(decoder.sensor).toEqual(sensor);
        },
      ),
      { numRuns: 40 },
    );
  });

  const sample = inertialEvent(7, [0.5, -1, 0.25, 10, 20, -30, 36.5]);
  const others = [
    aedat3Packet(0, [specialEvent(2, 5), specialEvent(99, 6)], { overflow: 3 }),
    aedat3Packet(3, [sample]),
    aedat3Packet(2, [frameEvent(10, 20, 2, 3, [1, 2, 3, 4, 5, 65_535])]),
    aedat3Packet(4, [inertialEvent(8, [1, 2, 3, 4, 5, 6, 20, 7, 8, 9])]),
    aedat3Packet(12, [Buffer.alloc(16)]),
  ];

  it('skips what is no polarity event, and counts it', () => {
    const bytes = Buffer.concat([
      header,
      ...others,
      aedat3Packet(
        1,
        [polarityEvent(1, 2, 3, 1), polarityEvent(2, 3, 4, 0, 0), polarityEvent(3, 239, 179, 0)],
        {
          spare: 5,
        },
      ),
      aedat3Packet(1, [polarityEvent(9, 2, 3, 1)], { source: 2 }),
      aedat3Packet(1, [polarityEvent(4, 240, 3, 1), polarityEvent(2, 0, 0, 1)]),
    ]);
    const { chunks, decoder } = decodeBytes(aedat3, bytes);
    expect(joinColumns(chunks)).toEqual({ t: [1, 3, 3], x: [2, 239, 0], y: [3, 179, 0], on: [1, 0, 1] });
    expect(decoder.counters).toEqual({ events: 3, backward: 1, outOfRange: 1, skipped: 6 + 1 + 1 });
  });

  it('delivers it on request', () => {
    const found: OtherRecord[] = [];
    decodeBytes(aedat3, Buffer.concat([header, ...others]), () => 11, {
      others: (record) => found.push(record),
    });
    expect(found).toEqual([
      { kind: 'trigger', micros: 3 * 2 ** 31 + 5, type: 2, name: 'rising', channel: 0 },
      { kind: 'trigger', micros: 3 * 2 ** 31 + 6, type: 99, name: 'other' },
      {
        kind: 'inertial',
        micros: 7,
        acceleration: [0.5, -1, 0.25],
        rotation: [10, 20, -30],
        temperature: 36.5,
      },
      {
        kind: 'frame',
        micros: 15,
        exposureMicros: [10, 20],
        width: 2,
        height: 3,
        left: 0,
        top: 0,
        channels: 1,
        pixels: Uint16Array.of(1, 2, 3, 4, 5, 65_535),
      },
      {
        kind: 'inertial',
        micros: 8,
        acceleration: [1, 2, 3],
        rotation: [4, 5, 6],
        temperature: 20,
        magnetism: [7, 8, 9],
      },
    ]);
  });

  it('is read in part as in whole', async () => {
    const path = join(folderOf(), 'a.aedat');
    const events = barEvents('aedat3', sensor, 3000, 2 ** 32 - 20_000);
    writeFileSync(path, Buffer.concat([header, ...others, ...polarityPackets(events, 100)]));
    const whole = joinColumns(await collect((await openRecording(path)).chunks()));
    expect(whole.t).toHaveLength(3000);
    for (const [from, to] of [
      [whole.t[0]!, whole.t[10]!],
      [whole.t[1234]!, whole.t[1999]!],
      [2 ** 32 - 5, 2 ** 32 + 1000],
      [0, 10],
      [2 ** 33, 2 ** 34],
    ] as const) {
      const part = await openRecording(path, { fromMicros: from, toMicros: to });
      expect(joinColumns(await collect(part.chunks())).t).toEqual(
        whole.t.filter((micros) => micros >= from && micros < to),
      );
    }
  });

  it.each([
    [
      'of another version',
      Buffer.from('#!AER-DAT3.0\r\n#!END-HEADER\r\n'),
      'version 3.1 expected, found "3.0" at byte 0',
    ],
    [
      'of compressed packets',
      Buffer.from('#!AER-DAT3.1\r\n#Format: SerializedTS,PNGFrames\r\n#!END-HEADER\r\n'),
      'packets in the format RAW expected, found "SerializedTS,PNGFrames" at byte 0',
    ],
    [
      'without the end of its header',
      header.subarray(0, 60),
      'header with #!END-HEADER expected, the data end within it at byte 0',
    ],
    [
      'whose packet is cut off',
      Buffer.concat([header, aedat3Packet(1, [polarityEvent(1, 2, 3, 1)])]).subarray(0, -1),
      `packet expected, the data end within it at byte ${header.length}`,
    ],
    [
      'whose packet is huge',
      Buffer.concat([header, aedat3Packet(1, [], { spare: 0 }).fill(0x7f, 16, 20)]),
      `packet is not valid: a packet of at most 67108864 bytes expected, found 2139062143 events of 8 at byte ${header.length}`,
    ],
  ])('%s is a fault', (_, bytes, message) => {
    const { error } = decodeBytes(aedat3, bytes);
    expect(error).toBeInstanceOf(FormatError);
    expect((error as FormatError).message).toContain(message);
  });
});
