/** Values that calls bring again and again, kept on the device: scalars, small arrays, and zeros of any size. */
import type { BackendValues, DataType } from '@tensorflow/tfjs-core';
import { type GpuBuffer, type GpuDevice, tensorUsage } from './gpu.ts';

/** Values of an array that is kept. */
const SMALL = 64;
/** Arrays and fillings that are kept; later ones are not. */
const MOST = 2048;
/** Values of a tensor of one number that is kept. */
const FILLED = 2 ** 12;
/** What an array must have to be looked through for zeros; smaller ones cost little. */
const LARGE = 1024;

/** Buffers that tensors share and no kernel writes. */
export class Constants {
  readonly #device: GpuDevice;
  readonly #small = new Map<string, GpuBuffer>();
  readonly #zeros = new WeakSet<GpuBuffer>();
  #zero: GpuBuffer | undefined;

  constructor(device: GpuDevice) {
    this.#device = device;
  }

  /** The buffer that holds these values, where one is kept. */
  find(values: BackendValues | null | undefined, dtype: DataType): GpuBuffer | undefined {
    if (values === null || values === undefined || dtype === 'string' || dtype === 'complex64')
      return undefined;
    const numbers = values as ArrayLike<number>;
    if (numbers.length === 0) return undefined;
    if (numbers.length <= SMALL) {
      const whole = dtype === 'int32' || dtype === 'bool';
      return this.#kept(`${whole ? 'whole' : 'real'} ${Array.prototype.join.call(numbers)}`, () =>
        whole ? Int32Array.from(numbers) : Float32Array.from(numbers),
      );
    }
    if (numbers.length >= LARGE && allZero(numbers)) return this.#zeroOf(numbers.length);
    return undefined;
  }

  /** A buffer of `count` float32 values, all the same, where one is kept. */
  filled(count: number, value: number): GpuBuffer | undefined {
    if (count === 0) return undefined;
    if (value === 0) return this.#zeroOf(count);
    if (count > FILLED) return undefined;
    return this.#kept(`${count} of ${value}`, () => new Float32Array(count).fill(value));
  }

  /** True for buffers of zeros. */
  isZero(buffer: GpuBuffer): boolean {
    return this.#zeros.has(buffer);
  }

  /** One buffer serves all sizes up to its own; a new buffer is zero. */
  #zeroOf(count: number): GpuBuffer {
    const size = count * 4;
    if (this.#zero === undefined || this.#zero.size < size) {
      this.#zero = this.#device.createBuffer({ label: 'zeros', size, usage: tensorUsage });
      this.#zeros.add(this.#zero);
    }
    return this.#zero;
  }

  #kept(key: string, values: () => Float32Array | Int32Array): GpuBuffer | undefined {
    const found = this.#small.get(key);
    if (found !== undefined || this.#small.size >= MOST) return found;
    const own = values();
    const buffer = this.#device.createBuffer({
      label: 'constant',
      size: own.byteLength,
      usage: tensorUsage,
      mappedAtCreation: true,
    });
    new Uint8Array(buffer.getMappedRange()).set(new Uint8Array(own.buffer, own.byteOffset, own.byteLength));
    buffer.unmap();
    this.#small.set(key, buffer);
    return buffer;
  }
}

/** Ends at the first value that is not zero, so that it costs only where it helps. */
function allZero(values: ArrayLike<number>): boolean {
  for (let i = 0; i < values.length; i++) if (values[i] !== 0) return false;
  return true;
}
