/** Names that `--engine` takes; apart from the engines, so that help does not load them. */
export const engineNames = ['auto', 'tensorflow', 'native', 'webgpu', 'wasm', 'cpu'] as const;

/** A name that `--engine` takes. */
export type EngineName = (typeof engineNames)[number];
