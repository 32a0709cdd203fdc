import { describe, expect, it } from 'vitest';
import { type Binning, createBinning, FrameGrid, type Representation } from '../../../src/operators/index.ts';
import { runStage, split } from '../event-cases.ts';
import { expectFrames, reference, referenceChunk } from '../reference.ts';

const grid = new FrameGrid({ sensor: reference.sensor });
const time: Binning = { kind: 'time', windowMicros: 2000 };
const whole: Binning = { kind: 'count', bins: 1 };
const counted: Representation = { kind: 'counted' };
const averaged = {
  kind: 'averaged-time-surface',
  cellSize: 5,
  surfaceSize: 3,
  windowMicros: 3000,
  tauMicros: 700,
} as const;

/** Name in the reference, how it is cut, what is made of it. */
const cases: readonly [name: string, binning: Binning, representation: Representation][] = [
  ['time', time, counted],
  ['count', { kind: 'count', bins: 4 }, counted],
  ['countOverlapping', { kind: 'count', bins: 4, overlap: 0.25 }, counted],
  ['events', { kind: 'events', count: 70 }, counted],
  ['eventBins', { kind: 'event-bins', bins: 7 }, counted],
  ['eventBinsDropped', { kind: 'event-bins', bins: 7, tail: 'drop' }, counted],
  ['eventBinsOverlapping', { kind: 'event-bins', bins: 7, overlap: 0.25 }, counted],
  ['binary', time, { kind: 'binary' }],
  ['timeSurface', time, { kind: 'time-surface', tauMicros: 1500 }],
  ['timeSurfaceOverlapping', { ...time, strideMicros: 700 }, { kind: 'time-surface', tauMicros: 1500 }],
  ['averagedExponential', whole, averaged],
  ['averagedLinear', time, { ...averaged, decay: 'linear' }],
  ['voxelGrid', whole, { kind: 'voxel-grid', bins: 5 }],
  ['voxelGridByTime', time, { kind: 'voxel-grid', bins: 5 }],
  ['voxelGridByEvents', { kind: 'events', count: 70 }, { kind: 'voxel-grid', bins: 3 }],
  ['binaryRepresentation', { kind: 'count', bins: 3 }, { kind: 'binary-representation', bits: 4 }],
];

it('has a case for each of the reference', () => {
  expect(cases.map(([name]) => name).sort()).toStrictEqual(Object.keys(reference.frames).sort());
});

describe.each(cases)('%s', (name, binning, representation) => {
  it('is the reference', () => {
    expectFrames(runStage(createBinning(binning, { grid, representation }), [referenceChunk()]), name);
  });

  it('is the same however the events are cut into chunks', () => {
    const chunks = split(referenceChunk(), [1, 1, 2, 69, 70, 71, 140, 333, 499]);
    expectFrames(runStage(createBinning(binning, { grid, representation }), chunks), name);
  });
});
