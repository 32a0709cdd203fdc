import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';

/** What a check ran on. */
export interface Machine {
  readonly date: string;
  /** Commit of the packed build. */
  readonly commit: string;
  readonly node: string;
  readonly processor: string;
  readonly cores: number;
  readonly memoryGib: number;
  /** Name, memory and driver of each GPU, or why there is none. */
  readonly gpu: string;
  readonly pytorch: string;
  /** True where PyTorch computes on a GPU. */
  readonly cuda: boolean;
}

/**
 * Looks at the machine.
 * @param root folder of the packed build
 */
export function lookAtMachine(root: string, python: string): Machine {
  const commit = `${root}/COMMIT`;
  const { text, cuda } = pytorch(python);
  return {
    date: new Date().toISOString(),
    commit: existsSync(commit) ? readFileSync(commit, 'utf8').trim().split('\n').join(' ') : 'unknown',
    node: process.version,
    processor: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryGib: Math.round(totalmem() / 2 ** 30),
    gpu: nvidia(),
    pytorch: text,
    cuda,
  };
}

function nvidia(): string {
  const columns = ['--query-gpu=name,memory.total,driver_version,compute_cap', '--format=csv,noheader'];
  const found = output('nvidia-smi', columns);
  if (found.text !== undefined) return found.text.split('\n').join('; ');
  return `no NVIDIA GPU: nvidia-smi ${found.missing ? 'is not here' : 'finds none'}`;
}

const TORCH = `import torch
cuda = torch.cuda.is_available()
print(torch.__version__, "on", torch.cuda.get_device_name() if cuda else "the processor")`;

function pytorch(python: string): { readonly text: string; readonly cuda: boolean } {
  const { text, missing } = output(python, ['-c', TORCH]);
  if (text !== undefined) return { text, cuda: !text.endsWith('on the processor') };
  return {
    text: missing ? `not here: no ${python}` : `not here: ${python} does not import torch`,
    cuda: false,
  };
}

function output(
  command: string,
  args: readonly string[],
): { readonly text?: string; readonly missing: boolean } {
  try {
    const text = execFileSync(command, args, {
      encoding: 'utf8',
      timeout: 120_000,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return { text: text.trim(), missing: false };
  } catch (error) {
    return { missing: (error as NodeJS.ErrnoException).code === 'ENOENT' };
  }
}
