/**
 * Products of matrices, each factor read where it lies, transposed or not. A tile of results stays in registers. With
 * a second factor that is not transposed its rows are read as vectors; where both factors run along the sum, vectors
 * run along it too.
 */
import { FunctionBuilder, type Value } from '../assembler.ts';
import type { WasmDevice } from '../device.ts';
import { UNIT_PARAMETERS } from '../processor.ts';
import { lanes, sumOfLanes } from '../vectors.ts';
import { cutIntoTiles, type Region, type Tile } from './tiles.ts';

/** A batch of products [rows, sum] times [sum, columns]; strides are in elements. */
export interface MatrixProduct {
  readonly batch: number;
  readonly rows: number;
  readonly sum: number;
  readonly columns: number;
  /** Of the first factor. */
  readonly a: FactorLayout;
  readonly b: FactorLayout;
}

/** Where a factor's elements lie. */
export interface FactorLayout {
  /** Address in bytes. */
  readonly address: number;
  /** From one matrix of the batch to the next. */
  readonly batchStride: number;
  readonly transposed: boolean;
}

/** Writes the products, [batch, rows, columns]. Not for two transposed factors. */
export function multiplyMatrices(device: WasmDevice, product: MatrixProduct, result: number): void {
  const { batch, rows, sum, columns, a, b } = product;
  const along = b.transposed;
  const regions = along ? dotRegions(rows, columns) : cutIntoTiles(rows, columns, Math.min(4, rows), unitsOf);
  for (const region of regions) {
    const { rows: tall, units, lanes: width } = region;
    const program = device.processor.program(`product/${along}/${tall}/${units}/${width}`, () =>
      along ? dotProgram(region) : rowProgram(region),
    );
    const tiles = region.rowTiles * region.columnTiles;
    device.processor.run(program, batch * tiles, (batch * tiles * tall * units * width * sum) / 4, [
      ...[a.address, b.address, result, rows, sum, columns, a.batchStride, b.batchStride],
      ...(a.transposed ? [1, rows] : [sum, 1]),
      ...[region.firstRow, region.rowTiles, region.firstColumn, region.columnTiles],
    ]);
  }
}

const unitsOf = (rows: number): number => (rows > 2 ? 2 : 4);

/** Tiles of single results, two rows by four columns. */
function dotRegions(rows: number, columns: number): Region[] {
  const parts = (total: number, size: number): { first: number; tiles: number; size: number }[] =>
    [
      { first: 0, tiles: Math.floor(total / size), size },
      { first: total - (total % size), tiles: 1, size: total % size },
    ].filter((part) => part.size > 0 && part.tiles > 0);
  return parts(rows, 2).flatMap((band) =>
    parts(columns, 4).map((column) => ({
      ...{ firstRow: band.first, rowTiles: band.tiles, rows: band.size },
      ...{ firstColumn: column.first, columnTiles: column.tiles, units: column.size, lanes: 1 as const },
    })),
  );
}

/** Where a tile lies. */
interface Place {
  readonly row: Value;
  readonly column: Value;
  /** Addresses of the present matrices. */
  readonly a: Value;
  readonly b: Value;
  readonly result: Value;
  readonly sum: Value;
  readonly columns: Value;
  /** Elements from one row of the first factor to the next, and along a row. */
  readonly rowStride: Value;
  readonly sumStride: Value;
}

function tileProgram(tile: Tile, body: (builder: FunctionBuilder, place: Place) => void): FunctionBuilder {
  const builder = new FunctionBuilder([
    ...UNIT_PARAMETERS,
    ...Array.from({ length: 14 }, () => 'i32' as const),
  ]);
  const [begin, end, , a, b, result, rows, sum, columns, aBatch, bBatch, rowStride, sumStride, ...region] =
    builder.parameters as [
      ...[Value, Value, Value, Value, Value, Value, Value, Value, Value, Value, Value, Value, Value],
      ...Value[],
    ];
  const [firstRow, rowTiles, firstColumn, columnTiles] = region as [Value, Value, Value, Value];
  const tiles = builder.multiply(rowTiles, columnTiles);
  const matrix = (address: Value, index: Value, stride: Value): Value =>
    builder.add(address, builder.multiply(builder.multiply(index, stride), 4));
  builder.forEach(begin, end, (unit) => {
    const index = builder.run('i32.div_u', unit, tiles);
    const tileIndex = builder.run('i32.rem_u', unit, tiles);
    // Neighbouring tiles share the columns of the second factor, which is the larger panel.
    const column = builder.multiply(builder.run('i32.div_u', tileIndex, rowTiles), tile.units * tile.lanes);
    const row = builder.multiply(builder.run('i32.rem_u', tileIndex, rowTiles), tile.rows);
    body(builder, {
      row: builder.add(firstRow, row),
      column: builder.add(firstColumn, column),
      a: matrix(a, index, aBatch),
      b: matrix(b, index, bBatch),
      result: matrix(result, index, builder.multiply(rows, columns)),
      ...{ sum, columns, rowStride, sumStride },
    });
  });
  return builder;
}

/** Addresses of an element in a row and the rows after it. */
function rowsFrom(
  builder: FunctionBuilder,
  count: number,
  matrix: Value,
  row: Value,
  stride: Value,
  column?: Value,
): Value[] {
  const index = builder.multiply(row, stride);
  const first = builder.add(
    matrix,
    builder.multiply(column === undefined ? index : builder.add(index, column), 4),
  );
  const rowBytes = builder.multiply(stride, 4);
  const addresses = [builder.copy(first)];
  while (addresses.length < count) addresses.push(builder.add(addresses.at(-1)!, rowBytes));
  return addresses;
}

function rowProgram(tile: Tile): FunctionBuilder {
  return tileProgram(tile, (builder, place) => {
    const m = lanes(builder, tile.lanes);
    const sums = Array.from({ length: tile.rows }, () => Array.from({ length: tile.units }, () => m.zero()));
    const a = rowsFrom(builder, tile.rows, place.a, place.row, place.rowStride);
    const b = builder.add(place.b, builder.multiply(place.column, 4));
    const along = builder.multiply(place.sumStride, 4);
    const down = builder.multiply(place.columns, 4);
    builder.forEach(0, place.sum, () => {
      const row = Array.from({ length: tile.units }, (_, unit) => m.load(b, 4 * unit * tile.lanes));
      for (const [i, address] of a.entries()) {
        const factor = m.loadSplat(address);
        for (const [unit, other] of row.entries()) {
          builder.assign(sums[i]![unit]!, m.add(sums[i]![unit]!, m.mul(factor, other)));
        }
        builder.advance(address, along);
      }
      builder.advance(b, down);
    });
    const results = rowsFrom(builder, tile.rows, place.result, place.row, place.columns, place.column);
    for (const [i, address] of results.entries()) {
      for (const [unit, sum] of sums[i]!.entries()) builder.store(address, sum, 4 * unit * tile.lanes);
    }
  });
}

function dotProgram(tile: Tile): FunctionBuilder {
  return tileProgram(tile, (builder, place) => {
    const a = rowsFrom(builder, tile.rows, place.a, place.row, place.sum);
    const b = rowsFrom(builder, tile.units, place.b, place.column, place.sum);
    const rest = builder.run('i32.and', place.sum, builder.integer(3));
    const whole = builder.run('i32.sub', place.sum, rest);
    const sweep = (width: 1 | 4, count: Value): Value[][] => {
      const m = lanes(builder, width);
      const sums = a.map(() => b.map(() => m.zero()));
      const done = builder.copy(builder.integer(0));
      builder.whileBelow(done, count, () => {
        const left = a.map((address) => m.load(address));
        const right = b.map((address) => m.load(address));
        for (const [i, x] of left.entries()) {
          for (const [j, y] of right.entries()) {
            builder.assign(sums[i]![j]!, m.add(sums[i]![j]!, m.mul(x, y)));
          }
        }
        for (const address of [...a, ...b]) builder.advance(address, 4 * width);
        builder.advance(done, width);
      });
      return sums;
    };
    const vectors = sweep(4, whole);
    const singles = sweep(1, rest);
    const results = rowsFrom(builder, tile.rows, place.result, place.row, place.columns, place.column);
    for (const [i, address] of results.entries()) {
      for (let j = 0; j < tile.units; j++) {
        const total = builder.run('f32.add', sumOfLanes(builder, vectors[i]![j]!), singles[i]![j]!);
        builder.store(address, total, 4 * j);
      }
    }
  });
}
