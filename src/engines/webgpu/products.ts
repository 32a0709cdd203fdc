/**
 * Products of matrices, and what is one: a convolution, whose left matrix is gathered from the maps, and both its
 * gradients. A group of threads computes a tile of the result, 4 rows by `breadth` columns a thread; where tiles are
 * few the inner axis is shared out too, and partial results are added up in a second shader.
 */
import { sumRows } from './columns.ts';
import { type Operand, type Shader, THREADS, type WebGpuDevice } from './device.ts';

/** Result [rows, columns], and the axis that is summed over. */
export interface ProductSizes {
  readonly rows: number;
  readonly inner: number;
  readonly columns: number;
}

/** How a matrix is read: an expression of WGSL, and the index that neighbours in memory differ by. */
export interface Factor {
  /** Statements that return the value at (`row`, `inner`) of the left, (`inner`, `column`) of the right matrix. */
  readonly value: string;
  /** True: neighbours differ by the inner index. */
  readonly innerFirst: boolean;
}

/** A product. */
export interface Product {
  /** What the shader is made of, as a name. */
  readonly kind: string;
  readonly left: Factor;
  readonly right: Factor;
  /** Buffers `a` and `b`. */
  readonly factors: readonly [Operand, Operand];
  /** Numbers that the factors read, by name: whole ones. */
  readonly numbers?: Readonly<Record<string, number>>;
  /** [columns], added to every row. */
  readonly bias?: Operand;
}

/** Rows of a tile, and inner indices of a step. */
const ROWS = 64;
const INNER = 16;
/** Inner indices of a share below which a second shader does not pay, and tiles from which it does not. */
const SHARE = 256;
const TILES = 64;

/** Computes a product into `output`. */
export function multiply(
  device: WebGpuDevice,
  name: string,
  sizes: ProductSizes,
  product: Product,
  output: Operand,
): void {
  const { rows, inner, columns } = sizes;
  if (rows * columns === 0) return;
  const { kind, left, right, factors, numbers = {}, bias } = product;
  const breadth = columns >= 48 ? 4 : columns >= 24 ? 2 : 1;
  const tileRows = Math.ceil(rows / ROWS);
  const tileColumns = Math.ceil(columns / (16 * breadth));
  const tiles = tileRows * tileColumns;
  const wanted = bias !== undefined || tiles >= TILES ? 1 : Math.ceil((4 * TILES) / tiles);
  const splits = Math.max(1, Math.min(wanted, Math.floor(inner / SHARE)));
  const share = Math.ceil(inner / splits / INNER) * INNER;
  const used = Math.max(1, Math.ceil(inner / Math.max(1, share)));
  const target = used === 1 ? output : device.scratch(used * rows * columns);
  device.run(
    name,
    `${kind} ${breadth} ${bias !== undefined}`,
    () => shaderOf(left, right, Object.keys(numbers), { breadth, biased: bias !== undefined }),
    {
      reads: [...factors, ...(bias === undefined ? [] : [bias])],
      writes: [target],
      numbers: [
        ...[tiles * used, tileRows, tileColumns, rows, inner, columns, share],
        ...Object.values(numbers),
      ],
      groups: tiles * used,
    },
  );
  if (used > 1) sumRows(device, name, target, output, { outer: 1, rows: used, columns: rows * columns });
}

function shaderOf(
  left: Factor,
  right: Factor,
  numbers: readonly string[],
  { breadth, biased }: { readonly breadth: number; readonly biased: boolean },
): Shader {
  const width = 16 * breadth;
  const columns = Array.from({ length: breadth }, (_, index) => index);
  const vector = breadth === 1 ? 'f32' : `vec${breadth}<f32>`;
  const component = (index: number): string => (breadth === 1 ? '' : `[${index}]`);
  const place = (innerFirst: boolean, along: number): string =>
    innerFirst
      ? `let k = e % ${INNER}u; let at = e / ${INNER}u;`
      : `let at = e % ${along}u; let k = e / ${along}u;`;
  return {
    reads: ['a', 'b', ...(biased ? ['bias'] : [])],
    writes: ['result'],
    numbers: {
      ...{ groups: 'u32', tileRows: 'u32', tileColumns: 'u32' },
      ...{ rows: 'u32', inner: 'u32', columns: 'u32', share: 'u32' },
      ...Object.fromEntries(numbers.map((name) => [name, 'i32' as const])),
    },
    declarations: `
var<workgroup> lefts : array<array<f32, ${ROWS}>, ${INNER}>;
var<workgroup> rights : array<array<f32, ${width}>, ${INNER}>;
fn left(row : u32, inner : u32) -> f32 { ${left.value} }
fn right(inner : u32, column : u32) -> f32 { ${right.value} }`,
    body: `
if (group >= n.groups) { return; }
let firstColumn = (group % n.tileColumns) * ${width}u;
let firstRow = ((group / n.tileColumns) % n.tileRows) * ${ROWS}u;
let split = group / (n.tileColumns * n.tileRows);
let end = min(n.inner, (split + 1u) * n.share);
let threadColumn = (lane % 16u) * ${breadth}u;
let threadRow = (lane / 16u) * 4u;
var sums : array<${vector}, 4>;
for (var step = split * n.share; step < end; step += ${INNER}u) {
  for (var e = lane; e < ${ROWS * INNER}u; e += ${THREADS}u) {
    ${place(left.innerFirst, ROWS)}
    var value = 0f;
    if (firstRow + at < n.rows && step + k < end) { value = left(firstRow + at, step + k); }
    lefts[k][at] = value;
  }
  for (var e = lane; e < ${width * INNER}u; e += ${THREADS}u) {
    ${place(right.innerFirst, width)}
    var value = 0f;
    if (firstColumn + at < n.columns && step + k < end) { value = right(step + k, firstColumn + at); }
    rights[k][at] = value;
  }
  workgroupBarrier();
  for (var k = 0u; k < ${INNER}u; k++) {
    let across = ${vector}(${columns.map((index) => `rights[k][threadColumn + ${index}u]`).join(', ')});
    for (var i = 0u; i < 4u; i++) { sums[i] += lefts[k][threadRow + i] * across; }
  }
  workgroupBarrier();
}
for (var i = 0u; i < 4u; i++) {
  let row = firstRow + threadRow + i;
  let sum = sums[i];
${columns
  .map(
    (index) => `  {
    let column = firstColumn + threadColumn + ${index}u;
    if (row < n.rows && column < n.columns) {
      result[(split * n.rows + row) * n.columns + column] = sum${component(index)}${biased ? ' + bias[column]' : ''};
    }
  }`,
  )
  .join('\n')}
}`,
  };
}
