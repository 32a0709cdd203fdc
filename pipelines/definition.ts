import * as v from 'valibot';
import { OptionError } from '../src/errors.ts';
import { choiceOption, type Options, type OptionValues } from '../src/options.ts';

export {
  choiceOption,
  integerOption,
  type NumberRange,
  numberOption,
  type Option,
  type Options,
  type OptionText,
  type OptionValues,
  portOption,
  switchOption,
  textOption,
  textsOption,
} from '../src/options.ts';

/**
 * What a pipeline is: a name, options that are typed once (they give validation, help and defaults), presets, and the
 * wiring. Preset values override defaults; what a person gives overrides both.
 */

/** Values that a preset or a person gives; the rest keep their defaults. */
export type GivenValues<O extends Options> = { readonly [K in keyof O]?: OptionValues<O>[K] | undefined };

/** The preset that a person names, where a pipeline has presets. */
export type GivenPreset = {
  readonly preset?: string;
};

/** Tells a person how far a run is, on stderr. */
export interface Progress {
  /** Replaces the progress line; does nothing where nobody watches. */
  update(text: string): void;
  /** A line that stays, such as a warning or a hint; printed with `--json` too. */
  note(text: string): void;
  /** Removes the progress line. */
  clear(): void;
}

/** What a pipeline gets from whoever runs it. */
export interface PipelineContext {
  /** True where data is wanted as JSON lines. */
  readonly json: boolean;
  /** Writes one JSON line to stdout; does nothing without `json`. */
  emit(line: object): void;
  /** Writes text for people to stdout; does nothing with `json`. */
  print(text: string): void;
  readonly progress: Progress;
  /** Aborted by the first Ctrl-C: finish what is in hand, save, return; the program sets the exit status. */
  readonly signal: AbortSignal;
  /** Asks for an exit status other than 0 once the pipeline returns. */
  requestExit(code: number): void;
}

/** The part of a pipeline that its author writes. */
export interface PipelineDefinition<O extends Options> {
  readonly name: string;
  /** One line for `pipeline list`. */
  readonly summary: string;
  /** A paragraph for `pipeline run NAME --help`. */
  readonly description: string;
  /** Command lines, without the leading `pipeline run`. */
  readonly examples: readonly string[];
  readonly options: O;
  /** Presets by name; with them comes the option `--preset`. */
  readonly presets?: Readonly<Record<string, GivenValues<O>>>;
  readonly defaultPreset?: string;
  /**
   * @param options every option, validated
   * @param given what the person gave, validated, without defaults and preset values
   */
  run(options: OptionValues<O>, context: PipelineContext, given: GivenValues<O> & GivenPreset): Promise<void>;
}

/** A pipeline as commands and programs use it. */
export interface Pipeline<O extends Options = Options> extends PipelineDefinition<O> {
  /** Every value, from defaults, the preset and what is given (text or typed); throws OptionError in one line. */
  resolve(given: Readonly<Record<string, unknown>>): OptionValues<O>;
  /** Validates what is given (text or typed), fills in the rest and runs. */
  start(given: Readonly<Record<string, unknown>>, context: PipelineContext): Promise<void>;
}

/** Makes a pipeline of its definition: adds `--preset`, validation and the precedence of values. */
export function definePipeline<O extends Options>(definition: PipelineDefinition<O>): Pipeline<O> {
  const presets: Readonly<Record<string, GivenValues<O>>> = definition.presets ?? {};
  const presetNames = Object.keys(presets);
  const options: Options =
    presetNames.length === 0
      ? definition.options
      : { ...definition.options, ...presetOption(presetNames, definition.defaultPreset ?? presetNames[0]!) };
  const validate = (given: Readonly<Record<string, unknown>>): GivenValues<O> =>
    validateGiven<O>(definition.name, options, given);
  const fill = (given: Readonly<Record<string, unknown>>): OptionValues<O> => {
    const preset: Readonly<Record<string, unknown>> | undefined =
      presets[String(given['preset'] ?? options['preset']?.default)];
    const merged: Record<string, unknown> = {};
    for (const [name, option] of Object.entries(options)) {
      merged[name] = given[name] ?? preset?.[name] ?? option.default;
    }
    return merged as OptionValues<O>;
  };
  const pipeline: Pipeline<O> = {
    ...definition,
    options: options as O,
    presets,
    resolve: (given) => fill(validate(given)),
    start: async (given, context) => {
      const valid = validate(given);
      await definition.run(fill(valid), context, valid);
    },
  };
  made.add(pipeline);
  return pipeline;
}

const made = new WeakSet<object>();

/** Whether a value is a pipeline that `definePipeline` made. */
export function isPipeline(value: unknown): value is Pipeline {
  return typeof value === 'object' && value !== null && made.has(value);
}

function presetOption(names: readonly string[], value: string): Options {
  return { preset: choiceOption(names, { help: 'values that stand in for the defaults', default: value }) };
}

/** The flag of an option name: `batchSize` gives `--batch-size`. */
export function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

function validateGiven<O extends Options>(
  pipeline: string,
  options: Options,
  given: Readonly<Record<string, unknown>>,
): GivenValues<O> {
  const valid: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    const option = options[name];
    if (option === undefined) {
      const known = Object.keys(options).map(flagOf).join(', ');
      throw new OptionError(`${flagOf(name)}: no option of ${pipeline}, which has ${known}`);
    }
    const parsed = v.safeParse(option.schema, value);
    if (!parsed.success) {
      throw new OptionError(`${flagOf(name)}: expected ${option.expects}, found ${JSON.stringify(value)}`);
    }
    valid[name] = parsed.output;
  }
  return valid as GivenValues<O>;
}
