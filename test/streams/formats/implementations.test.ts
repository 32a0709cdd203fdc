import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Fixture, makeFixtures } from '../../../fixtures/recordings/fixtures.ts';
import { CHUNK_EVENTS, type EventChunk } from '../../../src/events.ts';
import { encodeLz4 } from '../../../src/streams/formats/aedat4/lz4-encoder.ts';
import { type EventFormat, sequentialFormats } from '../../../src/streams/formats/index.ts';
import { IMPLEMENTATIONS, useImplementation } from '../../../src/streams/formats/kernels/loops.ts';
import { describeWithShared, sharedPath } from '../../shared-data.ts';
import { decodeBytes, fingerprints } from '../columns.ts';
import { damages } from '../damages.ts';

/** Formats with a hot loop in C. */
const HOT = ['aedat2', 'aedat4', 'dat', 'dat1', 'es', 'evt2', 'evt21', 'evt3', 'nmnist'];
const others = IMPLEMENTATIONS.filter((name) => name !== 'typescript');
const working = others.filter((name) => useImplementation(name));
useImplementation(undefined);

/** All that decoding gives, to be compared. */
function outcome(
  format: EventFormat,
  bytes: Uint8Array,
  blockBytes: number,
  sensor?: [number, number],
): unknown {
  const options = sensor === undefined ? {} : { sensor: { width: sensor[0], height: sensor[1] } };
  const { chunks, decoder, error } = decodeBytes(format, bytes, () => blockBytes, options);
  return {
    chunks: fingerprints(chunks),
    counters: { ...decoder.counters },
    error: error === undefined ? '' : (error as Error).message,
  };
}

function expectSame(
  format: EventFormat,
  bytes: Uint8Array,
  blockBytes: number,
  sensor?: [number, number],
): void {
  useImplementation('typescript');
  const expected = outcome(format, bytes, blockBytes, sensor);
  for (const name of working) {
    useImplementation(name);
    expect(outcome(format, bytes, blockBytes, sensor), name).toEqual(expected);
  }
}

function formatNamed(name: string): EventFormat {
  return sequentialFormats.find((format) => format.name === name)!;
}

const fixtures: Fixture[] = [];

beforeAll(async () => {
  for (const fixture of await makeFixtures()) {
    await fixture.format.prepare?.(fixture.bytes);
    if (HOT.includes(fixture.format.name)) fixtures.push(fixture);
  }
});

afterEach(() => {
  useImplementation(undefined);
});

it('are there: WebAssembly everywhere, the addon where it is built', () => {
  expect(working).toContain('wasm');
  const built = existsSync(new URL('../../../native/build/decoders.node', import.meta.url));
  expect(working.includes('addon')).toBe(built && process.arch === 'x64');
});

it('are compiled from the sources that are here', () => {
  const script = fileURLToPath(new URL('../../../scripts/build-decoders-wasm.mjs', import.meta.url));
  const { status, stderr } = spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});

describe('the three implementations', () => {
  it('give the same events for the fixtures, in blocks of any size', () => {
    for (const { format, bytes } of fixtures) {
      for (const blockBytes of [1 << 20, 4096, 333]) expectSame(format, bytes, blockBytes);
    }
  });

  it.each(Object.keys(damages))('give the same for files with %s', (damage) => {
    const cases = fc.tuple(
      fc.nat(fixtures.length - 1),
      damages[damage]!,
      fc.constantFrom(1 << 20, 1000),
      fc.option(fc.tuple(fc.integer({ min: 1, max: 400 }), fc.integer({ min: 1, max: 400 })), {
        nil: undefined,
      }),
    );
    const check = fc.property(cases, ([index, change, blockBytes, sensor]) => {
      const { format, bytes } = fixtures[index]!;
      expectSame(format, change(Buffer.from(bytes)), blockBytes, sensor);
    });
    fc.assert(check, { numRuns: 300 });
  });

  it('give the same for words of EVT3 in any order', () => {
    const word = fc.oneof(
      { weight: 8, arbitrary: fc.integer({ min: 0x2000, max: 0x2fff }) },
      { weight: 4, arbitrary: fc.nat(0x7ff) },
      { weight: 3, arbitrary: fc.integer({ min: 0x6000, max: 0x6fff }) },
      { weight: 2, arbitrary: fc.integer({ min: 0x8000, max: 0x8fff }) },
      { weight: 2, arbitrary: fc.integer({ min: 0x8000, max: 0x8002 }) },
      { weight: 3, arbitrary: fc.integer({ min: 0x3000, max: 0x5fff }) },
      { weight: 1, arbitrary: fc.nat(0xffff) },
    );
    const header = Buffer.from('% format EVT3;height=720;width=1280\n% end\n');
    const check = fc.property(
      fc.array(word, { minLength: 1, maxLength: 400 }),
      fc.nat(120),
      (words, repeats) => {
        const body = Buffer.from(Uint16Array.from([0x8000, ...words]).buffer);
        const file = Buffer.concat([
          header,
          ...Array.from({ length: repeats % 3 === 0 ? repeats : 1 }, () => body),
        ]);
        expectSame(formatNamed('evt3'), file, 1 << 16);
      },
    );
    fc.assert(check, { numRuns: 300 });
  });

  it('give the same for records of any bytes, and for rising ones that end chunks anywhere', () => {
    const header = {
      dat: '% Version 2\n\x0c\x08',
      dat1: '% Version 1\n\x00\x08',
      es: 'Event Stream\x02\x00\x00\x01\x80\x02\xe0\x01',
      evt2: '% evt 2.0\n',
      evt21: '% evt 2.1\n',
      nmnist: '',
    };
    const bytes = fc.uint8Array({ minLength: 80, maxLength: 640, size: 'max' });
    const cases = fc.tuple(
      fc.constantFrom('dat', 'dat1', 'es', 'evt2', 'evt21', 'nmnist'),
      bytes,
      fc.nat(300),
      fc.boolean(),
    );
    const check = fc.property(cases, ([name, noise, repeats, rising]) => {
      const size = { nmnist: 5, es: 5, evt2: 4 }[name as string] ?? 8;
      const records = Buffer.concat(Array.from({ length: repeats }, () => noise));
      for (let at = 0; rising && at + size <= records.length; at += size) {
        if (name === 'nmnist') records.writeUIntBE(Math.min(at, 0x7fffff), at + 2, 3);
        else if (name === 'es') records.writeUInt32LE(records.readUInt32LE(at) & 0x01ff01ff, at + 1);
        else if (name === 'evt2') records.writeUInt32LE(records.readUInt32LE(at) & 0x1000ffff, at);
        else if (name === 'evt21') records.writeUInt32LE(records.readUInt32LE(at) & 0x1000ffff, at + 4);
        else records.writeUInt32LE(at >> 5, at);
      }
      expectSame(
        formatNamed(name),
        Buffer.concat([Buffer.from(header[name as 'dat'], 'latin1'), records]),
        1 << 16,
      );
    });
    fc.assert(check, { numRuns: 120 });
  });
});

/** A chunk of rows of time, column, row and polarity. */
function chunkOf(origin: number, rows: readonly (readonly [number, number, number, number])[]): EventChunk {
  return {
    origin,
    t: Uint32Array.from(rows, ([t]) => t),
    x: Uint16Array.from(rows, ([, x]) => x),
    y: Uint16Array.from(rows, ([, , y]) => y),
    on: Uint8Array.from(rows, ([, , , on]) => on),
  };
}

/** Events in bursts, many of them in a row, as EVT3 has vectors for; at any distances in time up to `most`. */
const sortedChunks = (most: number): fc.Arbitrary<EventChunk[]> =>
  fc
    .array(
      fc.tuple(
        fc.oneof(fc.nat(100), fc.nat(5000), fc.nat(2 * most)),
        fc.array(
          fc.tuple(
            fc.oneof(fc.constant(0), fc.nat(3), fc.nat(300), fc.nat(9000), fc.nat(most)),
            fc.nat(127),
            fc.nat(127),
            fc.nat(1),
            fc.integer({ min: 1, max: 12 }),
          ),
          { maxLength: 60 },
        ),
      ),
      { minLength: 1, maxLength: 5 },
    )
    .map((parts) => {
      let origin = 0;
      return parts.map(([pause, bursts]) => {
        origin += pause;
        const rows: [number, number, number, number][] = [];
        let time = 0;
        for (const [step, x, y, on, length] of bursts) {
          if (time + step >= 2 ** 32) break;
          time += step;
          for (let k = 0; k < length && x + k < 128; k++) rows.push([time, x + k, y, on]);
        }
        const chunk = chunkOf(origin, rows);
        origin += time;
        return chunk;
      });
    });

/** Chunks as nobody should hand them over: times back and forth, pixels outside, any polarity, any origin. */
const hostileChunks = fc.array(
  fc
    .tuple(
      fc.oneof(fc.nat(10_000), fc.maxSafeInteger()),
      fc.array(
        fc.tuple(
          fc.oneof(
            fc.nat(400),
            fc.nat(70_000),
            fc.nat(2 ** 32 - 1),
            fc.integer({ min: 2 ** 32 - 5000, max: 2 ** 32 - 1 }),
          ),
          fc.oneof({ weight: 9, arbitrary: fc.nat(127) }, { weight: 1, arbitrary: fc.nat(65535) }),
          fc.oneof({ weight: 9, arbitrary: fc.nat(127) }, { weight: 1, arbitrary: fc.nat(65535) }),
          fc.nat(255),
        ),
        { maxLength: 40 },
      ),
    )
    .map(([origin, rows]) => chunkOf(origin, rows)),
  { minLength: 1, maxLength: 4 },
);

const sensor = { width: 128, height: 128 };
const ENCODED = ['aedat2', 'aedat4', 'dat', 'dat1', 'es', 'evt2', 'evt3', 'nmnist'];

/** The bytes that chunks become, and what they are refused for. */
function encoded(format: EventFormat, chunks: readonly EventChunk[]): { bytes: string; error: string } {
  const parts: Buffer[] = [];
  let error = '';
  try {
    const encoder = format.createEncoder!({ sensor });
    const emit = (part: Uint8Array): number => parts.push(Buffer.from(part));
    for (const chunk of chunks) encoder.push(chunk, emit);
    encoder.end(emit);
  } catch (cause) {
    error = (cause as Error).message;
    expect(error).not.toBe('');
    expect(error).not.toContain('\n');
  }
  return { bytes: Buffer.concat(parts).toString('latin1'), error };
}

function expectSameBytes(format: EventFormat, chunks: readonly EventChunk[]): void {
  useImplementation('typescript');
  const expected = encoded(format, chunks);
  for (const name of working) {
    useImplementation(name);
    const found = encoded(format, chunks);
    expect(found.error, name).toBe(expected.error);
    expect(found.bytes === expected.bytes, name).toBe(true);
  }
}

describe('the three implementations write', () => {
  it.each(ENCODED)('the same %s', (name) => {
    // These write bytes for time without events.
    const most = name === 'nmnist' || name === 'es' ? 100_000 : 2 ** 30;
    fc.assert(
      fc.property(sortedChunks(most), (chunks) => expectSameBytes(formatNamed(name), chunks)),
      { numRuns: 100 },
    );
  });

  it.each(ENCODED)('the same %s, or refuse it for the same, from times and pixels of any kind', (name) => {
    fc.assert(
      fc.property(hostileChunks, (chunks) => expectSameBytes(formatNamed(name), chunks)),
      { numRuns: 100 },
    );
  });

  it.each(ENCODED)('the same %s from a chunk that is longer than usual', (name) => {
    const rows = Array.from({ length: 2 * CHUNK_EVENTS + 7 }, (_, i) => {
      const burst = (i >> 3) % 5 === 0;
      return [
        i * 3 - (burst ? (i & 7) * 3 : 0),
        burst ? 40 + (i & 7) : (i * 37) & 127,
        (i >> 4) & 127,
        (i >> 5) & 1,
      ] as const;
    });
    expectSameBytes(formatNamed(name), [chunkOf(5, rows), chunkOf(5 + 3 * rows.length, rows)]);
  });

  it('the same LZ4 frames', () => {
    const runs = fc.array(fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.nat(60)), {
      maxLength: 60,
    });
    const contents = fc.oneof(
      fc.uint8Array({ maxLength: 3000 }),
      runs.map((parts) =>
        Buffer.concat(parts.flatMap(([bytes, times]) => Array.from({ length: times }, () => bytes))),
      ),
    );
    const check = fc.property(contents, (content) => {
      useImplementation('typescript');
      const expected = Buffer.from(encodeLz4(content));
      for (const name of working) {
        useImplementation(name);
        expect(expected.equals(encodeLz4(content)), name).toBe(true);
      }
    });
    fc.assert(check, { numRuns: 300 });
  });
});

describeWithShared('real recordings', ['data/recordings/faery_evt2.raw'], () => {
  const folder = sharedPath('data/recordings/');
  const files = existsSync(folder)
    ? readdirSync(folder).filter((name) => /aedat4?$|raw$|dat$|bin$|bs2$|es$/.test(name))
    : [];

  it.each(files)('%s decodes the same by all', async (name) => {
    const bytes = readFileSync(`${folder}${name}`);
    const format = sequentialFormats.find((candidate) => candidate.sniff(bytes, bytes.length) > 0)!;
    await format.prepare?.(bytes);
    expectSame(format, bytes, 1 << 16);
  });
});
