import { readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { InputError, OptionError } from '../../src/errors.ts';
import { bestLine, type EpochLine } from '../training/epoch-line.ts';
import { type RunConfig, RunDirectory } from '../training/run-directory.ts';

/** A checkpoint on disk. */
export interface FoundCheckpoint {
  readonly path: string;
  readonly bytes: Uint8Array;
  /** The network's name in its run. */
  readonly name: string;
}

/**
 * The checkpoint that `--model` names: `RUN` gives the best network of a run directory, `RUN:NAME` the one of that
 * name, both at their best epoch; a `.safetensors` file is taken itself.
 */
export async function findCheckpoint(model: string): Promise<FoundCheckpoint> {
  const kind = await kindOf(model);
  if (kind === 'file')
    return { path: model, bytes: await readFile(model), name: basename(model, '.safetensors') };
  if (kind === 'directory') return fromRun(model, undefined);
  const colon = model.lastIndexOf(':');
  const runPath = model.slice(0, Math.max(0, colon));
  if (runPath !== '' && (await kindOf(runPath)) === 'directory')
    return fromRun(runPath, model.slice(colon + 1));
  throw new InputError('expected a run directory, RUN or RUN:NAME, found nothing there', model);
}

async function fromRun(path: string, wanted: string | undefined): Promise<FoundCheckpoint> {
  const { run, config } = await RunDirectory.open(path);
  if (wanted !== undefined && !config.networks.includes(wanted)) {
    throw new OptionError(
      `--model: no network ${JSON.stringify(wanted)} in ${path}, which holds ${config.networks.join(', ')}`,
    );
  }
  const name = wanted ?? (await bestNetwork(path, config));
  const bytes = await run.readCheckpoint(name, 'best');
  if (bytes === undefined) {
    throw new InputError(`${name} has no checkpoint yet: no epoch has been finished`, path);
  }
  return { path: run.checkpointPath(name, 'best'), bytes, name };
}

/** The best network of a run, by its result, or by its epochs so far where it has not ended. */
async function bestNetwork(path: string, { networks }: RunConfig): Promise<string> {
  if (networks.length === 1) return networks[0]!;
  const [result] = await jsonLines(join(path, 'result.json'), (text) => [text]);
  const best = (result as { best?: unknown } | undefined)?.best;
  if (typeof best === 'string' && networks.includes(best)) return best;
  const lines = await jsonLines(join(path, 'metrics.jsonl'), (text) => text.trim().split('\n'));
  const name = bestLine(
    lines.filter((line) => typeof line === 'object' && line !== null) as EpochLine[],
  )?.model;
  if (name === undefined || !networks.includes(name)) {
    throw new InputError(`no epoch of ${networks.join(', ')} has been finished yet`, path);
  }
  return name;
}

async function jsonLines(path: string, split: (text: string) => string[]): Promise<unknown[]> {
  const text = await readFile(path, 'utf8').catch(() => '');
  try {
    return text === '' ? [] : split(text).map((line) => JSON.parse(line));
  } catch (error) {
    throw new InputError(`expected JSON, found ${(error as Error).message}`, path, { cause: error });
  }
}

async function kindOf(path: string): Promise<'file' | 'directory' | undefined> {
  const found = await stat(path).catch(() => undefined);
  return found?.isDirectory() ? 'directory' : found?.isFile() ? 'file' : undefined;
}
