import * as v from 'valibot';
import type { Option } from '../definition.ts';

/** Numbers with commas between, as text. */
export function listOption<D extends string | undefined = undefined>({
  help,
  default: value,
  whole = false,
}: {
  readonly help: string;
  readonly default?: D;
  readonly whole?: boolean;
}): Option<string | D> {
  const accepts = whole
    ? (number: number): boolean => Number.isSafeInteger(number) && number > 0
    : Number.isFinite;
  return {
    schema: v.pipe(
      v.string(),
      v.check((text) => text.split(',').every((part) => part.trim() !== '' && accepts(Number(part)))),
    ),
    help,
    expects: whole ? 'whole numbers above 0 with commas between' : 'numbers with commas between',
    placeholder: 'LIST',
    ...(value !== undefined && { default: value }),
  } as Option<string | D>;
}

/** The numbers of a list. */
export function numbersOf(list: string): number[] {
  return list.split(',').map(Number);
}
