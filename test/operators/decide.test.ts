import fc from 'fast-check';
import { from, lastValueFrom, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { OptionError } from '../../src/errors.ts';
import { Decide, type DecisionOptions, decide, type Prediction } from '../../src/operators/index.ts';
import { describeOperatorCases } from './operator-cases.ts';

function prediction(endMicros: number, probabilities: readonly number[]): Prediction {
  const classIndex = probabilities.indexOf(Math.max(...probabilities));
  const probability = probabilities[classIndex]!;
  const [startMicros, className, margin] = [endMicros - 10_000, `${classIndex}`, 0];
  return {
    startMicros,
    endMicros,
    classIndex,
    className,
    probability,
    margin,
    probabilities,
    rates: {},
    events: 1,
  };
}

function decided(options: DecisionOptions, windows: readonly (readonly number[])[]) {
  const predictions = windows.map((probabilities, i) => prediction(10_000 * (i + 1), probabilities));
  return lastValueFrom(from(predictions).pipe(decide(options), toArray()));
}

const one = prediction(10_000, [0.9, 0.1]);
describeOperatorCases<Prediction, object>('decide', {
  create: () => decide({ halfLifeMicros: 0 }),
  values: [one, one, one],
  outputs: { empty: 0, one: 1, many: 3 },
});

describe('decide', () => {
  it('takes the mean halfway to a prediction in a half-life', async () => {
    const [first, second] = await decided({ halfLifeMicros: 10_000, enter: 0.7, leave: 0.2 }, [
      [1, 0],
      [1, 0],
    ]);
    expect(first).toMatchObject({ decision: 0, decisionProbability: 0.75 });
    expect(second).toMatchObject({ decision: 0, decisionProbability: 0.875 });
  });

  it('decides at one threshold and gives up at another', async () => {
    const levels = [0.5, 0.65, 0.7, 0.55, 0.45, 0.39, 0.55, 0.61];
    const predictions = await decided(
      { halfLifeMicros: 0, enter: 0.6, leave: 0.4 },
      levels.map((p) => [p, 0.9 * (1 - p), 0.1 * (1 - p)]),
    );
    expect(predictions.map(({ decision }) => decision)).toEqual([null, 0, 0, 0, 0, null, null, 0]);
  });

  it('goes straight to another class that reaches the threshold', async () => {
    const predictions = await decided({ halfLifeMicros: 0 }, [
      [0.8, 0.2],
      [0.5, 0.5],
      [0.3, 0.7],
    ]);
    expect(predictions.map(({ decision }) => decision)).toEqual([0, 0, 1]);
  });

  it('changes less often than the predictions, and its means stay probabilities', async () => {
    const windows = fc.array(
      fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true })),
      { minLength: 1, maxLength: 40 },
    );
    await fc.assert(
      fc.asyncProperty(windows, async (pairs) => {
        const rows = pairs.map(([a, b]) => [a, (1 - a) * b, (1 - a) * (1 - b)]);
        const stage = new Decide({ halfLifeMicros: 30_000 });
        rows.forEach((row, i) => {
          stage.push(prediction(10_000 * (i + 1), row), ({ decision, decisionProbability }) => {
            expect(decisionProbability).toBe(
              stage.memory!.means[decision ?? indexOfMost(stage.memory!.means)],
            );
            if (decision !== null) expect(decisionProbability).toBeGreaterThanOrEqual(0.4);
          });
          expect(stage.memory!.means.reduce((sum, mean) => sum + mean)).toBeCloseTo(1, 9);
        });
      }),
    );
  });

  it('goes on from what it remembers', async () => {
    const windows = [0.9, 0.8, 0.2, 0.7].map((p) => [p, 1 - p]);
    const whole = await decided({}, windows);
    const first = new Decide();
    const emitted: object[] = [];
    windows.slice(0, 2).forEach((row, i) => {
      first.push(prediction(10_000 * (i + 1), row), (value) => emitted.push(value));
    });
    const second = new Decide();
    second.memory = JSON.parse(JSON.stringify(first.memory));
    windows.slice(2).forEach((row, i) => {
      second.push(prediction(10_000 * (i + 3), row), (value) => emitted.push(value));
    });
    expect(emitted).toEqual(whole);
  });

  it.each([
    [{ halfLifeMicros: -1 }, 'decision: expected a half-life of at least 0 us, got -1'],
    [{ enter: 0.3 }, 'decision: expected 0 <= leave <= enter <= 1, got leave 0.4, enter 0.3'],
    [{ enter: 1.1 }, 'decision: expected 0 <= leave <= enter <= 1, got leave 0.4, enter 1.1'],
  ])('refuses %j', (options, message) => {
    expect(() => new Decide(options)).toThrow(new OptionError(message));
  });
});

function indexOfMost(values: readonly number[]): number {
  return values.indexOf(Math.max(...values));
}
