import { spawnSync } from 'node:child_process';
import { stat } from 'node:fs/promises';
import * as nodeModule from 'node:module';
import { resolve as absolute } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { InputError } from '../../src/errors.ts';
import { isPipeline, type Pipeline } from '../definition.ts';
import * as hooks from './hooks.ts';

/** Whether a name of a pipeline is the path of a file: it has a slash or a backslash, or ends as a module does. */
export function isPipelineFile(name: string): boolean {
  return /[/\\]|\.m?[jt]s$/.test(name);
}

/**
 * The pipeline that a JavaScript or TypeScript module exports as its default. The module may import `rxspike`, and
 * what that depends on, from any folder. Throws InputError in one line where there is no file, it does not parse, an
 * import leads nowhere, or the export is no pipeline; what the module itself throws passes.
 */
export async function loadPipelineFile(path: string): Promise<Pipeline> {
  if (!/\.m?[jt]s$/.test(path)) {
    throw new InputError('the file of a pipeline ends in .ts, .mts, .js or .mjs', path);
  }
  const status = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    const reason = cause.code === 'ENOENT' ? 'there is no such file' : cause.message;
    throw new InputError(reason, path, { cause });
  });
  if (!status.isFile()) throw new InputError('the file of a pipeline expected, this is none', path);
  const { href } = pathToFileURL(absolute(path));
  if (hooks.needsStripping(href)) {
    if (hooks.findTypeScript(href) === undefined) {
      throw new InputError(
        `Node ${process.version} does not run TypeScript by itself: npm install typescript, take Node 22.18 or later, or write JavaScript`,
        path,
      );
    }
    process.setSourceMapsEnabled(true);
  }
  registerHooks();
  const { default: pipeline } = await import(href).catch((cause: unknown) => {
    throw isThrownBy(href, cause) ? cause : faultOfLoading(cause, path);
  });
  if (!isPipeline(pipeline)) {
    const found =
      pipeline === undefined ? 'nothing' : pipeline === null ? 'null' : `a value of type ${typeof pipeline}`;
    throw new InputError(
      `the default export must be a pipeline made by definePipeline, found ${found}`,
      path,
    );
  }
  return pipeline;
}

/** `registerHooks` came with Node 22.15; the types at hand do not know it. */
const { register, registerHooks: registerInThread } = nodeModule as typeof nodeModule & {
  registerHooks?: (hooks: object) => void;
};
let registered = false;

function registerHooks(): void {
  if (registered) return;
  registered = true;
  if (registerInThread !== undefined) registerInThread({ resolve: hooks.resolve, load: hooks.load });
  else register(`./hooks${import.meta.url.slice(-3)}`, import.meta.url);
}

/** Whether a module's own code threw an error, rather than the loader: then a frame of the stack is in its file. */
function isThrownBy(href: string, error: unknown): boolean {
  const frames = error instanceof Error ? (error.stack ?? '').split('\n') : [];
  const places = [href, fileURLToPath(href)];
  return frames.some((frame) => /^ +at /.test(frame) && places.some((place) => frame.includes(place)));
}

function faultOfLoading(cause: unknown, path: string): unknown {
  if (!(cause instanceof Error)) return cause;
  const { code } = cause as NodeJS.ErrnoException;
  if (cause.name !== 'SyntaxError' && !code?.startsWith('ERR_')) return cause;
  const [first = ''] = cause.message.split('\n');
  const line = cause.name === 'SyntaxError' && !first.includes(path) ? lineOfFault(path) : '';
  return new InputError(`does not load: ${first.replace(/\.$/, '')}${line}`, path, { cause });
}

/** Where a module does not parse: the error that an import throws keeps it to itself, but Node's own check prints it. */
function lineOfFault(path: string): string {
  const { stderr } = spawnSync(process.execPath, ['--check', path], { encoding: 'utf8' });
  const line = /^.*:(\d+)$/m.exec(stderr)?.[1];
  return line === undefined ? '' : ` (line ${line})`;
}
