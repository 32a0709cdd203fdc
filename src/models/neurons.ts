import type { LifConstants } from '../engines/kernels/index.ts';

/** snnTorch's Leaky. */
export function leaky({ beta }: { readonly beta: number }): LifConstants & { readonly decay: number } {
  return {
    decay: beta,
    inputDecayed: false,
    threshold: 1,
    inclusive: false,
    reset: 'subtract',
    resetPotential: 0,
    rest: 0,
    resetTiming: 'before',
    detachReset: true,
    surrogate: { kind: 'atan', amplitude: 1, slope: Math.PI },
  };
}
