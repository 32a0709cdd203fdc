import { describe, expect, it } from 'vitest';
import { FormatError } from '../../../src/errors.ts';
import { allocateChunk, type EventChunk } from '../../../src/events.ts';
import {
  EventPackets,
  type StreamDescription,
  writeHeader,
  writePacket,
} from '../../../src/streams/formats/aedat4/encoder.ts';
import { aedat4 } from '../../../src/streams/formats/aedat4.ts';
import { decodeBytes, joinColumns } from '../columns.ts';

const EVENTS: StreamDescription = { id: 0, type: 'EVTS', sensor: { width: 64, height: 48 } };

function chunkOf(...events: [t: number, x: number, y: number, on: number][]): EventChunk {
  const chunk = allocateChunk(0, events.length);
  events.forEach(([t, x, y, on], i) => {
    chunk.t[i] = t;
    chunk.x[i] = x;
    chunk.y[i] = y;
    chunk.on[i] = on;
  });
  return chunk;
}

const at = (origin: number, chunk: EventChunk): EventChunk => ({ ...chunk, origin });
const packets = new EventPackets({ width: 32768, height: 32768 });
const writeEvents = (chunk: EventChunk): Uint8Array => packets.write(chunk);
const packetOf = (chunk: EventChunk): Uint8Array => writePacket(0, writeEvents(chunk));
const file = (...parts: Uint8Array[]): Buffer => Buffer.concat([writeHeader([EVENTS]), ...parts]);

function faultOf(bytes: Uint8Array): FormatError {
  const { error } = decodeBytes(aedat4, bytes, () => 1 << 20, { path: 'a.aedat4' });
  expect(error).toBeInstanceOf(FormatError);
  return error as FormatError;
}

describe('AEDAT 4', () => {
  const two = chunkOf([5, 1, 2, 1], [6, 63, 47, 0]);

  it('comes back as it was written', () => {
    const parts: Uint8Array[] = [];
    const encoder = aedat4.createEncoder!({ sensor: { width: 64, height: 48 } });
    for (const chunk of [at(1e15, two), at(1e15 + 6, two)]) encoder.push(chunk, (bytes) => parts.push(bytes));
    encoder.end((bytes) => parts.push(bytes));
    const { chunks, decoder } = decodeBytes(aedat4, Buffer.concat(parts));
    expect(joinColumns(chunks)).toEqual(joinColumns([at(1e15, two), at(1e15 + 6, two)]));
    expect(decoder.sensor).toEqual({ width: 64, height: 48 });
  });

  it('holds times of any length and clamps those that go back', () => {
    const times = [1.7e15, 1.7e15 + 5e9, 1.7e15 + 1e10, 1.7e15 + 1e10 - 1, 1.7e15 + 1e10, 3];
    const { chunks, decoder } = decodeBytes(
      aedat4,
      file(...times.map((origin) => packetOf(at(origin, chunkOf([0, 1, 1, 1]))))),
    );
    expect(joinColumns(chunks).t).toEqual([
      1.7e15,
      1.7e15 + 5e9,
      1.7e15 + 1e10,
      1.7e15 + 1e10,
      1.7e15 + 1e10,
      1.7e15 + 1e10,
    ]);
    expect(decoder.counters).toMatchObject({ events: 6, backward: 2 });
  });

  it('drops and counts what lies outside the sensor', () => {
    const packet = packetOf(
      chunkOf([1, 64, 0, 1], [2, 0, 48, 1], [3, 0, 0, 1], [4, 0, 0, 1], [5, 63, 47, 1]),
    );
    // A column and a row below 0, which no encoder writes: events of 16 bytes begin behind the heads of packet and content.
    packet.set([255, 255], 48 + 2 * 16 + 8);
    packet.set([0, 128], 48 + 3 * 16 + 10);
    const { chunks, decoder } = decodeBytes(aedat4, file(packet));
    expect(joinColumns(chunks).t).toEqual([5]);
    expect(decoder.counters).toMatchObject({ events: 1, outOfRange: 4 });
  });

  it('may say nothing of the sensor', () => {
    const bytes = Buffer.concat([
      writeHeader([{ id: 0, type: 'EVTS' }]),
      packetOf(chunkOf([1, 5000, 4000, 1])),
    ]);
    const { chunks, decoder } = decodeBytes(aedat4, bytes);
    expect(decoder.sensor).toBeUndefined();
    expect(joinColumns(chunks).x).toEqual([5000]);
  });

  it('skips other streams without reading them', () => {
    const header = writeHeader([
      { id: 3, type: 'IMUS' },
      { ...EVENTS, id: 7 },
    ]);
    const noise = writePacket(
      3,
      Uint8Array.from({ length: 999 }, (_, i) => i),
    );
    const events = writePacket(7, writeEvents(two));
    const { chunks, decoder } = decodeBytes(aedat4, Buffer.concat([header, noise, events, noise]), () => 10);
    expect(joinColumns(chunks).t).toEqual([5, 6]);
    expect(decoder.counters.skipped).toBe(2);
  });

  it('of two cameras gives the events of the first', () => {
    const header = writeHeader([
      { id: 1, type: 'FRME' },
      { id: 2, type: 'EVTS', sensor: { width: 9, height: 8 } },
      { id: 5, type: 'EVTS', sensor: { width: 64, height: 48 } },
    ]);
    const [first, second] = [chunkOf([1, 1, 1, 1]), chunkOf([2, 2, 2, 0])];
    const bytes = Buffer.concat([
      header,
      writePacket(5, writeEvents(second)),
      writePacket(2, writeEvents(first)),
    ]);
    const { chunks, decoder } = decodeBytes(aedat4, bytes);
    expect(joinColumns(chunks).t).toEqual([1]);
    expect(decoder.sensor).toEqual({ width: 9, height: 8 });
    expect(decoder.counters.skipped).toBe(1);
  });

  it('is not misled by what the header says of the data table', () => {
    const header = Buffer.from(writeHeader([EVENTS]));
    const bytes = Buffer.concat([header, packetOf(two), packetOf(at(10, two))]);
    const position = header.indexOf(Buffer.alloc(8, 255));
    expect(position).toBeGreaterThan(18);
    bytes.writeBigInt64LE(BigInt(header.length), position);
    expect(joinColumns(decodeBytes(aedat4, bytes).chunks).t).toEqual([5, 6, 15, 16]);
  });

  it('ends at its data table', () => {
    const table = Buffer.from('00000000000000004654414200000000', 'hex');
    const { chunks, error } = decodeBytes(
      aedat4,
      file(packetOf(two), table, Buffer.from('anything')),
      () => 5,
    );
    expect(error).toBeUndefined();
    expect(joinColumns(chunks).t).toEqual([5, 6]);
  });
});

describe('a damaged AEDAT 4', () => {
  const two = chunkOf([5, 1, 2, 1], [6, 3, 4, 0]);
  const start = writeHeader([EVENTS]).length;

  const packet = (stream: number, size: number): Buffer => {
    const bytes = Buffer.alloc(20);
    bytes.writeInt32LE(stream, 0);
    bytes.writeInt32LE(size, 4);
    return bytes;
  };

  it.each([
    ['that starts otherwise', Buffer.alloc(40), 'magic #!AER-DAT4.0 expected at byte 0'],
    ['whose header is cut off', file().subarray(0, 50), 'header expected, the data end within it at byte 18'],
    [
      'whose header is no table',
      Buffer.concat([file().subarray(0, 18), Buffer.alloc(start)]),
      'header is not valid: a header with identifier IOHE expected at byte 18',
    ],
    [
      'whose header is too long',
      Buffer.concat([file().subarray(0, 14), Buffer.from('ffffffff', 'hex')]),
      'header of at most 1048576 bytes expected, found 4294967295 at byte 0',
    ],
    [
      'of an unknown stream',
      file(packet(4, 8)),
      `packet of a stream in the header expected, found stream 4 at byte ${start}`,
    ],
    [
      'whose packet has a negative size',
      file(packet(0, -2)),
      `packet of 4 to 67108864 bytes expected, found -2 at byte ${start}`,
    ],
    [
      'whose packet is huge',
      file(packet(0, 0x7fffffff)),
      `packet of 4 to 67108864 bytes expected, found 2147483647 at byte ${start}`,
    ],
    [
      'whose packet is cut off',
      file(packetOf(two)).subarray(0, -1),
      `event packet expected, the data end within it at byte ${start}`,
    ],
    [
      'whose packet is of another kind',
      file(packet(0, 12)),
      `event packet is not valid: content with identifier EVTS expected at byte ${start}`,
    ],
  ])('%s says so', (_, bytes, message) => {
    expect(faultOf(bytes).message).toBe(`a.aedat4: AEDAT 4 ${message}`);
  });

  it('whose vector of events reaches beyond its packet says so', () => {
    const bytes = file(packetOf(two));
    bytes.writeUInt32LE(3, start + 8 + 36);
    expect(faultOf(bytes).message).toBe(
      `a.aedat4: AEDAT 4 event packet is not valid: a vector of 3 elements reaches beyond its buffer at byte ${start}`,
    );
  });

  it('whose times are beyond 2^53 says so, after the events before', () => {
    const bytes = file(packetOf(two), packetOf(two));
    bytes.writeInt32LE(1 << 21, bytes.length - 12);
    const { chunks, error } = decodeBytes(aedat4, bytes);
    expect(joinColumns(chunks).t).toEqual([5, 6, 6]);
    expect((error as FormatError).message).toContain('event packet with times within 2^53 µs expected');
  });

  it('of an unknown compression says so', () => {
    const bytes = Buffer.from(writeHeader([EVENTS], 9));
    expect(faultOf(bytes).message).toContain('header is not valid: compression 0 to 4 expected, found 9');
  });
});
