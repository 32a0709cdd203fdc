import type { EpochMessage, MemoryMessage, StepMessage, TrainingMessage } from '../messages.ts';
import { Thinned } from '../thinned.ts';
import { Columns } from './columns.ts';

/** Points of the curves of batches. */
const STEPS = 2048;

/** What is known of the training of one network. */
export class ModelData {
  readonly name: string;
  readonly epochs: EpochMessage[] = [];
  readonly #steps = new Thinned<StepMessage>(STEPS);
  lastStep: StepMessage | undefined;

  constructor(name: string) {
    this.name = name;
  }

  stepped(message: StepMessage): void {
    this.lastStep = message;
    if (message.part !== 'training') return;
    this.#steps.add(message);
  }

  /** Epochs, then loss, accuracy and spike rate of the training batches, thinned where they are many. */
  steps(): Columns {
    const columns = new Columns(4);
    for (const { epoch, batch, batches, loss, accuracy, spikeRate } of this.#steps.values()) {
      columns.push([epoch - 1 + batch / batches, loss, accuracy, spikeRate]);
    }
    return columns;
  }

  ended(message: EpochMessage): void {
    // A run that goes on may tell an epoch anew.
    const from = this.epochs.findIndex(({ epoch }) => epoch >= message.epoch);
    if (from >= 0) this.epochs.length = from;
    this.epochs.push(message);
  }

  /** Epochs, then a column for each value that is asked for. */
  columns(...values: readonly ((epoch: EpochMessage) => number | undefined)[]): Columns {
    const columns = new Columns(1 + values.length);
    for (const epoch of this.epochs) columns.push([epoch.epoch, ...values.map((value) => value(epoch))]);
    return columns;
  }

  get best(): EpochMessage | undefined {
    return this.epochs.reduce<EpochMessage | undefined>(
      (best, epoch) => (best === undefined || heldOut(epoch) > heldOut(best) ? epoch : best),
      undefined,
    );
  }
}

/** Accuracy on recordings that the network does not learn from. */
export function heldOut({ validationAccuracy, testAccuracy }: EpochMessage): number {
  return validationAccuracy ?? testAccuracy ?? 0;
}

/** What is known of a run. */
export class RunData {
  readonly models = new Map<string, ModelData>();
  readonly memory: Columns = new Columns(2, 600);
  readonly notes: string[] = [];
  plan: TrainingMessage | undefined;

  planned(message: TrainingMessage): void {
    this.plan = message;
    for (const name of message.models) this.model(name);
  }

  model(name: string): ModelData {
    const known = this.models.get(name) ?? new ModelData(name);
    this.models.set(name, known);
    return known;
  }

  measured({ atMillis, residentBytes }: MemoryMessage): void {
    this.memory.push([atMillis / 1000, residentBytes]);
  }
}
