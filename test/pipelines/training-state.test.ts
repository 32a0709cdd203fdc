import { describe, expect, it } from 'vitest';
import { readState, stateAfter } from '../../pipelines/training/training-state.ts';

describe('readState', () => {
  const state = {
    ...stateAfter([]),
    batches: 3,
    metrics: { samples: 24, loss: 1 / 3, correct: 7, layers: { lif1: { spikes: 0.1, elements: 10 } } },
    seconds: 1.25,
  };

  it('gives back every bit of what JSON kept', () => {
    expect(readState(JSON.parse(JSON.stringify(state)), 'file')).toStrictEqual(state);
  });

  it('says in one line where a checkpoint is not that of a run', () => {
    expect(() => readState(undefined, 'file')).toThrow(
      /^file: checkpoint: expected Object at extra, found undefined$/,
    );
    expect(() => readState({ ...state, batches: -1 }, 'file')).toThrow(/extra\.batches/);
    expect(() => readState({ ...state, lines: [{ type: 'epoch' }] }, 'file')).toThrow(
      /extra\.lines\.0\.model/,
    );
  });
});
