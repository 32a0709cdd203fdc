import type { NetworkState } from '../../src/models/layers/layer.ts';
import type { LoadedModel } from './load-model.ts';

/** Steps at most, and milliseconds after which no further one is begun. */
const STEPS = 24;
const MOST_MILLIS = 500;
/** Every so manyth value of a frame is an event. */
const SPACING = 23;

/**
 * Steps a network over frames of no meaning, so that the first window of a stream does not wait for kernels that are
 * made when they are first used, nor for the compiler.
 * @param streams streams that will share batches
 */
export async function warmUp(
  { predictor, feed, windowBins }: Pick<LoadedModel, 'predictor' | 'feed' | 'windowBins'>,
  { streams, operations }: { readonly streams: number; readonly operations: boolean },
): Promise<void> {
  const { width, height, channels } = feed.frame;
  const frames = new Float32Array(windowBins * height * width * channels);
  for (let i = 0; i < frames.length; i += SPACING) frames[i] = 1;
  const window = { frames, startMicros: 0, endMicros: 1, events: 0, bins: windowBins };
  for (const batch of new Set([1, streams])) {
    const started = performance.now();
    let state: NetworkState | undefined;
    for (let step = 0; step < STEPS && performance.now() - started < MOST_MILLIS; step++) {
      const before = state;
      const windows = new Array<typeof window>(batch).fill(window);
      ({ state } = await predictor.stepBatch(windows, before, { operations }));
      if (before !== undefined) predictor.disposeState(before);
    }
    if (state !== undefined) predictor.disposeState(state);
  }
}
