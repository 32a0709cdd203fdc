import { OptionError } from '../src/errors.ts';
import type { Pipeline } from './definition.ts';
import { isPipelineFile, loadPipelineFile } from './file/load-pipeline-file.ts';

export { isPipelineFile };

// Loading a definition costs little: what a run needs (tensors, Arrow) is imported when it starts.
const loaders: Readonly<Record<string, () => Promise<{ default: Pipeline }>>> = {
  'cifar10dvs-train': () => import('./cifar10dvs-train.ts'),
  'mnist-dfa': () => import('./mnist-dfa.ts'),
  'cifar10-benchmark': () => import('./cifar10-benchmark.ts'),
  'cifar10-surrogates': () => import('./cifar10-surrogates.ts'),
  'cifar10-lyapunov': () => import('./cifar10-lyapunov.ts'),
  'nmnist-train': () => import('./nmnist-train.ts'),
  live: () => import('./live.ts'),
};

/** Names of the built-in pipelines. */
export function pipelineNames(): readonly string[] {
  return Object.keys(loaders);
}

/** A pipeline by its name, or by the path of a file that exports one; an unknown name throws OptionError. */
export async function loadPipeline(name: string): Promise<Pipeline> {
  if (isPipelineFile(name)) return loadPipelineFile(name);
  const load = Object.hasOwn(loaders, name) ? loaders[name] : undefined;
  if (load === undefined) {
    throw new OptionError(
      `no pipeline named ${JSON.stringify(name)}; there are ${pipelineNames().join(', ')}`,
    );
  }
  return (await load()).default;
}
