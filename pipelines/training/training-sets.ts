import { InputError } from '../../src/errors.ts';
import type { Labelled } from '../../src/streams/datasets/dataset.ts';
import type { RunSplit } from './run-directory.ts';

/** The recordings of a run by what they are for. */
export interface TrainingSets<Token> {
  readonly train: readonly Token[];
  readonly validation: readonly Token[];
  readonly test: readonly Token[];
}

/** At most `limit` of the tokens, drawn from all classes in turn, in their own order; all of them without a limit. */
export function limited<Token extends Labelled>(
  tokens: readonly Token[],
  limit: number | undefined,
): readonly Token[] {
  if (limit === undefined || tokens.length <= limit) return tokens;
  // The first of every class, then the second of every class, and so on.
  const seen = new Map<number, number>();
  const ranked = tokens.map((token, index) => {
    const rank = seen.get(token.label) ?? 0;
    seen.set(token.label, rank + 1);
    return { rank, index };
  });
  ranked.sort((a, b) => a.rank - b.rank || a.index - b.index);
  const chosen = new Set(ranked.slice(0, limit).map(({ index }) => index));
  return tokens.filter((_, index) => chosen.has(index));
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
