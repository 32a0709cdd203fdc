/**
 * Products of matrices, and what is one: a convolution, whose left matrix is gathered from the maps, and both its
 * gradients. A group of threads computes a tile of the result, whose shape follows the result's: what a thread reads of
 * shared memory for every product is least where its own part is large and square. Where tiles are few the inner axis is
 * shared out too, and partial results are added up in a second shader.
 */
import { sumRows } from './columns.ts';
import type { Operand, Shader, WebGpuDevice } from './device.ts';

/** Result [rows, columns], and the axis that is summed over. */
export interface ProductSizes {
  readonly rows: number;
  readonly inner: number;
  readonly columns: number;
}

/**
 * How a matrix is read, in WGSL. What an index means costs divisions, so each of the two is worked out on its own, as
 * rarely as can be.
 */
export interface Factor {
  /** Statements that return, as vec3<i32>, what the value needs of the outer index `index`: a row or a column. */
  readonly outer: string;
  /** The same of the inner index. */
  readonly inner: string;
  /** Statements that return the value from both, `o` and `i`. */
  readonly value: string;
  /** True: neighbours in memory differ by the inner index. */
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
  /** With a bias: whether negative results become zero. */
  readonly rectify?: boolean;
}

/** Threads of a group; inner indices of a step. */
const GROUP = 64;
const INNER = 16;
/** Inner indices of a share below which a second shader does not pay, and tiles from which it does not. */
const SHARE = 256;
const TILES = 128;

/** A matrix [outer, inner] in memory row by row, or [inner, outer]: `length` is the number of columns in memory. */
export function stored(buffer: 'a' | 'b', length: 'inner' | 'columns' | 'rows'): Factor {
  const plain = 'return vec3<i32>(i32(index), 0, 0);';
  const innerFirst = length === 'inner';
  const place = innerFirst ? `u32(o.x) * n.inner + u32(i.x)` : `u32(i.x) * n.${length} + u32(o.x)`;
  return { outer: plain, inner: plain, value: `return ${buffer}[${place}];`, innerFirst };
}

/** How a tile falls to the threads of a group. */
interface Tile {
  /** Threads side by side. */
  readonly across: number;
  /** Columns and rows of a thread. */
  readonly breadth: number;
  readonly height: number;
}

/** By the most columns that they suit; of narrow results a tile has more rows. */
const TILES_BY_COLUMNS: readonly (Tile & { readonly columns: number })[] = [
  { columns: 8, across: 2, breadth: 4, height: 4 },
  { columns: 16, across: 4, breadth: 4, height: 8 },
  { columns: 32, across: 8, breadth: 4, height: 8 },
  { columns: Number.POSITIVE_INFINITY, across: 8, breadth: 8, height: 8 },
];

/** The tile of a result, no higher than its rows. */
function tileOf({ rows, columns }: ProductSizes): Tile {
  const { across, breadth, height } = TILES_BY_COLUMNS.find((tile) => columns <= tile.columns)!;
  const needed = Math.max(1, Math.ceil((rows * across) / GROUP));
  return { across, breadth, height: Math.min(height, 2 ** Math.ceil(Math.log2(needed))) };
}

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
  const { kind, left, right, factors, numbers = {}, bias, rectify = false } = product;
  const tile = tileOf(sizes);
  const { across, breadth, height } = tile;
  const tileRows = Math.ceil(rows / ((GROUP / across) * height));
  const tileColumns = Math.ceil(columns / (across * breadth));
  const tiles = tileRows * tileColumns;
  const wanted = bias !== undefined || tiles >= TILES ? 1 : Math.ceil((4 * TILES) / tiles);
  const splits = Math.max(1, Math.min(wanted, Math.floor(inner / SHARE)));
  const share = Math.max(1, Math.ceil(inner / splits / INNER)) * INNER;
  const used = Math.max(1, Math.ceil(inner / share));
  const target = used === 1 ? output : device.scratch(used * rows * columns);
  device.run(
    name,
    `${kind} ${across} ${breadth} ${height} ${bias !== undefined} ${rectify}`,
    () => shaderOf(left, right, Object.keys(numbers), { ...tile, biased: bias !== undefined, rectify }),
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
  {
    across,
    breadth,
    height,
    biased,
    rectify,
  }: Tile & { readonly biased: boolean; readonly rectify: boolean },
): Shader {
  const width = across * breadth;
  const tall = (GROUP / across) * height;
  // A thread's columns as vectors of up to four.
  const lanes = Math.min(4, breadth);
  const vectors = breadth / lanes;
  const vector = lanes === 1 ? 'f32' : `vec${lanes}<f32>`;
  const each = (count: number, make: (index: number) => string, joint = '\n'): string =>
    Array.from({ length: count }, (_, index) => make(index)).join(joint);
  const columnsOf = (index: number): string =>
    each(lanes, (lane) => `rights[k][threadColumn + ${index * lanes + lane}u]`, ', ');
  const lefts = loader('left', left, tall, 'n.rows');
  const righter = loader('right', right, width, 'n.columns');
  return {
    reads: ['a', 'b', ...(biased ? ['bias'] : [])],
    writes: ['result'],
    threads: GROUP,
    numbers: {
      ...{ groups: 'u32', tileRows: 'u32', tileColumns: 'u32' },
      ...{ rows: 'u32', inner: 'u32', columns: 'u32', share: 'u32' },
      ...Object.fromEntries(numbers.map((name) => [name, 'i32' as const])),
    },
    declarations: `
var<workgroup> lefts : array<array<f32, ${tall}>, ${INNER}>;
var<workgroup> rights : array<array<f32, ${width}>, ${INNER}>;
${lefts.functions}
${righter.functions}`,
    body: `
if (group >= n.groups) { return; }
let rightFirst = (group % n.tileColumns) * ${width}u;
let leftFirst = ((group / n.tileColumns) % n.tileRows) * ${tall}u;
let split = group / (n.tileColumns * n.tileRows);
let end = min(n.inner, (split + 1u) * n.share);
let threadColumn = (lane % ${across}u) * ${breadth}u;
let threadRow = (lane / ${across}u) * ${height}u;
${each(vectors, (index) => `var sums${index} : array<${vector}, ${height}>;`)}
${lefts.before}
${righter.before}
for (var step = split * n.share; step < end; step += ${INNER}u) {
${lefts.load}
${righter.load}
  workgroupBarrier();
  for (var k = 0u; k < ${INNER}u; k++) {
${each(vectors, (index) => `    let across${index} = ${vector}(${columnsOf(index)});`)}
    for (var r = 0u; r < ${height}u; r++) {
      let down = lefts[k][threadRow + r];
${each(vectors, (index) => `      sums${index}[r] += down * across${index};`)}
    }
  }
  workgroupBarrier();
}
for (var r = 0u; r < ${height}u; r++) {
  let row = leftFirst + threadRow + r;
  if (row < n.rows) {
    let first = (split * n.rows + row) * n.columns;
${each(breadth, (index) => {
  const sum = `sums${Math.floor(index / lanes)}[r]${lanes === 1 ? '' : `[${index % lanes}]`}`;
  const whole = biased ? `${sum} + bias[column]` : sum;
  return `    {
      let column = rightFirst + threadColumn + ${index}u;
      if (column < n.columns) { result[first + column] = ${rectify ? `max(0f, ${whole})` : whole}; }
    }`;
})}
  }
}`,
  };
}

/** What brings a matrix's part of a step, `along` outer indices by `INNER`, into shared memory \`NAMEs\`. */
function loader(
  name: 'left' | 'right',
  { outer, inner, value, innerFirst }: Factor,
  along: number,
  limit: string,
): { readonly functions: string; readonly before: string; readonly load: string } {
  const functions = `
fn ${name}Outer(index : u32) -> vec3<i32> { ${outer} }
fn ${name}Inner(index : u32) -> vec3<i32> { ${inner} }
fn ${name}Value(o : vec3<i32>, i : vec3<i32>) -> f32 { ${value} }`;
  if (innerFirst) {
    // A thread stays at its inner index of the step, and takes every so many outer ones.
    const stride = GROUP / INNER;
    const slots = along / stride;
    return {
      functions,
      before: `
let ${name}K = lane % ${INNER}u;
let ${name}At = lane / ${INNER}u;
var ${name}Outers : array<vec3<i32>, ${slots}>;
for (var s = 0u; s < ${slots}u; s++) { ${name}Outers[s] = ${name}Outer(${name}First + ${name}At + s * ${stride}u); }`,
      load: `
  {
    let inside = step + ${name}K < end;
    let i = ${name}Inner(step + ${name}K);
    for (var s = 0u; s < ${slots}u; s++) {
      let at = ${name}At + s * ${stride}u;
      var value = 0f;
      if (inside && ${name}First + at < ${limit}) { value = ${name}Value(${name}Outers[s], i); }
      ${name}s[${name}K][at] = value;
    }
  }`,
    };
  }
  // A thread stays at its outer index, or at two of them, and takes every so many inner ones.
  const side = Math.min(GROUP, along);
  const stride = GROUP / side;
  const slots = INNER / stride;
  const owns = Array.from({ length: along / side }, (_, own) => ({ own, at: `${name}At + ${own * side}u` }));
  return {
    functions,
    before: `
let ${name}At = lane % ${side}u;
let ${name}K = lane / ${side}u;
${owns
  .map(
    ({ own, at }) => `let ${name}Own${own} = ${name}Outer(${name}First + ${at});
let ${name}Inside${own} = ${name}First + ${at} < ${limit};`,
  )
  .join('\n')}`,
    load: `
  for (var s = 0u; s < ${slots}u; s++) {
    let k = ${name}K + s * ${stride}u;
    let inside = step + k < end;
    let i = ${name}Inner(step + k);
${owns
  .map(
    ({ own, at }) => `    var value${own} = 0f;
    if (inside && ${name}Inside${own}) { value${own} = ${name}Value(${name}Own${own}, i); }
    ${name}s[k][${at}] = value${own};`,
  )
  .join('\n')}
  }`,
  };
}
