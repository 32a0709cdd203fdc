/** What becomes of rows beyond the limit: the oldest go, or every other one. */
export type Excess = 'drop' | 'thin';

/** Rows as columns, as uPlot draws them: the last ones, or all of them, the older the sparser. */
export class Columns {
  readonly data: (number | null)[][];
  readonly #limit: number;
  readonly #excess: Excess;

  /** @param width columns of a row */
  constructor(width: number, limit: number = Number.POSITIVE_INFINITY, excess: Excess = 'drop') {
    this.data = Array.from({ length: width }, () => []);
    this.#limit = limit;
    this.#excess = excess;
  }

  get length(): number {
    return this.data[0]?.length ?? 0;
  }

  push(row: readonly (number | null | undefined)[]): void {
    for (const [index, column] of this.data.entries()) column.push(row[index] ?? null);
    const { length } = this;
    if (length <= 1.25 * this.#limit) return; // many at a time: each removal moves all that stays
    this.data.forEach((column, index) => {
      if (this.#excess === 'drop') column.splice(0, length - this.#limit);
      else this.data[index] = column.filter((_, each) => (length - each) % 2 === 1);
    });
  }

  /** The last value of a column. */
  last(column: number): number | null {
    return this.data[column]?.at(-1) ?? null;
  }
}
