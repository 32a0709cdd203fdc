import { join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { OptionError } from '../../errors.ts';
import { type CommandIo, writeLine } from '../command-io.ts';

interface InstallOptions {
  readonly gpu?: true;
  readonly to?: string;
  readonly library: string;
  readonly index?: string;
  readonly json?: true;
}

const help = `
TensorFlow's libtensorflow comes as the package downloads it where that computes here, else from PyPI's wheels, by pip or
from the index itself; the binding is compiled where none fits. It is used when a convolution on it is right.

Examples:
  pipeline engines install tensorflow
  pipeline engines install tensorflow --gpu
  pipeline engines install tensorflow --library tensorflow_cpu-2.21.0-cp312-cp312-manylinux_2_27_x86_64.whl`;

/** `pipeline engines install NAME`: brings an engine that does not come with rxspike. */
export function defineInstall(command: Command, io: CommandIo): void {
  command
    .description('install an engine that does not come with rxspike: tensorflow')
    .argument('<name>', 'the engine')
    .option('--gpu', 'with the libraries for an NVIDIA GPU')
    .option('--to <DIR>', 'folder of engines, in place of RXSPIKE_ENGINES or ~/.local/share/rxspike/engines')
    .addOption(
      new Option(
        '--library <WHICH>',
        'auto, own (the download of the package), wheel (PyPI), or a .whl',
      ).default('auto'),
    )
    .option('--index <URL>', 'index of Python packages to ask in place of pip, in the form of PyPI')
    .option('--json', 'print a JSON line')
    .addHelpText('after', help)
    .action((name: string, options: InstallOptions) => install(name, options, io));
}

async function install(name: string, options: InstallOptions, io: CommandIo): Promise<void> {
  if (name !== 'tensorflow') {
    throw new OptionError(`no engine named ${JSON.stringify(name)} to install; there is tensorflow`);
  }
  const { index } = options;
  if (index !== undefined && !/^https?:\/\//.test(index)) {
    throw new OptionError(`--index: expected an http or https URL, found ${JSON.stringify(index)}`);
  }
  const { enginesFolder } = await import('../../engines/tensorflow/installation.ts');
  const { installTensorflow } = await import('./install-tensorflow.ts');
  const { watchInstall } = await import('./install-watch.ts');
  const usual = resolve(enginesFolder());
  const folder = options.to === undefined ? usual : resolve(options.to);
  const watch = watchInstall(io.err, io.signal);
  const { gpu = false, library } = options;
  try {
    const installed = await installTensorflow(
      { folder, gpu, library, ...(index === undefined ? {} : { index }) },
      watch,
    );
    watch.end();
    const { note, probe } = installed;
    if (options.json) {
      writeLine(io.out, {
        type: 'installed',
        engine: name,
        folder: installed.folder,
        ...note,
        device: probe.device,
      });
      return;
    }
    io.out.write(
      `tensorflow: libtensorflow ${note.library} (${note.source}), binding of ${note.package} ${note.packageVersion}\n` +
        `  computes on ${probe.device}: a convolution is right\n  ${installed.folder}\n`,
    );
    if (gpu && !probe.gpu) io.out.write('  no NVIDIA GPU is here: not tried on one\n');
    if (folder !== usual) io.out.write(`  found where RXSPIKE_ENGINES=${join(folder)} is set\n`);
  } catch (error) {
    if (!io.signal.aborted) throw error;
    watch.note('stopped; the same command goes on');
  } finally {
    watch.end();
  }
}
