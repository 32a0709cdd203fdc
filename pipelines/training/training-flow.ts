import { setImmediate as nextTurn } from 'node:timers/promises';
import type { RecordBatch } from 'apache-arrow';
import { bufferCount, from, type Observable, type OperatorFunction, skip, takeWhile } from 'rxjs';
import type { StepMetrics } from '../../src/models/metrics.ts';
import { inFlight } from '../../src/operators/in-flight.ts';
import { shuffle } from '../../src/operators/shuffle.ts';
import { train } from '../../src/operators/train.ts';
import type { Labelled } from '../../src/streams/datasets/dataset.ts';
import type { AugmentPosition } from './augmentation.ts';
import type { SampleLoader } from './sample-loader.ts';

/** How tokens flow through a network. */
export interface FlowOptions<Token extends Labelled> {
  readonly batchSize: number;
  readonly loader: SampleLoader<Token>;
  /** What is done with a batch. */
  readonly step: (batch: RecordBatch) => Promise<StepMetrics>;
  /** Ends the flow after the step in hand. */
  readonly signal: AbortSignal;
}

/** Which part of a training this is. */
export interface TrainingPosition {
  readonly seed: number;
  /** Counted from 0, as are batches. */
  readonly epoch: number;
  /** First batch of the epoch that is still to be trained on. */
  readonly batch: number;
}

/** Batches loaded and not yet consumed: one loads while another is trained on. */
const BATCHES_IN_FLIGHT = 2;

/** tokens ▸ shuffle ▸ group ▸ inFlight(read ▸ decode ▸ augment ▸ bin ▸ batch ▸ train): the steps of what is left of an epoch. */
export function trainingSteps<Token extends Labelled>(
  tokens: readonly Token[],
  { seed, epoch, batch }: TrainingPosition,
  options: FlowOptions<Token>,
): Observable<StepMetrics> {
  return from(tokens).pipe(
    shuffle(seed, epoch),
    bufferCount(options.batchSize),
    skip(batch),
    steps(options, { seed, epoch }),
  );
}

/** tokens ▸ group ▸ inFlight(read ▸ decode ▸ bin ▸ batch ▸ evaluate) */
export function evaluationSteps<Token extends Labelled>(
  tokens: readonly Token[],
  options: FlowOptions<Token>,
): Observable<StepMetrics> {
  return from(tokens).pipe(bufferCount(options.batchSize), steps(options));
}

function steps<Token extends Labelled>(
  { loader, step, signal }: FlowOptions<Token>,
  position?: AugmentPosition,
): OperatorFunction<readonly Token[], StepMetrics> {
  // A step on an engine in this thread awaits nothing that takes a turn of the event loop, by which Ctrl-C is heard.
  const hearingStep = async (batch: RecordBatch): Promise<StepMetrics> => {
    const metrics = await step(batch);
    await nextTurn();
    return metrics;
  };
  return (groups) =>
    groups.pipe(
      inFlight(BATCHES_IN_FLIGHT, (tokens) => loader.loadBatch(tokens, position), train(hearingStep)),
      takeWhile(() => !signal.aborted, true),
    );
}
