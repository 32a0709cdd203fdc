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
import type { AugmentPosition } from './augmentation.ts';
import type { SampleCache } from './sample-cache.ts';

/** Recordings that are read at once: enough to hide the disk, few enough for their events to stay small. */
const READS_IN_FLIGHT = 4;

/** The sample of a recording, and what binning did with its events. */
export interface BinnedSample {
  readonly sample: Sample;
  readonly counters: Readonly<BinCounters>;
}

/** Opens, decodes and bins one recording; with a position, changed for that epoch. */
export type ReadSample<Token> = (token: Token, position?: AugmentPosition) => Promise<BinnedSample>;

/** Reads recordings as samples, from memory or disk where they are kept, and remembers how long their bins are. */
export class SampleLoader<Token extends Labelled & CacheableRecording> {
  readonly cache: SampleCache;
  readonly disk: DiskSampleCache | undefined;
  /** What binning did with the events of all recordings that were read or taken from disk. */
  readonly counters: BinCounters = binCounters();
  readonly #read: ReadSample<Token>;
  readonly #augments: boolean;
  readonly #binMicros = new Map<string, number>();

  /** @param source reads samples, and says whether it changes them from epoch to epoch */
  constructor(
    { read, augments = false }: { readonly read: ReadSample<Token>; readonly augments?: boolean },
    cache: SampleCache,
    disk?: DiskSampleCache,
  ) {
    this.#read = read;
    this.#augments = augments;
    this.cache = cache;
    this.disk = disk;
  }

  /** The sample of one recording; with a position, as it is changed for that epoch, which nothing keeps. */
  async load(token: Token, position?: AugmentPosition): Promise<Sample> {
    if (position !== undefined && this.#augments) {
      const { sample, counters } = await this.#read(token, position);
      this.#note(sample, counters);
      return sample;
    }
    const kept = this.cache.get(token.id);
    if (kept !== undefined) return kept;
    const { sample, counters } = await this.#fromDisk(token);
    this.#note(sample, counters);
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

  #note({ id, binMicros }: Sample, { events, outside, tail, skippedBins }: SampleCounts): void {
    if (binMicros !== undefined) this.#binMicros.set(id, binMicros);
    this.counters.events += events;
    this.counters.outside += outside;
    this.counters.tail += tail;
    this.counters.skippedBins += skippedBins;
  }

  /** The samples of some recordings, in their order, as one Arrow batch. */
  loadBatch(tokens: readonly Token[], position?: AugmentPosition): Promise<RecordBatch<BatchColumns>> {
    return firstValueFrom(
      from(tokens).pipe(
        inFlight(READS_IN_FLIGHT, (token) => this.load(token, position)),
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
