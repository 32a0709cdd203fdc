/**
 * A checkpoint is one safetensors file: the network's tensors, the optimiser's slots, and as JSON metadata all that
 * building the network again, feeding it from a stream and going on with its training takes.
 */

import * as tf from '@tensorflow/tfjs-core';
import * as v from 'valibot';
import { FormatError, ShapeError } from '../errors.ts';
import { type Feed, feedSchema } from './feed.ts';
import { createNetwork, type Network, type NetworkConfig } from './network.ts';
import { networkConfigSchema } from './network-config.ts';
import type { OptimiserState } from './optimisers.ts';
import { decodeTensors, encodeTensors, HEADER_OFFSET, type TensorData } from './safetensors.ts';

/** A network at a moment of its training, outside any engine. */
export interface Checkpoint {
  readonly network: NetworkConfig;
  readonly feed: Feed;
  /** Weights and running statistics by name. */
  readonly tensors: ReadonlyMap<string, TensorData>;
  /** Absent where only the network was saved. */
  readonly optimiser?: OptimiserState;
  readonly progress: CheckpointProgress;
  /** Engine and threads that trained it: other ones may round otherwise. */
  readonly engine: string;
  readonly threads: number;
  /** Whether it was trained on events that no sensor saw. */
  readonly simulated: boolean;
  /** What else a run wants to keep, as JSON. */
  readonly extra?: unknown;
}

/** The next training step: epoch and batch, both from 0. */
export interface CheckpointProgress {
  readonly epoch: number;
  readonly batch: number;
}

const METADATA_KEY = 'rxspike';
const VERSION = 1;
const OPTIMISER_PREFIX = 'optimiser/';

const position = v.pipe(v.number(), v.integer(), v.minValue(0));
const metadataSchema = v.strictObject({
  version: v.literal(VERSION),
  network: networkConfigSchema,
  feed: feedSchema,
  optimiserStep: v.exactOptional(position),
  progress: v.strictObject({ epoch: position, batch: position }),
  engine: v.string(),
  threads: position,
  simulated: v.boolean(),
  extra: v.exactOptional(v.unknown()),
});

/** The bytes of a checkpoint, a safetensors file; the same checkpoint always gives the same bytes. */
export function encodeCheckpoint({ tensors, optimiser, ...rest }: Checkpoint): Uint8Array<ArrayBuffer> {
  const all = new Map(tensors);
  for (const [name, slot] of optimiser?.slots ?? []) all.set(OPTIMISER_PREFIX + name, slot);
  const metadata = { version: VERSION, ...rest, ...(optimiser && { optimiserStep: optimiser.step }) };
  return encodeTensors({ tensors: all, metadata: { [METADATA_KEY]: JSON.stringify(metadata) } });
}

/** A checkpoint from its bytes; anything amiss is a FormatError. */
export function decodeCheckpoint(bytes: Uint8Array, path?: string): Checkpoint {
  const file = decodeTensors(bytes, path);
  const { version, optimiserStep, ...rest } = parseMetadata(file.metadata[METADATA_KEY], path);
  const tensors = new Map<string, TensorData>();
  const slots = new Map<string, TensorData>();
  for (const [name, tensor] of file.tensors) {
    if (name.startsWith(OPTIMISER_PREFIX)) slots.set(name.slice(OPTIMISER_PREFIX.length), tensor);
    else tensors.set(name, tensor);
  }
  const optimiser = optimiserStep === undefined ? undefined : { step: optimiserStep, slots };
  return { ...rest, tensors, ...(optimiser && { optimiser }) };
}

/** The weights and running statistics of a network. */
export async function saveTensors({ parameters }: Network): Promise<Map<string, TensorData>> {
  const tensors = new Map<string, TensorData>();
  for (const { name, variable } of parameters) {
    tensors.set(name, { shape: variable.shape, values: Float32Array.from(await variable.data()) });
  }
  return tensors;
}

/** Gives a network the saved tensors; names and shapes must be those of its parameters. */
export function loadTensors({ name, parameters }: Network, tensors: ReadonlyMap<string, TensorData>): void {
  const known = new Set(parameters.map((parameter) => parameter.name));
  const surplus = [...tensors.keys()].find((key) => !known.has(key));
  if (surplus !== undefined) throw new ShapeError(`${name}: no parameter is called "${surplus}"`);
  for (const { name: key, variable } of parameters) {
    const saved = tensors.get(key);
    if (saved?.shape.join() !== variable.shape.join()) {
      const found = saved === undefined ? 'none' : `[${saved.shape}]`;
      throw new ShapeError(`${name}: parameter "${key}" expects shape [${variable.shape}], found ${found}`);
    }
  }
  for (const { name: key, variable } of parameters) {
    tf.tidy(() => variable.assign(tf.tensor(tensors.get(key)!.values, variable.shape)));
  }
}

/** The network of a checkpoint, with its weights. */
export function restoreNetwork({ network: config, tensors }: Checkpoint): Network {
  const network = createNetwork(config, 0);
  try {
    loadTensors(network, tensors);
    return network;
  } catch (error) {
    network.dispose();
    throw error;
  }
}

function parseMetadata(
  text: string | undefined,
  path: string | undefined,
): v.InferOutput<typeof metadataSchema> {
  const where = { byteOffset: HEADER_OFFSET, ...(path !== undefined && { path }) };
  if (text === undefined) {
    throw new FormatError(`checkpoint: expected metadata "${METADATA_KEY}", found none`, where);
  }
  let metadata: unknown;
  try {
    metadata = JSON.parse(text);
  } catch (cause) {
    throw new FormatError('checkpoint: metadata is not JSON', where, { cause });
  }
  const parsed = v.safeParse(metadataSchema, metadata);
  if (parsed.success) return parsed.output;
  const issue = parsed.issues[0];
  throw new FormatError(`checkpoint: metadata ${v.getDotPath(issue) ?? ''}: ${issue.message}`, where);
}
