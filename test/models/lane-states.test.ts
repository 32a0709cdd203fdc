import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { startEngine } from '../../src/engines/engine.ts';
import { LaneStates } from '../../src/models/lane-states.ts';
import type { NetworkState } from '../../src/models/layers/layer.ts';

beforeAll(async () => {
  await startEngine('cpu');
});

/** A step that writes down, for each lane, which lanes it went with and how often it went. */
function stepped(lanes: readonly number[], before: NetworkState | undefined): NetworkState {
  return tf.tidy(() => {
    const old = before?.['count'] ?? tf.zeros([lanes.length, 2, 1]);
    const count = tf.add(old, 1);
    const lane = tf.tensor(
      lanes.flatMap((value) => [value, value, value]),
      [lanes.length, 3],
    );
    const sum = tf.add(before?.['lane'] ?? tf.zeros([lanes.length, 3]), lane);
    return { count, lane: sum };
  }) as NetworkState;
}

async function step(states: LaneStates, lanes: readonly number[]): Promise<void> {
  await states.advance(lanes, async (state) => ({ state: stepped(lanes, state) }));
}

describe('LaneStates', () => {
  it('gives each lane its own state, whatever lanes it steps with, and frees the rest', async () => {
    const actions = fc.array(
      fc.tuple(fc.subarray([0, 1, 2, 3], { minLength: 1 }), fc.constantFrom('step', 'reset')),
      { maxLength: 12 },
    );
    await fc.assert(
      fc.asyncProperty(actions, async (list) => {
        const before = tf.memory().numTensors;
        const states = new LaneStates(4);
        const counts = [0, 0, 0, 0];
        for (const [lanes, action] of list) {
          if (action === 'reset') {
            for (const lane of lanes) {
              states.reset(lane);
              counts[lane] = 0;
            }
            continue;
          }
          const fresh = lanes.filter((lane) => states.isFresh(lane));
          expect(fresh).toStrictEqual(lanes.filter((lane) => counts[lane] === 0));
          const going = lanes.filter((lane) => !states.isFresh(lane));
          for (const part of [fresh, going]) if (part.length > 0) await step(states, part);
          for (const lane of lanes) counts[lane]!++;
        }
        for (const [lane, count] of counts.entries()) {
          const values = await states.read(lane);
          if (count === 0) expect(values).toBeUndefined();
          else {
            expect(values!.get('count')).toStrictEqual({
              shape: [2, 1],
              values: Float32Array.of(count, count),
            });
            expect(values!.get('lane')!.values[2]).toBe(count * lane);
          }
        }
        states.dispose();
        expect(tf.memory().numTensors).toBe(before);
      }),
      { numRuns: 60 },
    );
  });

  it('copies nothing while the same lanes step together', async () => {
    const states = new LaneStates(2);
    let last: NetworkState | undefined;
    for (let i = 0; i < 3; i++) {
      await states.advance([0, 1], async (state) => {
        expect(state).toBe(last);
        last = stepped([0, 1], state);
        return { state: last };
      });
    }
    states.dispose();
  });

  it('takes back a state that was read', async () => {
    const states = new LaneStates(3);
    await step(states, [0, 1, 2]);
    await step(states, [0, 1, 2]);
    const saved = (await states.read(1))!;
    states.reset(1);
    states.write(1, saved);
    await step(states, [0, 1]);
    expect((await states.read(1))!.get('lane')!.values).toStrictEqual(Float32Array.of(3, 3, 3));
    expect((await states.read(2))!.get('lane')!.values).toStrictEqual(Float32Array.of(4, 4, 4));
    states.dispose();
  });

  it('keeps the states where a step fails, and refuses lanes that do not fit together', async () => {
    const states = new LaneStates(2);
    await step(states, [0]);
    const failing = states.advance([0], () => Promise.reject(new Error('step')));
    await expect(failing).rejects.toThrow('step');
    expect((await states.read(0))!.get('count')!.values).toStrictEqual(Float32Array.of(1, 1));
    await expect(step(states, [0, 1])).rejects.toThrow('cannot share a step');
    states.dispose();
  });
});
