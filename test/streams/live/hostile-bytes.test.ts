import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { RxspikeError } from '../../../src/errors.ts';
import { Intake } from '../../../src/streams/live/intake.ts';
import { type Carrier, type Protocol, protocols } from '../../../src/streams/live/protocols/index.ts';
import { Reception } from '../../../src/streams/live/reception.ts';
import { EventRing } from '../../../src/streams/live/ring.ts';
import { Tally } from '../../../src/streams/live/tally.ts';
import { chunkOf, Decoding, encode, type Row } from './protocols/decoding.ts';

const sensor = { width: 128, height: 128 };
const wire = protocols.slice(0, 7);
const carried: readonly (readonly [name: string, carrier: Carrier, protocol: Protocol])[] = wire.flatMap(
  (protocol) => protocol.carriers.map((carrier) => [protocol.name, carrier, protocol] as const),
);

beforeAll(() => Promise.all(wire.map((protocol) => protocol.prepare?.())));

const rows: Row[] = Array.from({ length: 600 }, (_, i) => [
  1000 + 7 * i,
  (3 * i) % 128,
  (5 * i) % 128,
  i & 1,
]);

/** Parts of a valid stream with bytes changed, cut, doubled and swapped. */
const damaged = (parts: readonly Uint8Array[]): fc.Arbitrary<Uint8Array[]> =>
  fc
    .array(
      fc.record({
        part: fc.nat(parts.length - 1),
        at: fc.nat(2000),
        byte: fc.nat(255),
        cut: fc.option(fc.nat(2000), { freq: 4 }),
      }),
      { minLength: 1, maxLength: 30 },
    )
    .map((changes) =>
      changes.map(({ part, at, byte, cut }) => {
        const bytes = new Uint8Array(parts[part]!);
        if (bytes.length > 0) bytes[at % bytes.length] = byte;
        return cut === null ? bytes : bytes.subarray(0, cut % (bytes.length + 1));
      }),
    );

/** Whatever comes, what goes on is sorted, within the sensor, and counted. */
function expectSound(found: readonly Row[], { received, outOfRange }: Record<string, number>): void {
  expect(found.length).toBe(received! - outOfRange!);
  for (const [i, [micros, x, y, on]] of found.entries()) {
    if (i > 0 && micros < found[i - 1]![0]) throw new Error(`time goes back at ${i}`);
    if (!Number.isSafeInteger(micros)) throw new Error(`time is not exact at ${i}: ${micros}`);
    if (x >= sensor.width || y >= sensor.height || on > 1) throw new Error(`no event at ${i}`);
  }
}

function takes(protocol: Protocol, carrier: Carrier, parts: Iterable<Uint8Array>): void {
  const decoding = new Decoding(protocol, carrier, { sensor });
  for (const part of parts) {
    try {
      decoding.push([part]);
    } catch (error) {
      if (carrier === 'datagrams' || !(error instanceof RxspikeError)) throw error;
      decoding.restart();
    }
  }
  decoding.restart();
  expectSound(decoding.rows(), decoding.tally.read());
}

describe.each(carried)('%s in %s', (_, carrier, protocol) => {
  const parts = encode(protocol, [chunkOf(rows)], { sensor, carrier, eventsPerPacket: 50 });

  it('takes any bytes', () => {
    const anything = fc.array(fc.uint8Array({ maxLength: 80 }), { maxLength: 12 });
    fc.assert(
      fc.property(anything, (given) => takes(protocol, carrier, given)),
      { numRuns: 100 },
    );
  });

  it('takes what is nearly right', () => {
    fc.assert(
      fc.property(damaged(parts), (given) => takes(protocol, carrier, given)),
      { numRuns: 100 },
    );
  });

  it('gives the same events however a stream is cut into blocks', () => {
    if (carrier === 'datagrams') return;
    const bytes = Buffer.concat(parts);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1, maxLength: 60 }), (sizes) => {
        const decoding = new Decoding(protocol, carrier, { sensor });
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const size = sizes[i % sizes.length]!;
          decoding.push([bytes.subarray(at, at + size)]);
          at += size;
        }
        const found = decoding.rows();
        expect(found.map(([micros, ...place]) => [micros - found[0]![0], ...place])).toEqual(
          rows.map(([micros, ...place]) => [micros - rows[0]![0], ...place]),
        );
      }),
      { numRuns: 30 },
    );
  });
});

describe('what is not yet told', () => {
  it.each(['datagrams', 'bytes'] as const)('any %s are told or counted, in bounded memory', (carrier) => {
    const valid = carried
      .filter(([, found]) => found === carrier)
      .flatMap(([, , protocol]) => encode(protocol, [chunkOf(rows)], { sensor, carrier }).slice(0, 3));
    const some = fc.array(fc.oneof(fc.uint8Array({ maxLength: 60 }), fc.constantFrom(...valid)), {
      maxLength: 40,
    });
    fc.assert(
      fc.property(some, (given) => {
        const ring = new EventRing(10_000);
        const tally = new Tally();
        const intake = new Intake(sensor, ring, tally, () => {});
        const reception = new Reception(
          intake,
          carrier,
          { sensor },
          { onRecognised: () => {}, onNote: () => {} },
        );
        for (const part of given) {
          try {
            if (carrier === 'datagrams') reception.datagram(part);
            else reception.bytes(part);
          } catch (error) {
            if (!(error instanceof RxspikeError)) throw error;
            reception.restart();
          }
        }
        const { received, outOfRange } = tally.read();
        expect(ring.length + ring.dropped).toBe(received - outOfRange);
      }),
      { numRuns: 100 },
    );
  });
});
