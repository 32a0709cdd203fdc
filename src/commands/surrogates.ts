import { type Command, Option } from 'commander';
import { OptionError } from '../errors.ts';
import type { SurrogateReport } from '../reports/surrogate-report.ts';
import { type CommandIo, writeLine } from './command-io.ts';

interface SurrogatesOptions {
  readonly range: string;
  readonly out?: string;
  readonly theme: 'light' | 'dark';
  readonly json?: true;
}

const help = `
A surrogate stands for the derivative of a spike while a network is trained; x is the potential less the threshold.
The function drawn is the one that has this derivative.

Examples:
  pipeline surrogates
  pipeline surrogates super-spike triangle --range 0.5
  pipeline surrogates --out surrogates.svg`;

/** Points of a curve: odd, so that the threshold is one of them. */
const POINTS = 401;

/** `pipeline surrogates [NAME…]`: surrogate gradients, function and derivative, as text, picture or numbers. */
export function define(command: Command, io: CommandIo): void {
  command
    .argument('[name...]', 'presets; all by default')
    .option('--range <X>', 'draw from -X to X', '2')
    .option('--out <FILE>', 'draw to FILE, .svg or .png')
    .addOption(new Option('--theme <NAME>', 'colours of a .png').choices(['light', 'dark']).default('light'))
    .option('--json', 'print a JSON line for each, with its curves')
    .addHelpText('after', help)
    .action((names: string[], options: SurrogatesOptions) => surrogates(names, options, io));
}

async function surrogates(names: string[], options: SurrogatesOptions, io: CommandIo): Promise<void> {
  const { out, theme, json } = options;
  const kind = out === undefined ? undefined : /\.(svg|png)$/.exec(out)?.[1];
  if (out !== undefined && kind === undefined) {
    throw new OptionError(`--out: expected a file that ends in .svg or .png, found ${JSON.stringify(out)}`);
  }
  const range = options.range.trim() === '' ? Number.NaN : Number(options.range);
  if (!(range > 0 && range <= 1000)) {
    throw new OptionError(
      `--range: expected a number above 0 and at most 1000, found ${JSON.stringify(options.range)}`,
    );
  }
  const chosen = await curvesOf(names, range);
  if (json) for (const { formula: _, ...curve } of chosen) writeLine(io.out, { type: 'surrogate', ...curve });
  const { surrogateSvg, surrogateText } = await import('../reports/surrogate-report.ts');
  if (out !== undefined) {
    const [{ toPng }, { writeFileAtomic }] = await Promise.all([
      import('../reports/picture.ts'),
      import('../streams/atomic-file.ts'),
    ]);
    const svg = surrogateSvg(chosen);
    await writeFileAtomic(out, kind === 'svg' ? svg : await toPng(svg, theme));
    io.err.write(`wrote ${out}\n`);
  } else if (!json) io.out.write(surrogateText(chosen));
}

type NamedCurve = SurrogateReport & {
  readonly kind: string;
  readonly amplitude: number;
  readonly slope: number;
};

async function curvesOf(names: readonly string[], range: number): Promise<NamedCurve[]> {
  const [{ surrogatePresets }, { surrogateCurve }] = await Promise.all([
    import('../models/surrogates.ts'),
    import('../models/surrogate-curve.ts'),
  ]);
  const known = Object.keys(surrogatePresets);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new OptionError(`no surrogate named ${JSON.stringify(unknown)}; there are ${known.join(', ')}`);
  }
  return (names.length === 0 ? known : names).map((name) => {
    const surrogate = surrogatePresets[name]!();
    const { kind, amplitude, slope } = surrogate;
    const [a, s] = [amplitude, slope].map((value) => Number(value.toPrecision(4)));
    const formula = `${kind}, amplitude ${a}, slope ${s}`;
    return { name, formula, ...surrogate, ...surrogateCurve(surrogate, range, POINTS) };
  });
}
