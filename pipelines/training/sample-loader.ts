import type { RecordBatch } from 'apache-arrow';
import { firstValueFrom, from } from 'rxjs';
import type { Sample } from '../../src/events.ts';
import { type BatchColumns, batch } from '../../src/operators/batch.ts';
import { inFlight } from '../../src/operators/in-flight.ts';
import type { SampleCache } from './sample-cache.ts';

/** Recordings that are read at once: enough to hide the disk, few enough for their events to stay small. */
const READS_IN_FLIGHT = 4;

/** Reads recordings as samples, from the cache where it can, and remembers how long their bins are. */
export class SampleLoader<Token extends { readonly id: string }> {
  readonly #read: (token: Token) => Promise<Sample>;
  readonly cache: SampleCache;
  readonly #binMicros = new Map<string, number>();

  /** @param read opens, decodes and bins one recording */
  constructor(read: (token: Token) => Promise<Sample>, cache: SampleCache) {
    this.#read = read;
    this.cache = cache;
  }

  /** The sample of one recording. */
  async load(token: Token): Promise<Sample> {
    const kept = this.cache.get(token.id);
    if (kept !== undefined) return kept;
    const sample = await this.#read(token);
    if (sample.binMicros !== undefined) this.#binMicros.set(token.id, sample.binMicros);
    this.cache.put(sample);
    return sample;
  }

  /** The samples of some recordings, in their order, as one Arrow batch. */
  loadBatch(tokens: readonly Token[]): Promise<RecordBatch<BatchColumns>> {
    return firstValueFrom(
      from(tokens).pipe(
        inFlight(READS_IN_FLIGHT, (token) => this.load(token)),
        batch(tokens.length),
      ),
    );
  }

  /** Median over those of these recordings that were read so far of their bins' length, in microseconds. */
  medianBinMicros(tokens: readonly Token[]): number | undefined {
    const known = tokens.flatMap(({ id }) => this.#binMicros.get(id) ?? []).sort((a, b) => a - b);
    const middle = known.length >> 1;
    return known.length % 2 === 1 || known.length === 0
      ? known[middle]
      : (known[middle - 1]! + known[middle]!) / 2;
  }

  /** Reads those of these recordings that were not read yet, until `signal` is aborted. */
  async readRest(tokens: readonly Token[], signal: AbortSignal): Promise<void> {
    for (const token of tokens) if (!signal.aborted && !this.#binMicros.has(token.id)) await this.load(token);
  }
}
