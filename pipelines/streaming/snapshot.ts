/**
 * The state of live streams on disk: one safetensors file with a tensor for each camera and layer, and as JSON metadata
 * which network it belongs to and where each stream is.
 */
import * as v from 'valibot';
import { FormatError, InputError } from '../../src/errors.ts';
import { decodeTensors, encodeTensors, type TensorData } from '../../src/models/safetensors.ts';
import type { LoadedModel } from './load-model.ts';

/** Where the stream of one camera is, and its state. */
export interface CameraSnapshot {
  readonly camera: string;
  /** Number of the next window. */
  readonly window: number;
  /** Start of the next window in microseconds; absent before the first. */
  readonly nextMicros?: number;
  /** What the smoothed decision remembers. */
  readonly decision?: {
    readonly means: readonly number[];
    readonly decision: number | null;
    readonly endMicros: number;
  };
  /** Membrane state by layer; absent for a stream that begins. */
  readonly state?: ReadonlyMap<string, TensorData>;
}

/** The network that a state belongs to. */
export type SnapshotModel = Pick<LoadedModel, 'name' | 'digest' | 'binning' | 'windowBins'>;

const METADATA_KEY = 'rxspike-live';
const position = v.pipe(v.number(), v.integer(), v.minValue(0));
const metadataSchema = v.strictObject({
  version: v.literal(1),
  model: v.string(),
  feeding: v.string(),
  cameras: v.array(
    v.strictObject({
      camera: v.string(),
      window: position,
      nextMicros: v.exactOptional(v.number()),
      decision: v.exactOptional(
        v.strictObject({ means: v.array(v.number()), decision: v.nullable(position), endMicros: v.number() }),
      ),
    }),
  ),
});

/** The bytes of a snapshot. */
export function encodeSnapshot(
  cameras: readonly CameraSnapshot[],
  model: SnapshotModel,
): Uint8Array<ArrayBuffer> {
  const tensors = new Map<string, TensorData>();
  const places = cameras.map(({ state, ...place }, index) => {
    for (const [layer, tensor] of state ?? []) tensors.set(`${index}/${layer}`, tensor);
    return place;
  });
  const metadata = { version: 1, model: model.digest, feeding: feedingOf(model), cameras: places };
  return encodeTensors({ tensors, metadata: { [METADATA_KEY]: JSON.stringify(metadata) } });
}

/** The cameras of a snapshot; bytes that are none are a FormatError, one of another network an InputError. */
export function decodeSnapshot(bytes: Uint8Array, model: SnapshotModel, path: string): CameraSnapshot[] {
  const file = decodeTensors(bytes, path);
  const text = file.metadata[METADATA_KEY];
  if (text === undefined) throw new FormatError('expected the state of a live stream, found none', { path });
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), metadataSchema), text);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    throw new FormatError(`state of a live stream: ${v.getDotPath(issue) ?? 'metadata'}: ${issue.message}`, {
      path,
    });
  }
  const { cameras, model: digest, feeding } = parsed.output;
  if (digest !== model.digest) {
    throw new InputError(`this is the state of another network than ${model.name}`, path);
  }
  if (feeding !== feedingOf(model)) {
    throw new InputError(`this state is of windows ${feeding}, not ${feedingOf(model)}`, path);
  }
  return cameras.map((place, index) => {
    const prefix = `${index}/`;
    const own = [...file.tensors].filter(([name]) => name.startsWith(prefix));
    const state = new Map(own.map(([name, tensor]) => [name.slice(prefix.length), tensor]));
    return state.size === 0 ? place : { ...place, state };
  });
}

/** How a network's windows are cut, in words: a state goes on only with windows of the same kind. */
function feedingOf({ binning, windowBins }: SnapshotModel): string {
  const bin =
    binning.kind === 'time'
      ? `${binning.windowMicros} us every ${binning.strideMicros ?? binning.windowMicros} us`
      : `${binning.kind}`;
  return `of ${windowBins} bins of ${bin}`;
}
