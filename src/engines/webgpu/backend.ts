/**
 * tfjs's WebGPU backend with what it lacks: errors of the device reach whoever awaits next, tensors may share a buffer
 * (so that one update changes all parameters), and constants are uploaded once.
 */
import type { BackendValues, DataType, TensorInfo } from '@tensorflow/tfjs-core';
import { util } from '@tensorflow/tfjs-core';
import { EngineError } from '../../errors.ts';
import { Constants } from './constants.ts';
import { DeviceErrors, firstLine } from './device-errors.ts';
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
import { Patience } from './patience.ts';

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

/** The backend, and what our kernels need of it. */
export interface WebGpuBackend extends TfjsBackend {
  /** Dispatches recorded so far, tfjs's own and ours. */
  readonly dispatches: number;
  /** Counts a dispatch that was recorded past tfjs. */
  recorded(): void;
  /** Submits what is recorded where that is enough: between kernels, whose memory ends with the submission. */
  settle(): void;
  /** Throws where the device is lost. */
  checkLost(): void;
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
  const patience = new Patience();

  class Backend extends WebGPUBackend implements WebGpuBackend {
    dispatches = 0;
    #stopped = false;
    readonly #constants = new Constants(device);

    checkLost(): void {
      errors.checkLost();
    }

    recorded(): void {
      this.dispatches++;
      this.dispatchCountInPass++;
    }

    settle(): void {
      if (this.dispatchCountInPass < DISPATCHES_A_SUBMIT || this.commandEncoder === null) return;
      this.endComputePassEncoder();
      this.submitQueue();
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
      // All memory went with the device.
      if (this.#stopped) return;
      const data: SlabTensorData = this.tensorMap.get(dataId);
      if (data?.slab === undefined) {
        super.releaseResource(dataId);
        return;
      }
      if (--data.slab.tensors === 0) this.bufferManager.releaseBuffer(data.slab.buffer);
      data.resource = null;
    }

    override async read(dataId: object): Promise<BackendValues> {
      errors.checkLost();
      const { values, dtype, shape, resource, offset = 0 }: SlabTensorData = this.tensorMap.get(dataId);
      if (values !== null && values !== undefined) return values;
      const size = util.sizeFromShape(shape) * 4;
      const copy = this.bufferManager.acquireBuffer(Math.max(size, 4), usage.copyTarget | usage.mapRead);
      this.ensureCommandEncoderReady();
      this.endComputePassEncoder();
      if (size > 0) this.commandEncoder!.copyBufferToBuffer(resource!, offset, copy, 0, size);
      this.submitQueue();
      try {
        await patience.await(copy.mapAsync(usage.mapRead));
      } catch (error) {
        errors.check();
        throw new EngineError(`engine webgpu: reading from the device: ${firstLine(String(error))}`, {
          cause: error,
        });
      }
      const bytes = copy.getMappedRange().slice(0, size);
      copy.unmap();
      this.bufferManager.releaseBuffer(copy);
      // Only now: commands that were recorded with a faulty one are gone with it, and what is read is theirs.
      errors.check();
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
      this.#stopped = true;
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
