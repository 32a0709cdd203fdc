import { OptionError } from '../../errors.ts';
import { nameIn, parseNamedOptions } from '../named-options.ts';
import type { FilterDefinition } from './definition.ts';
import { filterDefinitions } from './definitions/index.ts';
import type { EventFilter } from './filter-chain.ts';

/**
 * The filter that a text asks for: a name, and after a colon its options, `crop:x=10,y=10,width=64,height=64`. Names of
 * options may be written in kebab case. Throws an OptionError in one line.
 */
export function parseFilter(text: string): EventFilter {
  const definition = findFilter(nameIn(text));
  const { given } = parseNamedOptions(text, `filter ${definition.name}`, definition.example);
  return definition.configure(given, text);
}

/** The filter of a name; for an unknown one an OptionError names those most like it. */
export function findFilter(name: string): FilterDefinition {
  const found = filterDefinitions.find((definition) => definition.name === name);
  if (found !== undefined) return found;
  const names = filterDefinitions.map((definition) => definition.name);
  const near = names
    .map((known) => ({ known, distance: editDistance(name.toLowerCase(), known) }))
    .filter(({ known, distance }) => distance <= Math.max(2, known.length / 3) || alike(known, name))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, 3)
    .map(({ known }) => known);
  const hint = near.length > 0 ? `did you mean ${near.join(' or ')}?` : `expected one of ${names.join(', ')}`;
  throw new OptionError(`filter ${JSON.stringify(name)}: no such filter; ${hint}`);
}

/** Option names on the command line: `from-micros` for `fromMicros`. */
export function kebabCase(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function alike(known: string, name: string): boolean {
  return name.length >= 3 && (known.includes(name) || name.includes(known));
}

/** Letters to insert, delete or replace to make one text of the other (Levenshtein). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
