import { tableFromIPC } from 'apache-arrow';
import { describe, expect, it } from 'vitest';
import { allocateChunk, type EventChunk } from '../../../src/events.ts';
import { arrowEvents } from '../../../src/streams/formats/arrow.ts';
import { decodeBytes, joinColumns } from '../columns.ts';

function encode(chunks: readonly EventChunk[], simulated = false): Buffer {
  const encoder = arrowEvents.createEncoder!({ sensor: { width: 640, height: 480 }, simulated });
  const parts: Uint8Array[] = [];
  for (const chunk of chunks) encoder.push(chunk, (bytes) => parts.push(bytes));
  encoder.end((bytes) => parts.push(bytes));
  return Buffer.concat(parts);
}

function ramp(origin: number, length: number): EventChunk {
  const chunk = allocateChunk(origin, length);
  for (let i = 0; i < length; i++) {
    chunk.t[i] = 3 * i;
    chunk.x[i] = i % 640;
    chunk.y[i] = i % 480;
    chunk.on[i] = Number(i % 3 === 0);
  }
  return chunk;
}

describe('Arrow event files', () => {
  const chunks = [
    ramp(1_700_000_000_000_000, 1000),
    ramp(1_700_000_000_003_000, 0),
    ramp(1_700_000_000_003_000, 13),
  ];

  it('come back as they were written', () => {
    const bytes = encode(chunks, true);
    expect(arrowEvents.sniff(bytes)).toBe(1);
    const { chunks: found, decoder, error } = decodeBytes(arrowEvents, bytes);
    expect(error).toBeUndefined();
    expect(joinColumns(found)).toEqual(joinColumns(chunks));
    expect(decoder.sensor).toEqual({ width: 640, height: 480 });
    expect(decoder.simulated).toBe(true);
  });

  it('are opened by the Arrow library, as file', () => {
    const table = tableFromIPC(encode(chunks));
    expect(table.schema.fields.map((field) => `${field}`)).toEqual([
      't: Timestamp<MICROSECOND>',
      'x: Uint16',
      'y: Uint16',
      'on: Bool',
    ]);
    expect(Object.fromEntries(table.schema.metadata)).toEqual({
      software: 'rxspike',
      sensor_width: '640',
      sensor_height: '480',
      simulated: 'false',
    });
    expect(table.batches).toHaveLength(2);
    const expected = joinColumns(chunks);
    expect([...table.getChild('x')!]).toEqual(expected.x);
    expect([...table.getChild('y')!]).toEqual(expected.y);
    expect([...table.getChild('on')!].map(Number)).toEqual(expected.on);
    expect(table.batches.flatMap((batch) => [...batch.getChild('t')!.data[0]!.values])).toEqual(
      expected.t.map(BigInt),
    );
  });

  it('are opened by the Arrow library, as stream', () => {
    expect(tableFromIPC(encode(chunks).subarray(8)).numRows).toBe(1013);
  });
});
