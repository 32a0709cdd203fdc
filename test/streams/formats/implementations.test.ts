import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Fixture, makeFixtures } from '../../../fixtures/recordings/fixtures.ts';
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
