import { InputError } from '../../src/errors.ts';
import type { Dataset, Labelled } from '../../src/streams/datasets/dataset.ts';
import { stratifiedSample, stratifiedSplit } from '../../src/streams/datasets/split.ts';
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

/** Test share of a set whose makers fixed none. */
const UNDIVIDED_TEST = 0.2;

/** What decides how a set is divided. */
interface Division {
  readonly limit: number | undefined;
  readonly seed: number;
  /** Share of the training part that is held out. */
  readonly validation: number;
}

/** The set's own parts, the training part divided; a set without parts is divided in three. */
export function dividedSets<Token extends Labelled>(
  { train, test, all = [] }: Dataset<Token>['parts'],
  { limit, seed, validation }: Division,
): TrainingSets<Token> {
  if (train === undefined) {
    return stratifiedSplit(limited(all, limit, seed), { validation, test: UNDIVIDED_TEST }, seed);
  }
  const divided = stratifiedSplit(limited(train, limit, seed), { validation }, seed);
  return { ...divided, test: limited(test ?? [], limit, seed) };
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
