/** Shapes and strides as the addon takes them: a fixed number of axes, neighbours joined where memory allows. */

/** Strides of a dense tensor, in elements. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis]!;
  }
  return strides;
}

/** Number of elements. */
export function sizeOf(shape: readonly number[]): number {
  let size = 1;
  for (const side of shape) size *= side;
  return size;
}

/** A shape with the strides of several tensors over it. */
export interface Walk {
  readonly shape: number[];
  readonly strides: number[][];
}

/**
 * Leaves out axes of one element, joins axes that follow each other in all tensors, and fills up in front to `axes`
 * axes; undefined where more are left.
 */
export function joinAxes({ shape, strides }: Walk, axes: number): Walk | undefined {
  const joined: number[] = [];
  const joinedStrides: number[][] = strides.map(() => []);
  for (let axis = 0; axis < shape.length; axis++) {
    const side = shape[axis]!;
    if (side === 1) continue;
    const last = joined.length - 1;
    const follows = last >= 0 && strides.every((own, i) => joinedStrides[i]![last] === own[axis]! * side);
    if (follows) {
      joined[last]! *= side;
      strides.forEach((own, i) => {
        joinedStrides[i]![last] = own[axis]!;
      });
    } else {
      joined.push(side);
      strides.forEach((own, i) => {
        joinedStrides[i]!.push(own[axis]!);
      });
    }
  }
  if (joined.length > axes) return undefined;
  while (joined.length < axes) {
    joined.unshift(1);
    for (const own of joinedStrides) own.unshift(0);
  }
  return { shape: joined, strides: joinedStrides };
}
