import { allocateChunk, type EventChunk, type SensorSize } from '../../../../src/events.ts';
import { Intake } from '../../../../src/streams/live/intake.ts';
import type {
  Carrier,
  Protocol,
  ProtocolOptions,
  SendingOptions,
} from '../../../../src/streams/live/protocols/index.ts';
import { EventRing } from '../../../../src/streams/live/ring.ts';
import { Tally } from '../../../../src/streams/live/tally.ts';

/** Time in microseconds, x, y, polarity. */
export type Row = [micros: number, x: number, y: number, on: number];

/** A chunk of these events. */
export function chunkOf(rows: readonly Row[], origin = 0): EventChunk {
  const chunk = allocateChunk(origin, rows.length);
  rows.forEach(([micros, x, y, on], i) => {
    chunk.t[i] = micros - origin;
    chunk.x[i] = x;
    chunk.y[i] = y;
    chunk.on[i] = on;
  });
  return chunk;
}

/** The events of chunks, times absolute. */
export function rowsOf(chunks: Iterable<EventChunk>): Row[] {
  return [...chunks].flatMap((chunk) =>
    Array.from(chunk.t, (t, i): Row => [chunk.origin + t, chunk.x[i]!, chunk.y[i]!, chunk.on[i]!]),
  );
}

/** What a protocol makes of events. */
export function encode(
  protocol: Protocol,
  chunks: readonly EventChunk[],
  options: SendingOptions,
): Uint8Array[] {
  const parts: Uint8Array[] = [];
  const encoder = protocol.createEncoder(options);
  for (const chunk of chunks) encoder.push(chunk, (part) => parts.push(part));
  encoder.end((part) => parts.push(part));
  return parts;
}

/** A decoder before a ring, as a source has it. */
export class Decoding {
  readonly tally: Tally = new Tally();
  readonly intake: Intake;
  readonly #ring: EventRing;
  readonly #decoder: ReturnType<Protocol['createDecoder']>;

  constructor(protocol: Protocol, carrier: Carrier, options: ProtocolOptions, capacity: number = 1 << 14) {
    this.#ring = new EventRing(capacity);
    this.intake = new Intake(options.sensor, this.#ring, this.tally, () => {});
    this.#decoder = protocol.createDecoder(this.intake, carrier, options);
  }

  push(parts: Iterable<Uint8Array>, arrivalMicros = 0): void {
    for (const part of parts) {
      this.intake.begin(arrivalMicros);
      try {
        this.#decoder.push(part);
      } finally {
        this.intake.commit();
      }
    }
  }

  restart(): void {
    this.intake.begin(0);
    this.#decoder.restart();
    this.intake.join();
    this.intake.commit();
  }

  /** What has come since the last call. */
  rows(): Row[] {
    const chunks: EventChunk[] = [];
    for (let chunk = this.#ring.take(1 << 20); chunk.t.length > 0; chunk = this.#ring.take(1 << 20)) {
      chunks.push(chunk);
    }
    return rowsOf(chunks);
  }
}

export const anySensor: SensorSize = { width: 640, height: 480 };
