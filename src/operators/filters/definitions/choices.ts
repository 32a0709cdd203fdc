import * as v from 'valibot';
import { integerOption, type Option } from '../../../options.ts';
import type { Pixel } from '../drop-pixels.ts';

/** Options that filters have in common. */

/** What all filters with chance in them are told. */
export function seedOption(): Option<number> {
  return integerOption({ help: 'the numbers drawn are a function of it', min: 0, default: 0 });
}

/** One of some whole numbers. */
export function countOption(choices: readonly number[], help: string, value: number): Option<number> {
  const number = v.union([v.number(), v.pipe(v.string(), v.trim(), v.nonEmpty(), v.transform(Number))]);
  return {
    schema: v.pipe(
      number,
      v.check((given) => choices.includes(given)),
    ),
    expects: choices.join(' or '),
    placeholder: 'N',
    help,
    default: value,
  };
}

/** Places such as `10x20+11x20`. */
export function pixelsOption(): Option<readonly Pixel[]> {
  const text = v.pipe(
    v.string(),
    v.regex(/^\d{1,5}x\d{1,5}(\+\d{1,5}x\d{1,5})*$/),
    v.transform((given): readonly Pixel[] =>
      given.split('+').map((place) => {
        const [x, y] = place.split('x').map(Number);
        return { x: x!, y: y! };
      }),
    ),
  );
  const typed = v.array(v.object({ x: v.number(), y: v.number() }));
  return {
    schema: v.union([text, typed]) as v.GenericSchema<unknown, readonly Pixel[]>,
    expects: 'places such as 10x20+11x20',
    placeholder: 'XxY+XxY',
    help: 'the pixels that go',
  };
}
