import { OptionError } from '../../src/errors.ts';
import { type Surrogate, surrogatePresets } from '../../src/models/surrogates.ts';

/** A surrogate, and a name that files can have. */
export interface NamedSurrogate {
  readonly name: string;
  readonly surrogate: Surrogate;
}

/** Names of the literature beside those of `pipeline surrogates`. */
const aliases: Readonly<Record<string, string>> = { esser: 'triangle' };

/**
 * A surrogate of `pipeline surrogates` from its name, and after a colon its parameter: `super-spike`, `superSpike:25`.
 * @param flag of the option that names it
 */
export function namedSurrogate(text: string, flag: string): NamedSurrogate {
  const [, given = '', number] = /^([^:]*)(?::(.*))?$/s.exec(text.trim())!;
  const name = given.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`).replace(/^-/, '');
  const preset = aliases[name] ?? name;
  const make = Object.hasOwn(surrogatePresets, preset) ? surrogatePresets[preset] : undefined;
  if (make === undefined) {
    const known = [...Object.keys(surrogatePresets), ...Object.keys(aliases)].join(', ');
    throw new OptionError(`${flag}: expected surrogates of ${known}, found ${JSON.stringify(given)}`);
  }
  if (number === undefined) return { name, surrogate: make() };
  const parameter = Number(number);
  if (!(parameter > 0 && Number.isFinite(parameter))) {
    throw new OptionError(
      `${flag}: expected a parameter above 0 after the colon, found ${JSON.stringify(text.trim())}`,
    );
  }
  return { name: `${name}-${parameter}`, surrogate: make(parameter) };
}

/** The surrogates of a list with commas between, each once. */
export function namedSurrogates(list: string, flag: string): NamedSurrogate[] {
  const surrogates = list.split(',').map((text) => namedSurrogate(text, flag));
  const names = surrogates.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined)
    throw new OptionError(`${flag}: expected each surrogate once, found ${twice} twice`);
  return surrogates;
}
