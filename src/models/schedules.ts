import * as v from 'valibot';

/** How the learning rate falls from epoch to epoch. */
export type Schedule =
  | { kind: 'constant' }
  /** Half a cosine from the initial rate to 0 over `epochs`. */
  | { kind: 'cosine'; epochs: number }
  /** Multiplied by `factor` after every `epochs`. */
  | { kind: 'step'; epochs: number; factor: number };

const epochs = v.pipe(v.number(), v.integer(), v.minValue(1));

/** The schema of a schedule in a configuration. */
export const scheduleSchema: v.GenericSchema<unknown, Schedule> = v.variant('kind', [
  v.strictObject({ kind: v.literal('constant') }),
  v.strictObject({ kind: v.literal('cosine'), epochs }),
  v.strictObject({ kind: v.literal('step'), epochs, factor: v.pipe(v.number(), v.finite(), v.gtValue(0)) }),
]);

/** Learning rate of an epoch, counted from 0. */
export function learningRateAt(schedule: Schedule, initial: number, epoch: number): number {
  switch (schedule.kind) {
    case 'constant':
      return initial;
    case 'cosine': {
      const phase = Math.min(epoch, schedule.epochs) / schedule.epochs;
      return (initial * (1 + Math.cos(Math.PI * phase))) / 2;
    }
    case 'step':
      return initial * schedule.factor ** Math.floor(epoch / schedule.epochs);
  }
}
