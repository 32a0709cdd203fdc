import * as v from 'valibot';

/**
 * Options that are typed once: a schema that takes the text of a command line and the typed value alike, help, and what
 * is expected, for messages. Pipelines and event filters are told what to do by them.
 */

/** One option; its key in camel case is its flag in kebab case (`batchSize`, `--batch-size`). */
export interface Option<T> {
  /** Accepts the text of a command line and the typed value alike. */
  readonly schema: v.GenericSchema<unknown, T>;
  /** What it does, in one phrase without a full stop. */
  readonly help: string;
  /** What is accepted, for messages: `a whole number of at least 1`. */
  readonly expects: string;
  /** Stands for the value in help: `N`, `DIR`. Absent for a switch, which takes no value. */
  readonly placeholder?: string;
  /** Whether the value may be left out: it is `true` then. */
  readonly valueOptional?: true;
  /** Whether it may be given several times: its value is a list. */
  readonly repeats?: true;
  /** Value when neither a preset nor a person gives one; absent where there is none. */
  readonly default?: T;
  readonly choices?: readonly string[];
  /** Unit of the number: `ms`, `bins`. */
  readonly unit?: string;
}

/** Options by name, camel case. */
export type Options = Readonly<Record<string, Option<unknown>>>;

/** The typed values of a set of options. */
export type OptionValues<O extends Options> = {
  readonly [K in keyof O]: O[K] extends Option<infer T> ? T : never;
};

/** What every option may say about itself. */
export interface OptionText<D> {
  readonly help: string;
  readonly placeholder?: string;
  readonly unit?: string;
  readonly default?: D;
}

/** Bounds of a number, inclusive but for `above`. */
export interface NumberRange {
  readonly min?: number;
  readonly max?: number;
  /** Exclusive lower bound. */
  readonly above?: number;
}

/** A whole number. */
export function integerOption<D extends number | undefined = undefined>(
  text: OptionText<D> & NumberRange,
): Option<number | D> {
  return numeric(text, 'a whole number', Number.isSafeInteger);
}

/** A number. */
export function numberOption<D extends number | undefined = undefined>(
  text: OptionText<D> & NumberRange,
): Option<number | D> {
  return numeric(text, 'a number', Number.isFinite);
}

/** A text, a folder or a file name. */
export function textOption<D extends string | undefined = undefined>(
  text: OptionText<D>,
): Option<string | D> {
  const schema = v.pipe(v.string(), v.nonEmpty());
  return described(schema as v.GenericSchema<unknown, string>, 'a text that is not empty', text, 'TEXT');
}

/** Texts, the option given once for each. */
export function textsOption<D extends readonly string[] | undefined = undefined>(
  text: OptionText<D>,
): Option<readonly string[] | D> {
  const one = v.pipe(v.string(), v.nonEmpty());
  const single = v.pipe(
    one,
    v.transform((value) => [value]),
  );
  const schema = v.union([single, v.pipe(v.array(one), v.minLength(1))]);
  const option = described(
    schema as v.GenericSchema<unknown, readonly string[]>,
    'a text that is not empty',
    text,
    'TEXT',
  );
  return { ...option, repeats: true };
}

/** One of some names. */
export function choiceOption<const C extends string, D extends C | undefined = undefined>(
  choices: readonly C[],
  text: OptionText<D>,
): Option<C | D> {
  const schema = v.picklist(choices) as v.GenericSchema<unknown, C>;
  const expects =
    choices.length === 1 ? choices[0]! : `${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}`;
  return { ...described<C, D>(schema, expects, text, 'NAME'), choices };
}

/** A switch: off unless given. */
export function switchOption(text: { readonly help: string; readonly default?: boolean }): Option<boolean> {
  return {
    schema: v.boolean() as v.GenericSchema<unknown, boolean>,
    expects: 'no value',
    default: false,
    ...text,
  };
}

/** A port that may be left out: `true` leaves the choice to what listens, 0 to the system. */
export function portOption(text: { readonly help: string }): Option<number | true | undefined> {
  const { schema, ...port } = integerOption({ ...text, placeholder: 'PORT', min: 0, max: 0xffff });
  return { ...port, schema: v.union([v.literal(true), schema]), valueOptional: true };
}

function numeric<D extends number | undefined>(
  text: OptionText<D> & NumberRange,
  noun: string,
  accepts: (value: number) => boolean,
): Option<number | D> {
  const { min, max, above, ...rest } = text;
  const schema = v.pipe(
    v.union([v.number(), v.pipe(v.string(), v.trim(), v.nonEmpty(), v.transform(Number), v.number())]),
    v.check(accepts),
    v.check(
      (value) => value >= (min ?? -Infinity) && value <= (max ?? Infinity) && value > (above ?? -Infinity),
    ),
  );
  const bounds =
    min !== undefined && max !== undefined
      ? ` from ${min} to ${max}`
      : min !== undefined
        ? ` of at least ${min}`
        : above !== undefined
          ? ` above ${above}${max === undefined ? '' : ` and at most ${max}`}`
          : max !== undefined
            ? ` of at most ${max}`
            : '';
  return described(schema as v.GenericSchema<unknown, number>, `${noun}${bounds}`, rest, 'N');
}

function described<T, D extends T | undefined>(
  schema: v.GenericSchema<unknown, T>,
  expects: string,
  text: OptionText<D>,
  placeholder: string,
): Option<T | D> {
  return { schema, expects, placeholder, ...text };
}
