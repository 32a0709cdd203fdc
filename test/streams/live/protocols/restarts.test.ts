import { describe, expect, it } from 'vitest';
import { caer } from '../../../../src/streams/live/protocols/caer.ts';
import { dv } from '../../../../src/streams/live/protocols/dv.ts';
import { chunkOf, Decoding, encode, type Row } from './decoding.ts';

const sensor = { width: 128, height: 128 };
const rowsFrom = (start: number): Row[] =>
  Array.from({ length: 90 }, (_, i) => [start + 10 * i, i, i, i & 1]);

describe.each([
  ['caer', caer, 'datagrams'],
  ['caer', caer, 'bytes'],
  ['dv', dv, 'bytes'],
] as const)('%s', (_, protocol, carrier) => {
  it('goes on where it was when the clock of a camera is set back', () => {
    const start = 60_000_000;
    const chunks = [chunkOf(rowsFrom(start)), chunkOf(rowsFrom(5)), chunkOf(rowsFrom(2000))];
    const decoding = new Decoding(protocol, carrier, { sensor });
    decoding.push(encode(protocol, chunks, { sensor, carrier, eventsPerPacket: 30 }));
    const set = start + 890;
    expect(decoding.rows().map(([micros]) => micros)).toEqual(
      [...rowsFrom(start), ...rowsFrom(set), ...rowsFrom(set + 1995)].map(([micros]) => micros),
    );
    expect(decoding.tally.read()).toMatchObject({ restarts: 1, backward: 0, malformed: 0 });
  });

  it('raises and counts small steps back', () => {
    const chunks = [chunkOf(rowsFrom(5000)), chunkOf(rowsFrom(4990))];
    const decoding = new Decoding(protocol, carrier, { sensor });
    decoding.push(encode(protocol, chunks, { sensor, carrier }));
    expect(decoding.tally.read()).toMatchObject({ restarts: 0, backward: 90, received: 180 });
  });
});
