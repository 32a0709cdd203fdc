import type { OperatorFunction } from 'rxjs';
import { OptionError } from '../errors.ts';
import type { Stage } from '../events.ts';
import type { Prediction } from './predict.ts';
import { stage } from './stage.ts';

/** How predictions become decisions. */
export interface DecisionOptions {
  /** Time after which a window counts half, in microseconds of the events; 0: only the last window counts. Default 100,000. */
  readonly halfLifeMicros?: number;
  /** Mean probability from which a class is decided for. Default 0.6. */
  readonly enter?: number;
  /** Mean probability below which a decision is given up; at most `enter`. Default 0.4. */
  readonly leave?: number;
}

/** What the predictions so far come to. */
export interface Decision {
  /** The class that is decided for, by index; null where none is. */
  readonly decision: number | null;
  /** Mean probability of the class decided for, or of the most probable one where none is. */
  readonly decisionProbability: number;
}

/** What a decision remembers. */
export interface DecisionMemory {
  /** Mean probability of every class. */
  readonly means: readonly number[];
  readonly decision: number | null;
  readonly endMicros: number;
}

/**
 * Smooths predictions and decides with hysteresis, so that a decision neither flickers nor outlives its reason. The
 * mean of class k after a window that ends dt after the one before is
 *
 *     mean_k <- mean_k + (1 - 2^(-dt / halfLife)) (p_k - mean_k)
 *
 * with mean_k = 1 / classes before the first window, whose dt is its own length. A class is decided for when its mean
 * is the highest and reaches `enter`; the decision is kept until another class does so, or until its mean falls below
 * `leave`.
 */
export class Decide<P extends Prediction> implements Stage<P, P & Decision> {
  readonly #halfLife: number;
  readonly #enter: number;
  readonly #leave: number;
  #memory: DecisionMemory | undefined;

  constructor({ halfLifeMicros = 100_000, enter = 0.6, leave = 0.4 }: DecisionOptions = {}) {
    if (!(halfLifeMicros >= 0)) {
      throw new OptionError(`decision: expected a half-life of at least 0 us, got ${halfLifeMicros}`);
    }
    if (!(leave >= 0 && leave <= enter && enter <= 1)) {
      throw new OptionError(
        `decision: expected 0 <= leave <= enter <= 1, got leave ${leave}, enter ${enter}`,
      );
    }
    this.#halfLife = halfLifeMicros;
    this.#enter = enter;
    this.#leave = leave;
  }

  /** What it remembers, to go on with later; undefined before the first prediction. */
  get memory(): DecisionMemory | undefined {
    return this.#memory;
  }

  set memory(memory: DecisionMemory | undefined) {
    this.#memory = memory;
  }

  push(prediction: P, emit: (decided: P & Decision) => void): void {
    const { probabilities, startMicros, endMicros } = prediction;
    const before = this.#memory?.means ?? probabilities.map(() => 1 / probabilities.length);
    const elapsed = Math.max(0, endMicros - (this.#memory?.endMicros ?? startMicros));
    const weight = this.#halfLife === 0 ? 1 : 1 - 2 ** (-elapsed / this.#halfLife);
    const means = before.map((mean, k) => mean + weight * (probabilities[k]! - mean));
    const best = means.indexOf(Math.max(...means));
    let decision = this.#memory?.decision ?? null;
    if (means[best]! >= this.#enter) decision = best;
    else if (decision !== null && means[decision]! < this.#leave) decision = null;
    this.#memory = { means, decision, endMicros };
    emit({
      ...prediction,
      decision,
      decisionProbability: means[decision ?? best]!,
    });
  }

  end(): void {}
}

/** Adds to each prediction of one stream the decision that all so far come to. */
export function decide<P extends Prediction>(options?: DecisionOptions): OperatorFunction<P, P & Decision> {
  return stage(() => new Decide<P>(options));
}
