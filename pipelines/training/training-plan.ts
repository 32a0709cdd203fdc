import type { Feed } from '../../src/models/feed.ts';
import type { NetworkConfig } from '../../src/models/network.ts';
import type { TrainerOptions } from '../../src/models/trainer.ts';
import type { PublishedAccuracy } from '../../src/reports/report-data.ts';
import type { Dataset, Labelled } from '../../src/streams/datasets/dataset.ts';
import type { Criterion } from './epoch-line.ts';
import type { NetworkMeasures } from './network-measures.ts';
import type { ReadSample } from './sample-loader.ts';
import type { TrainingSets } from './training-sets.ts';

/** One network of a run: what is trained, how, and how a stream feeds it. */
export interface NetworkPlan {
  /** Names its checkpoints. */
  readonly name: string;
  readonly network: NetworkConfig;
  readonly trainer: Omit<TrainerOptions, 'seed'>;
  /** Without `binMicros`, which is measured while training. */
  readonly feed: Feed;
}

/** What one pipeline says about one run; the rest is common to all. */
export interface TrainingPlan<Token extends Labelled> {
  /** Where the recordings come from, in words or as a path. */
  readonly data: string;
  /** True where no sensor saw the events. */
  readonly simulated: boolean;
  readonly classNames: readonly string[];
  readonly sets: TrainingSets<Token>;
  /** Test after every epoch, not only with the best checkpoint. */
  readonly testEachEpoch: boolean;
  /** What makes an epoch the best. */
  readonly bestBy: Criterion;
  /** read ▸ decode ▸ filter ▸ bin: the sample of one recording. */
  readonly read: ReadSample<Token>;
  /** Whether `read` changes samples from epoch to epoch, which are then not kept. */
  readonly augments?: boolean;
  /** All that `read` makes of a recording's events, as plain data: caches hang on it. */
  readonly transform: object;
  readonly networks: readonly NetworkPlan[];
  /** What result and report are to say besides, each a sentence or a few. */
  readonly remarks?: readonly string[];
  /** The same, from what the trained networks do, in their order. */
  readonly conclusions?: (networks: readonly NetworkMeasures[]) => readonly string[];
  /** Published accuracies that the report is to show beside. */
  readonly references?: readonly PublishedAccuracy[];
  /** Closes the data. */
  close(): Promise<void>;
}

/** A plan over a dataset, which is closed with the plan, or at once where none can be made. */
export async function planOver<Token extends Labelled>(
  dataset: Dataset<Token>,
  describe: (dataset: Dataset<Token>) => Omit<TrainingPlan<Token>, 'simulated' | 'classNames' | 'close'>,
): Promise<TrainingPlan<Token>> {
  const { simulated, classNames } = dataset;
  try {
    return { ...describe(dataset), simulated, classNames, close: () => dataset.close() };
  } catch (error) {
    await dataset.close();
    throw error;
  }
}
