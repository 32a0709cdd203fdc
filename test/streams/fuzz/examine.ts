/** What has to hold of decoding, whatever the bytes are. */
import { createHash } from 'node:crypto';
import { RxspikeError } from '../../../src/errors.ts';
import type { EventChunk } from '../../../src/events.ts';
import { memorySource } from '../../../src/streams/byte-source.ts';
import type { AnyFormat, EventFormat } from '../../../src/streams/formats/index.ts';
import { detectFormat } from '../../../src/streams/formats/index.ts';
import { IMPLEMENTATIONS, useImplementation } from '../../../src/streams/formats/kernels/loops.ts';
import { recordingFromBytes } from '../../../src/streams/recording-file.ts';
import { isIndexed } from '../../../src/streams/recording-passes.ts';
import { decodeBytes } from '../columns.ts';
import type { Draws } from './mutate.ts';

/** No file here is worth more memory, whatever its bytes claim. */
const MOST_MEMORY_BYTES = 96 << 20;

/** Decodes damaged bytes in every way that there is; throws where one does not end with events or a fault in one line. */
export async function examine(format: AnyFormat, bytes: Buffer, draw: Draws): Promise<void> {
  const before = process.memoryUsage().arrayBuffers;
  honestly(() => detectFormat(bytes.subarray(0, 1 << 16), bytes.length, 'broken'));
  if (isIndexed(format)) await examineIndexed(format, bytes, draw);
  else await examineSequential(format, bytes, draw);
  const grown = process.memoryUsage().arrayBuffers - before;
  if (grown > MOST_MEMORY_BYTES) throw new Error(`${grown} bytes of memory were taken`);
}

async function examineIndexed(format: AnyFormat, bytes: Buffer, draw: Draws): Promise<void> {
  const fromMicros = draw.below(20_000);
  const range = draw.below(3) > 0 ? {} : { fromMicros, toMicros: fromMicros + draw.below(5000) };
  const recording = recordingFromBytes(async () => bytes, { id: 'broken', format, ...range });
  const pass = recording.chunks();
  const seen = new Seen();
  await honestlyAsync(async () => {
    for await (const chunk of pass) seen.add(chunk);
  });
  seen.check(pass.sensor, pass.counters.events);
}

async function examineSequential(format: EventFormat, bytes: Buffer, draw: Draws): Promise<void> {
  await honestlyAsync(async () => format.prepare?.(bytes));
  const block = draw.of([1 << 20, 4096, 333]);
  const sensor =
    draw.below(4) === 0 ? { width: 1 + draw.below(400), height: 1 + draw.below(400) } : undefined;
  const options = { path: 'broken', ...(sensor === undefined ? {} : { sensor }) };
  const outcomes = IMPLEMENTATIONS.filter((name) => useImplementation(name)).map((name) => {
    useImplementation(name);
    const { chunks, decoder, error } = decodeBytes(format, bytes, () => block, options);
    if (error !== undefined) checkFault(error);
    const seen = new Seen();
    for (const chunk of chunks) seen.add(chunk);
    seen.check(decoder.sensor, decoder.counters.events);
    return JSON.stringify([seen.digest, decoder.counters, (error as Error | undefined)?.message]);
  });
  useImplementation(undefined);
  if (new Set(outcomes).size > 1) throw new Error(`implementations differ: ${outcomes.join(' | ')}`);
  if (format.seek === undefined || draw.below(3) > 0) return;
  const fromMicros = draw.below(20_000);
  await honestlyAsync(async () => {
    const range = { fromMicros, toMicros: fromMicros + draw.below(5000) };
    const found = await format.seek!(memorySource(bytes, 'broken'), range, options);
    if (found === undefined) return;
    const { decoder, start, end } = found;
    decoder.push(bytes.subarray(start, end), () => undefined);
    decoder.end(() => undefined);
  });
}

/** Events that came, checked as they come. */
class Seen {
  #hash = createHash('sha1');
  #events = 0;
  #last = Number.NEGATIVE_INFINITY;
  #most = { x: -1, y: -1 };

  add({ origin, t, x, y, on }: EventChunk): void {
    this.#hash.update(`${origin} ${t.length}`);
    for (const { buffer, byteOffset, byteLength } of [t, x, y, on]) {
      this.#hash.update(new Uint8Array(buffer, byteOffset, byteLength));
    }
    for (let i = 0; i < t.length; i++) {
      const micros = origin + t[i]!;
      if (!(micros >= this.#last)) throw new Error(`time goes back from ${this.#last} to ${micros}`);
      this.#last = micros;
      if (x[i]! > this.#most.x) this.#most.x = x[i]!;
      if (y[i]! > this.#most.y) this.#most.y = y[i]!;
      if (on[i]! > 1) throw new Error('neither on nor off');
    }
    this.#events += t.length;
  }

  get digest(): string {
    return this.#hash.digest('hex');
  }

  check(sensor: { width: number; height: number } | undefined, counted: number): void {
    if (counted !== this.#events) throw new Error(`${counted} events counted, ${this.#events} came`);
    if (sensor === undefined) return;
    if (this.#most.x >= sensor.width || this.#most.y >= sensor.height) {
      throw new Error(`events beyond the sensor: ${JSON.stringify([this.#most, sensor])}`);
    }
  }
}

function checkFault(error: unknown): void {
  if (!(error instanceof RxspikeError)) throw error;
  if (/\n/.test(error.message) || error.message.length > 700) {
    throw new Error(`a fault in one line expected: ${error.message}`);
  }
}

function honestly(work: () => unknown): void {
  try {
    work();
  } catch (error) {
    checkFault(error);
  }
}

async function honestlyAsync(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    checkFault(error);
  }
}
