import * as v from 'valibot';
import { FormatError } from '../../src/errors.ts';
import type { MetricsState } from '../../src/models/metrics.ts';
import type { EpochLine } from './epoch-line.ts';

/** How far the training of one network is, as its last checkpoint carries it beside weights and optimiser. */
export interface TrainingState {
  /** The epochs that are finished. */
  readonly lines: readonly EpochLine[];
  /** Batches of the present epoch that were trained on. */
  batches: number;
  /** Sums over these batches. */
  metrics: MetricsState;
  /** Seconds that the present epoch took so far. */
  seconds: number;
  /** Those of them that went into training. */
  trainSeconds: number;
}

/** The state before the first batch of an epoch, after the finished ones. */
export function stateAfter(lines: readonly EpochLine[]): TrainingState {
  return {
    lines,
    batches: 0,
    metrics: { samples: 0, loss: 0, correct: 0, layers: {} },
    seconds: 0,
    trainSeconds: 0,
  };
}

const share = v.pipe(v.number(), v.minValue(0), v.maxValue(1));
const amount = v.pipe(v.number(), v.finite(), v.minValue(0));
const count = v.pipe(v.number(), v.integer(), v.minValue(0));

/** The schema of an epoch's line. */
export const epochLineSchema: v.GenericSchema<unknown, EpochLine> = v.strictObject({
  type: v.literal('epoch'),
  model: v.string(),
  epoch: v.pipe(v.number(), v.integer(), v.minValue(1)),
  learningRate: amount,
  trainLoss: v.number(),
  trainAccuracy: share,
  validationLoss: v.exactOptional(v.number()),
  validationAccuracy: v.exactOptional(share),
  testLoss: v.exactOptional(v.number()),
  testAccuracy: v.exactOptional(share),
  spikeRate: amount,
  layerRates: v.record(v.string(), amount),
  seconds: amount,
  samplesPerSecond: amount,
  trainQuantities: v.exactOptional(v.record(v.string(), v.number())),
  quantities: v.exactOptional(v.record(v.string(), v.number())),
});

const stateSchema = v.strictObject({
  lines: v.array(epochLineSchema),
  batches: count,
  metrics: v.strictObject({
    samples: count,
    loss: v.number(),
    correct: count,
    layers: v.record(v.string(), v.strictObject({ spikes: amount, elements: amount })),
    quantities: v.exactOptional(v.record(v.string(), v.strictObject({ sum: v.number(), samples: count }))),
  }),
  seconds: amount,
  trainSeconds: amount,
});

/** The state in a checkpoint's `extra`; anything else there is a FormatError. */
export function readState(extra: unknown, path: string): TrainingState {
  const parsed = v.safeParse(stateSchema, extra);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  throw new FormatError(
    `checkpoint: expected ${issue.expected} at ${['extra', v.getDotPath(issue)].filter(Boolean).join('.')}, found ${issue.received}`,
    {
      path,
    },
  );
}
