import { InputError } from '../../errors.ts';

/** What to do with a file operation that fails: `open(path).catch(expecting('a file', path))` is an InputError. */
export function expecting(what: string, path: string): (cause: Error) => never {
  return (cause) => {
    throw new InputError(`expected ${what}, found: ${cause.message}`, path, { cause });
  };
}
