import { concatMap, type MonoTypeOperatorFunction, pipe, toArray } from 'rxjs';
import { permutation, RandomStream } from '../random.ts';

/** The items in an order that seed and epoch alone decide. */
export function shuffled<T>(items: readonly T[], seed: number, epoch: number): T[] {
  return Array.from(permutation(items.length, new RandomStream(seed, `shuffle/${epoch}`)), (i) => items[i]!);
}

/**
 * Emits the source's values, when it has ended, in an order that seed and epoch alone decide. It holds all of them, so
 * the values are tokens: names, paths, recordings not yet opened.
 */
export function shuffle<T>(seed: number, epoch: number): MonoTypeOperatorFunction<T> {
  return pipe(
    toArray(),
    concatMap((items) => shuffled(items, seed, epoch)),
  );
}
