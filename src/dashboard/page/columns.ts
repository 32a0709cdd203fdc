/** The last `limit` rows as columns, as uPlot draws them. */
export class Columns {
  readonly data: (number | null)[][];
  readonly #limit: number;

  /** @param width columns of a row */
  constructor(width: number, limit: number = Number.POSITIVE_INFINITY) {
    this.data = Array.from({ length: width }, () => []);
    this.#limit = limit;
  }

  get length(): number {
    return this.data[0]?.length ?? 0;
  }

  push(row: readonly (number | null | undefined)[]): void {
    for (const [index, column] of this.data.entries()) {
      column.push(row[index] ?? null);
      // Many at a time: each removal moves all that stays.
      if (column.length > 1.25 * this.#limit) column.splice(0, column.length - this.#limit);
    }
  }

  /** The last value of a column. */
  last(column: number): number | null {
    return this.data[column]?.at(-1) ?? null;
  }
}
