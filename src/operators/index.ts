// Lifting and flow control

// Samples to batches, frames to windows
export { type BatchColumns, type BatchOptions, batch, batchSamples } from './batch.ts';
// Events to frames
export { BinByCount, type BinByCountOptions, binByCount } from './bin-by-count.ts';
export { BinByEventBins, type BinByEventBinsOptions, binByEventBins } from './bin-by-event-bins.ts';
export { BinByEvents, type BinByEventsOptions, binByEvents } from './bin-by-events.ts';
export { BinByTime, type BinByTimeOptions, binByTime } from './bin-by-time.ts';
export { type BinCounters, type BinOptions, binCounters } from './bin-frames.ts';
// Frames and images to samples
export { type BinSampleOptions, binRecording, binSample, type SampleToken } from './bin-sample.ts';
export { type Binning, type BinningOptions, bin, createBinning } from './binning.ts';
// Driving a network
export { Decide, type Decision, type DecisionMemory, type DecisionOptions, decide } from './decide.ts';
export {
  EncodeDelta,
  type EncodeDeltaOptions,
  encodeDelta,
  encodeSampleDelta,
  encodeSamplesDelta,
} from './encode-delta.ts';
export { type EncodeDirectOptions, encodeDirect, encodeImagesDirect } from './encode-direct.ts';
export {
  type EncodeLatencyOptions,
  encodeImagesLatency,
  encodeLatency,
  type LatencyCode,
  latencies,
} from './encode-latency.ts';
export { type EncodePoissonOptions, encodeImagesPoisson, encodePoisson } from './encode-poisson.ts';
export {
  type EncodePopulationOptions,
  encodeImagesPopulation,
  encodePopulation,
  tuning,
} from './encode-population.ts';
// Events to events
export * as filters from './filters/index.ts';
export { firstEventFrom } from './first-event-from.ts';
export { fitLength, fitSample } from './fit-length.ts';
export { type Crop, FrameGrid, type FrameGridOptions, type Polarity } from './frame-grid.ts';
export { inFlight } from './in-flight.ts';
export {
  type LiveWindow,
  type LiveWindowCounters,
  LiveWindows,
  type LiveWindowsOptions,
} from './live-windows.ts';
export { type Prediction, type PredictOptions, type PredictStep, predict } from './predict.ts';
export { type ClassPrediction, predictions } from './predictions.ts';
export { regrid, regridChunk } from './regrid.ts';
// What events become in frames
export type { AveragedTimeSurfaceOptions } from './representations/averaged-time-surface.ts';
export {
  BinaryRepresentation,
  type BinaryRepresentationOptions,
  binaryRepresentation,
} from './representations/binary-representation.ts';
export {
  parseRepresentation,
  type RepresentationDefinition,
  representationDefinitions,
} from './representations/parse-representation.ts';
export {
  frameShape,
  type PaintedRepresentation,
  type Representation,
} from './representations/representation.ts';
export type { TimeSurfaceOptions } from './representations/time-surface.ts';
export type { VoxelGridOptions } from './representations/voxel-grid.ts';
export { shuffle, shuffled } from './shuffle.ts';
export { type SpikeRates, spikeRates } from './spike-rates.ts';
export { stage } from './stage.ts';
export { SampleBuilder, type SampleOptions, toSample } from './to-sample.ts';
export { train } from './train.ts';
export { type Window, Windows, type WindowsOptions, windows } from './windows.ts';
