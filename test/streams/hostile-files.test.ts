import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Fixture, makeFixtures } from '../../fixtures/recordings/fixtures.ts';
import { fixtureNames } from '../../fixtures/recordings/names.ts';
import { FormatError } from '../../src/errors.ts';
import type { EventChunk } from '../../src/events.ts';
import {
  detectFormat,
  type EventDecoder,
  formats,
  sequentialFormats,
} from '../../src/streams/formats/index.ts';
import { decodeBytes, joinColumns } from './columns.ts';
import { damages, position } from './damages.ts';

/** Cases for each fixture and kind of damage. */
const RUNS = 200;
/** No fixture is worth more memory than this, whatever its bytes claim. */
const MOST_MEMORY_BYTES = 32 << 20;

const fixtures = new Map<string, Fixture>();

beforeAll(async () => {
  for (const fixture of await makeFixtures()) {
    await fixture.format.prepare?.(fixture.bytes);
    fixtures.set(fixture.name, fixture);
  }
});

/** Whatever the bytes are, decoding ends with events, or with a FormatError that says where. */
function expectHonest(
  bytes: Uint8Array,
  { chunks, decoder, error }: { chunks: EventChunk[]; decoder: EventDecoder; error?: unknown },
): void {
  if (error !== undefined) {
    if (!(error instanceof FormatError)) throw error;
    expect(error.byteOffset).toBeGreaterThanOrEqual(0);
    expect(error.byteOffset).toBeLessThanOrEqual(bytes.length);
    expect(error.message).toMatch(/^broken: [^\n]+ at byte \d+$/);
    expect(error.message.length).toBeLessThan(600);
  }
  const { t, x, y, on } = joinColumns(chunks);
  expect(decoder.counters.events).toBe(t.length);
  const { width, height } = decoder.sensor ?? { width: 65536, height: 65536 };
  if (x.some((column) => column >= width) || y.some((row) => row >= height))
    throw new Error('outside the sensor');
  if (on.some((value) => value > 1)) throw new Error('neither on nor off');
}

function expectHonestDecode(fixture: Fixture, bytes: Buffer): void {
  const before = process.memoryUsage().arrayBuffers;
  const result = decodeBytes(fixture.format, bytes, () => 1 << 14, { path: 'broken' });
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(MOST_MEMORY_BYTES);
  expectHonest(bytes, result);
  try {
    detectFormat(bytes.subarray(0, 1 << 16), bytes.length, 'broken');
  } catch (error) {
    expect(error).toBeInstanceOf(FormatError);
  }
}

describe.each(Object.keys(damages))('files with %s', (damage) => {
  it.each(fixtureNames)('give events or a FormatError (fixture %s)', (name) => {
    const fixture = fixtures.get(name)!;
    const check = fc.property(damages[damage]!, (change) => {
      expectHonestDecode(fixture, change(Buffer.from(fixture.bytes)));
    });
    fc.assert(check, { numRuns: RUNS });
  });
});

describe('files that are no recording', () => {
  const headed = sequentialFormats
    .map(({ name }) => name)
    .filter((name) => !['aedat1', 'nmnist'].includes(name));

  it.each(sequentialFormats.map(({ name }) => name))('give events or a FormatError as %s', (name) => {
    const format = sequentialFormats.find((candidate) => candidate.name === name)!;
    const check = fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => {
      expectHonest(
        bytes,
        decodeBytes(format, bytes, () => 100, { path: 'broken' }),
      );
    });
    fc.assert(check, { numRuns: RUNS });
  });

  it.each(headed)('are refused where they are empty, as %s', (name) => {
    const format = sequentialFormats.find((candidate) => candidate.name === name)!;
    const { error } = decodeBytes(format, new Uint8Array(0), () => 1, { path: 'broken' });
    expect(error).toBeInstanceOf(FormatError);
    expect((error as FormatError).byteOffset).toBe(0);
  });

  it('are refused by detection, which names what is supported', () => {
    const supported = formats.map(({ title }) => title).join(', ');
    expect(supported).toContain('EVT3, EVT2');
    for (const [bytes, found] of [
      [Buffer.alloc(0), 'an empty file'],
      [Buffer.from('a,b,c\n1,2,3\n'), '"a,b,c"'],
      [Buffer.from('#!AER-DAT5.0\r\n'), '"#!AER-DAT5.0"'],
      [Buffer.from('89504e470d0a1a0a0000', 'hex'), 'bytes 89504e470d0a1a0a0000'],
    ] as const) {
      expect(() => detectFormat(bytes, bytes.length, 'some.file')).toThrow(
        `some.file: not a recording that can be read (${supported}): found ${found} at byte 0`,
      );
    }
  });
});

describe('files that were cut off', () => {
  it.each(fixtureNames)('give the events before the cut, then the fault (fixture %s)', (name) => {
    const { format, bytes, events } = fixtures.get(name)!;
    const whole = joinColumns([events]);
    const check = fc.property(position, (end) => {
      const cut = Buffer.from(bytes).subarray(0, Math.floor(end * bytes.length));
      const { t, x, y, on } = joinColumns(decodeBytes(format, cut).chunks);
      const { length } = t;
      expect({ t, x, y, on }).toEqual({
        t: whole.t.slice(0, length),
        x: whole.x.slice(0, length),
        y: whole.y.slice(0, length),
        on: whole.on.slice(0, length),
      });
    });
    fc.assert(check, { numRuns: 40 });
  });
});
