/** Sizes of a plot in characters, without its axis. */
export interface TextPlotSize {
  readonly width: number;
  readonly height: number;
}

/** Dots of a braille character by column and row, as bits of its code. */
const DOTS = [
  [0x01, 0x02, 0x04, 0x40],
  [0x08, 0x10, 0x20, 0x80],
] as const;
const BRAILLE = 0x2800;

/**
 * A curve as lines of text, two by four dots a character, with the largest and smallest value at the left.
 * @param values of the curve from left to right, evenly spaced
 */
export function textPlot(values: readonly number[], { width, height }: TextPlotSize): string[] {
  const [low, high] = [Math.min(0, ...values), Math.max(...values)];
  const [columns, rows] = [2 * width, 4 * height];
  const codes = Array.from({ length: height }, () => new Uint8Array(width));
  const rowOf = (value: number): number =>
    high === low ? rows - 1 : Math.round(((high - value) / (high - low)) * (rows - 1));
  const valueAt = (column: number): number =>
    values[Math.round((column / (columns - 1)) * (values.length - 1))]!;
  for (let column = 0; column < columns; column++) {
    const row = rowOf(valueAt(column));
    // A steep curve is drawn from where the column before ended.
    const before = column === 0 ? row : rowOf(valueAt(column - 1));
    const from = row === before ? row : before + Math.sign(row - before);
    for (let each = Math.min(from, row); each <= Math.max(from, row); each++) {
      codes[each >> 2]![column >> 1]! |= DOTS[column & 1]![each & 3]!;
    }
  }
  const labels = [high, low].map((value) => String(Number(value.toPrecision(3))));
  const margin = Math.max(...labels.map((label) => label.length));
  return codes.map((line, index) => {
    const label = index === 0 ? labels[0]! : index === height - 1 ? labels[1]! : '';
    return `${label.padStart(margin)} ${String.fromCharCode(...Array.from(line, (code) => BRAILLE + code))}`;
  });
}

/** Blocks of lines side by side, padded to each block's width. */
export function sideBySide(blocks: readonly (readonly string[])[], between = '   '): string[] {
  const height = Math.max(...blocks.map((lines) => lines.length));
  const widths = blocks.map((lines) => Math.max(...lines.map((line) => line.length)));
  return Array.from({ length: height }, (_, row) =>
    blocks
      .map((lines, index) => (lines[row] ?? '').padEnd(widths[index]!))
      .join(between)
      .trimEnd(),
  );
}
