import type { EpochMetrics } from '../../src/models/metrics.ts';
import { spikes } from '../../src/reports/summary.ts';

/** What an epoch of one network gave: a line of `metrics.jsonl` and of `--json`. What a run lacks is absent. */
export interface EpochLine {
  readonly type: 'epoch';
  readonly model: string;
  /** Counted from 1. */
  readonly epoch: number;
  readonly learningRate: number;
  readonly trainLoss: number;
  /** Share from 0 to 1, as are all accuracies and rates. */
  readonly trainAccuracy: number;
  readonly validationLoss?: number;
  readonly validationAccuracy?: number;
  readonly testLoss?: number;
  readonly testAccuracy?: number;
  /** Of the last evaluation, as are `layerRates`. */
  readonly spikeRate: number;
  readonly layerRates: Readonly<Record<string, number>>;
  readonly seconds: number;
  /** Training samples per second of training. */
  readonly samplesPerSecond: number;
  /** What else was measured, by name: in training, and in the last evaluation. */
  readonly trainQuantities?: Readonly<Record<string, number>>;
  readonly quantities?: Readonly<Record<string, number>>;
}

/** What a network reached: the last line of `--json`. */
export interface ResultLine {
  readonly type: 'result';
  readonly model: string;
  /** Of the best checkpoint, on the test recordings, or on the validation recordings where there are no others. */
  readonly testAccuracy: number;
  readonly bestEpoch: number;
  readonly spikeRate: number;
  readonly parameters: number;
  /** Accumulates and multiply-accumulates of a sample, and the energy of this arithmetic at 45 nm. */
  readonly effectiveAcs: number;
  readonly effectiveMacs: number;
  readonly energyPicojoules: number;
  /** What else was measured with the best checkpoint, by name. */
  readonly quantities?: Readonly<Record<string, number>>;
  readonly seconds: number;
  readonly engine: string;
  readonly simulated: boolean;
  readonly runDir: string;
}

/** The parts of an epoch from which its line is made. */
export interface EpochParts {
  readonly model: string;
  readonly epoch: number;
  readonly learningRate: number;
  readonly train: EpochMetrics;
  readonly validation?: EpochMetrics | undefined;
  readonly test?: EpochMetrics | undefined;
  readonly seconds: number;
  readonly trainSeconds: number;
}

/** The line of an epoch, its fields in their fixed order. */
export function epochLine(parts: EpochParts): EpochLine {
  const { train, validation, test, seconds, trainSeconds, ...rest } = parts;
  const { spikeRate, layerRates } = test ?? validation ?? train;
  const { quantities } = test ?? validation ?? {};
  return {
    type: 'epoch',
    ...rest,
    trainLoss: train.loss,
    trainAccuracy: train.accuracy,
    ...(validation && { validationLoss: validation.loss, validationAccuracy: validation.accuracy }),
    ...(test && { testLoss: test.loss, testAccuracy: test.accuracy }),
    spikeRate,
    layerRates,
    seconds: rounded(seconds, 3),
    samplesPerSecond: rounded(train.samples / Math.max(trainSeconds, 1e-3), 2),
    ...(train.quantities && { trainQuantities: train.quantities }),
    ...(quantities && { quantities }),
  };
}

/** What a network reached on recordings that it was not trained on. */
export interface HeldOut {
  readonly accuracy: number;
  readonly loss: number;
}

/** Accuracy and loss on the recordings by which the best epoch is chosen. */
export function heldOut(line: EpochLine): HeldOut {
  return {
    accuracy: line.validationAccuracy ?? line.testAccuracy ?? 0,
    loss: line.validationLoss ?? line.testLoss ?? Number.POSITIVE_INFINITY,
  };
}

/** What makes an epoch the best: accuracy, with the loss for equal ones, or the loss, which few recordings tell better. */
export type Criterion = 'accuracy' | 'loss';

/** The epoch that is best on held-out recordings; of equal ones the earlier. */
export function bestLine(
  lines: readonly EpochLine[],
  criterion: Criterion = 'accuracy',
): EpochLine | undefined {
  let best: EpochLine | undefined;
  for (const line of lines) {
    if (best === undefined || isBetter(heldOut(line), heldOut(best), criterion)) best = line;
  }
  return best;
}

function isBetter(a: HeldOut, b: HeldOut, criterion: Criterion): boolean {
  return criterion === 'accuracy' && a.accuracy !== b.accuracy ? a.accuracy > b.accuracy : a.loss < b.loss;
}

const columns: readonly { title: string; cell(line: EpochLine): string }[] = [
  { title: 'model', cell: ({ model }) => model },
  { title: 'epoch', cell: ({ epoch }) => String(epoch) },
  { title: 'rate', cell: ({ learningRate }) => learningRate.toPrecision(2) },
  { title: 'train loss', cell: ({ trainLoss }) => trainLoss.toFixed(4) },
  { title: 'train', cell: ({ trainAccuracy }) => percent(trainAccuracy) },
  { title: 'validation', cell: ({ validationAccuracy }) => percent(validationAccuracy) },
  { title: 'test', cell: ({ testAccuracy }) => percent(testAccuracy) },
  {
    title: 'spikes',
    cell: (line) => percent(spikes({ epochs: [line] }) ? line.spikeRate : undefined),
  },
  { title: 'seconds', cell: ({ seconds }) => seconds.toFixed(1) },
  { title: 'samples/s', cell: ({ samplesPerSecond }) => samplesPerSecond.toFixed(1) },
];
const COLUMN_WIDTH = 10;

/** The titles above the rows of `epochRow`. */
export function epochTitles(): string {
  return columns.map(({ title }) => title.padStart(COLUMN_WIDTH)).join(' ');
}

/** An epoch as a row for people, printed as it ends. */
export function epochRow(line: EpochLine): string {
  return columns.map(({ cell }) => cell(line).padStart(COLUMN_WIDTH)).join(' ');
}

/** What of a run its result's text hangs on. */
export interface ResultSetting {
  /** True where samples are images, which no stream brings. */
  readonly images: boolean;
  /** Whether the run draws a report. */
  readonly report: boolean;
}

/** A result for people, with what to do next. */
export function resultText(result: ResultLine, { images, report }: ResultSetting): string {
  const { model, bestEpoch, spikeRate, parameters, seconds, engine, simulated, runDir } = result;
  const samples = images ? 'images' : simulated ? 'simulated recordings' : 'recordings';
  const measured = Object.entries(result.quantities ?? {}).map(
    ([name, value]) => `${name} ${value.toFixed(4)}`,
  );
  return [
    '',
    `${model}: ${percent(result.testAccuracy)} of held-out ${samples} right, from the checkpoint of epoch ${bestEpoch}`,
    `  ${spikeRate === 0 ? 'no spikes' : `spike rate ${percent(spikeRate)}`}, ${parameters.toLocaleString('en')} parameters`,
    ...(measured.length === 0 ? [] : [`  ${measured.join(', ')}`]),
    `  ${seconds.toFixed(0)} s on the engine ${engine}`,
    `  run directory ${runDir}${report ? `, report ${runDir}/report.html` : ''}`,
    `  next: pipeline ${images ? `report ${runDir}` : `replay FILE --model ${runDir}`}`,
  ].join('\n');
}

function percent(share: number | undefined): string {
  return share === undefined ? '-' : `${(100 * share).toFixed(1)} %`;
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
