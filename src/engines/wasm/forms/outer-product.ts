/**
 * Sums of outer products: the gradient of a convolution's filter, and with it products of a transposed matrix. For
 * every tap of the filter, result[ci, co] = sum over pixels of input[pixel + tap, ci] * gradient[pixel, co]. Both
 * factors are read where they lie, so nothing is laid out anew. A tile of results stays in registers while it goes
 * through a part of the maps that fits the cache; a unit of work is a tile.
 */
import { FunctionBuilder, type Value } from '../assembler.ts';
import type { WasmDevice } from '../device.ts';
import { UNIT_PARAMETERS } from '../processor.ts';
import { lanes } from '../vectors.ts';
import { cutIntoTiles, type Tile } from './tiles.ts';

/** Sizes of a convolution, as its filter's gradient needs them. */
export interface OuterProduct {
  readonly maps: number;
  readonly height: number;
  readonly width: number;
  readonly inputs: number;
  readonly outputHeight: number;
  readonly outputWidth: number;
  readonly outputs: number;
  readonly filterHeight: number;
  readonly filterWidth: number;
  readonly stride: number;
  readonly padTop: number;
  readonly padLeft: number;
}

/** Bytes of both factors that a tile goes through before the next tile does. */
const PART_BYTES = 49152;

/** Adds the sums to `result`, [filter height, filter width, inputs, outputs], which must hold zeros. */
export function addOuterProducts(
  device: WasmDevice,
  sizes: OuterProduct,
  input: number,
  gradient: number,
  result: number,
): void {
  const { maps, outputHeight, outputWidth, filterHeight, filterWidth } = sizes;
  const rowBytes = 4 * (sizes.width * sizes.inputs * sizes.stride + outputWidth * sizes.outputs);
  const partRows = Math.max(1, Math.min(outputHeight, Math.floor(PART_BYTES / rowBytes)));
  const partMaps =
    partRows < outputHeight ? 1 : Math.max(1, Math.floor(PART_BYTES / (rowBytes * outputHeight)));
  const ranges = tapRanges(sizes);
  const table = device.processor.scratch(ranges.length);
  device.processor.integers(table, ranges.length).set(ranges);
  for (const region of cutIntoTiles(sizes.inputs, sizes.outputs, Math.min(4, sizes.inputs), unitsOf)) {
    const key = `outerProduct/${JSON.stringify([sizes, region.rows, region.units, region.lanes])}`;
    const program = device.processor.program(key.replace(`"maps":${maps},`, ''), () =>
      tileProgram(sizes, region),
    );
    const units = filterHeight * filterWidth * region.rowTiles * region.columnTiles;
    const work = (units * maps * outputHeight * outputWidth * region.rows * region.units * region.lanes) / 8;
    device.processor.run(program, units, work, [
      ...[input, gradient, result, table, maps, partMaps, partRows],
      ...[region.firstRow, region.rowTiles, region.firstColumn, region.columnTiles],
    ]);
  }
}

/** First and end output row of every filter row, then first and end output column of every filter column. */
function tapRanges(sizes: OuterProduct): number[] {
  const range = (tap: number, pad: number, side: number, outputs: number): [number, number] => {
    const first = Math.max(0, Math.ceil((pad - tap) / sizes.stride));
    const end = Math.min(outputs, Math.floor((side - 1 + pad - tap) / sizes.stride) + 1);
    return [first, Math.max(first, end)];
  };
  const rows = Array.from({ length: sizes.filterHeight }, (_, tap) =>
    range(tap, sizes.padTop, sizes.height, sizes.outputHeight),
  );
  const columns = Array.from({ length: sizes.filterWidth }, (_, tap) =>
    range(tap, sizes.padLeft, sizes.width, sizes.outputWidth),
  );
  return [...rows, ...columns].flat();
}

/** Sums that fit the registers beside the factors. */
const unitsOf = (rows: number): number => (rows > 2 ? 2 : 4);

function tileProgram(sizes: OuterProduct, tile: Tile): FunctionBuilder {
  const { stride, width, height, inputs, outputWidth, outputHeight, outputs, filterWidth } = sizes;
  const builder = new FunctionBuilder([
    ...UNIT_PARAMETERS,
    ...Array.from({ length: 11 }, () => 'i32' as const),
  ]);
  const [begin, end, , input, gradient, result, table, maps, partMaps, partRows, ...region] =
    builder.parameters as [Value, Value, Value, Value, Value, Value, Value, Value, Value, Value, ...Value[]];
  const [firstInput, inputTiles, firstOutput, outputTiles] = region as [Value, Value, Value, Value];
  const rowsOfMaps = builder.integer(outputHeight);
  const m = lanes(builder, tile.lanes);
  const outputsOfTile = tile.units * tile.lanes;

  eachPart(builder, maps, partMaps, (firstMap, endMap) => {
    eachPart(builder, rowsOfMaps, partRows, (firstRow, endRow) => {
      builder.forEach(begin, end, (unit) => {
        // Neighbouring units share their inputs.
        const ci = builder.add(
          firstInput,
          builder.multiply(
            builder.run('i32.rem_u', builder.run('i32.div_u', unit, outputTiles), inputTiles),
            tile.rows,
          ),
        );
        const co = builder.add(
          firstOutput,
          builder.multiply(builder.run('i32.rem_u', unit, outputTiles), outputsOfTile),
        );
        const tap = builder.run('i32.div_u', unit, builder.run('i32.mul', inputTiles, outputTiles));
        const tapRow = builder.run('i32.div_u', tap, builder.integer(filterWidth));
        const tapColumn = builder.run('i32.rem_u', tap, builder.integer(filterWidth));
        const range = (index: Value): [Value, Value] => {
          const place = builder.add(table, builder.multiply(index, 8));
          return [builder.load('i32', place), builder.load('i32', place, 4)];
        };
        const [rowBegin, rowEnd] = range(tapRow);
        const [columnBegin, columnEnd] = range(builder.add(tapColumn, sizes.filterHeight));
        const fromRow = maximum(builder, rowBegin, firstRow);
        const toRow = builder.minimum(rowEnd, endRow);
        const place = builder.add(
          result,
          builder.multiply(
            builder.add(builder.multiply(builder.add(builder.multiply(tap, inputs), ci), outputs), co),
            4,
          ),
        );
        const at = (i: number, unit: number): number => 4 * (i * outputs + unit * tile.lanes);
        const sums = Array.from({ length: tile.rows }, (_, i) =>
          Array.from({ length: tile.units }, (_, u) => builder.copy(m.load(place, at(i, u)))),
        );
        const inputColumn = builder.add(
          builder.multiply(columnBegin, stride),
          builder.add(tapColumn, -sizes.padLeft),
        );
        builder.forEach(firstMap, endMap, (map) => {
          builder.forEach(fromRow, toRow, (row) => {
            const inputRow = builder.add(builder.multiply(row, stride), builder.add(tapRow, -sizes.padTop));
            const pixel = builder.add(
              builder.multiply(builder.add(builder.multiply(map, height), inputRow), width),
              inputColumn,
            );
            const x = builder.add(
              input,
              builder.multiply(builder.add(builder.multiply(pixel, inputs), ci), 4),
            );
            const outputPixel = builder.add(
              builder.multiply(builder.add(builder.multiply(map, outputHeight), row), outputWidth),
              columnBegin,
            );
            const dy = builder.add(
              gradient,
              builder.multiply(builder.add(builder.multiply(outputPixel, outputs), co), 4),
            );
            builder.forEach(columnBegin, columnEnd, () => {
              const factors = Array.from({ length: tile.units }, (_, u) => m.load(dy, 4 * u * tile.lanes));
              for (let i = 0; i < tile.rows; i++) {
                const factor = m.loadSplat(x, 4 * i);
                for (const [u, other] of factors.entries()) {
                  builder.assign(sums[i]![u]!, m.add(sums[i]![u]!, m.mul(factor, other)));
                }
              }
              builder.advance(x, 4 * stride * inputs);
              builder.advance(dy, 4 * outputs);
            });
          });
        });
        for (const [i, row] of sums.entries()) {
          for (const [u, sum] of row.entries()) builder.store(place, sum, at(i, u));
        }
      });
    });
  });
  return builder;
}

/** Cuts 0 to `total` into parts of `size`, the last one shorter. */
function eachPart(
  builder: FunctionBuilder,
  total: Value,
  size: Value,
  body: (begin: Value, end: Value) => void,
): void {
  const begin = builder.copy(builder.integer(0));
  builder.whileBelow(begin, total, () => {
    body(begin, builder.minimum(builder.add(begin, size), total));
    builder.advance(begin, size);
  });
}

function maximum(builder: FunctionBuilder, a: Value, b: Value): Value {
  const larger = builder.copy(a);
  builder.when(builder.run('i32.lt_u', a, b), () => builder.assign(larger, b));
  return larger;
}
