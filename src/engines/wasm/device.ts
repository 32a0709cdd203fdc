import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { EngineError } from '../../errors.ts';
import { Processor } from './processor.ts';
import type { WasmMemory } from './web-assembly.ts';

interface WasmModule {
  _malloc(bytes: number): number;
  _free(address: number): void;
}

/** The WebAssembly backend's tensors by address, and the threads that work on them. */
export class WasmDevice {
  readonly processor: Processor;
  readonly #backend: BackendWasm;

  constructor(backend: BackendWasm, memory: WasmMemory, threads: number) {
    this.#backend = backend;
    const module = backend.wasm as unknown as WasmModule;
    refuseNullAddresses(module);
    this.processor = new Processor(
      {
        memory,
        allocate: (bytes) => module._malloc(bytes) >>> 0,
        free: (address) => module._free(address),
      },
      threads,
    );
  }

  /** Where a tensor's values begin, in bytes. */
  address(tensor: TensorInfo): number {
    return this.#backend.dataIdMap.get(tensor.dataId).memoryOffset;
  }

  /** A new float32 tensor whose values are not set. */
  allocate(shape: readonly number[]): TensorInfo {
    return this.#backend.makeOutput([...shape], 'float32');
  }

  /** Another tensor over the same memory, which is freed with the last of them. */
  share({ dataId, shape, dtype }: TensorInfo): TensorInfo {
    this.#backend.incRef(dataId);
    return { dataId, shape, dtype };
  }

  /** A tensor's float32 values, good until the next allocation. */
  view(tensor: TensorInfo): Float32Array {
    return this.processor.view(
      this.address(tensor),
      tensor.shape.reduce((size, side) => size * side, 1),
    );
  }

  stop(): void {
    this.processor.stop();
  }
}

/** The backend takes the address 0, which means that memory is used up, for any other. */
function refuseNullAddresses(module: WasmModule): void {
  // The first call of the loader's function puts another in its place, which would undo ours.
  module._free(module._malloc(16));
  const allocate = module._malloc.bind(module);
  module._malloc = (bytes) => {
    // The module takes sizes modulo 2^32.
    const address = bytes < 2 ** 32 ? allocate(bytes) : 0;
    if (address === 0 && bytes > 0) {
      throw new EngineError(
        `engine wasm: expected ${bytes} more bytes, found its 4 GiB used up; a smaller batch needs less`,
      );
    }
    return address;
  };
}
