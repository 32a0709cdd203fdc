import { concatMap, defer, finalize, type OperatorFunction } from 'rxjs';
import type { Window } from './windows.ts';

/** What a network says about one window. */
export interface Prediction {
  readonly startMicros: number;
  readonly endMicros: number;
  readonly classIndex: number;
  readonly className: string;
  /** Of the predicted class. */
  readonly probability: number;
  /** Of the predicted class above the second. */
  readonly margin: number;
  /** Of every class, by index. */
  readonly probabilities: readonly number[];
  /** Share of spikes by layer. */
  readonly rates: Readonly<Record<string, number>>;
  /** Events in the window. */
  readonly events: number;
}

export interface PredictOptions<State> {
  /** Makes the state that the first window starts from; without it, the first step is given none. */
  readonly initial?: () => State;
  /**
   * Frees a state. Called once for each state when the step after it has returned another one, and for the last one
   * when the stream ends, fails or is unsubscribed, but never while a step uses it.
   */
  readonly dispose?: (state: State) => void;
}

/** The step of a network: one window and the state it starts from, to a prediction and the state it ends with. */
export type PredictStep<State, In = Window, Out = Prediction> = (
  window: In,
  state: State | undefined,
) => Promise<{ readonly prediction: Out; readonly state: State }>;

/**
 * Predicts window by window, strictly one at a time, and carries the state from each to the next. The state belongs to
 * the subscription. Windows that come while a step runs wait here: bound them upstream, by `inFlight(limit, load,
 * predict(step))` or by a source that is pulled.
 */
export function predict<State, In = Window, Out = Prediction>(
  step: PredictStep<State, In, Out>,
  { initial, dispose = () => {} }: PredictOptions<State> = {},
): OperatorFunction<In, Out> {
  return (source) =>
    defer(() => {
      let state = initial?.();
      let running: Promise<unknown> = Promise.resolve();
      const advance = async (window: In): Promise<Out> => {
        const before = state;
        const result = await step(window, before);
        state = result.state;
        if (before !== undefined && before !== state) dispose(before);
        return result.prediction;
      };
      const free = (): void => {
        if (state !== undefined) dispose(state);
        state = undefined;
      };
      return source.pipe(
        concatMap((window) => {
          const next = advance(window);
          running = next.catch(() => {});
          return next;
        }),
        finalize(() => running.then(free)),
      );
    });
}
