import { type EngineName, engineNames } from '../../src/engines/engine-names.ts';
import type { Overflow } from '../../src/streams/live/ring.ts';
import { type DashboardOptions, dashboardOptions } from '../dashboard/options.ts';
import {
  choiceOption,
  integerOption,
  numberOption,
  type Option,
  switchOption,
  textOption,
  textsOption,
} from '../definition.ts';

/** When the membrane state of a stream begins anew. */
export type ResetRule = 'never' | 'window' | 'silence';

/** The options of `pipeline run live`. */
export type LiveOptions = DashboardOptions & {
  readonly model: Option<string | undefined>;
  readonly source: Option<readonly string[]>;
  readonly engine: Option<EngineName>;
  readonly threads: Option<number>;
  readonly duration: Option<number | undefined>;
  readonly idleTimeout: Option<number | undefined>;
  readonly bin: Option<number | undefined>;
  readonly lateness: Option<number>;
  readonly reset: Option<ResetRule>;
  readonly silence: Option<number>;
  readonly overflow: Option<Overflow>;
  readonly thin: Option<number>;
  readonly buffer: Option<number>;
  readonly halfLife: Option<number>;
  readonly enter: Option<number>;
  readonly leave: Option<number>;
  readonly operations: Option<boolean>;
  readonly out: Option<readonly string[] | undefined>;
  readonly snapshot: Option<string | undefined>;
  readonly snapshotEvery: Option<number>;
};

/** The options of `pipeline run live`. */
export const liveOptions: LiveOptions = {
  model: textOption({
    placeholder: 'RUN[:NAME]',
    help: 'trained network that predicts; RUN is a run directory',
  }),
  source: textsOption({
    placeholder: 'URL',
    help: 'a camera: udp://HOST:PORT, tcp://HOST:PORT, unix:PATH, ws://HOST:PORT, - for standard input, file:PATH, sim: or a folder',
    default: ['udp://127.0.0.1:3333'] as readonly string[],
  }),
  engine: choiceOption(engineNames, {
    help: 'tensor engine; see pipeline engines',
    default: 'auto',
  }),
  threads: integerOption({
    help: 'threads of the engine; more than one pays for large networks only',
    min: 1,
    max: 256,
    default: 1,
  }),
  duration: numberOption({
    placeholder: 'SECONDS',
    help: 'end after this time; without it, at Ctrl-C',
    above: 0,
  }),
  idleTimeout: numberOption({
    placeholder: 'SECONDS',
    help: 'end when nothing has come for this time',
    above: 0,
  }),
  bin: numberOption({ help: "length of a bin; that of the training's by default", unit: 'ms', above: 0.001 }),
  lateness: numberOption({
    help: 'how long a window waits for the next event before the clock closes it; what comes later is counted as late',
    unit: 'ms',
    min: 0,
    default: 100,
  }),
  reset: choiceOption(['never', 'window', 'silence'], {
    help: 'when the membrane state begins anew; a signal SIGUSR2 does so at any time',
    default: 'never',
  }),
  silence: numberOption({
    help: 'time without events after which --reset silence does',
    unit: 'ms',
    above: 0,
    default: 1000,
  }),
  overflow: choiceOption(['drop', 'thin', 'merge'], {
    help: 'where the network is too slow: drop the oldest events, keep one in --thin, or merge windows that wait into coarser ones',
    default: 'drop',
  }),
  thin: integerOption({
    help: 'one event in so many is kept by --overflow thin',
    min: 2,
    max: 1000,
    default: 4,
  }),
  buffer: integerOption({
    help: 'events of a camera that wait at most for the network; the oldest are dropped beyond, and counted',
    default: 2 ** 20,
    min: 1,
    max: 2 ** 27,
  }),
  halfLife: numberOption({
    help: 'time after which a prediction counts half in the smoothed decision; 0 for the last prediction alone',
    unit: 'ms',
    min: 0,
    default: 100,
  }),
  enter: numberOption({
    help: 'mean probability from which a class is decided for',
    min: 0,
    max: 1,
    default: 0.6,
  }),
  leave: numberOption({
    help: 'mean probability below which a decision is given up',
    min: 0,
    max: 1,
    default: 0.4,
  }),
  operations: switchOption({ help: 'count the synaptic operations of every window, exactly' }),
  out: textsOption({
    placeholder: 'PLACE',
    help: 'predictions go there too: ws://HOST:PORT serves them, FILE.jsonl is appended to, FILE.arrows is a new Arrow stream',
  }),
  snapshot: textOption({
    placeholder: 'FILE',
    help: 'keep the state of the streams in a file, and go on from it where it is there',
  }),
  snapshotEvery: numberOption({
    placeholder: 'SECONDS',
    help: 'how often --snapshot writes; it does at the end too',
    above: 0,
    default: 10,
  }),
  ...dashboardOptions,
};
