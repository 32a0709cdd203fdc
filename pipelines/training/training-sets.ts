import { InputError } from '../../src/errors.ts';
import type { Labelled } from '../../src/streams/datasets/dataset.ts';
import { stratifiedSample } from '../../src/streams/datasets/split.ts';
import type { RunSplit } from './run-directory.ts';

/** The recordings of a run by what they are for. */
export interface TrainingSets<Token> {
  readonly train: readonly Token[];
  readonly validation: readonly Token[];
  readonly test: readonly Token[];
}

/** At most `limit` of the tokens, with the classes in the whole's proportions; all of them without a limit. */
export function limited<Token extends Labelled>(
  tokens: readonly Token[],
  limit: number | undefined,
  seed: number,
): readonly Token[] {
  return limit === undefined ? tokens : stratifiedSample(tokens, limit, seed);
}

/** The sets by the ids of their recordings. */
export function idsOf(sets: TrainingSets<Labelled>): RunSplit {
  const ids = (tokens: readonly Labelled[]): string[] => tokens.map(({ id }) => id);
  return { train: ids(sets.train), validation: ids(sets.validation), test: ids(sets.test) };
}

/** The sets that a run was started with, from its split; a recording that is no longer there is an InputError. */
export function setsOf<Token extends Labelled>(
  split: RunSplit,
  { train, validation, test }: TrainingSets<Token>,
  data: string,
): TrainingSets<Token> {
  const byId = new Map([...train, ...validation, ...test].map((token) => [token.id, token]));
  const find = (id: string): Token => {
    const token = byId.get(id);
    if (token === undefined)
      throw new InputError(`expected recording ${id} of the run's split, found none`, data);
    return token;
  };
  return { train: split.train.map(find), validation: split.validation.map(find), test: split.test.map(find) };
}
