// Where events are: `import { filters } from 'rxspike'`, then `filters.crop(...)`. Names are those of the command line.
export { ArbiterLines, type ArbiterLinesOptions, arbiterLines } from './arbiter-lines.ts';
export { Crop, type CropOptions, centreCrop, centreOf, crop } from './crop.ts';
export { Decimate, type DecimateOptions, decimate } from './decimate.ts';
export type { FilterDefinition } from './definition.ts';
export { filterDefinitions } from './definitions/index.ts';
export { Denoise, type DenoiseOptions, denoise } from './denoise.ts';
export { Downsample, type DownsampleOptions, downsample, downsampledSize } from './downsample.ts';
export { DownsampleTime, type DownsampleTimeOptions, downsampleTime } from './downsample-time.ts';
export {
  Drop,
  DropArea,
  type DropAreaOptions,
  type DropOptions,
  DropTime,
  type DropTimeOptions,
  drop,
  dropArea,
  dropTime,
} from './drop.ts';
export { DropPixels, type DropPixelsOptions, dropPixels, type Pixel } from './drop-pixels.ts';
export { type EventFilter, FilterChain } from './filter-chain.ts';
export type { FilterCounters, FilterStage, SeedOptions, SensorOptions } from './filter-stage.ts';
export { Flip, type FlipOptions, flip } from './flip.ts';
export { HotPixels, type HotPixelsOptions, hotPixels } from './hot-pixels.ts';
export { Integrate, type IntegrateOptions, integrate } from './integrate.ts';
export { JitterSpace, type JitterSpaceOptions, jitterSpace } from './jitter-space.ts';
export { JitterTime, type JitterTimeOptions, jitterTime } from './jitter-time.ts';
export { LimitRate, type LimitRateOptions, limitRate } from './limit-rate.ts';
export { mergeChunks } from './merge.ts';
export { Noise, type NoiseOptions, noise } from './noise.ts';
export { PixelCounts } from './pixel-counts.ts';
export {
  FlipPolarity,
  flipPolarity,
  MergePolarities,
  type MergePolaritiesOptions,
  mergePolarities,
  SelectPolarity,
  type SelectPolarityOptions,
  selectPolarity,
} from './polarity.ts';
export { Refractory, type RefractoryOptions, refractory } from './refractory.ts';
export { findFilter, kebabCase, parseFilter } from './registry.ts';
export { Regularise, type RegulariseOptions, regularise } from './regularise.ts';
export { Rotate, type RotateOptions, rotate } from './rotate.ts';
export { TimeCrop, type TimeCropOptions, timeCrop } from './time-crop.ts';
export { TimeScale, type TimeScaleOptions, timeScale } from './time-scale.ts';
export { TimeShift, type TimeShiftOptions, timeShift } from './time-shift.ts';
export { Transpose, transpose } from './transpose.ts';
