import { InputError } from '../../src/errors.ts';
import {
  type Checkpoint,
  decodeCheckpoint,
  encodeCheckpoint,
  loadTensors,
  saveTensors,
} from '../../src/models/checkpoint.ts';
import { ruleOfThumbEnergyRatio } from '../../src/models/energy.ts';
import {
  ConfusionCounter,
  type ConfusionMatrix,
  type EpochMetrics,
  MetricsAccumulator,
  type StepMetrics,
} from '../../src/models/metrics.ts';
import { createNetwork, type Network, parameterCount } from '../../src/models/network.ts';
import { createTrainer, type Trainer } from '../../src/models/trainer.ts';
import type { Labelled } from '../../src/streams/datasets/dataset.ts';
import type { PipelineContext } from '../definition.ts';
import {
  bestLine,
  type Criterion,
  type EpochLine,
  epochLine,
  epochRow,
  epochTitles,
  heldOut,
  type ResultLine,
} from './epoch-line.ts';
import { measureNetwork } from './measure-network.ts';
import type { EvaluatedPart, NetworkMeasures } from './network-measures.ts';
import type { CheckpointKind, RunDirectory } from './run-directory.ts';
import type { SampleLoader } from './sample-loader.ts';
import { evaluationSteps, type FlowOptions, trainingSteps } from './training-flow.ts';
import type { NetworkPlan } from './training-plan.ts';
import type { TrainingSets } from './training-sets.ts';
import { readState, stateAfter, type TrainingState } from './training-state.ts';
import { type StepPosition, stepMessage, type TrainingWatch } from './training-watch.ts';

/** What the networks of a run share. */
export interface TrainingSession<Token extends Labelled> {
  readonly run: RunDirectory;
  readonly sets: TrainingSets<Token>;
  readonly loader: SampleLoader<Token>;
  readonly epochs: number;
  readonly batchSize: number;
  readonly seed: number;
  /** Test after every epoch, not only with the best checkpoint. */
  readonly testEachEpoch: boolean;
  readonly bestBy: Criterion;
  readonly engine: { readonly name: string; readonly threads: number };
  readonly simulated: boolean;
  readonly context: PipelineContext;
  /** Who is told of every batch and epoch. */
  readonly watch: TrainingWatch | undefined;
}

/** Trains one network to its last epoch, from its last checkpoint where there is one; undefined when stopped before. */
export async function trainNetwork<Token extends Labelled>(
  session: TrainingSession<Token>,
  plan: NetworkPlan,
): Promise<ResultLine | undefined> {
  const network = createNetwork(plan.network, session.seed);
  const trainer = createTrainer(network, { ...plan.trainer, seed: session.seed });
  try {
    const training = new NetworkTraining(session, plan, network, trainer);
    await training.restore();
    while (training.state.lines.length < session.epochs) {
      if (!(await training.epoch())) return undefined;
    }
    return await training.result();
  } finally {
    trainer.dispose();
    network.dispose();
  }
}

/** What an evaluation gave. */
interface Evaluation {
  readonly part: EvaluatedPart;
  readonly metrics: EpochMetrics;
  readonly confusion: ConfusionMatrix;
}

/** A network between two epochs, or between two batches of one. */
class NetworkTraining<Token extends Labelled> {
  state: TrainingState = stateAfter([]);
  readonly #session: TrainingSession<Token>;
  readonly #plan: NetworkPlan;
  readonly #network: Network;
  readonly #trainer: Trainer;
  #binMicros: number | undefined;

  constructor(session: TrainingSession<Token>, plan: NetworkPlan, network: Network, trainer: Trainer) {
    this.#session = session;
    this.#plan = plan;
    this.#network = network;
    this.#trainer = trainer;
  }

  /** Goes back to the last checkpoint, where there is one. */
  async restore(): Promise<void> {
    const { run } = this.#session;
    const { name } = this.#plan;
    const checkpoint = await this.#read('last');
    if (checkpoint !== undefined) {
      loadTensors(this.#network, checkpoint.tensors);
      if (checkpoint.optimiser !== undefined) this.#trainer.restore(checkpoint.optimiser);
      this.state = readState(checkpoint.extra, run.checkpointPath(name, 'last'));
      if (this.state.lines.length > 0) this.#binMicros = checkpoint.feed.binMicros;
    }
    await run.writeMetrics(name, this.state.lines);
    for (const line of this.state.lines) this.#session.watch?.publish(line);
  }

  /** One epoch, or what is left of it; false when it was stopped, with a checkpoint of where it stands. */
  async epoch(): Promise<boolean> {
    const { sets, testEachEpoch, bestBy, context, loader } = this.#session;
    const { lines, seconds: secondsBefore } = this.state;
    const started = performance.now();
    const seconds = (): number => secondsBefore + (performance.now() - started) / 1000;

    await this.#train(seconds);
    const validation = await this.#evaluate('validation');
    const test = testEachEpoch ? await this.#evaluate('test') : undefined;
    if (this.#binMicros === undefined && this.#plan.feed.binning !== undefined) {
      await loader.readRest(sets.train, context.signal);
      if (!context.signal.aborted) this.#binMicros = loader.medianBinMicros(sets.train);
    }
    this.state.seconds = seconds();
    if (context.signal.aborted) {
      await this.#save(['last']);
      return false;
    }
    const line = epochLine({
      model: this.#plan.name,
      epoch: lines.length + 1,
      learningRate: this.#trainer.learningRate,
      train: new MetricsAccumulator(this.state.metrics).result(),
      validation: validation?.metrics,
      test: test?.metrics,
      seconds: this.state.seconds,
      trainSeconds: this.state.trainSeconds,
    });
    this.state = stateAfter([...lines, line]);
    const best = bestLine(this.state.lines, bestBy) === line;
    const evaluation = test ?? validation;
    if (best && evaluation !== undefined) await this.#measure(line.epoch, evaluation);
    await this.#save(best ? ['best', 'last'] : ['last']);
    this.#report(line);
    return true;
  }

  /** What the best checkpoint reached; undefined when stopped while testing it. */
  async result(): Promise<ResultLine | undefined> {
    const { sets, run, engine, simulated, bestBy } = this.#session;
    const { name } = this.#plan;
    const { lines } = this.state;
    const best = bestLine(lines, bestBy)!;
    let { testAccuracy, spikeRate } = best;
    let measures = await run.readMeasures(name);
    const untested = testAccuracy === undefined && sets.test.length > 0;
    if (untested || measures?.epoch !== best.epoch) {
      await this.#loadBest();
      const evaluation = await this.#evaluate(sets.test.length > 0 ? 'test' : 'validation');
      if (evaluation === undefined) return undefined;
      if (untested) ({ accuracy: testAccuracy, spikeRate } = evaluation.metrics);
      measures = await this.#measure(best.epoch, evaluation, measures);
    }
    const { effectiveAcs, effectiveMacs, energyPicojoules } = measures.work;
    return {
      type: 'result',
      model: name,
      testAccuracy: testAccuracy ?? heldOut(best).accuracy,
      bestEpoch: best.epoch,
      spikeRate,
      parameters: parameterCount(this.#network),
      effectiveAcs,
      effectiveMacs,
      energyPicojoules,
      ...(measures.quantities && { quantities: measures.quantities }),
      seconds: Number(lines.reduce((sum, { seconds }) => sum + seconds, 0).toFixed(3)),
      engine: engine.name,
      simulated,
      runDir: run.path,
    };
  }

  async #train(seconds: () => number): Promise<void> {
    const { sets, seed } = this.#session;
    const { state } = this;
    const position = { seed, epoch: state.lines.length, batch: state.batches };
    const metrics = new MetricsAccumulator(state.metrics);
    this.#trainer.startEpoch(position.epoch, position.batch);
    await trainingSteps(sets.train, position, this.#flow(this.#trainer.trainStep)).forEach((step) => {
      metrics.add(step);
      state.metrics = metrics.state();
      state.batches++;
      state.trainSeconds = seconds();
      this.#progress('training', state.batches, sets.train, metrics);
      this.#tell('training', state.batches, sets.train, step);
    });
  }

  async #loadBest(): Promise<void> {
    const checkpoint = await this.#read('best');
    if (checkpoint === undefined) {
      const path = this.#session.run.checkpointPath(this.#plan.name, 'best');
      throw new InputError('expected the best checkpoint, found none', path);
    }
    loadTensors(this.#network, checkpoint.tensors);
  }

  /** Writes what the network as it is does on held-out recordings, taking what `known` says of the same epoch. */
  async #measure(epoch: number, evaluation: Evaluation, known?: NetworkMeasures): Promise<NetworkMeasures> {
    const { run, sets, loader } = this.#session;
    const { part, metrics, confusion } = evaluation;
    const { accuracy, spikeRate, quantities } = metrics;
    const { work, raster } =
      known?.epoch === epoch ? known : await measureNetwork(this.#trainer, sets[part], loader);
    const measures: NetworkMeasures = {
      model: this.#plan.name,
      epoch,
      part,
      accuracy,
      spikeRate,
      parameters: parameterCount(this.#network),
      ...(work.spiking && { ruleOfThumbRatio: ruleOfThumbEnergyRatio(spikeRate) }),
      ...(quantities && { quantities }),
      confusion,
      work,
      raster,
    };
    await run.writeMeasures(measures);
    return measures;
  }

  /** Undefined where there are no recordings, or when stopped. */
  async #evaluate(part: EvaluatedPart): Promise<Evaluation | undefined> {
    const tokens = this.#session.sets[part];
    if (tokens.length === 0 || this.#stopped) return undefined;
    const metrics = new MetricsAccumulator();
    const confusion = new ConfusionCounter(this.#plan.network.classes);
    let batches = 0;
    await evaluationSteps(tokens, this.#flow(this.#trainer.evaluateStep)).forEach((step) => {
      metrics.add(step);
      confusion.add(step);
      this.#progress(part, ++batches, tokens, metrics);
      this.#tell(part, batches, tokens, step);
    });
    return this.#stopped ? undefined : { part, metrics: metrics.result(), confusion: confusion.matrix() };
  }

  #flow(step: Trainer['trainStep']): FlowOptions<Token> {
    const { batchSize, loader, context } = this.#session;
    return { batchSize, loader, step, signal: context.signal };
  }

  get #stopped(): boolean {
    return this.#session.context.signal.aborted;
  }

  async #save(kinds: readonly CheckpointKind[]): Promise<void> {
    const { run, sets, loader, engine, simulated } = this.#session;
    const { name, network, feed } = this.#plan;
    const binMicros = this.#binMicros ?? loader.medianBinMicros(sets.train);
    const bytes = encodeCheckpoint({
      network,
      feed: binMicros === undefined ? feed : { ...feed, binMicros },
      tensors: await saveTensors(this.#network),
      optimiser: await this.#trainer.save(),
      progress: { epoch: this.state.lines.length, batch: this.state.batches },
      engine: engine.name,
      threads: engine.threads,
      simulated,
      extra: this.state,
    });
    for (const kind of kinds) await run.writeCheckpoint(name, kind, bytes);
    await run.writeMetrics(name, this.state.lines);
  }

  async #read(kind: CheckpointKind): Promise<Checkpoint | undefined> {
    const { run } = this.#session;
    const bytes = await run.readCheckpoint(this.#plan.name, kind);
    return bytes && decodeCheckpoint(bytes, run.checkpointPath(this.#plan.name, kind));
  }

  #progress(what: string, batches: number, tokens: readonly Token[], metrics: MetricsAccumulator): void {
    const { epochs, batchSize, context } = this.#session;
    const { loss, accuracy } = metrics.result();
    const epoch = `epoch ${Math.min(this.state.lines.length + 1, epochs)}/${epochs}`;
    const batch = `batch ${batches}/${Math.ceil(tokens.length / batchSize)}`;
    context.progress.update(
      [
        this.#plan.name,
        epoch,
        what,
        batch,
        `loss ${loss.toFixed(3)}`,
        `${(100 * accuracy).toFixed(1)} %`,
      ].join(' · '),
    );
  }

  /** Tells those who watch what a batch gave. */
  #tell(part: StepPosition['part'], batch: number, tokens: readonly Token[], step: StepMetrics): void {
    const { watch, epochs, batchSize } = this.#session;
    if (watch === undefined) return;
    const epoch = Math.min(this.state.lines.length + 1, epochs);
    const batches = Math.ceil(tokens.length / batchSize);
    watch.publish(stepMessage({ model: this.#plan.name, part, epoch, batch, batches }, step));
  }

  #report(line: EpochLine): void {
    const { context, watch } = this.#session;
    const { emit, print } = context;
    watch?.publish(line);
    emit(line);
    if (line.epoch === 1) print(epochTitles());
    print(epochRow(line));
  }
}
