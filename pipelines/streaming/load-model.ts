import { createHash } from 'node:crypto';
import { type EngineName, type RunningEngine, startEngine } from '../../src/engines/engine.ts';
import { InputError, OptionError } from '../../src/errors.ts';
import { decodeCheckpoint, restoreNetwork } from '../../src/models/checkpoint.ts';
import type { Feed } from '../../src/models/feed.ts';
import { createPredictor, type Predictor } from '../../src/models/predictor.ts';
import type { Binning } from '../../src/operators/binning.ts';
import { findCheckpoint } from './find-checkpoint.ts';

/** A trained network that is ready to be fed by a stream. */
export interface LoadedModel {
  /** Its name in its run. */
  readonly name: string;
  /** File that it came from. */
  readonly path: string;
  /** SHA-256 of that file, in hexadecimal. */
  readonly digest: string;
  readonly feed: Feed;
  /** How the events of a stream are binned for it. */
  readonly binning: Binning;
  /** Length of a bin in microseconds; absent where bins are counted in events. */
  readonly binMicros?: number;
  /** Bins that a step takes. */
  readonly windowBins: number;
  /** Its spiking layers, first to last. */
  readonly layerNames: readonly string[];
  readonly predictor: Predictor;
  readonly engine: RunningEngine;
  /** Trained on events that no sensor saw. */
  readonly simulated: boolean;
  /** Frees the network and the engine. */
  close(): void;
}

/** Where a model runs. */
export interface ModelOptions {
  readonly engine: EngineName;
  readonly threads?: number | undefined;
  /** Length of a bin in microseconds, in place of the training's; for networks whose bins have one. */
  readonly binMicros?: number | undefined;
}

/** Loads what `--model` names, starting the engine; nothing is left running where that fails. */
export async function loadModel(
  model: string,
  { engine: choice, threads, binMicros }: ModelOptions,
): Promise<LoadedModel> {
  const { path, bytes, name } = await findCheckpoint(model);
  const checkpoint = decodeCheckpoint(bytes, path);
  const { feed, simulated } = checkpoint;
  const binning = withBins(streamBinning(feed, path), binMicros);
  const engine = await startEngine(choice, threads === undefined ? {} : { threads });
  try {
    const network = restoreNetwork(checkpoint);
    return {
      name,
      path,
      digest: createHash('sha256').update(bytes).digest('hex'),
      feed,
      binning,
      ...(binning.kind === 'time' ? { binMicros: binning.windowMicros } : {}),
      windowBins: network.windowBins,
      layerNames: network.layerNames,
      predictor: createPredictor(network, feed),
      engine,
      simulated,
      close: () => {
        network.dispose();
        engine.stop();
      },
    };
  } catch (error) {
    engine.stop();
    throw error;
  }
}

/** The binning with bins of another length, which follow one another. */
function withBins(binning: Binning, binMicros: number | undefined): Binning {
  if (binMicros === undefined) return binning;
  if (binning.kind !== 'time') {
    throw new OptionError("--bin: this network's bins are counted in events and have no length");
  }
  return { ...binning, windowMicros: binMicros, strideMicros: binMicros };
}

/** Empty bins in a row that a stream goes through: the state of a network has settled by then. */
const SETTLED_BINS = 256;

/** Binning of a stream, which has no end to divide by: bins last as long as the median of the training's. */
function streamBinning({ binning, binMicros }: Feed, path: string): Binning {
  if (binning === undefined) {
    throw new InputError('this network was trained on images and cannot be fed with events', path);
  }
  if (binning.kind === 'events') return binning;
  const silence = { maxEmptyBins: SETTLED_BINS, silence: 'skip' } as const;
  if (binning.kind === 'time') return { ...binning, ...silence };
  if (binMicros === undefined) {
    throw new InputError('the checkpoint does not say how long a bin of a stream is', path);
  }
  // A bin shorter than a microsecond would come of recordings whose events share one time.
  const windowMicros = Math.max(1, binMicros);
  const strideMicros = Math.max(1, windowMicros * (1 - (binning.overlap ?? 0)));
  return { kind: 'time', windowMicros, strideMicros, ...silence };
}
