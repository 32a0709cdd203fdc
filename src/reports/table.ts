/** How a column of a table stands. */
export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
}

/** Lines of plain text with aligned columns: titles, then rows; a last column that stands left is not padded. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const widths = columns.map((column, index) =>
    Math.max(column.title.length, ...rows.map((row) => row[index]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, index) =>
        columns[index]?.align === 'right' ? cell.padStart(widths[index]!) : cell.padEnd(widths[index]!),
      )
      .join('  ')
      .trimEnd();
  const body = rows.map(line);
  const titles = columns.some((column) => column.title !== '')
    ? [line(columns.map(({ title }) => title))]
    : [];
  return `${[...titles, ...body].join('\n')}\n`;
}

/** Two columns without titles: what is described, and its value; each line indented by two. */
export function description(entries: readonly (readonly [name: string, value: string])[]): string {
  return table(
    [{ title: '' }, { title: '' }],
    entries.map(([name, value]) => [`  ${name}`, value]),
  );
}
