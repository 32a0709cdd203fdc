import type { SensorSize } from '../../../events.ts';
import { columnsOfNames, columnsOfOption, type EventColumns, guessColumns } from '../event-columns.ts';
import type { DecodeOptions, TimeUnit } from '../format.ts';

/** How the rows of a text are to be read. */
export interface TextLayout {
  readonly columns: EventColumns;
  readonly timeUnit: TimeUnit;
  /** As a line before the rows says. */
  readonly sensor: SensorSize | undefined;
  /** Where the rows begin in the text. */
  readonly start: number;
  /** Rows that were looked at; 0 where only names of columns are there. */
  readonly rows: number;
}

/** Bytes that are looked at to tell the layout. */
export const LAYOUT_BYTES: number = 1 << 15;

const MOST_ROWS = 400;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const TRUTH = /^(true|false)$/i;

/**
 * The layout of a text by its first lines: comments (`#`, `%`), a line with the sensor's size or the columns' names,
 * then rows. Undefined where they are none that holds events.
 * @param head the first bytes
 * @param whole whether the text ends with them
 */
export function findLayout(head: Uint8Array, whole: boolean, options: DecodeOptions): TextLayout | undefined {
  const text = Buffer.from(head.buffer, head.byteOffset, head.length).toString('latin1');
  if (/[^\t\r\n\x20-\x7e\x80-\xff]/.test(text)) return undefined;
  let names: EventColumns | undefined;
  let sensor: SensorSize | undefined;
  let start = 0;
  const rows: number[][] = [];
  let fraction = false;
  for (let at = 0; at < text.length && rows.length < MOST_ROWS; ) {
    const newline = text.indexOf('\n', at);
    if (newline < 0 && !whole) break; // a part of a line
    const end = newline < 0 ? text.length : newline;
    const line = text.slice(at, end).trim();
    const next = end + 1;
    at = next;
    if (line === '') continue;
    const comment = /^[#%]/.test(line);
    const fields = line
      .replace(/^[#%]+\s*/, '')
      .split(/[\s,;]+/)
      .filter((field) => field !== '');
    const numeric = fields.every((field) => NUMBER.test(field) || TRUTH.test(field));
    if (comment || !numeric) {
      if (rows.length > 0 && !comment) break; // the decoder will say what is wrong with it
      if (rows.length === 0) {
        sensor ??= sizeIn(line);
        names ??= columnsOfNames(fields);
        if (!comment && names === undefined && sensor === undefined) return undefined;
        start = next;
      }
    } else if (rows.length === 0 && fields.length === 2 && sensor === undefined) {
      sensor = sizeOf(fields[0]!, fields[1]!);
      if (sensor === undefined) return undefined;
      start = next;
    } else {
      if (rows.length > 0 && fields.length !== rows[0]!.length) break;
      rows.push(fields.map(valueOfField));
      const time = (options.columns === undefined ? names : columnsOfOption(options.columns))?.t;
      fraction ||=
        time === undefined ? fields.some((field) => /[.e]/i.test(field)) : /[.e]/i.test(fields[time] ?? '');
    }
  }
  const columns =
    options.columns === undefined ? (names ?? guessColumns(rows)) : columnsOfOption(options.columns);
  if (columns === undefined || (rows[0]?.length ?? columns.count) < columns.count) return undefined;
  const timeUnit = options.timeUnit ?? columns.timeUnit ?? (fraction ? 's' : 'us');
  return { columns, timeUnit, sensor, start, rows: rows.length };
}

function valueOfField(field: string): number {
  return TRUTH.test(field) ? Number(field.toLowerCase() === 'true') : Number(field);
}

/** `%geometry:640,480`, `% geometry 640x480`. */
function sizeIn(line: string): SensorSize | undefined {
  const [, width, height] = /geometry\s*[: ]\s*(\d+)\s*[,x ]\s*(\d+)/i.exec(line) ?? [];
  return width === undefined ? undefined : sizeOf(width, height!);
}

function sizeOf(widthText: string, heightText: string): SensorSize | undefined {
  const [width, height] = [Number(widthText), Number(heightText)];
  const pixels = (value: number): boolean => Number.isInteger(value) && value > 0 && value <= 65536;
  return pixels(width) && pixels(height) ? { width, height } : undefined;
}
