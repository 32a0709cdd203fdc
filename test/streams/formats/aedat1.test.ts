import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { shortRecords } from '../../../fixtures/recordings/further-fixtures.ts';
import { barEvents } from '../../../fixtures/recordings/scene.ts';
import { aedat1 } from '../../../src/streams/formats/aedat1.ts';
import { describeWithShared, sharedPath } from '../../shared-data.ts';
import { decodeBytes, joinColumns } from '../columns.ts';

const sensor = { width: 128, height: 128 };

const headers = {
  magic: '#!AER-DAT1.0\r\n# This is a raw AE data file\r\n',
  comment: '# This is a raw AE data file - do not edit\r\n',
  nothing: '',
};

it.each(Object.entries(headers))('AEDAT 1.0 is recognised and decoded in any blocks (%s)', (_, text) => {
  const events = barEvents('aedat1', sensor, 700, 2 ** 32 - 5000);
  const bytes = Buffer.concat([Buffer.from(text), shortRecords(events)]);
  expect(aedat1.sniff(bytes, bytes.length)).toBeGreaterThan(0);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 300 }), (block) => {
      const { chunks, decoder, error } = decodeBytes(aedat1, bytes, () => block);
      expect(error).toBeUndefined();
      expect(joinColumns(chunks)).toEqual(joinColumns([events]));
      expect(decoder.sensor).toEqual(sensor);
    }),
    { numRuns: 20 },
  );
});

it('AEDAT 1.0 that is cut off says so', () => {
  const { error } = decodeBytes(aedat1, shortRecords(barEvents('aedat1', sensor, 10, 5)).subarray(0, 59));
  expect((error as Error).message).toBe(
    'AEDAT 1.0 record of 6 bytes expected, the data end after 5 at byte 54',
  );
});

it('noise is no AEDAT 1.0', () => {
  const noise = Uint8Array.from({ length: 6000 }, (_, i) => (Math.imul(i, 2654435761) >>> 13) & 255);
  expect(aedat1.sniff(noise, 6000)).toBe(0);
  expect(aedat1.sniff(new Uint8Array(6000), 6000)).toBe(0);
});

const VECTORS = 'expected/events/inline_vectors.json';
describeWithShared('the vector of another reader', [VECTORS], () => {
  it('is decoded', () => {
    const { vectors } = JSON.parse(readFileSync(sharedPath(VECTORS), 'utf8'));
    const { bytes, expect: wanted } = vectors.find(({ fmt }: { fmt: string }) => fmt.startsWith('AEDAT1.0'));
    const { chunks } = decodeBytes(aedat1, Buffer.from(bytes.replaceAll(' ', ''), 'hex'));
    expect(joinColumns(chunks)).toEqual({
      t: [wanted.t],
      x: [127 - wanted.x_raw],
      y: [127 - wanted.y_raw],
      on: [1 - wanted.polarity_bit],
    });
  });
});
