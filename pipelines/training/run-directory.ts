import { access, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { InputError, OptionError } from '../../src/errors.ts';
import type { PublishedAccuracy } from '../../src/reports/report-data.ts';
import { writeFileAtomic } from '../../src/streams/atomic-file.ts';
import type { EpochLine } from './epoch-line.ts';
import { measuresSchema, type NetworkMeasures } from './network-measures.ts';
import { epochLineSchema } from './training-state.ts';

/**
 * A run on disk. Every file is replaced as a whole, and the last checkpoint of a network is the one truth about how
 * far it is: it carries the metrics of all its epochs, so that `metrics.jsonl` is rewritten from it and a run that
 * was killed between two files resumes as if it had been killed before the first.
 */

/** All that decides a run's numbers, as `config.json` holds it. */
export interface RunConfig {
  readonly pipeline: string;
  /** Versions of this package and of Node. */
  readonly versions: { readonly rxspike: string; readonly node: string };
  /** Every option of the pipeline, by name. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly engine: { readonly name: string; readonly threads: number };
  /** Where the recordings come from, in words. */
  readonly data: string;
  /** True where no sensor saw the events. */
  readonly simulated: boolean;
  readonly classNames: readonly string[];
  /** Names of the networks, in the order in which they are trained. */
  readonly networks: readonly string[];
  /** What the report is to say besides. */
  readonly remarks?: readonly string[];
  /** Published accuracies that it is to show. */
  readonly references?: readonly PublishedAccuracy[];
  readonly startedAt: string;
}

/** The recordings of each part, by id. */
export interface RunSplit {
  readonly train: readonly string[];
  readonly validation: readonly string[];
  readonly test: readonly string[];
}

/** The last lines of a run, one a network, and the name of the best. */
export interface RunResult {
  readonly best: string;
  readonly results: readonly object[];
  /** Those of the configuration, and what the results say. */
  readonly remarks?: readonly string[];
}

export type CheckpointKind = 'best' | 'last';

const configSchema = v.looseObject({
  pipeline: v.string(),
  versions: v.object({ rxspike: v.string(), node: v.string() }),
  options: v.record(v.string(), v.unknown()),
  engine: v.object({ name: v.string(), threads: v.number() }),
  data: v.string(),
  simulated: v.boolean(),
  classNames: v.array(v.string()),
  networks: v.array(v.string()),
  remarks: v.exactOptional(v.array(v.string())),
  references: v.exactOptional(v.array(v.object({ label: v.string(), accuracy: v.number() }))),
  startedAt: v.string(),
});

const resultSchema = v.object({
  best: v.string(),
  results: v.array(v.looseObject({})),
  remarks: v.exactOptional(v.array(v.string())),
});

const splitSchema = v.object({
  train: v.array(v.string()),
  validation: v.array(v.string()),
  test: v.array(v.string()),
});

/** The files of one run. */
export class RunDirectory {
  readonly path: string;
  readonly #metrics = new Map<string, readonly object[]>();

  private constructor(path: string) {
    this.path = path;
  }

  /** Makes the folder with its `config.json`; one that already holds a run is refused. */
  static async create(path: string, config: RunConfig): Promise<RunDirectory> {
    const run = new RunDirectory(path);
    if (await exists(run.#file('config.json'))) {
      throw new OptionError(
        `--out: ${path} already holds a run; go on with --resume ${path}, or name another`,
      );
    }
    await mkdir(join(path, 'checkpoints'), { recursive: true }).catch((error: NodeJS.ErrnoException) => {
      throw new InputError(`the run directory cannot be made: ${error.code ?? error.message}`, path, {
        cause: error,
      });
    });
    await run.writeConfig(config);
    return run;
  }

  /** Opens a run that was started before. */
  static async open(path: string): Promise<{ run: RunDirectory; config: RunConfig }> {
    const run = new RunDirectory(path);
    if (!(await exists(run.#file('config.json')))) {
      throw new InputError('expected a run directory, found no config.json in it', path);
    }
    return { run, config: (await run.#readJson('config.json', configSchema)) as RunConfig };
  }

  /** Removes what a killed process left half-written, and the old result; nobody else may be writing. */
  async removeLeftovers(): Promise<void> {
    for (const folder of [this.path, this.#file('checkpoints'), this.#file('measures')]) {
      const left = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.tmp'));
      for (const name of left) await rm(join(folder, name), { force: true });
    }
    await rm(this.#file('result.json'), { force: true });
  }

  async writeConfig(config: RunConfig): Promise<void> {
    await writeFileAtomic(this.#file('config.json'), json(config));
  }

  async writeSplit(split: RunSplit): Promise<void> {
    await writeFileAtomic(this.#file('split.json'), json(split));
  }

  /** The split, or undefined where the run was stopped before it was drawn. */
  async readSplit(): Promise<RunSplit | undefined> {
    return (await exists(this.#file('split.json'))) ? this.#readJson('split.json', splitSchema) : undefined;
  }

  /** Replaces the lines of one network in `metrics.jsonl`; networks stand in the order in which they first came. */
  async writeMetrics(network: string, lines: readonly object[]): Promise<void> {
    this.#metrics.set(network, lines);
    const all = [...this.#metrics.values()].flat().map((line) => `${JSON.stringify(line)}\n`);
    await writeFileAtomic(this.#file('metrics.jsonl'), all.join(''));
  }

  /** The lines of every network so far, in the order of the file; none before the first epoch is finished. */
  async readMetrics(): Promise<EpochLine[]> {
    const path = this.#file('metrics.jsonl');
    if (!(await exists(path))) return [];
    const lines = (await readFile(path, 'utf8')).split('\n').filter((line) => line !== '');
    return lines.map((line, index) => parsedJson(line, epochLineSchema, `${path}:${index + 1}`));
  }

  async writeResult(result: RunResult): Promise<void> {
    await writeFileAtomic(this.#file('result.json'), json(result));
  }

  /** The result, or undefined where the run has not ended. */
  async readResult(): Promise<RunResult | undefined> {
    return (await exists(this.#file('result.json')))
      ? ((await this.#readJson('result.json', resultSchema)) as RunResult)
      : undefined;
  }

  async writeMeasures(measures: NetworkMeasures): Promise<void> {
    await mkdir(this.#file('measures'), { recursive: true });
    await writeFileAtomic(
      this.#file(join('measures', `${measures.model}.json`)),
      `${JSON.stringify(measures)}\n`,
    );
  }

  /** The measures of a network, or undefined where no epoch has been finished. */
  async readMeasures(network: string): Promise<NetworkMeasures | undefined> {
    const name = join('measures', `${network}.json`);
    return (await exists(this.#file(name))) ? this.#readJson(name, measuresSchema) : undefined;
  }

  checkpointPath(network: string, kind: CheckpointKind): string {
    return join(this.path, 'checkpoints', `${network}-${kind}.safetensors`);
  }

  async writeCheckpoint(network: string, kind: CheckpointKind, bytes: Uint8Array): Promise<void> {
    await writeFileAtomic(this.checkpointPath(network, kind), bytes);
  }

  /** The bytes of a checkpoint, or undefined where there is none yet. */
  async readCheckpoint(network: string, kind: CheckpointKind): Promise<Uint8Array | undefined> {
    const path = this.checkpointPath(network, kind);
    return (await exists(path)) ? readFile(path) : undefined;
  }

  #file(name: string): string {
    return join(this.path, name);
  }

  async #readJson<T>(name: string, schema: v.GenericSchema<unknown, T>): Promise<T> {
    const path = this.#file(name);
    const text = await readFile(path, 'utf8');
    return parsedJson(text, schema, path);
  }
}

/** Where a run goes when no folder is named: `runs/NAME-YYYYMMDD-HHMMSS`, UTC. */
export function defaultRunPath(pipeline: string, now: Date): string {
  const stamp = now.toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15);
  return join('runs', `${pipeline}-${stamp}`);
}

function parsedJson<T>(text: string, schema: v.GenericSchema<unknown, T>, where: string): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new InputError(`expected JSON, found ${(error as Error).message}`, where, { cause: error });
  }
  const parsed = v.safeParse(schema, value);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  throw new InputError(
    `expected ${issue.expected} at ${v.getDotPath(issue) ?? 'the top'}, found ${issue.received}`,
    where,
  );
}

function json(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
