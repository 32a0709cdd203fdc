import { engine, setBackend } from '@tensorflow/tfjs-core';
import { EngineError } from '../errors.ts';

/** Starts tfjs's backend in plain JavaScript, the reference for all others. */
export async function startCpu(): Promise<void> {
  await import('@tensorflow/tfjs-backend-cpu');
  if (!(await setBackend('cpu'))) throw new EngineError('engine cpu: tfjs-backend-cpu does not start');
  // Its first use would print an advertisement for tfjs-node to stderr.
  Object.assign(engine().backend, { firstUse: false });
}
