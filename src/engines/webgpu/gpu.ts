/**
 * What this engine uses of WebGPU and of tfjs's backend for it. Both packages are optional, so nothing here depends on
 * their own types.
 */
import type { BackendValues, DataType, KernelBackend, TensorInfo } from '@tensorflow/tfjs-core';

/** Memory of the device. */
export interface GpuBuffer {
  readonly size: number;
  readonly usage: number;
  readonly mapState: 'unmapped' | 'pending' | 'mapped';
  mapAsync(mode: number): Promise<void>;
  getMappedRange(): ArrayBuffer;
  unmap(): void;
  destroy(): void;
}

/** A compiled shader. */
export interface GpuPipeline {
  getBindGroupLayout(index: number): object;
}

/** A place in the command stream where dispatches are recorded. */
export interface GpuComputePass {
  setPipeline(pipeline: GpuPipeline): void;
  setBindGroup(index: number, group: object): void;
  dispatchWorkgroups(x: number, y: number, z: number): void;
  end(): void;
}

/** A command stream as it is recorded. */
export interface GpuCommandEncoder {
  beginComputePass(): GpuComputePass;
  clearBuffer(buffer: GpuBuffer, offset: number, size: number): void;
  copyBufferToBuffer(
    from: GpuBuffer,
    fromOffset: number,
    to: GpuBuffer,
    toOffset: number,
    size: number,
  ): void;
  finish(): object;
}

/** A part of a buffer as a shader sees it. */
export interface GpuBinding {
  readonly buffer: GpuBuffer;
  readonly offset?: number;
  readonly size?: number;
}

/** An error that no one waited for. */
export interface GpuErrorEvent {
  readonly error: { readonly message: string };
  preventDefault?(): void;
}

/** The device. */
export interface GpuDevice {
  readonly lost: Promise<{ readonly reason: string; readonly message: string }>;
  readonly limits: Readonly<Record<string, number>>;
  readonly queue: {
    submit(commands: readonly object[]): void;
    writeBuffer(buffer: GpuBuffer, offset: number, data: ArrayBuffer): void;
  };
  createBuffer(descriptor: object): GpuBuffer;
  createShaderModule(descriptor: { readonly label: string; readonly code: string }): object;
  createComputePipeline(descriptor: object): GpuPipeline;
  createBindGroup(descriptor: { readonly layout: object; readonly entries: readonly object[] }): object;
  addEventListener(type: 'uncapturederror', listener: (event: GpuErrorEvent) => void): void;
  destroy(): void;
}

/** What an adapter says about itself. */
export interface GpuAdapterInfo {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
  readonly isFallbackAdapter?: boolean;
}

/** A GPU, or software that stands for one. */
export interface GpuAdapter {
  readonly info: GpuAdapterInfo;
  readonly features: ReadonlySet<string>;
  readonly limits: Readonly<Record<string, number>>;
  requestDevice(descriptor: object): Promise<GpuDevice>;
}

/** The entry to WebGPU. */
export interface Gpu {
  requestAdapter(options: object): Promise<GpuAdapter | null>;
}

/** The package `webgpu`. */
export interface GpuPackage {
  create(flags: readonly string[]): Gpu;
  readonly globals: Readonly<Record<string, unknown>>;
}

/** Numbers that WebGPU gives to uses of buffers. */
export const usage = {
  mapRead: 0x1,
  mapWrite: 0x2,
  copySource: 0x4,
  copyTarget: 0x8,
  uniform: 0x40,
  storage: 0x80,
} as const;

/** How tfjs's backend uses the memory of tensors. */
export const tensorUsage: number = usage.storage | usage.copySource | usage.copyTarget;

/** What tfjs's backend knows about a tensor. */
export interface TfjsTensorData {
  values: BackendValues | null;
  readonly dtype: DataType;
  readonly shape: number[];
  refCount: number;
  resource?: GpuBuffer | null;
  /** True: the memory is not the tensor's own, and stays when the tensor goes. */
  external?: boolean;
}

/** tfjs's backend for WebGPU: what it gives, and those of its parts that our kernels share. */
export interface TfjsBackend extends KernelBackend {
  readonly device: GpuDevice;
  readonly tensorMap: {
    get(dataId: object): TfjsTensorData;
    set(dataId: object, data: TfjsTensorData): void;
    has(dataId: object): boolean;
  };
  readonly bufferManager: {
    acquireBuffer(size: number, usage: number, mapped?: boolean, reuse?: boolean): GpuBuffer;
    releaseBuffer(buffer: GpuBuffer, reuse?: boolean): void;
  };
  readonly commandQueueOwnedIds: WeakSet<object>;
  readonly uniformPendingDisposal: GpuBuffer[];
  commandEncoder: GpuCommandEncoder | null;
  computePassEncoder: GpuComputePass | null;
  dispatchCountInPass: number;
  ensureCommandEncoderReady(): void;
  endComputePassEncoder(): void;
  submitQueue(): void;
  makeTensorInfo(shape: number[], dtype: DataType, values?: BackendValues): TensorInfo;
  uploadToGPU(dataId: object): void;
  releaseResource(dataId: object): void;
  tensorToBinding(tensor: TensorInfo): GpuBinding | null;
  recordAndSubmit(program: object, output: TensorInfo, inputs: TensorInfo[], uniforms?: object): void;
}

/** The package `@tensorflow/tfjs-backend-webgpu`. */
export interface TfjsPackage {
  readonly WebGPUBackend: new (device: GpuDevice, info: GpuAdapterInfo) => TfjsBackend;
}
