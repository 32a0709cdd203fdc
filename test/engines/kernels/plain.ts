/** The kernels written out in double precision, as plainly as they can be: what engines are compared with. */

/** Values with their shape. */
export interface Plain {
  readonly shape: readonly number[];
  readonly values: Float64Array;
}

export const sizeOf = (shape: readonly number[]): number => shape.reduce((size, side) => size * side, 1);

export function plain(shape: readonly number[], value: (index: number) => number): Plain {
  return { shape, values: Float64Array.from({ length: sizeOf(shape) }, (_, index) => value(index)) };
}

type Four = [number, number, number, number];

export interface PlainPadding {
  readonly stride: number;
  readonly top: number;
  readonly left: number;
  /** Of the output. */
  readonly height: number;
  readonly width: number;
}

export function convolution(
  input: Plain,
  filter: Plain,
  { stride, top, left, height, width }: PlainPadding,
): Plain {
  const [maps, rows, columns, inputs] = input.shape as Four;
  const [filterRows, filterColumns, , outputs] = filter.shape as Four;
  return plain([maps, height, width, outputs], (index) => {
    const co = index % outputs;
    const pixel = Math.floor(index / outputs);
    const [x, y, map] = [
      pixel % width,
      Math.floor(pixel / width) % height,
      Math.floor(pixel / (width * height)),
    ];
    let sum = 0;
    for (let dy = 0; dy < filterRows; dy++) {
      for (let dx = 0; dx < filterColumns; dx++) {
        const [row, column] = [y * stride + dy - top, x * stride + dx - left];
        if (row < 0 || row >= rows || column < 0 || column >= columns) continue;
        for (let ci = 0; ci < inputs; ci++) {
          sum +=
            input.values[((map * rows + row) * columns + column) * inputs + ci]! *
            filter.values[((dy * filterColumns + dx) * inputs + ci) * outputs + co]!;
        }
      }
    }
    return sum;
  });
}

/** Statistics of everything but the channels, or of each step (axis 1). */
export function batchNorm(
  input: Plain,
  gamma: Plain,
  beta: Plain,
  epsilon: number,
  perStep: boolean,
): Plain[] {
  const channels = input.shape.at(-1)!;
  const steps = perStep ? input.shape[1]! : 1;
  const inner = perStep ? sizeOf(input.shape.slice(2)) : input.values.length;
  const groupOf = (index: number): number =>
    (perStep ? Math.floor(index / inner) % steps : 0) * channels + (index % channels);
  const count = input.values.length / (steps * channels);
  const [means, squares] = [new Float64Array(steps * channels), new Float64Array(steps * channels)];
  input.values.forEach((value, index) => {
    means[groupOf(index)]! += value / count;
  });
  input.values.forEach((value, index) => {
    squares[groupOf(index)]! += (value - means[groupOf(index)]!) ** 2;
  });
  const output = plain(input.shape, (index) => {
    const group = groupOf(index);
    const normal = (input.values[index]! - means[group]!) / Math.sqrt(squares[group]! / count + epsilon);
    return normal * gamma.values[index % channels]! + beta.values[index % channels]!;
  });
  const shape = perStep ? [steps, channels] : [channels];
  return [
    output,
    plain(shape, (group) => means[group]!),
    plain(shape, (group) => squares[group]! / Math.max(1, count - 1)),
  ];
}

export function pool(input: Plain, size: number, join: (values: number[]) => number): Plain {
  const [maps, rows, columns, channels] = input.shape as Four;
  const [height, width] = [Math.floor(rows / size), Math.floor(columns / size)];
  return plain([maps, height, width, channels], (index) => {
    const channel = index % channels;
    const square = Math.floor(index / channels);
    const [x, y] = [square % width, Math.floor(square / width) % height];
    const map = Math.floor(square / (width * height));
    const values: number[] = [];
    for (let dy = 0; dy < size; dy++) {
      for (let dx = 0; dx < size; dx++) {
        const pixel = (map * rows + y * size + dy) * columns + x * size + dx;
        values.push(input.values[pixel * channels + channel]!);
      }
    }
    return join(values);
  });
}

/** [batch, rows, sum] times [batch, sum, columns], each transposed or not; a batch of 1 is used for all. */
export function product(a: Plain, b: Plain, transposeA: boolean, transposeB: boolean): Plain {
  const [aBatch, aRows, aColumns] = a.shape as [number, number, number];
  const [bBatch, bRows, bColumns] = b.shape as [number, number, number];
  const [rows, sum] = transposeA ? [aColumns, aRows] : [aRows, aColumns];
  const columns = transposeB ? bRows : bColumns;
  return plain([Math.max(aBatch, bBatch), rows, columns], (index) => {
    const column = index % columns;
    const row = Math.floor(index / columns) % rows;
    const batch = Math.floor(index / (rows * columns));
    let total = 0;
    for (let k = 0; k < sum; k++) {
      const [ai, aj] = transposeA ? [k, row] : [row, k];
      const [bi, bj] = transposeB ? [column, k] : [k, column];
      total +=
        a.values[((batch % aBatch) * aRows + ai) * aColumns + aj]! *
        b.values[((batch % bBatch) * bRows + bi) * bColumns + bj]!;
    }
    return total;
  });
}

/** The gradient of sum(weights * compute(inputs)) by central differences, for every value of every input. */
export function differences(
  compute: (inputs: readonly Plain[]) => Plain,
  inputs: readonly Plain[],
  weights: Plain,
  width = 1e-4,
): Plain[] {
  const at = (which: number, index: number, change: number): number => {
    const moved = inputs.map((input, i) =>
      i === which ? plain(input.shape, (j) => input.values[j]! + (j === index ? change : 0)) : input,
    );
    return compute(moved).values.reduce((sum, value, i) => sum + value * weights.values[i]!, 0);
  };
  return inputs.map((input, which) =>
    plain(input.shape, (index) => (at(which, index, width) - at(which, index, -width)) / (2 * width)),
  );
}
