import { OptionError } from '../errors.ts';

/** `value`, if it is a whole number of at least `minimum`; throws an OptionError that names the option otherwise. */
export function wholeNumber(option: string, value: number, minimum: number): number {
  if (Number.isSafeInteger(value) && value >= minimum) return value;
  throw new OptionError(`${option}: expected a whole number of at least ${minimum}, got ${value}`);
}
