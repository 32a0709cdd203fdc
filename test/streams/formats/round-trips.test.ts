import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { allocateChunk, type EventChunk } from '../../../src/events.ts';
import { loadZstd } from '../../../src/streams/formats/aedat4/zstd.ts';
import type { EventEncoder } from '../../../src/streams/formats/format.ts';
import { aedat4, type DecodeOptions, formats } from '../../../src/streams/formats/index.ts';
import { recordingFromBytes } from '../../../src/streams/recording-file.ts';
import { type Columns, collect, joinColumns } from '../columns.ts';

/** A sensor that every format can hold. */
const sensor = { width: 128, height: 128 };

/** Chunks of any lengths, some of them empty, of events at any distances, some in one microsecond, some minutes apart. */
const chunksWith = (mostPauseMicros: number): fc.Arbitrary<EventChunk[]> =>
  fc
    .array(
      fc.tuple(
        fc.nat(mostPauseMicros),
        fc.array(
          fc.tuple(fc.oneof(fc.constant(0), fc.nat(9), fc.nat(100_000)), fc.nat(127), fc.nat(127), fc.nat(1)),
          { maxLength: 300 },
        ),
      ),
      { minLength: 1, maxLength: 6 },
    )
    .map((parts) => {
      let origin = 0;
      return parts.map(([pause, events]) => {
        origin += pause;
        const chunk = allocateChunk(origin, events.length);
        let time = 0;
        for (const [i, [step, x, y, on]] of events.entries()) {
          time += step;
          chunk.t[i] = time;
          chunk.x[i] = x;
          chunk.y[i] = y;
          chunk.on[i] = on;
        }
        origin += time;
        return chunk;
      });
    });

function written(encoder: EventEncoder, parts: readonly EventChunk[]): Buffer {
  const bytes: Buffer[] = [];
  const emit = (part: Uint8Array): number => bytes.push(Buffer.from(part));
  for (const chunk of parts) encoder.push(chunk, emit);
  encoder.end(emit);
  const file = Buffer.concat(bytes);
  for (const { byteOffset, bytes: patch } of encoder.patches?.() ?? []) file.set(patch, byteOffset);
  return file;
}

/** Times from the first event on: formats may count from where they like. */
const fromFirst = ({ t, ...rest }: Columns): Columns => ({ ...rest, t: t.map((time) => time - (t[0] ?? 0)) });

async function expectSame(
  encoder: EventEncoder,
  format: (typeof formats)[number],
  parts: EventChunk[],
): Promise<void> {
  // So few rows of text may look like another order.
  const options: DecodeOptions = format.name === 'csv' ? { columns: 'txyp', timeUnit: 'us' } : {};
  const bytes = written(encoder, parts);
  const recording = recordingFromBytes(async () => bytes, { id: 'a', format, sensor, ...options });
  const found = joinColumns(await collect(recording.chunks()));
  expect(fromFirst(found)).toEqual(fromFirst(joinColumns(parts)));
}

beforeAll(async () => {
  await aedat4.prepareEncoder!({ sensor, compression: 'zstd' });
  await loadZstd();
});

const writers = formats.filter(({ createEncoder }) => createEncoder !== undefined);

describe('what is written comes back', () => {
  it.each(writers.map(({ name }) => name))('in %s', async (name) => {
    const format = writers.find((candidate) => candidate.name === name)!;
    // These write bytes for time without events, so that minutes of it would be megabytes.
    const pause = name === 'nmnist' || name === 'es' ? 1_000_000 : 600_000_000;
    await fc.assert(
      fc.asyncProperty(chunksWith(pause), (parts) =>
        expectSame(format.createEncoder!({ sensor }), format, parts),
      ),
      { numRuns: 40 },
    );
  });

  it.each(['none', 'zstd'] as const)('in AEDAT 4 with compression %s', async (compression) => {
    await fc.assert(
      fc.asyncProperty(chunksWith(600_000_000), (parts) =>
        expectSame(aedat4.createEncoder!({ sensor, compression }), aedat4, parts),
      ),
      { numRuns: 30 },
    );
  });
});
