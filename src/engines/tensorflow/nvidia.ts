import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** An NVIDIA GPU that this process may use. */
export interface NvidiaGpu {
  readonly name: string;
  /** Compute capability, such as 9.0 of an H200; absent where the driver does not say. */
  readonly computeCapability?: number;
}

const DRIVER = '/proc/driver/nvidia/gpus';

/** The first NVIDIA GPU; undefined where there is none or CUDA_VISIBLE_DEVICES hides all, as one does on purpose. */
export function findNvidiaGpu(env: NodeJS.ProcessEnv = process.env): NvidiaGpu | undefined {
  if (/^(-1.*)?$/.test(env['CUDA_VISIBLE_DEVICES'] ?? 'all')) return undefined;
  return fromTool(env) ?? fromDriver();
}

function fromTool(env: NodeJS.ProcessEnv): NvidiaGpu | undefined {
  let text: string;
  try {
    const columns = ['--query-gpu=name,compute_cap', '--format=csv,noheader'];
    text = execFileSync('nvidia-smi', columns, {
      encoding: 'utf8',
      env,
      timeout: 20_000,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  } catch {
    return undefined;
  }
  const found = /^(.+), *(\d+\.\d+)\s*$/m.exec(text);
  return found === null ? undefined : { name: found[1]!, computeCapability: Number(found[2]) };
}

/** In a container the driver may be seen without a device. */
function fromDriver(): NvidiaGpu | undefined {
  if (!existsSync(DRIVER) || !existsSync('/dev/nvidia0')) return undefined;
  const first = readdirSync(DRIVER)[0];
  if (first === undefined) return undefined;
  const model = /^Model:\s*(.+)$/m.exec(readFileSync(`${DRIVER}/${first}/information`, 'utf8'));
  return { name: model?.[1] ?? 'NVIDIA GPU' };
}
