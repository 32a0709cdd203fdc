import type { FrameGrid, Polarity } from '../frame-grid.ts';
import { AveragedTimeSurface, type AveragedTimeSurfaceOptions, tiledSize } from './averaged-time-surface.ts';
import { Counted } from './counted.ts';
import type { Painter } from './painter.ts';
import { TimeSurface, type TimeSurfaceOptions } from './time-surface.ts';
import { VoxelGrid, type VoxelGridOptions } from './voxel-grid.ts';

/** What the events of one bin become, as plain data. */
export type PaintedRepresentation =
  /** Events of each pixel. */
  | { readonly kind: 'counted' }
  /** 1 where a pixel had an event. */
  | { readonly kind: 'binary' }
  | ({ readonly kind: 'time-surface' } & TimeSurfaceOptions)
  | ({ readonly kind: 'averaged-time-surface' } & AveragedTimeSurfaceOptions)
  | ({ readonly kind: 'voxel-grid' } & VoxelGridOptions);

/** What events become in frames, as plain data: options and checkpoints may hold it. */
export type Representation =
  | PaintedRepresentation
  /** Each bin is cut into as many parts as there are bits; see `BinaryRepresentation`. */
  | { readonly kind: 'binary-representation'; readonly bits: number };

/** The painter that a description asks for. */
export function createPainter(
  representation: PaintedRepresentation,
  grid: FrameGrid,
  polarity: Polarity,
): Painter {
  switch (representation.kind) {
    case 'counted':
      return new Counted(grid, polarity, false);
    case 'binary':
      return new Counted(grid, polarity, true);
    case 'time-surface':
      return new TimeSurface(grid, polarity, representation);
    case 'averaged-time-surface':
      return new AveragedTimeSurface(grid, polarity, representation);
    case 'voxel-grid':
      return new VoxelGrid(grid, representation);
  }
}

/** [height, width, channels] of the frames that a representation gives. */
export function frameShape(
  representation: Representation,
  grid: FrameGrid,
  polarity: Polarity,
): readonly [height: number, width: number, channels: number] {
  const channels = polarity === 'two' ? 2 : 1;
  switch (representation.kind) {
    case 'voxel-grid':
      return [grid.height, grid.width, representation.bins];
    case 'averaged-time-surface':
      return [...tiledSize(grid, representation), channels];
    default:
      return [grid.height, grid.width, channels];
  }
}
