import { describe, expect, it } from 'vitest';
import type { FormatError } from '../../../src/errors.ts';
import { allocateChunk } from '../../../src/events.ts';
import { eventStream } from '../../../src/streams/formats/event-stream.ts';
import { decodeBytes, joinColumns } from '../columns.ts';

const header = (kind: number, width = 4, height = 3, version = 2): Buffer =>
  Buffer.concat([Buffer.from('Event Stream'), Buffer.of(version, 0, 0, kind, width, 0, height, 0)]);

describe('Event Stream', () => {
  it('of a DVS adds steps of time, and counts rows from the bottom', () => {
    const body = [(5 << 1) | 1, 3, 0, 0, 0, 0xff, 0xfe, 0xff, 0, 0, 0, 2, 0, 126 << 1, 4, 0, 0, 0];
    const { chunks, decoder } = decodeBytes(
      eventStream,
      Buffer.concat([header(1), Buffer.from(body)]),
      () => 1,
    );
    expect(joinColumns(chunks)).toEqual({ t: [5, 259], x: [3, 0], y: [2, 0], on: [1, 0] });
    expect(decoder.counters).toEqual({ events: 2, backward: 0, outOfRange: 1, skipped: 0 });
    expect(decoder.sensor).toEqual({ width: 4, height: 3 });
  });

  it('of an ATIS gives its changes; threshold crossings pass time', () => {
    const body = [0xfc, 0xfd, 0xff, (2 << 2) | 2, 1, 0, 1, 0, (3 << 2) | 1, 1, 0, 1, 0, 0, 2, 0, 0, 0];
    const { chunks, decoder } = decodeBytes(eventStream, Buffer.concat([header(2), Buffer.from(body)]));
    expect(joinColumns(chunks)).toEqual({ t: [254, 257], x: [1, 2], y: [1, 2], on: [1, 0] });
    expect(decoder.counters.skipped).toBe(1);
  });

  it('of a colour camera is on where a pixel grows brighter', () => {
    const pixel = (step: number, ...rgb: number[]): number[] => [step, 1, 0, 1, 0, ...rgb];
    const body = [
      0xff,
      ...pixel(1, 9, 9, 9),
      ...pixel(2, 9, 9, 8),
      ...pixel(3, 9, 9, 8),
      ...pixel(4, 1, 2, 99),
    ];
    const { chunks } = decodeBytes(eventStream, Buffer.concat([header(4), Buffer.from(body)]), () => 3);
    expect(joinColumns(chunks)).toMatchObject({ t: [255, 257, 260, 264], on: [1, 0, 0, 1] });
  });

  it('may be silent for an hour', () => {
    const hour = Math.ceil(3600e6 / 127);
    const body = Buffer.concat([Buffer.alloc(hour, 0xff), Buffer.of(1, 0, 0, 0, 0, 3, 0, 0, 0, 0)]);
    const { chunks } = decodeBytes(eventStream, Buffer.concat([header(1), body]));
    expect(joinColumns(chunks).t).toEqual([hour * 127, hour * 127 + 1]);
  });

  it.each([
    [
      header(0),
      'of a DVS, an ATIS or a colour camera expected, found generic, which holds no events of pixels',
      15,
    ],
    [
      header(3),
      'of a DVS, an ATIS or a colour camera expected, found AMD, which holds no events of pixels',
      15,
    ],
    [header(9), 'of a DVS, an ATIS or a colour camera expected, found kind 9', 15],
    [header(1, 4, 3, 1), 'of version 2 expected, found 1', 12],
    [header(1, 0), 'sensor size expected, found 0x3', 16],
    [header(1).subarray(0, 19), 'header of 20 bytes expected, the data end after 19', 0],
    [Buffer.concat([header(1), Buffer.of(3, 1, 0)]), 'event expected, the data end after 3 bytes of it', 20],
  ])('%# is a fault', (bytes, message, byteOffset) => {
    const { error } = decodeBytes(eventStream, bytes, () => 2, { path: 'a.es' });
    expect((error as FormatError).message).toBe(`a.es: Event Stream ${message} at byte ${byteOffset}`);
  });

  it('is not written with a silence that would fill a disk', () => {
    const chunk = allocateChunk(1_700_000_000_000_000, 1);
    chunk.t[0] = chunk.x[0] = chunk.y[0] = chunk.on[0] = 0;
    const encoder = eventStream.createEncoder!({ sensor: { width: 4, height: 3 } });
    expect(() => encoder.push(chunk, () => 0)).toThrow(
      'Event Stream counts time in steps from 0, of at most 2130706432 us, not 1700000000000000; shift the times first',
    );
  });
});
