/**
 * tfjs's WebGPU backend with what it lacks: errors of the device reach whoever awaits next, tensors may share a buffer
 * (so that one update changes all parameters), and constants are uploaded once.
 */
import type { BackendValues, DataType, TensorInfo } from '@tensorflow/tfjs-core';
import { util } from '@tensorflow/tfjs-core';
import { EngineError } from '../../errors.ts';
import { Constants } from './constants.ts';
import type {
  GpuAdapterInfo,
  GpuBinding,
  GpuBuffer,
  GpuDevice,
  TfjsBackend,
  TfjsPackage,
  TfjsTensorData,
} from './gpu.ts';
import { tensorUsage, usage } from './gpu.ts';

/** Tensors begin at multiples of this within a shared buffer, in float32 values: the largest alignment of bindings. */
const SLAB_ALIGNMENT = 64;

/** A buffer of several tensors. */
export interface Slab {
  readonly buffer: GpuBuffer;
  /** Tensors that still lie in it. */
  tensors: number;
}

/** A tensor that is a part of a shared buffer. */
export interface SlabTensorData extends TfjsTensorData {
  slab?: Slab;
  /** In bytes. */
  offset?: number;
}

/** What went wrong on the device since it was last asked. */
class DeviceErrors {
  readonly #messages: string[] = [];
  #lost: string | undefined;

  constructor(device: GpuDevice) {
    device.addEventListener('uncapturederror', (event) => {
      event.preventDefault?.();
      if (this.#messages.length < 8) this.#messages.push(event.error.message);
    });
    void device.lost.then(({ reason, message }) => {
      if (reason !== 'destroyed') this.#lost = firstLine(message);
    });
  }

  /** Throws what went wrong; an error is told once, a lost device every time. */
  check(): void {
    if (this.#lost !== undefined) {
      throw new EngineError(`engine webgpu: the device is lost: ${this.#lost}; start the engine again`);
    }
    if (this.#messages.length === 0) return;
    const messages = this.#messages.splice(0);
    // What follows from an error names the kernel where the error itself does not.
    const named = messages
      .map((message) => /\[[^\]"]*"([^"]+)"/.exec(message)?.[1])
      .find((label) => label !== undefined);
    const kernel = named === undefined ? '' : `kernel ${named}: `;
    throw new EngineError(`engine webgpu: ${kernel}${firstLine(messages[0]!)}`);
  }
}

function firstLine(message: string): string {
  return message.trim().split('\n')[0]!;
}

/** The backend, and what our kernels need of it. */
export interface WebGpuBackend extends TfjsBackend {
  /** Dispatches recorded so far, tfjs's own and ours. */
  readonly dispatches: number;
  /** Counts a dispatch that was recorded past tfjs, and submits where enough are. */
  recorded(): void;
  /** Throws what went wrong on the device. */
  check(): void;
  /** Tensors of float32 values as parts of one buffer. */
  slabOutputs(shapes: readonly (readonly number[])[]): TensorInfo[];
  /** A part of the buffer that a tensor lies in. */
  bindingOf(tensor: TensorInfo): GpuBinding;
  /** Whether all values of a tensor are known to be zero without reading it. */
  isZero(tensor: TensorInfo): boolean;
  /** Whether a tensor's values are in JavaScript's memory alone. */
  onHost(tensor: TensorInfo): boolean;
  /** A new tensor of equal values, which shares memory with others of its kind; undefined where that does not pay. */
  constant(shape: readonly number[], value: number): TensorInfo | undefined;
}

/** Dispatches that are recorded before they are submitted: fewer cost time, more keep memory. */
export const DISPATCHES_A_SUBMIT = 32;

/** A backend on a device. */
export function createBackend(
  { WebGPUBackend }: TfjsPackage,
  device: GpuDevice,
  info: GpuAdapterInfo,
): WebGpuBackend {
  const errors = new DeviceErrors(device);

  class Backend extends WebGPUBackend implements WebGpuBackend {
    dispatches = 0;
    readonly #constants = new Constants(device);

    check(): void {
      errors.check();
    }

    recorded(): void {
      this.dispatches++;
      if (++this.dispatchCountInPass >= DISPATCHES_A_SUBMIT) {
        this.endComputePassEncoder();
        this.submitQueue();
      }
    }

    override recordAndSubmit(
      program: object,
      output: TensorInfo,
      inputs: TensorInfo[],
      uniforms?: object,
    ): void {
      this.dispatches++;
      super.recordAndSubmit(program, output, inputs, uniforms);
    }

    override uploadToGPU(dataId: object): void {
      const data = this.tensorMap.get(dataId);
      if (data.resource !== undefined && data.resource !== null) return;
      const shared = this.#constants.find(data.values, data.dtype);
      if (shared === undefined) super.uploadToGPU(dataId);
      else Object.assign(data, { resource: shared, external: true });
    }

    constant(shape: readonly number[], value: number): TensorInfo | undefined {
      const buffer = this.#constants.filled(util.sizeFromShape([...shape]), value);
      if (buffer === undefined) return undefined;
      const output = this.makeTensorInfo([...shape], 'float32');
      Object.assign(this.tensorMap.get(output.dataId), { resource: buffer, external: true });
      return output;
    }

    isZero({ dataId }: TensorInfo): boolean {
      this.uploadToGPU(dataId);
      return this.#constants.isZero(this.tensorMap.get(dataId).resource!);
    }

    onHost({ dataId }: TensorInfo): boolean {
      const { resource, values } = this.tensorMap.get(dataId);
      return (resource === undefined || resource === null) && values !== null && values !== undefined;
    }

    slabOutputs(shapes: readonly (readonly number[])[]): TensorInfo[] {
      let floats = 0;
      const offsets = shapes.map((shape) => {
        const offset = floats;
        floats += alignedSize(shape);
        return offset;
      });
      const buffer = this.bufferManager.acquireBuffer(floats * 4, tensorUsage);
      const slab: Slab = { buffer, tensors: shapes.length };
      return shapes.map((shape, index) => {
        const output = this.makeTensorInfo([...shape], 'float32');
        const data: SlabTensorData = this.tensorMap.get(output.dataId);
        Object.assign(data, { resource: buffer, slab, offset: offsets[index]! * 4 });
        return output;
      });
    }

    bindingOf(tensor: TensorInfo): GpuBinding {
      this.uploadToGPU(tensor.dataId);
      return this.tensorToBinding(tensor)!;
    }

    override tensorToBinding(tensor: TensorInfo): GpuBinding | null {
      if (tensor === null || tensor === undefined) return super.tensorToBinding(tensor);
      const { slab, offset }: SlabTensorData = this.tensorMap.get(tensor.dataId);
      if (slab === undefined) return super.tensorToBinding(tensor);
      const size = Math.max(4, util.sizeFromShape(tensor.shape) * 4);
      return { buffer: slab.buffer, offset: offset!, size };
    }

    override releaseResource(dataId: object): void {
      const data: SlabTensorData = this.tensorMap.get(dataId);
      if (data?.slab === undefined) {
        super.releaseResource(dataId);
        return;
      }
      if (--data.slab.tensors === 0) this.bufferManager.releaseBuffer(data.slab.buffer);
      data.resource = null;
    }

    override async read(dataId: object): Promise<BackendValues> {
      this.check();
      const { values, dtype, shape, resource, offset = 0 }: SlabTensorData = this.tensorMap.get(dataId);
      if (values !== null && values !== undefined) return values;
      const size = util.sizeFromShape(shape) * 4;
      const copy = this.bufferManager.acquireBuffer(Math.max(size, 4), usage.copyTarget | usage.mapRead);
      this.ensureCommandEncoderReady();
      this.endComputePassEncoder();
      if (size > 0) this.commandEncoder!.copyBufferToBuffer(resource!, offset, copy, 0, size);
      this.submitQueue();
      try {
        await copy.mapAsync(usage.mapRead);
      } catch (error) {
        this.check();
        throw new EngineError(`engine webgpu: reading from the device: ${firstLine(String(error))}`, {
          cause: error,
        });
      }
      const bytes = copy.getMappedRange().slice(0, size);
      copy.unmap();
      this.bufferManager.releaseBuffer(copy);
      this.check();
      return typedValues(bytes, dtype);
    }

    override readSync(dataId: object): BackendValues {
      const { values } = this.tensorMap.get(dataId);
      if (values !== null && values !== undefined) return values;
      throw new EngineError(
        'engine webgpu: expected an asynchronous read of a tensor, found a synchronous one',
      );
    }

    override dispose(): void {
      super.dispose();
      device.destroy();
    }
  }

  return new Backend(device, info);
}

/** Float32 values that a tensor takes in a buffer of several. */
export function alignedSize(shape: readonly number[]): number {
  return Math.max(1, Math.ceil(util.sizeFromShape([...shape]) / SLAB_ALIGNMENT)) * SLAB_ALIGNMENT;
}

function typedValues(bytes: ArrayBuffer, dtype: DataType): BackendValues {
  if (dtype === 'float32') return new Float32Array(bytes);
  const whole = new Int32Array(bytes);
  return dtype === 'bool' ? Uint8Array.from(whole) : whole;
}
