import { type Command, Option } from 'commander';
import { type CommandIo, writeLine } from './command-io.ts';

interface CacheOptions {
  readonly cacheDir?: string;
  readonly json?: true;
}

/** `pipeline cache [clear]`: how large the cache of binned samples is, or removes it. */
export function define(command: Command, io: CommandIo): void {
  command
    .addOption(new Option('--cache-dir <DIR>', 'another folder than the usual one'))
    .option('--json', 'print a JSON line')
    .argument('[action]', 'clear removes all samples; runs make them anew')
    .addHelpText('after', '\nExamples:\n  pipeline cache\n  pipeline cache clear')
    .action((action: string | undefined, options: CacheOptions) => cache(action, options, io));
}

async function cache(action: string | undefined, options: CacheOptions, io: CommandIo): Promise<void> {
  const [{ OptionError }, { cacheUsage, clearCache }, { defaultCacheDir, samplesIn }] = await Promise.all([
    import('../errors.ts'),
    import('../streams/sample-cache/cache-folder.ts'),
    import('../streams/sample-cache/disk-sample-cache.ts'),
  ]);
  if (action !== undefined && action !== 'clear') {
    throw new OptionError(`expected clear or nothing, found ${JSON.stringify(action)}`);
  }
  const path = options.cacheDir ?? defaultCacheDir();
  const { entries, bytes } = await (action === 'clear' ? clearCache : cacheUsage)(samplesIn(path));
  if (options.json) {
    writeLine(io.out, { type: 'cache', path, action: action ?? 'show', entries, bytes });
    return;
  }
  const amount = `${entries} samples, ${(bytes / 2 ** 20).toFixed(1)} MiB`;
  io.out.write(`${path}: ${action === 'clear' ? `removed ${amount}` : amount}\n`);
}
