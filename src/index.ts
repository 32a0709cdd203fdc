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
  type AnyFormat,
  aedat1,
  aedat2,
  aedat3,
  aedat4,
  arrowEvents,
  type DecodeCounters,
  type DecodeOptions,
  dat,
  dat1,
  detectFormat,
  type EncodeOptions,
  type EventDecoder,
  type EventEncoder,
  type EventFormat,
  type EventReader,
  eventStream,
  evt2,
  evt3,
  evt21,
  type FrameRecord,
  formats,
  hdf5,
  type IndexedFormat,
  type InertialRecord,
  indexedFormats,
  nmnist,
  numpy,
  type OtherRecord,
  parquet,
  type RecordingFormat,
  sequentialFormats,
  type TimeUnit,
  type TriggerRecord,
  text,
} from './streams/formats/index.ts';
export {
  openRecording,
  type RecordingFile,
  type RecordingOptions,
  recordingFromBytes,
  recordingFromPipe,
  type WriteOptions,
  writeRecording,
} from './streams/recording-file.ts';
export { type RecordingSummary, summarizeRecording } from './streams/summarize.ts';
export type { TimeRange } from './streams/time-range.ts';

// Data sets and simulated recordings

export { openCifar10 } from './streams/datasets/cifar10.ts';
export { type Cifar10DvsOptions, openCifar10Dvs } from './streams/datasets/cifar10dvs.ts';
export type { Dataset, ImageToken, Labelled, LabelledRecording } from './streams/datasets/dataset.ts';
export { openDvsGesture } from './streams/datasets/dvs-gesture.ts';
export { type EventFolderOptions, openEventFolder } from './streams/datasets/event-folder.ts';
export { type ImageFolderOptions, openImageFolder } from './streams/datasets/image-folder.ts';
export { openMnist } from './streams/datasets/mnist.ts';
export { openNcaltech101 } from './streams/datasets/ncaltech101.ts';
export { openNcars } from './streams/datasets/ncars.ts';
export { openNmnist } from './streams/datasets/nmnist.ts';
export {
  openSimulatedImages,
  openSimulatedShapes,
  type SimulatedImagesOptions,
  type SimulatedShapesOptions,
} from './streams/datasets/simulated.ts';
export { type Split, type SplitFractions, stratifiedSplit } from './streams/datasets/split.ts';
export {
  type CatalogueEntry,
  catalogue,
  catalogueEntry,
  type RemoteFile,
} from './streams/fetch/catalogue.ts';
export { type FetchedFile, type FetchOptions, fetchDataset } from './streams/fetch/fetch-dataset.ts';
export { DiskSampleCache, defaultCacheDir } from './streams/sample-cache/disk-sample-cache.ts';
export { type CachedSample, fromCached, toCached } from './streams/sample-cache/sample-file.ts';
export { type SimulatorOptions, simulateEvents } from './streams/simulator.ts';

// Live sources

export {
  type LiveCounters,
  type LiveOptions,
  type LiveProtocol,
  type LiveSource,
  liveSource,
} from './streams/live/live-source.ts';
export type { Overflow } from './streams/live/ring.ts';
export { repeated, type SendOptions, type Sent, sendEvents } from './streams/live/send.ts';

// Operators: events to events (`filters`), to frames, samples, batches and windows; driving a network

export {
  type AveragedTimeSurfaceOptions,
  type BatchColumns,
  type BatchOptions,
  BinaryRepresentation,
  type BinaryRepresentationOptions,
  BinByCount,
  type BinByCountOptions,
  BinByEventBins,
  type BinByEventBinsOptions,
  BinByEvents,
  type BinByEventsOptions,
  BinByTime,
  type BinByTimeOptions,
  type BinCounters,
  type Binning,
  type BinningOptions,
  type BinOptions,
  type BinSampleOptions,
  batch,
  bin,
  binaryRepresentation,
  binByCount,
  binByEventBins,
  binByEvents,
  binByTime,
  binRecording,
  binSample,
  type Crop,
  createBinning,
  Decide,
  type Decision,
  type DecisionMemory,
  type DecisionOptions,
  decide,
  EncodeDelta,
  type EncodeDeltaOptions,
  type EncodeDirectOptions,
  type EncodeLatencyOptions,
  type EncodePoissonOptions,
  type EncodePopulationOptions,
  encodeDelta,
  encodeDirect,
  encodeImagesDirect,
  encodeImagesLatency,
  encodeImagesPoisson,
  encodeImagesPopulation,
  encodeLatency,
  encodePoisson,
  encodePopulation,
  encodeSampleDelta,
  encodeSamplesDelta,
  FrameGrid,
  type FrameGridOptions,
  filters,
  frameShape,
  inFlight,
  type LiveWindow,
  type LiveWindowCounters,
  LiveWindows,
  type LiveWindowsOptions,
  type PaintedRepresentation,
  type Polarity,
  type Prediction,
  type PredictOptions,
  type PredictStep,
  predict,
  predictions,
  type Representation,
  regrid,
  SampleBuilder,
  type SampleOptions,
  type SpikeRates,
  shuffle,
  spikeRates,
  stage,
  type TimeSurfaceOptions,
  toSample,
  train,
  type VoxelGridOptions,
  type Window,
  windows,
} from './operators/index.ts';

// Engines

export {
  type EngineInfo,
  type EngineName,
  type EngineOptions,
  listEngines,
  type RunningEngine,
  startEngine,
} from './engines/engine.ts';

// Networks: building, training, saving, predicting

export { type BatchTensors, batchTensors } from './models/batch-tensors.ts';
export {
  type Checkpoint,
  decodeCheckpoint,
  encodeCheckpoint,
  loadTensors,
  restoreNetwork,
  saveTensors,
} from './models/checkpoint.ts';
export { arithmeticEnergy, ruleOfThumbEnergyRatio } from './models/energy.ts';
export type { Feed } from './models/feed.ts';
export { cifar10Normalisation, type ImagePreparation, prepareImages } from './models/image-preparation.ts';
export { LaneStates } from './models/lane-states.ts';
export { type DirectFeedbackOptions, directFeedback } from './models/learning/direct-feedback.ts';
export type { LearningRule } from './models/learning/learning-rule.ts';
export { type LyapunovRegulariser, lyapunovRule } from './models/learning/lyapunov-rule.ts';
export type { LossKind, LossOptions, OutputLossOptions } from './models/losses.ts';
export * as losses from './models/losses.ts';
export { evaluateExponents } from './models/lyapunov/evaluate-exponents.ts';
export { type LyapunovOptions, lyapunovExponents } from './models/lyapunov/exponents.ts';
export { type MembraneTrace, traceMembranes } from './models/lyapunov/membrane-trace.ts';
export { type EpochMetrics, MetricsAccumulator, type StepMetrics } from './models/metrics.ts';
export {
  createNetwork,
  disposeState,
  type ForwardOptions,
  type Network,
  type NetworkConfig,
  type NetworkOutput,
  parameterCount,
  type StepOutput,
} from './models/network.ts';
export { type CsnnConfig, csnnConfig } from './models/networks/csnn.ts';
export {
  type DfaNetConfig,
  leakyDfaNetConfig,
  refractoryDfaNetConfig,
} from './models/networks/dfa-net.ts';
export { type LyapunovNetConfig, lyapunovNetConfig } from './models/networks/lyapunov-net.ts';
export { type NmnistNetConfig, nmnistNetConfig } from './models/networks/nmnist-net.ts';
export { type SsnnConfig, type SsnnOptions, ssnnConfig } from './models/networks/ssnn.ts';
export { type VggConfig, vggConfig } from './models/networks/vgg.ts';
export type { FixedLif } from './models/neurons.ts';
export * as neurons from './models/neurons.ts';
export type { OptimiserConfig } from './models/optimisers.ts';
export {
  createPredictor,
  type Predictor,
  type PredictorBatch,
  type PredictorOutput,
  type PredictorWindow,
} from './models/predictor.ts';
export { type LayerRecording, Recorder, type RecorderOptions } from './models/recorder.ts';
export type { Schedule } from './models/schedules.ts';
export {
  type MeterOptions,
  type StepMeasures,
  StepMeter,
  type StepOperations,
  type StepRaster,
} from './models/step-meter.ts';
export type { Surrogate } from './models/surrogates.ts';
export * as surrogates from './models/surrogates.ts';
export {
  countOperations,
  type LayerOperations,
  type NetworkOperations,
  OperationCounter,
} from './models/synaptic-operations.ts';
export { createTrainer, type Trainer, type TrainerOptions } from './models/trainer.ts';

// The dashboard

export { type Dashboard, type DashboardOptions, startDashboard } from './dashboard/dashboard.ts';
export type { DashboardKind, DashboardMessage } from './dashboard/messages.ts';

// Pipelines: defining, finding, and predicting from a stream with a trained network

export {
  choiceOption,
  definePipeline,
  integerOption,
  numberOption,
  type Option,
  type Options,
  type OptionValues,
  type Pipeline,
  type PipelineContext,
  type PipelineDefinition,
  portOption,
  switchOption,
  textOption,
  textsOption,
} from '../pipelines/definition.ts';
export { loadPipeline, pipelineNames } from '../pipelines/index.ts';
export type { CameraOptions, CameraSource } from '../pipelines/streaming/camera-stream.ts';
export {
  inferLive,
  type LiveInference,
  type LiveInferenceOptions,
  type LivePrediction,
} from '../pipelines/streaming/live-inference.ts';
export { type LoadedModel, loadModel, type ModelOptions } from '../pipelines/streaming/load-model.ts';
export {
  type EventSource,
  type PredictionStream,
  predictStream,
  type StreamOptions,
} from '../pipelines/streaming/predict-stream.ts';
export { type CameraSnapshot, decodeSnapshot } from '../pipelines/streaming/snapshot.ts';
