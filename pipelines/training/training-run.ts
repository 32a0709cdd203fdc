import { type EngineName, type RunningEngine, startEngine } from '../../src/engines/engine.ts';
import { InputError, OptionError } from '../../src/errors.ts';
import { summaryText } from '../../src/reports/summary.ts';
import type { Labelled } from '../../src/streams/datasets/dataset.ts';
import { DiskSampleCache, defaultCacheDir } from '../../src/streams/sample-cache/disk-sample-cache.ts';
import { openDashboard } from '../dashboard/open-dashboard.ts';
import { dashboardOptions } from '../dashboard/options.ts';
import { flagOf, type OptionValues, type PipelineContext } from '../definition.ts';
import { type ResultLine, resultText } from './epoch-line.ts';
import { type TrainingSession, trainNetwork } from './network-training.ts';
import type { TrainingOptions } from './options.ts';
import { packageVersion } from './package-version.ts';
import { defaultRunPath, type RunConfig, RunDirectory } from './run-directory.ts';
import { reportOf, reportRun } from './run-report.ts';
import { SampleCache } from './sample-cache.ts';
import { SampleLoader } from './sample-loader.ts';
import type { TrainingPlan } from './training-plan.ts';
import { idsOf, setsOf, type TrainingSets } from './training-sets.ts';
import { plannedMessage, type TrainingWatch } from './training-watch.ts';

/** Values of the options that every training pipeline has; the size of frames is a matter of those that bin. */
export type TrainingValues = OptionValues<Omit<TrainingOptions, 'size'>>;

/** A call of a training pipeline. */
export interface TrainingRequest<Values extends TrainingValues> {
  readonly pipeline: { readonly name: string; resolve(given: Readonly<Record<string, unknown>>): Values };
  readonly options: Values;
  /** What the person gave. */
  readonly given: Readonly<Record<string, unknown>>;
  readonly context: PipelineContext;
}

/** Options that a resumed run may be given anew: where things are, how fast, how long; not what decides its numbers. */
const CHANGEABLE = new Set([
  'resume',
  'data',
  'images',
  'epochs',
  'engine',
  'threads',
  'cache',
  'diskCache',
  'cacheDir',
  'report',
  ...Object.keys(dashboardOptions),
]);

/** Trains the networks of a plan, in a new run directory or on from where an old one stands. */
export async function trainingRun<Values extends TrainingValues, Token extends Labelled>(
  request: TrainingRequest<Values>,
  planOf: (options: Values) => Promise<TrainingPlan<Token>>,
): Promise<void> {
  const { pipeline, options, context } = request;
  const dashboard = await openDashboard(options, { kind: 'training', title: pipeline.name }, context);
  try {
    await watchedRun(request, planOf, dashboard);
  } finally {
    await dashboard?.close();
  }
}

async function watchedRun<Values extends TrainingValues, Token extends Labelled>(
  { pipeline, options: fresh, given, context }: TrainingRequest<Values>,
  planOf: (options: Values) => Promise<TrainingPlan<Token>>,
  watch: TrainingWatch | undefined,
): Promise<void> {
  const old = fresh.resume === undefined ? undefined : await RunDirectory.open(fresh.resume);
  const options = old === undefined ? fresh : resumedOptions(pipeline, given, old.config);
  const plan = await planOf(options);
  let engine: RunningEngine | undefined;
  try {
    checkSets(plan);
    engine = await startEngine(...engineChoice(options, given, old?.config));
    context.progress.note(`engine ${engine.name}: ${engine.detail}`);
    const config = configOf(pipeline.name, options, plan, engine);
    const run = await (old === undefined
      ? RunDirectory.create(options.out ?? defaultRunPath(pipeline.name, new Date()), config)
      : reopened(old, config));
    const sets = await savedSets(run, plan);
    if (plan.simulated) context.progress.note(`simulated: no sensor saw these events (${plan.data})`);
    const disk = diskCache(options, plan.transform);
    const loader = new SampleLoader(plan, new SampleCache(options.cache * MEBIBYTE), disk);
    const { epochs, batchSize, seed } = options;
    const { testEachEpoch, bestBy, simulated } = plan;
    const settings = { epochs, batchSize, seed, testEachEpoch, bestBy, simulated, watch };
    watch?.publish(plannedMessage(run.path, config, epochs));
    try {
      await trainAll({ ...settings, run, sets, loader, engine, context }, plan, config);
    } finally {
      if (options.report === 'all') await reportRun({ run, config }, context);
    }
    noteShortfalls(loader, context);
  } finally {
    engine?.stop();
    await plan.close();
  }
}

async function trainAll<Token extends Labelled>(
  session: TrainingSession<Token>,
  { networks, conclusions }: Pick<TrainingPlan<Token>, 'networks' | 'conclusions'>,
  config: RunConfig,
): Promise<void> {
  const { run, context } = session;
  const results: ResultLine[] = [];
  for (const network of networks) {
    const result = await trainNetwork(session, network);
    if (result === undefined) {
      context.progress.note(
        `stopped, and saved; go on with: pipeline run ${config.pipeline} --resume ${run.path}`,
      );
      return;
    }
    results.push(result);
    context.emit(result);
    const images = network.feed.binning === undefined;
    const text = resultText(result, { images, report: config.options['report'] === 'all' });
    context.print(text);
    session.watch?.publish({ type: 'note', text: text.trim() });
  }
  const best = results.reduce((a, b) => (b.testAccuracy > a.testAccuracy ? b : a));
  const measures = await Promise.all(networks.map(({ name }) => run.readMeasures(name)));
  const concluded = conclusions?.(measures.filter((each) => each !== undefined)) ?? [];
  const remarks = [...(config.remarks ?? []), ...concluded];
  await run.writeResult({ best: best.model, results, ...(remarks.length > 0 && { remarks }) });
  if (networks.length === 1) for (const remark of remarks) context.print(`  note: ${remark}`);
  else context.print(`\n${summaryText(await reportOf([{ run, config }]))}`);
}

const MEBIBYTE = 2 ** 20;

/** The samples on disk; undefined where none are to be kept. */
function diskCache({ diskCache, cacheDir }: TrainingValues, transform: object): DiskSampleCache | undefined {
  if (diskCache === 0) return undefined;
  return new DiskSampleCache(cacheDir ?? defaultCacheDir(), diskCache * MEBIBYTE, transform);
}

/** Says what was left out, and what was done more than once. */
function noteShortfalls<Token extends Labelled>(
  { cache, disk, counters: { events, outside } }: SampleLoader<Token>,
  { progress }: PipelineContext,
): void {
  if (outside > 0) progress.note(`${outside} of ${events} events were outside the sensor and left out`);
  if (disk?.fault !== undefined) progress.note(`the disk cache was not used on: ${disk.fault.message}`);
  if (cache.wantedBytes > cache.bytes && (disk === undefined || disk.refusedBytes > 0)) {
    const [held, wanted] = [cache.bytes, cache.wantedBytes].map((size) => Math.ceil(size / MEBIBYTE));
    progress.note(
      `the cache held ${held} of ${wanted} MiB, the rest was read in every epoch: see --cache and --disk-cache`,
    );
  }
}

/** The options of a run that goes on: its own, but for those that may be given anew. */
function resumedOptions<Values extends TrainingValues>(
  pipeline: TrainingRequest<Values>['pipeline'],
  given: Readonly<Record<string, unknown>>,
  config: RunConfig,
): Values {
  if (config.pipeline !== pipeline.name) {
    throw new OptionError(`--resume: expected a run of ${pipeline.name}, found one of ${config.pipeline}`);
  }
  for (const [name, value] of Object.entries(given)) {
    const own = config.options[name];
    if (CHANGEABLE.has(name) || own === value) continue;
    throw new OptionError(
      `${flagOf(name)}: a resumed run keeps its options, here ${own ?? 'none'}; found ${value}`,
    );
  }
  return pipeline.resolve({ ...config.options, ...given });
}

/** A resumed run keeps its engine and threads, without which its numbers would not be those of one run. */
function engineChoice(
  { engine, threads }: TrainingValues,
  given: Readonly<Record<string, unknown>>,
  config: RunConfig | undefined,
): [EngineName, { threads?: number }] {
  const name =
    config !== undefined && given['engine'] === undefined ? (config.engine.name as EngineName) : engine;
  const count = threads ?? config?.engine.threads;
  return [name, count === undefined ? {} : { threads: count }];
}

function configOf(
  pipeline: string,
  options: TrainingValues,
  plan: Omit<TrainingPlan<Labelled>, 'sets' | 'read' | 'conclusions'>,
  { name, threads }: RunningEngine,
): RunConfig {
  const { data, simulated, classNames, networks, remarks = [], references = [] } = plan;
  return {
    pipeline,
    versions: { rxspike: packageVersion(), node: process.version },
    options: withoutDashboard(options),
    engine: { name, threads },
    data,
    simulated,
    classNames,
    networks: networks.map((network) => network.name),
    ...(remarks.length > 0 && { remarks }),
    ...(references.length > 0 && { references }),
    startedAt: new Date().toISOString(),
  };
}

/** The options that a run is made by: who watches it, and by which token, is no matter of it. */
function withoutDashboard(options: TrainingValues): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(options).filter(([name]) => !Object.hasOwn(dashboardOptions, name)),
  );
}

/** An old run, its configuration brought up to what it goes on with. */
async function reopened(
  { run, config: { startedAt } }: { readonly run: RunDirectory; readonly config: RunConfig },
  config: RunConfig,
): Promise<RunDirectory> {
  await run.removeLeftovers();
  await run.writeConfig({ ...config, options: { ...config.options, resume: undefined }, startedAt });
  return run;
}

/** Training needs recordings to learn from, and others that tell what was learnt. */
function checkSets({ sets, data }: { sets: TrainingSets<Labelled>; data: string }): void {
  if (sets.train.length === 0) throw new InputError('expected samples to train on, found none', data);
  if (sets.validation.length + sets.test.length === 0) {
    throw new InputError('expected samples to hold out for validation or test, found none', data);
  }
}

/** The sets of the run's split; the plan's sets are saved as it where the run has none yet. */
async function savedSets<Token extends Labelled>(
  run: RunDirectory,
  { sets, data }: TrainingPlan<Token>,
): Promise<TrainingSets<Token>> {
  const split = await run.readSplit();
  if (split !== undefined) return setsOf(split, sets, data);
  await run.writeSplit(idsOf(sets));
  return sets;
}
