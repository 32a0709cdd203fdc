import * as tf from '@tensorflow/tfjs-core';
import { ShapeError } from '../errors.ts';
import type { NetworkState } from './layers/layer.ts';
import { sizeOf } from './layers/parameter.ts';
import { disposeState } from './network.ts';
import type { TensorData } from './safetensors.ts';

/** States that a step gave, a row for each lane of its batch. */
interface Group {
  readonly state: NetworkState;
  /** Rows whose lane has no later state. */
  current: number;
}

interface Place {
  readonly group: Group;
  readonly row: number;
}

/**
 * The states of several streams ("lanes") that share batches. A step's states stay stacked as the network gave them:
 * while the same lanes step together nothing is copied, and only a batch of other lanes gathers its rows.
 */
export class LaneStates {
  readonly #places: (Place | undefined)[];

  constructor(lanes: number) {
    this.#places = new Array<Place | undefined>(lanes).fill(undefined);
  }

  /** Whether a lane begins: it has no state. */
  isFresh(lane: number): boolean {
    return this.#places[lane] === undefined;
  }

  /**
   * Runs a step of some lanes, which all begin or all do not, on the states stacked in their order, and keeps the
   * states that it gives.
   */
  async advance<T>(
    lanes: readonly number[],
    step: (state: NetworkState | undefined) => Promise<T & { readonly state: NetworkState }>,
  ): Promise<T> {
    const stacked = this.#stack(lanes);
    try {
      const result = await step(stacked?.state);
      this.#keep(lanes, result.state);
      return result;
    } finally {
      if (stacked?.copied === true) disposeState(stacked.state);
    }
  }

  /** Forgets the state of a lane, which begins anew. */
  reset(lane: number): void {
    const place = this.#places[lane];
    this.#places[lane] = undefined;
    if (place !== undefined && --place.group.current === 0) disposeState(place.group.state);
  }

  /** The state of a lane outside the engine, without the batch's axis, by layer; undefined for one that begins. */
  async read(lane: number): Promise<ReadonlyMap<string, TensorData> | undefined> {
    const place = this.#places[lane];
    if (place === undefined) return undefined;
    const rows = Object.entries(place.group.state).map(async ([layer, tensor]) => {
      const shape = tensor.shape.slice(1);
      const size = sizeOf(shape);
      const all = (await tensor.data()) as Float32Array;
      return [layer, { shape, values: all.slice(place.row * size, (place.row + 1) * size) }] as const;
    });
    return new Map(await Promise.all(rows));
  }

  /** Gives a lane a state that was read from one. */
  write(lane: number, values: ReadonlyMap<string, TensorData>): void {
    this.reset(lane);
    const state: Record<string, tf.Tensor> = {};
    for (const [layer, { shape, values: row }] of values) state[layer] = tf.tensor(row, [1, ...shape]);
    this.#keep([lane], state);
  }

  dispose(): void {
    for (const lane of this.#places.keys()) this.reset(lane);
  }

  #stack(lanes: readonly number[]): { state: NetworkState; copied: boolean } | undefined {
    const places = lanes.map((lane) => this.#places[lane]);
    const first = places[0];
    if (places.every((place) => place === undefined)) return undefined;
    const known = places.filter((place): place is Place => place !== undefined);
    if (known.length < places.length) {
      throw new ShapeError('states: lanes that begin and lanes that go on cannot share a step');
    }
    const { group } = first!;
    const rows = group.state[Object.keys(group.state)[0] ?? '']?.shape[0] ?? 0;
    if (rows === lanes.length && known.every((place, row) => place.group === group && place.row === row)) {
      return { state: group.state, copied: false };
    }
    const state: Record<string, tf.Tensor> = {};
    for (const layer of Object.keys(group.state)) {
      state[layer] = tf.tidy(() => {
        const shape = group.state[layer]!.shape.slice(1);
        const rowsOfLanes = known.map((place) => {
          const matrix = tf.reshape(place.group.state[layer]!, [-1, sizeOf(shape)]);
          return tf.slice(matrix, [place.row, 0], [1, -1]);
        });
        return tf.reshape(tf.concat(rowsOfLanes, 0), [lanes.length, ...shape]);
      });
    }
    return { state, copied: true };
  }

  #keep(lanes: readonly number[], state: NetworkState): void {
    for (const lane of lanes) this.reset(lane);
    const group = { state, current: lanes.length };
    lanes.forEach((lane, row) => {
      this.#places[lane] = { group, row };
    });
  }
}
