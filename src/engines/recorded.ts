/** Functions of tensors that an engine may take down at their second call, and from then on run as a whole. */
import { dispose, engine, type Tensor, type TensorInfo } from '@tensorflow/tfjs-core';

/** Tensors by name, in groups. */
export type TensorGroups = Readonly<Record<string, Readonly<Record<string, Tensor>>>>;

/** What a function gives: tensors, and what is the same for all inputs of the same names and shapes. */
export interface Recordable<G extends TensorGroups, T> {
  readonly tensors: G;
  readonly rest: T;
}

/** A backend that takes down what a function submits. */
interface RecordingBackend {
  record(
    inputs: readonly TensorInfo[],
    run: () => readonly TensorInfo[],
  ): { readonly recording: object | undefined };
  replay(recording: object, inputs: readonly TensorInfo[]): TensorInfo[] | undefined;
}

/** Inputs' shapes for which recordings are kept, each with memory of its own. */
const KEPT = 4;

interface Entry<T> {
  readonly backend: unknown;
  readonly rest: T;
  /** Names of the outputs in their groups, in order. */
  readonly names: readonly (readonly [group: string, name: string])[];
  /** Absent after the first call; null where there can be none. */
  readonly recording: object | null | undefined;
}

/**
 * A function with the same results, which is recorded for each shape of its inputs where the engine can do that. It
 * must be a function of its inputs, of weights and of constants alone, and must neither change nor keep nor return any
 * of them.
 */
export function recorded<I extends TensorGroups, G extends TensorGroups, T>(
  run: (inputs: I) => Recordable<G, T>,
): (inputs: I) => Recordable<G, T> {
  const entries = new Map<string, Entry<T>>();
  return (inputs) => {
    const { backend, state } = engine();
    const tensors = tensorsOf(inputs);
    // A gradient is that of the operations which a tape sees.
    if (state.gradientDepth > 0 || !canRecord(backend) || tensors.some(({ dtype }) => dtype !== 'float32'))
      return run(inputs);
    const key = keyOf(inputs);
    const known = entries.get(key);
    const entry = known?.backend === backend ? known : undefined;
    const replay = ({ recording, names, rest }: Entry<T>): Recordable<G, T> | undefined => {
      const outputs = recording ? backend.replay(recording, tensors) : undefined;
      return outputs && { tensors: grouped<G>(names, outputs), rest };
    };
    const replayed = entry && replay(entry);
    if (replayed !== undefined) return replayed;
    let result!: Recordable<G, T>;
    const call = (): Tensor[] => {
      result = run(inputs);
      return tensorsOf(result.tensors);
    };
    // The first call makes what is made once; the second is like all others.
    let recording: object | null | undefined;
    if (entry === undefined || entry.recording === null) {
      call();
      recording = entry?.recording;
    } else {
      recording = backend.record(tensors, call).recording ?? null;
    }
    const next: Entry<T> = { backend, rest: result.rest, names: namesOf(result.tensors), recording };
    entries.delete(key);
    if (entries.size >= KEPT) entries.delete(entries.keys().next().value!);
    entries.set(key, next);
    if (!recording) return result;
    // What was taken down works on the memory of its own results.
    dispose(tensorsOf(result.tensors));
    return replay(next)!;
  };
}

function canRecord(backend: unknown): backend is RecordingBackend {
  return typeof (backend as Partial<RecordingBackend>).record === 'function';
}

function tensorsOf(groups: TensorGroups): Tensor[] {
  return Object.values(groups).flatMap((group) => Object.values(group));
}

function namesOf(groups: TensorGroups): [string, string][] {
  return Object.entries(groups).flatMap(([group, tensors]) =>
    Object.keys(tensors).map((name): [string, string] => [group, name]),
  );
}

function keyOf(groups: TensorGroups): string {
  const parts: unknown[] = [];
  for (const [group, tensors] of Object.entries(groups)) {
    for (const [name, { shape }] of Object.entries(tensors)) parts.push(group, name, shape);
  }
  return JSON.stringify(parts);
}

function grouped<G>(names: Entry<unknown>['names'], outputs: readonly TensorInfo[]): G {
  const groups: Record<string, Record<string, Tensor>> = {};
  names.forEach(([group, name], index) => {
    groups[group] ??= {};
    groups[group][name] = engine().makeTensorFromTensorInfo(outputs[index]!);
  });
  return groups as G;
}
