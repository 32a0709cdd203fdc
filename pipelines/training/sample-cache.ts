import type { Sample } from '../../src/events.ts';
import { type PackedFrames, packFrames, unpackFrames } from '../../src/streams/sample-cache/packed-frames.ts';

/**
 * Binned samples kept in memory, so that an epoch after the first decodes and bins nothing that fits. Event counts
 * are whole and small: frames that hold only such are kept as bytes, a quarter of their size, and come back equal.
 * What does not fit is not kept; nothing is thrown out, since every epoch asks for every sample once.
 */
export class SampleCache {
  readonly #budgetBytes: number;
  readonly #kept = new Map<string, { sample: Sample; packed: PackedFrames | undefined }>();
  readonly #refused = new Map<string, number>();
  #bytes = 0;

  /** @param budgetBytes memory that the frames may take */
  constructor(budgetBytes: number) {
    this.#budgetBytes = budgetBytes;
  }

  /** Bytes that would hold everything that was offered so far. */
  get wantedBytes(): number {
    return [...this.#refused.values()].reduce((sum, size) => sum + size, this.#bytes);
  }

  /** Bytes held. */
  get bytes(): number {
    return this.#bytes;
  }

  get(id: string): Sample | undefined {
    const entry = this.#kept.get(id);
    if (entry?.packed === undefined) return entry?.sample;
    return { ...entry.sample, frames: unpackFrames(entry.packed) };
  }

  /** Keeps the sample where it fits; nobody may write to its frames afterwards. */
  put(sample: Sample): void {
    if (this.#kept.has(sample.id)) return;
    const packed = packFrames(sample.frames);
    const size = packed.byteLength;
    if (this.#bytes + size > this.#budgetBytes) {
      this.#refused.set(sample.id, size);
      return;
    }
    this.#bytes += size;
    // The float frames must not stay reachable beside the packed ones.
    const same = packed === sample.frames;
    const kept = same ? sample : { ...sample, frames: new Float32Array(0) };
    this.#kept.set(sample.id, { sample: kept, packed: same ? undefined : packed });
  }
}
