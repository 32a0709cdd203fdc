import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Fixture, makeFixtures } from '../../fixtures/recordings/fixtures.ts';
import { fixtureNames as names } from '../../fixtures/recordings/names.ts';
import { detectFormat, sequentialFormats } from '../../src/streams/formats/index.ts';
import { openRecording } from '../../src/streams/recording-file.ts';
import { collect, decodeBytes, fingerprints, joinColumns } from './columns.ts';

const fixtures = new Map<string, Fixture>();

const pathOf = (name: string): string =>
  fileURLToPath(new URL(`../../fixtures/recordings/${name}`, import.meta.url));

beforeAll(async () => {
  for (const fixture of await makeFixtures()) {
    fixtures.set(fixture.name, fixture);
    await fixture.format.prepare?.(fixture.bytes);
  }
});

it('are all tested', () => {
  expect([...fixtures.keys()]).toEqual(names);
  expect(new Set([...fixtures.values()].map(({ format }) => format))).toEqual(new Set(sequentialFormats));
});

describe.each(names)('the fixture %s', (name) => {
  it('is what the generator makes', () => {
    expect(readFileSync(pathOf(name)).equals(fixtures.get(name)!.bytes)).toBe(true);
  });

  it('is told by its content', () => {
    const { bytes, format } = fixtures.get(name)!;
    expect(detectFormat(bytes.subarray(0, 1 << 16), bytes.length)).toBe(format);
  });

  it('decodes to its events', () => {
    const { bytes, format, events, sensor, skipped } = fixtures.get(name)!;
    const { chunks, decoder, error } = decodeBytes(format, bytes);
    expect(error).toBeUndefined();
    expect(joinColumns(chunks)).toEqual(joinColumns([events]));
    expect(decoder.sensor).toEqual(sensor);
    expect(decoder.counters).toEqual({ events: events.t.length, backward: 0, outOfRange: 0, skipped });
  });

  it('decodes to the same chunks one byte at a time', () => {
    const { bytes, format } = fixtures.get(name)!;
    const whole = fingerprints(decodeBytes(format, bytes).chunks);
    expect(fingerprints(decodeBytes(format, bytes, () => 1).chunks)).toEqual(whole);
  });

  it('decodes to the same chunks in blocks of any sizes', () => {
    const { bytes, format } = fixtures.get(name)!;
    const whole = fingerprints(decodeBytes(format, bytes).chunks);
    fc.assert(
      fc.property(fc.infiniteStream(fc.oneof(fc.nat(20), fc.nat(5000))), (sizes) => {
        const inBlocks = decodeBytes(format, bytes, () => sizes.next().value ?? 1);
        expect(fingerprints(inBlocks.chunks)).toEqual(whole);
      }),
      { numRuns: 25 },
    );
  });

  it('opens as a file', async () => {
    const { bytes, format, events, sensor } = fixtures.get(name)!;
    const recording = await openRecording(pathOf(name));
    expect(recording).toMatchObject({ id: name, format, bytes: bytes.length, simulated: false });
    expect(recording.sensor).toEqual(sensor);
    expect(joinColumns(await collect(recording.chunks()))).toEqual(joinColumns([events]));
  });
});
