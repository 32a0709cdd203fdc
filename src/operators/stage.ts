import { concat, concatMap, defer, type OperatorFunction } from 'rxjs';
import type { Stage } from '../events.ts';

/**
 * Lifts a stage into an operator. Each subscription creates its own stage, so that state never leaks between runs.
 * What the stage throws becomes an error of the stream; a stage whose source fails is not ended.
 *
 * The values of one push are gathered before they go on: a consumer that makes the source emit again from within
 * `next` (credits do) would otherwise push into a stage that is still pushing.
 */
export function stage<In, Out>(create: () => Stage<In, Out>): OperatorFunction<In, Out> {
  return (source) =>
    defer(() => {
      const lifted = create();
      return concat(
        source.pipe(concatMap((value) => gather<Out>((emit) => lifted.push(value, emit)))),
        defer(() => gather<Out>((emit) => lifted.end(emit))),
      );
    });
}

function gather<Out>(run: (emit: (value: Out) => void) => void): Out[] {
  const values: Out[] = [];
  run((value) => values.push(value));
  return values;
}
