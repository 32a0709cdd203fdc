import { type EngineName, engineNames } from '../../src/engines/engine-names.ts';
import { type DashboardOptions, dashboardOptions } from '../dashboard/options.ts';
import { choiceOption, integerOption, numberOption, type Option, textOption } from '../definition.ts';

/** The options that every training pipeline has. */
export type TrainingOptions = {
  readonly data: Option<string | undefined>;
  readonly epochs: Option<number>;
  readonly batchSize: Option<number>;
  readonly lr: Option<number>;
  readonly seed: Option<number>;
  readonly size: Option<number>;
  readonly limit: Option<number | undefined>;
  readonly engine: Option<EngineName>;
  readonly threads: Option<number | undefined>;
  readonly cache: Option<number>;
  readonly diskCache: Option<number>;
  readonly cacheDir: Option<string | undefined>;
  readonly report: Option<'all' | 'none'>;
  readonly out: Option<string | undefined>;
  readonly resume: Option<string | undefined>;
} & DashboardOptions;

/** The numbers in which training pipelines differ. */
export interface TrainingDefaults {
  readonly data: { readonly help: string; readonly default?: string };
  readonly epochs: number;
  readonly batchSize: number;
  readonly lr: number;
  readonly seed: number;
  /** Side of a frame in pixels. */
  readonly size: number;
}

/** The common options with one pipeline's defaults. */
export function trainingOptions(defaults: TrainingDefaults): TrainingOptions {
  return {
    data: textOption({ placeholder: 'DIR', ...defaults.data }),
    epochs: integerOption({ help: 'passes over the training set', default: defaults.epochs, min: 1 }),
    batchSize: integerOption({ help: 'samples in a batch', default: defaults.batchSize, min: 1 }),
    lr: numberOption({
      help: 'learning rate at the start',
      placeholder: 'X',
      default: defaults.lr,
      above: 0,
    }),
    seed: integerOption({ help: 'seed of everything that is drawn', default: defaults.seed, min: 0 }),
    size: integerOption({
      help: 'side of a frame; larger sensors are scaled down to it',
      unit: 'pixels',
      default: defaults.size,
      min: 8,
      max: 1024,
    }),
    limit: integerOption({
      help: 'use at most N samples of each part of the data, all classes alike',
      min: 2,
    }),
    engine: choiceOption(engineNames, {
      help: 'tensor engine; see pipeline engines',
      default: 'auto',
    }),
    threads: integerOption({
      help: 'threads of the engine; what it finds best by default',
      min: 1,
      max: 256,
    }),
    cache: integerOption({
      help: 'memory for binned samples, which later epochs then take from it',
      unit: 'MiB',
      default: 1024,
      min: 0,
    }),
    diskCache: integerOption({
      help: 'disk for binned samples, which later runs then take from it; 0 keeps none',
      unit: 'MiB',
      default: 8192,
      min: 0,
    }),
    cacheDir: textOption({
      placeholder: 'DIR',
      help: 'folder of the disk cache; see pipeline cache',
    }),
    report: choiceOption(['all', 'none'], {
      help: 'what a run draws when it ends: report.html, report.svg and report.png, or nothing',
      default: 'all',
    }),
    out: textOption({ placeholder: 'DIR', help: 'run directory to make; runs/NAME-TIME by default' }),
    resume: textOption({
      placeholder: 'DIR',
      help: 'go on with the run in DIR, with its options; metrics are those of an uninterrupted run',
    }),
    ...dashboardOptions,
  };
}
