/**
 * Which column of a table is which, for formats that leave it open (text, NumPy): by an option, by names, or by what
 * the first rows look like.
 */
import { OptionError } from '../../errors.ts';
import type { TimeUnit } from './format.ts';

/** Position of each column in a row. */
export interface EventColumns {
  readonly t: number;
  readonly x: number;
  readonly y: number;
  readonly p: number;
  /** Columns of a row. */
  readonly count: number;
  /** Unit of t, where its name says. */
  readonly timeUnit?: TimeUnit;
}

/** Microseconds in a unit of time. */
export const MICROS_IN: Readonly<Record<TimeUnit, number>> = { s: 1e6, ms: 1e3, us: 1, ns: 1e-3 };

/** Orders that files have, the more usual first. */
const ORDERS = ['txyp', 'xypt', 'xytp', 'tpxy'];

const NAMES: readonly [role: 't' | 'x' | 'y' | 'p', names: RegExp][] = [
  ['t', /^(?:t|ts|time|times|timestamps?)(?:[ _]?[[(]?(s|sec|ms|us|usec|µs|ns)[\])]?)?$/i],
  ['x', /^(?:x|xs|x_?pos|col|column|width)$/i],
  ['y', /^(?:y|ys|y_?pos|row|height)$/i],
  ['p', /^(?:p|ps|pol|pols|polarity|polarities|on|is_?on)$/i],
];

const UNITS: Readonly<Record<string, TimeUnit>> = {
  sec: 's',
  usec: 'us',
  µs: 'us',
  s: 's',
  ms: 'ms',
  us: 'us',
  ns: 'ns',
};

/** The columns that `DecodeOptions.columns` names: `txyp`, with - for one to pass over. */
export function columnsOfOption(order: string): EventColumns {
  const letters = [...order.toLowerCase()];
  const columns = positions((role) => letters.indexOf(role), letters.length);
  const repeated =
    new Set(letters.filter((letter) => letter !== '-')).size !== letters.filter((l) => l !== '-').length;
  if (columns === undefined || repeated || /[^txyp-]/.test(letters.join(''))) {
    throw new OptionError(
      `columns: expected the letters t, x, y and p once each, such as txyp, found ${JSON.stringify(order)}`,
    );
  }
  return columns;
}

/** The columns that have known names; undefined where one of the four is missing. */
export function columnsOfNames(names: readonly string[]): EventColumns | undefined {
  const trimmed = names.map((name) => name.trim().replace(/^["']|["']$/g, ''));
  const columns = positions((role) => {
    const pattern = NAMES.find(([known]) => known === role)![1];
    return trimmed.findIndex((name) => pattern.test(name));
  }, names.length);
  if (columns === undefined) return undefined;
  const unit = NAMES[0]![1].exec(trimmed[columns.t]!)?.[1];
  return unit === undefined ? columns : { ...columns, timeUnit: UNITS[unit.toLowerCase()]! };
}

/**
 * The columns that the first rows suggest; undefined where they suggest none: polarity is one of -1, 0 and 1, pixels
 * are small whole numbers, and time rises.
 */
export function guessColumns(rows: readonly (readonly number[])[]): EventColumns | undefined {
  const first = rows[0];
  if (first === undefined || first.length !== 4) return undefined;
  for (const order of ORDERS) {
    const columns = columnsOfOption(order);
    if (rows.every((row) => row.length === 4 && isEvent(row, columns)) && rises(rows, columns.t))
      return columns;
  }
  return undefined;
}

function positions(find: (role: 't' | 'x' | 'y' | 'p') => number, count: number): EventColumns | undefined {
  const columns = { t: find('t'), x: find('x'), y: find('y'), p: find('p'), count };
  return Math.min(columns.t, columns.x, columns.y, columns.p) < 0 ? undefined : columns;
}

function isEvent(row: readonly number[], { x, y, p }: EventColumns): boolean {
  const pixel = (value: number): boolean => value >= 0 && value < 65536;
  const polarity = row[p]!;
  return pixel(row[x]!) && pixel(row[y]!) && (polarity === 0 || polarity === 1 || polarity === -1);
}

/** Times rise but for one row in twenty; two rows tell, and one may be anything. */
function rises(rows: readonly (readonly number[])[], column: number): boolean {
  let backward = 0;
  for (let i = 1; i < rows.length; i++) if (rows[i]![column]! < rows[i - 1]![column]!) backward++;
  return backward * 20 <= rows.length;
}
