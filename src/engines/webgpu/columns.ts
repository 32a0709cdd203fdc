/**
 * Sums over rows, column by column: what statistics, gradients of channels and means are made of. A group of threads
 * takes some columns and a share of the rows; partial sums are added up in a second pass, always in the same order.
 */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { type Operand, THREADS, type WebGpuDevice } from './device.ts';

/** How rows and columns fall to groups of threads. */
export interface Columns {
  /** Columns of a group, a power of two; its rows in parallel are `THREADS` over it. */
  readonly width: number;
  /** Groups side by side, and one below the other. */
  readonly blocks: number;
  readonly splits: number;
  /** Rows of a group. */
  readonly share: number;
  readonly groups: number;
}

/** Groups that keep a large GPU busy. */
const GROUPS = 512;
/** Rows of a thread below which another group does not pay. */
const ROWS = 16;
/** Rows in parallel that each thread adds up on its own. */
const FEW = 16;

/** Rows and columns of `outer` tables, cut into groups. */
export function columnsOf(
  outer: number,
  rows: number,
  columns: number,
  mostSplits: number = GROUPS,
): Columns {
  const width = Math.min(64, 2 ** Math.ceil(Math.log2(Math.max(1, columns))));
  const blocks = Math.ceil(columns / width);
  const wanted = Math.min(Math.ceil(GROUPS / (outer * blocks)), mostSplits);
  const possible = Math.ceil(rows / ((THREADS / width) * ROWS));
  const share = Math.ceil(rows / Math.max(1, Math.min(wanted, possible)));
  const splits = Math.max(1, Math.ceil(rows / Math.max(1, share)));
  return { width, blocks, splits, share, groups: outer * blocks * splits };
}

/** The numbers of a shader over columns; `columnNumbers` gives their values. */
export const columnTypes = {
  groups: 'u32',
  splits: 'u32',
  blocks: 'u32',
  share: 'u32',
  rows: 'u32',
  columns: 'u32',
} as const;

/** Values of `columnTypes`. */
export function columnNumbers(
  { groups, splits, blocks, share }: Columns,
  rows: number,
  columns: number,
): number[] {
  return [groups, splits, blocks, share, rows, columns];
}

/** `total(value, lane)`: the sum of a value over all threads of a column, for each of them. */
export function columnDeclarations(width: number): string {
  const rows = THREADS / width;
  // Many rows are first added up to few: barriers cost more than additions.
  const few = Math.min(rows, FEW) * width;
  const reduce =
    rows <= FEW
      ? ''
      : `
  var part = 0f;
  for (var i = lane; i < ${THREADS}u; i += ${few}u) { part += sums[i]; }
  workgroupBarrier();
  if (lane < ${few}u) { sums[lane] = part; }
  workgroupBarrier();`;
  return `
var<workgroup> sums : array<f32, ${THREADS}>;
fn total(value : f32, lane : u32) -> f32 {
  workgroupBarrier();
  sums[lane] = value;
  workgroupBarrier();${reduce}
  var whole = 0f;
  for (var i = lane % ${width}u; i < ${few}u; i += ${width}u) { whole += sums[i]; }
  return whole;
}`;
}

/** Where a thread stands: its `split`, table (`outer`), `column`, whether that `exists`, and its rows. */
export function columnPlace(width: number): string {
  return `
if (group >= n.groups) { return; }
let split = group % n.splits;
let block = (group / n.splits) % n.blocks;
let outer = group / (n.splits * n.blocks);
let column = block * ${width}u + lane % ${width}u;
let exists = column < n.columns;
let firstRow = split * n.share + lane / ${width}u;
let endRow = select(0u, min(n.rows, (split + 1u) * n.share), exists);
const rowStep = ${THREADS / width}u;`;
}

/** The sums over the middle axis of [outer, rows, columns], times a factor, written to `output` [outer, columns]. */
export function sumRows(
  device: WebGpuDevice,
  name: string,
  input: Operand,
  output: Operand,
  { outer, rows, columns, factor = 1 }: Rows,
): void {
  if (outer * columns === 0) return;
  if (rows === 0) {
    device.clear(output);
    return;
  }
  const cut = columnsOf(outer, rows, columns);
  if (cut.splits === 1) {
    sumPass(device, name, { input, output, cut, outer, rows, columns, factor });
    return;
  }
  const partial = device.scratch(outer * cut.splits * columns);
  sumPass(device, name, { input, output: partial, cut, outer, rows, columns, factor: 1 });
  const last = columnsOf(outer, cut.splits, columns, 1);
  sumPass(device, name, { input: partial, output, cut: last, outer, rows: cut.splits, columns, factor });
}

/** Sizes of what is summed. */
export interface Rows {
  readonly outer: number;
  readonly rows: number;
  readonly columns: number;
  readonly factor?: number;
}

function sumPass(
  device: WebGpuDevice,
  name: string,
  {
    input,
    output,
    cut,
    rows,
    columns,
    factor,
  }: Rows & {
    readonly input: Operand;
    readonly output: Operand;
    readonly cut: Columns;
    readonly factor: number;
  },
): void {
  const { width } = cut;
  device.run(
    name,
    `sum ${width}`,
    () => ({
      reads: ['values'],
      writes: ['result'],
      numbers: { ...columnTypes, factor: 'f32' },
      declarations: columnDeclarations(width),
      body: `${columnPlace(width)}
var sum = 0f;
for (var row = firstRow; row < endRow; row += rowStep) {
  sum += values[(outer * n.rows + row) * n.columns + column];
}
let whole = total(sum, lane);
if (exists && lane < ${width}u) { result[(outer * n.splits + split) * n.columns + column] = whole * n.factor; }`,
    }),
    {
      reads: [input],
      writes: [output],
      numbers: [...columnNumbers(cut, rows, columns), factor],
      groups: cut.groups,
    },
  );
}

/** A new tensor with the sums over the middle axis of [outer, rows, columns]. */
export function summed(
  device: WebGpuDevice,
  name: string,
  input: Operand,
  shape: readonly number[],
  rows: Rows,
): TensorInfo {
  const output = device.output(shape);
  sumRows(device, name, input, output, rows);
  return output;
}
