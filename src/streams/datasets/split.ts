import { InputError, OptionError } from '../../errors.ts';
import { RandomStream } from '../../random.ts';
import type { Labelled } from './dataset.ts';

/** Shares of the whole, each from 0 to 1; the rest is for training. */
export interface SplitFractions {
  readonly validation?: number;
  readonly test?: number;
}

/** The parts of a split; each is ordered by id. */
export interface Split<Token> {
  readonly train: Token[];
  readonly validation: Token[];
  readonly test: Token[];
}

/**
 * Divides labelled tokens so that every part has the classes in the whole's proportions, as nearly as whole tokens
 * allow. The result hangs on the ids and the seed alone, not on the order of the tokens.
 */
export function stratifiedSplit<Token extends Labelled>(
  tokens: readonly Token[],
  { validation = 0, test = 0 }: SplitFractions,
  seed: number,
): Split<Token> {
  if (!(validation >= 0 && test >= 0 && validation + test < 1)) {
    throw new OptionError(
      `split: expected fractions of 0 or more that leave something to train on, found test ${test}, validation ${validation}`,
    );
  }
  const held = takeStratified(tokens, Math.round(test * tokens.length), seed, 'split/test');
  const rest = takeStratified(held.rest, Math.round(validation * tokens.length), seed, 'split/validation');
  return { train: rest.rest, validation: rest.taken, test: held.taken };
}

/** `count` tokens with the classes in the whole's proportions, ordered by id; all tokens where there are fewer. */
export function stratifiedSample<Token extends Labelled>(
  tokens: readonly Token[],
  count: number,
  seed: number,
): Token[] {
  return takeStratified(tokens, count, seed, 'sample').taken;
}

/** Takes `count` tokens: from each class its share rounded down, then one each by the largest remainders. */
function takeStratified<Token extends Labelled>(
  tokens: readonly Token[],
  count: number,
  seed: number,
  stream: string,
): { taken: Token[]; rest: Token[] } {
  const classes = shuffledClasses(tokens, seed, stream);
  const wanted = Math.min(count, tokens.length);
  // Whole numbers, so that a share such as 3 of 10 is not missed by rounding.
  const quotas = classes.map((members) => Math.floor((members.length * wanted) / tokens.length));
  const remainders = classes.map((members) => (members.length * wanted) % tokens.length);
  const ties = new RandomStream(seed, `${stream}/ties`);
  const order = [...classes.keys()].sort(
    (a, b) => remainders[b]! - remainders[a]! || ties.word(a) - ties.word(b),
  );
  const left = wanted - quotas.reduce((sum, quota) => sum + quota, 0);
  for (const i of order.slice(0, left)) quotas[i]!++;
  const byId = (a: Token, b: Token): number => (a.id < b.id ? -1 : 1);
  return {
    taken: classes.flatMap((members, i) => members.slice(0, quotas[i])).sort(byId),
    rest: classes.flatMap((members, i) => members.slice(quotas[i])).sort(byId),
  };
}

/** The tokens of each class, classes by label, tokens in an order that is drawn for each id by itself. */
function shuffledClasses<Token extends Labelled>(
  tokens: readonly Token[],
  seed: number,
  stream: string,
): Token[][] {
  const classes = new Map<number, { token: Token; key: number }[]>();
  const ids = new Set<string>();
  for (const token of tokens) {
    if (ids.has(token.id)) throw new InputError(`split: expected every id once, found ${token.id} again`);
    ids.add(token.id);
    const key = new RandomStream(seed, `${stream}/${token.id}`).word(0);
    const members = classes.get(token.label);
    if (members === undefined) classes.set(token.label, [{ token, key }]);
    else members.push({ token, key });
  }
  return [...classes.keys()]
    .sort((a, b) => a - b)
    .map((label) =>
      classes
        .get(label)!
        .sort((a, b) => a.key - b.key || (a.token.id < b.token.id ? -1 : 1))
        .map(({ token }) => token),
    );
}
