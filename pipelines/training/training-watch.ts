import { basename } from 'node:path';
import type { Dashboard } from '../../src/dashboard/dashboard.ts';
import type { StepMessage, TrainingMessage } from '../../src/dashboard/messages.ts';
import type { StepMetrics } from '../../src/models/metrics.ts';
import type { RunConfig } from './run-directory.ts';

/** Who is told how a training goes on. */
export type TrainingWatch = Pick<Dashboard, 'publish'>;

/** What a run is going to do, for those who watch it. */
export function plannedMessage(path: string, config: RunConfig, epochs: number): TrainingMessage {
  const { data, engine, options, networks, simulated } = config;
  return {
    type: 'training',
    models: networks,
    epochs,
    facts: [
      ['run', basename(path)],
      ['data', data],
      ['engine', `${engine.name}, ${engine.threads === 1 ? '1 thread' : `${engine.threads} threads`}`],
      ['seed', String(options['seed'])],
    ],
    simulated,
  };
}

/** Where an epoch stands after a batch. */
export type StepPosition = Omit<StepMessage, 'type' | 'loss' | 'accuracy' | 'spikeRate'>;

/** What a batch gave, for those who watch. */
export function stepMessage(
  position: StepPosition,
  { samples, loss, correct, rates }: StepMetrics,
): StepMessage {
  let [spikes, elements] = [0, 0];
  for (const layer of Object.values(rates)) {
    spikes += layer.rate * layer.elements;
    elements += layer.elements;
  }
  return {
    type: 'step',
    ...position,
    loss,
    accuracy: correct / samples,
    spikeRate: elements === 0 ? 0 : spikes / elements,
  };
}
