import { from, lastValueFrom, type Observable, Subject, take, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { type PredictStep, predict } from '../../src/operators/index.ts';
import { describeOperatorCases, turn } from './operator-cases.ts';

/** A network whose prediction is the sum of all windows so far, and which knows what became of its states. */
class Summing {
  readonly alive = new Set<{ sum: number }>();
  running = false;
  failAt: number | undefined;

  state(sum: number): { sum: number } {
    const state = { sum };
    this.alive.add(state);
    return state;
  }

  readonly step: PredictStep<{ sum: number }, number, number> = async (window, state) => {
    expect(this.running).toBe(false);
    if (state !== undefined) expect(this.alive.has(state)).toBe(true);
    this.running = true;
    await turn();
    if (state !== undefined) expect(this.alive.has(state)).toBe(true);
    this.running = false;
    if (window === this.failAt) throw new Error('step');
    const next = this.state((state?.sum ?? 0) + window);
    return { prediction: next.sum, state: next };
  };

  readonly dispose = (state: { sum: number }): void => {
    expect(this.alive.delete(state)).toBe(true);
  };

  on(source: Observable<number>): Observable<number> {
    return source.pipe(predict(this.step, { dispose: this.dispose }));
  }
}

describeOperatorCases<number, number>('predict', {
  create: () => {
    const network = new Summing();
    return predict(network.step, { dispose: network.dispose });
  },
  values: [1, 2, 3],
  outputs: { empty: 0, one: 1, many: 3 },
  throwing: (error) => [
    predict(() => Promise.reject(error)),
    predict(() => {
      throw error;
    }),
    predict(async () => ({ prediction: 1, state: 1 }), {
      initial: () => {
        throw error;
      },
    }),
  ],
});

describe('predict', () => {
  it('carries the state from window to window, one at a time, and frees each once', async () => {
    const network = new Summing();
    expect(await lastValueFrom(network.on(from([1, 2, 3, 4])).pipe(toArray()))).toStrictEqual([1, 3, 6, 10]);
    await turn();
    expect(network.alive.size).toBe(0);
  });

  it('starts from an initial state, a new one for each subscription', async () => {
    const network = new Summing();
    const sums = from([1, 2]).pipe(
      predict(network.step, { initial: () => network.state(100), dispose: network.dispose }),
      toArray(),
    );
    expect(await lastValueFrom(sums)).toStrictEqual([101, 103]);
    expect(await lastValueFrom(sums)).toStrictEqual([101, 103]);
    await turn();
    expect(network.alive.size).toBe(0);
  });

  it('does not free a state that a step hands back', async () => {
    const freed: string[] = [];
    const same = predict(async (window: number) => ({ prediction: window, state: 'same' }), {
      dispose: (state) => freed.push(state),
    });
    await lastValueFrom(from([1, 2, 3]).pipe(same));
    await turn();
    expect(freed).toStrictEqual(['same']);
  });

  it('frees the state when a step fails', async () => {
    const network = new Summing();
    network.failAt = 3;
    await expect(lastValueFrom(network.on(from([1, 2, 3, 4])))).rejects.toThrow('step');
    await turn();
    expect(network.alive.size).toBe(0);
  });

  it('frees the state when the consumer leaves, but only after the step that uses it', async () => {
    const network = new Summing();
    const source = new Subject<number>();
    const subscription = network.on(source).subscribe();
    source.next(1);
    source.next(2);
    await turn();
    await Promise.resolve();
    expect(network.running).toBe(true);
    subscription.unsubscribe();
    expect(network.alive.size).toBe(1);
    await turn();
    await turn();
    expect(network.running).toBe(false);
    expect(network.alive.size).toBe(0);
  });

  it('frees the state when the consumer has enough', async () => {
    const network = new Summing();
    await lastValueFrom(network.on(from([1, 2, 3, 4])).pipe(take(2)));
    for (let i = 0; i < 3; i++) await turn();
    expect(network.alive.size).toBe(0);
  });
});
