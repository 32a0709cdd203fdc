import { OptionError } from '../errors.ts';

/** `value`, if it is a number from `minimum` to `maximum`; throws an OptionError that names the option otherwise. */
export function numberWithin(
  option: string,
  value: number,
  minimum: number,
  maximum: number = Infinity,
): number {
  if (value >= minimum && value <= maximum && Number.isFinite(value)) return value;
  const range = maximum === Infinity ? `of at least ${minimum}` : `from ${minimum} to ${maximum}`;
  throw new OptionError(`${option}: expected a number ${range}, got ${value}`);
}
