import { type KernelFunc, type TensorInfo, util } from '@tensorflow/tfjs-core';
import type { WasmDevice } from '../device.ts';
import { multiplyMatrices } from './matrix-product.ts';

/** Products of float32 matrices that take the place of the backend's own, which is slow but for the plainest. */
export const products: Readonly<Record<string, (device: WasmDevice, original: KernelFunc) => KernelFunc>> = {
  BatchMatMul: (device, original) => (call) => {
    const { a, b } = call.inputs as { a: TensorInfo; b: TensorInfo };
    const { transposeA, transposeB } = call.attrs as { transposeA: boolean; transposeB: boolean };
    const [aBatch, bBatch] = [a, b].map(({ shape }) => util.sizeFromShape(shape.slice(0, -2)));
    const plain = a.dtype === 'float32' && b.dtype === 'float32' && !(transposeA && transposeB);
    const sameBatch = a.shape.slice(0, -2).join() === b.shape.slice(0, -2).join();
    if (!plain || !(sameBatch || aBatch === 1 || bBatch === 1)) return original(call);
    const [rows, sum] = matrixOf(a.shape, transposeA);
    const [, columns] = matrixOf(b.shape, transposeB);
    const batchShape = (aBatch === 1 ? b : a).shape.slice(0, -2);
    const output = device.allocate([...batchShape, rows, columns]);
    const batch = util.sizeFromShape(batchShape);
    const layout = (factor: TensorInfo, size: number, transposed: boolean) => ({
      address: device.address(factor),
      batchStride: util.sizeFromShape(factor.shape.slice(0, -2)) === 1 ? 0 : size,
      transposed,
    });
    multiplyMatrices(
      device,
      {
        batch,
        rows,
        sum,
        columns,
        a: layout(a, rows * sum, transposeA),
        b: layout(b, sum * columns, transposeB),
      },
      device.address(output),
    );
    return output;
  },
};

/** Rows and columns as the product reads them. */
function matrixOf(shape: readonly number[], transposed: boolean): [number, number] {
  const [first, second] = shape.slice(-2) as [number, number];
  return transposed ? [second, first] : [first, second];
}
