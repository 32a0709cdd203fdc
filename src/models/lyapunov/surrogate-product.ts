import * as tf from '@tensorflow/tfjs-core';
import { tensorAlgebra } from '../../engines/kernels/algebra.ts';
import { type Surrogate, surrogateDerivative } from '../../engines/kernels/index.ts';
import { dualAlgebra } from './dual-algebra.ts';

/**
 * The surrogate derivative at a distance to the threshold, times a change of the potential: the change of the spike.
 * One operation to a gradient, which keeps the two tensors alone and works out anew what is between.
 */
export function surrogateProduct(surrogate: Surrogate, distance: tf.Tensor, change: tf.Tensor): tf.Tensor {
  const product = tf.customGrad((x, d, save) => {
    const [at, by] = [x as tf.Tensor, d as tf.Tensor];
    (save as tf.GradSaveFunc)([at, by]);
    const value = tf.tidy(() => tf.mul(surrogateDerivative(tensorAlgebra, surrogate, at), by));
    const gradFunc = (gradient: tf.Tensor, [at, by]: tf.Tensor[]): tf.Tensor[] =>
      tf.tidy(() => {
        const dual = { value: at!, slope: tf.scalar(1) };
        const { value, slope } = surrogateDerivative(dualAlgebra, surrogate, dual);
        const curved = slope === undefined ? tf.zerosLike(at!) : tf.mul(tf.mul(gradient, by!), slope);
        return [curved, tf.mul(gradient, value)];
      });
    return { value, gradFunc };
  });
  return product(distance, change);
}
