/** What programs import from `rxspike`. */

// Words and errors

export { EngineError, FormatError, InputError, OptionError, RxspikeError, ShapeError } from './errors.ts';
export {
  allocateChunk,
  CHUNK_EVENTS,
  type EventChunk,
  type Frame,
  type LabelledImage,
  type Recording,
  type Sample,
  type SensorSize,
  type Stage,
  sliceChunk,
} from './events.ts';
export { permutation, RandomStream } from './random.ts';

// Recordings: files in and out, as observables

export { Credits, eventChunks, pulledChunks } from './streams/event-chunks.ts';
export {
  aedat2,
  aedat4,
  arrowEvents,
  type DecodeCounters,
  type DecodeOptions,
  detectFormat,
  type EncodeOptions,
  type EventDecoder,
  type EventEncoder,
  type EventFormat,
  formats,
  nmnist,
} from './streams/formats/index.ts';
export {
  openRecording,
  type RecordingFile,
  type RecordingOptions,
  recordingFromBytes,
  writeRecording,
} from './streams/recording-file.ts';
export { type RecordingSummary, summarizeRecording } from './streams/summarize.ts';

// Data sets and simulated recordings

export { openCifar10 } from './streams/datasets/cifar10.ts';
export { type Cifar10DvsOptions, openCifar10Dvs } from './streams/datasets/cifar10dvs.ts';
export type { Dataset, ImageToken, Labelled, LabelledRecording } from './streams/datasets/dataset.ts';
export { type ImageFolderOptions, openImageFolder } from './streams/datasets/image-folder.ts';
export { openMnist } from './streams/datasets/mnist.ts';
export { openNmnist } from './streams/datasets/nmnist.ts';
export {
  openSimulatedImages,
  openSimulatedShapes,
  type SimulatedImagesOptions,
  type SimulatedShapesOptions,
} from './streams/datasets/simulated.ts';
export { type Split, type SplitFractions, stratifiedSplit } from './streams/datasets/split.ts';
export { type SimulatorOptions, simulateEvents } from './streams/simulator.ts';

// Live sources

export {
  type LiveCounters,
  type LiveOptions,
  type LiveSource,
  liveSource,
} from './streams/live/live-source.ts';
export { type SendOptions, type Sent, sendSpif } from './streams/live/send-spif.ts';
export { type SpifCounters, SpifDecoder, SpifEncoder, type SpifEncoding } from './streams/live/spif.ts';

// Operators: events to frames, samples, batches and windows; driving a network

export {
  type BatchColumns,
  type BatchOptions,
  BinByCount,
  type BinByCountOptions,
  BinByEvents,
  type BinByEventsOptions,
  BinByTime,
  type BinByTimeOptions,
  type BinCounters,
  type Binning,
  type BinOptions,
  type BinSampleOptions,
  batch,
  bin,
  binByCount,
  binByEvents,
  binByTime,
  binRecording,
  binSample,
  type Crop,
  createBinning,
  type EncodeDirectOptions,
  type EncodePoissonOptions,
  encodeDirect,
  encodeImagesDirect,
  encodeImagesPoisson,
  encodePoisson,
  FrameGrid,
  type FrameGridOptions,
  inFlight,
  type Polarity,
  type Prediction,
  type PredictOptions,
  type PredictStep,
  predict,
  predictions,
  regrid,
  SampleBuilder,
  type SampleOptions,
  type SpikeRates,
  shuffle,
  spikeRates,
  stage,
  toSample,
  train,
  type Window,
  windows,
} from './operators/index.ts';
