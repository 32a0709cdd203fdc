/** What benchmarks are told on their command line: one way to declare it, to check it, and to explain it by --help. */
import { parseArgs } from 'node:util';

/** An option; its kind is its default's: text, a number, or `false` for one that is given or not. */
interface BenchOption {
  /** Name of its value in the help; none for one that is given or not. */
  readonly value?: string;
  /** What it does; an option without is the benchmark's own, for processes that it starts. */
  readonly help?: string;
  readonly default?: string | number | false;
}

type Values<Options extends Readonly<Record<string, BenchOption>>> = {
  readonly [Name in keyof Options]: Options[Name] extends { readonly default: number }
    ? number
    : Options[Name] extends { readonly default: false }
      ? boolean
      : Options[Name] extends { readonly default: string }
        ? string
        : string | undefined;
};

/** What every benchmark can do with its figures. */
export const json = { help: 'print JSON lines', default: false } as const;

/**
 * Reads the command line. `--help` prints what is measured and ends the process; what is not understood ends it in one
 * line, with status 1.
 * @param command as it is typed, with its arguments: `npm run bench:cache -- [DIR]`
 */
export function benchOptions<const Options extends Readonly<Record<string, BenchOption>>>(
  command: string,
  measures: string,
  options: Options,
): { readonly options: Values<Options>; readonly files: readonly string[] } {
  const { isHelp, values, files } = understood(command, options);
  if (isHelp) {
    console.log(helpOf(command, measures, options));
    process.exit(0);
  }
  return { options: values, files };
}

function understood<Options extends Readonly<Record<string, BenchOption>>>(
  command: string,
  options: Options,
): { readonly isHelp: boolean; readonly values: Values<Options>; readonly files: readonly string[] } {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: /[…\]]$/.test(command),
      options: {
        ...Object.fromEntries(Object.entries(options).map(([name, option]) => [name, parsed(option)])),
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    const checked = Object.entries(options).map(([name, option]) => {
      const given = (values as Readonly<Record<string, string | boolean | undefined>>)[name];
      return [name, typeof option.default === 'number' ? numberOf(name, given ?? option.default) : given];
    });
    return { isHelp: values.help === true, values: Object.fromEntries(checked), files: positionals };
  } catch (error) {
    const [first] = (error as Error).message.split(/[.\n] /);
    return refuse(`${first}; --help says what there is`);
  }
}

/** Ends the process with one line and status 1. */
export function refuse(why: string): never {
  console.error(why);
  process.exit(1);
}

function parsed({ default: usual }: BenchOption): {
  type: 'string' | 'boolean';
  default?: string | boolean;
} {
  if (usual === false) return { type: 'boolean', default: false };
  return typeof usual === 'string' ? { type: 'string', default: usual } : { type: 'string' };
}

function numberOf(name: string, given: string | boolean | number | undefined): number {
  const number = given === '' ? Number.NaN : Number(given);
  if (number >= 0) return number;
  throw new Error(`--${name}: expected a number of at least 0, found ${JSON.stringify(given)}`);
}

function helpOf(command: string, measures: string, options: Readonly<Record<string, BenchOption>>): string {
  const lines = Object.entries(options).flatMap(([name, { value, help, default: usual }]) => {
    if (help === undefined) return [];
    const isSaid = usual !== undefined && usual !== false && usual !== '' && usual !== Infinity;
    return [[`--${name}${value === undefined ? '' : ` ${value}`}`, `${help}${isSaid ? ` (${usual})` : ''}`]];
  });
  const width = Math.max(0, ...lines.map(([left]) => left!.length));
  const shown = lines.map(([left, right]) => `  ${left!.padEnd(width)}  ${right}`);
  const usage = `Usage: ${command}${lines.length === 0 ? '' : ' [options]'}`;
  return [usage, '', measures, ...(shown.length === 0 ? [] : ['', 'Options:', ...shown])].join('\n');
}
