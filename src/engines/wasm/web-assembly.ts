/** The part of WebAssembly's JavaScript interface that we use, which Node's types leave to the browser's. */

/** Memory of WebAssembly modules. */
export interface WasmMemory {
  readonly buffer: SharedArrayBuffer;
}

/** A compiled module. */
export type WasmModule = object;

/** What makes modules and instances. */
export interface WasmInterface {
  readonly Module: new (bytes: Uint8Array) => WasmModule;
  readonly Instance: new (
    module: WasmModule,
    imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  ) => { readonly exports: Readonly<Record<string, unknown>> };
}

/** WebAssembly as the runtime gives it. */
export const webAssembly: WasmInterface = (globalThis as unknown as { WebAssembly: WasmInterface })
  .WebAssembly;
