import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { NativeBackend } from './backend.ts';

/** A shared kernel in its native form: new tensors from tensors by their names. */
export type FusedKernel = (
  backend: NativeBackend,
  inputs: Readonly<Record<string, TensorInfo>>,
  // biome-ignore lint/suspicious/noExplicitAny: each kernel names its own attributes.
  attributes: any,
) => TensorInfo[];
