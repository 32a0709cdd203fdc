import type { RecordBatch } from 'apache-arrow';
import { firstValueFrom, from } from 'rxjs';
import type { Sample } from '../../src/events.ts';
import { type BatchColumns, batch } from '../../src/operators/batch.ts';
import { type BinCounters, binCounters } from '../../src/operators/bin-frames.ts';
import { inFlight } from '../../src/operators/in-flight.ts';
import type { Labelled } from '../../src/streams/datasets/dataset.ts';
import type { CacheableRecording } from '../../src/streams/sample-cache/cacheable-recording.ts';
import type { DiskSampleCache } from '../../src/streams/sample-cache/disk-sample-cache.ts';
import { fromCached, type SampleCounts, toCached } from '../../src/streams/sample-cache/sample-file.ts';
import type { SampleCache } from './sample-cache.ts';

/** Recordings that are read at once: enough to hide the disk, few enough for their events to stay small. */
const READS_IN_FLIGHT = 4;

/** The sample of a recording, and what binning did with its events. */
export interface BinnedSample {
  readonly sample: Sample;
  readonly counters: Readonly<BinCounters>;
}

/** Reads recordings as samples, from memory or disk where they are kept, and remembers how long their bins are. */
export class SampleLoader<Token extends Labelled & CacheableRecording> {
  readonly cache: SampleCache;
  readonly disk: DiskSampleCache | undefined;
  /** What binning did with the events of all recordings that were read or taken from disk. */
  readonly counters: BinCounters = binCounters();
  readonly #read: (token: Token) => Promise<BinnedSample>;
  readonly #binMicros = new Map<string, number>();

  /** @param read opens, decodes and bins one recording */
  constructor(read: (token: Token) => Promise<BinnedSample>, cache: SampleCache, disk?: DiskSampleCache) {
    this.#read = read;
    this.cache = cache;
    this.disk = disk;
  }

  /** The sample of one recording. */
  async load(token: Token): Promise<Sample> {
    const kept = this.cache.get(token.id);
    if (kept !== undefined) return kept;
    const { sample, counters } = await this.#fromDisk(token);
    this.#count(counters);
    if (sample.binMicros !== undefined) this.#binMicros.set(token.id, sample.binMicros);
    this.cache.put(sample);
    return sample;
  }

  /** The sample from disk, or read and kept there. */
  async #fromDisk(token: Token): Promise<BinnedSample> {
    const key = await this.disk?.keyOf(token);
    if (this.disk === undefined || key === undefined) return this.#read(token);
    const kept = await this.disk.get(key);
    if (kept !== undefined) return { sample: fromCached(kept, token), counters: kept.counts };
    const read = await this.#read(token);
    await this.disk.put(key, toCached(read.sample, read.counters));
    return read;
  }

  #count({ events, outside, tail, skippedBins }: SampleCounts): void {
    this.counters.events += events;
    this.counters.outside += outside;
    this.counters.tail += tail;
    this.counters.skippedBins += skippedBins;
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
