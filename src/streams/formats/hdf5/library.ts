/** The HDF5 library as WebAssembly (h5wasm), loaded when the first file is opened; it reads files by their paths. */
import type { Dataset, Group, File as Hdf5File } from 'h5wasm/node';

/** The parts of h5wasm that read. */
export interface Hdf5Library {
  readonly File: typeof Hdf5File;
  readonly Group: typeof Group;
  readonly Dataset: typeof Dataset;
  readonly module: Hdf5Module;
}

/** The functions below h5wasm's classes, which make an object of every row of a compound. */
interface Hdf5Module {
  readonly HEAPU8: Uint8Array;
  _malloc(bytes: number): number;
  _free(pointer: number): void;
  get_dataset_data(
    file: bigint,
    path: string,
    count: bigint[],
    offset: bigint[],
    strides: bigint[],
    pointer: bigint,
  ): number;
  activate_throwing_error_handler(): number;
}

let loading: Promise<Hdf5Library> | undefined;

/** The library; the first call compiles it. */
export function loadHdf5(): Promise<Hdf5Library> {
  loading ??= load();
  return loading;
}

async function load(): Promise<Hdf5Library> {
  const { default: h5wasm } = await import('h5wasm/node');
  const module = (await h5wasm.ready) as unknown as Hdf5Module;
  module.activate_throwing_error_handler(); // else it prints what is wrong, and goes on
  return { File: h5wasm.File, Group: h5wasm.Group, Dataset: h5wasm.Dataset, module };
}

/** What the library says is wrong, in short: the innermost of its causes. */
export function hdf5Message(error: Error): string {
  const causes = [...error.message.matchAll(/#\d+: .*? in \w+\(\): (.*)/g)];
  const cause = causes.at(-1)?.[1] ?? error.message.split('\n')[0]!;
  return cause.trim().slice(0, 200);
}
