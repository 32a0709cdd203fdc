/** How a matrix of results is cut into tiles that fit the registers. */

/** A tile: some rows by some units, each a vector of four columns or a single one. */
export interface Tile {
  readonly rows: number;
  readonly units: number;
  readonly lanes: 1 | 4;
}

/** Neighbouring tiles of one kind. */
export interface Region extends Tile {
  readonly firstRow: number;
  readonly rowTiles: number;
  readonly firstColumn: number;
  readonly columnTiles: number;
}

/**
 * Cuts `rows` x `columns` into regions of equal tiles: whole tiles, and the rests on both sides.
 * @param tall rows of a tile
 * @param unitsOf units of a tile with so many rows, so that all of its sums fit the registers
 */
export function cutIntoTiles(
  rows: number,
  columns: number,
  tall: number,
  unitsOf: (rows: number) => number,
): Region[] {
  const bands = [
    { firstRow: 0, rowTiles: Math.floor(rows / tall), rows: tall },
    { firstRow: rows - (rows % tall), rowTiles: 1, rows: rows % tall },
  ].filter((band) => band.rows > 0 && band.rowTiles > 0);
  return bands.flatMap((band) => {
    const units = unitsOf(band.rows);
    const whole = Math.floor(columns / (4 * units));
    const vectorsLeft = Math.floor((columns % (4 * units)) / 4);
    return [
      { ...band, firstColumn: 0, columnTiles: whole, units, lanes: 4 as const },
      {
        ...band,
        firstColumn: whole * 4 * units,
        columnTiles: Math.min(1, vectorsLeft),
        units: vectorsLeft,
        lanes: 4 as const,
      },
      {
        ...band,
        firstColumn: columns - (columns % 4),
        columnTiles: columns % 4,
        units: 1,
        lanes: 1 as const,
      },
    ].filter(({ columnTiles }) => columnTiles > 0);
  });
}
