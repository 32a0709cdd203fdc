import * as v from 'valibot';
import { OptionError } from '../errors.ts';
import type { Options } from '../options.ts';

/** A name and its options as texts: what `NAME:OPTION=VALUE,OPTION=VALUE` says. */
export interface NamedOptions {
  readonly name: string;
  /** By name in camel case; without a prototype, so that no name can mean anything else. */
  readonly given: Readonly<Record<string, string>>;
}

/** The name before the first colon. */
export function nameIn(text: string): string {
  const colon = text.indexOf(':');
  return (colon < 0 ? text : text.slice(0, colon)).trim();
}

/**
 * Reads `NAME:OPTION=VALUE,OPTION=VALUE`; options may be written in kebab case. Throws an OptionError in one line.
 * @param subject what it is, for errors: `filter crop`
 * @param example how it is written
 */
export function parseNamedOptions(text: string, subject: string, example: string): NamedOptions {
  const colon = text.indexOf(':');
  const given: Record<string, string> = Object.create(null);
  for (const part of colon < 0 ? [] : text.slice(colon + 1).split(',')) {
    const equals = part.indexOf('=');
    const key = camelCase((equals < 0 ? part : part.slice(0, equals)).trim());
    if (key === '' || equals < 0) {
      throw new OptionError(
        `${subject}: expected option=value, found ${JSON.stringify(part)}; for example ${example}`,
      );
    }
    if (Object.hasOwn(given, key)) throw new OptionError(`${subject}: ${key}: expected once, found twice`);
    given[key] = part.slice(equals + 1).trim();
  }
  return { name: nameIn(text), given };
}

/**
 * The values of the options that are given or have a default.
 * @param given texts, or typed values
 */
export function validatedOptions(
  subject: string,
  options: Options,
  required: readonly string[],
  given: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const [key, option] of Object.entries(options)) {
    if (option.default !== undefined) values[key] = option.default;
  }
  for (const [key, value] of Object.entries(given)) {
    const option = Object.hasOwn(options, key) ? options[key] : undefined;
    if (option === undefined) {
      const known = Object.keys(options);
      const has = known.length === 0 ? 'has no options' : `has ${known.join(', ')}`;
      throw new OptionError(`${subject}: no option ${key}; it ${has}`);
    }
    const parsed = v.safeParse(option.schema, value);
    if (!parsed.success) {
      throw new OptionError(`${subject}: ${key}: expected ${option.expects}, found ${JSON.stringify(value)}`);
    }
    values[key] = parsed.output;
  }
  const missing = required.filter((key) => values[key] === undefined);
  if (missing.length > 0) {
    throw new OptionError(`${subject}: expected ${required.join(', ')}; missing ${missing.join(', ')}`);
  }
  return values;
}

function camelCase(key: string): string {
  return key.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
