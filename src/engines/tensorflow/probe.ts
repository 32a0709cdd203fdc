/** A convolution on libtensorflow in a process of its own: what breaks there, breaks nothing here. */
import { execFile } from 'node:child_process';
import { EngineError } from '../../errors.ts';

/** What a binding is and computes on. */
export interface ProbedBinding {
  /** Version of libtensorflow. */
  readonly version: string;
  readonly gpu: boolean;
  /** The device as TensorFlow names it, such as `NVIDIA H200, compute capability 9.0`. */
  readonly device: string;
  /** Why a GPU that is there is not used, as far as TensorFlow says it. */
  readonly reason?: string;
}

const TIMEOUT_MILLIS = 120_000;

/**
 * Loads a binding in another process, has it convolve on its device, and compares the sum with JavaScript's.
 * @param binding path of `tfjs_binding.node`
 */
export async function probeBinding(binding: string): Promise<ProbedBinding> {
  const script = `(${convolveOnDevice.toString()})(require, ${JSON.stringify(binding)})`;
  const env = { ...process.env, TF_CPP_MIN_LOG_LEVEL: '0', TF_FORCE_GPU_ALLOW_GROWTH: 'true' };
  const options = { env, timeout: TIMEOUT_MILLIS, maxBuffer: 1 << 26 };
  const { error, stdout, stderr } = await new Promise<{
    error: (Error & { signal?: string | null }) | null;
    stdout: string;
    stderr: string;
  }>((resolve) => {
    execFile(process.execPath, ['--no-warnings', '--eval', script], options, (error, stdout, stderr) =>
      resolve({ error, stdout, stderr }),
    );
  });
  if (error !== null) throw new EngineError(`${binding}: ${failure(error.signal, stderr)}`, { cause: error });
  const found = JSON.parse(stdout.slice(stdout.lastIndexOf('{'))) as Computed;
  if (found.sum !== found.expected) {
    throw new EngineError(
      `${binding}: expected a convolution to sum to ${found.expected}, found ${found.sum} on ${found.gpu ? 'the GPU' : 'the processor'}`,
    );
  }
  const reason = found.gpu ? undefined : unusedReason(stderr);
  const device = found.gpu ? gpuName(stderr) : 'the processor';
  return { version: found.version, gpu: found.gpu, device, ...(reason === undefined ? {} : { reason }) };
}

interface Computed {
  readonly version: string;
  readonly gpu: boolean;
  readonly sum: number;
  readonly expected: number;
}

/** Runs in the other process as text, so it uses nothing from around it. Small whole numbers are exact in any precision. */
function convolveOnDevice(load: NodeJS.Require, path: string): void {
  const tf = load(path);
  const [side, channels, taps] = [16, 8, 3];
  const input = Float32Array.from({ length: side * side * channels }, (_, i) => ((i * 7) % 5) - 2);
  const filter = Float32Array.from(
    { length: taps * taps * channels * channels },
    (_, i) => ((i * 5) % 3) - 1,
  );
  const attributes = [
    { name: 'T', type: tf.TF_ATTR_TYPE, value: tf.TF_FLOAT },
    { name: 'strides', type: tf.TF_ATTR_INT, value: [1, 1, 1, 1] },
    { name: 'padding', type: tf.TF_ATTR_STRING, value: 'VALID' },
    { name: 'data_format', type: tf.TF_ATTR_STRING, value: 'NHWC' },
    { name: 'use_cudnn_on_gpu', type: tf.TF_ATTR_BOOL, value: true },
    { name: 'dilations', type: tf.TF_ATTR_INT, value: [1, 1, 1, 1] },
  ];
  const ids = [
    tf.createTensor([1, side, side, channels], tf.TF_FLOAT, input),
    tf.createTensor([taps, taps, channels, channels], tf.TF_FLOAT, filter),
  ];
  const [output] = tf.executeOp('Conv2D', attributes, ids, 1);
  // Each output weighs by its place, so that no two can be exchanged.
  const values: Float32Array = tf.tensorDataSync(output.id);
  const sum = values.reduce((total, value, i) => total + value * ((i % 11) + 1), 0);
  let expected = 0;
  const outputs = side - taps + 1;
  for (let i = 0; i < outputs * outputs * channels; i++) {
    const [row, column, to] = [
      Math.floor(i / channels / outputs),
      Math.floor(i / channels) % outputs,
      i % channels,
    ];
    let value = 0;
    for (let tap = 0; tap < taps * taps; tap++) {
      const place = ((row + Math.floor(tap / taps)) * side + column + (tap % taps)) * channels;
      for (let from = 0; from < channels; from++) {
        value += input[place + from]! * filter[(tap * channels + from) * channels + to]!;
      }
    }
    expected += value * ((i % 11) + 1);
  }
  console.log(JSON.stringify({ version: tf.TF_Version, gpu: tf.isUsingGpuDevice(), sum, expected }));
}

function failure(signal: string | null | undefined, stderr: string): string {
  if (signal === 'SIGTERM') return `no convolution within ${TIMEOUT_MILLIS / 1000} seconds`;
  if (signal) return `ends with ${signal}${signal === 'SIGILL' ? ': built for another processor' : ''}`;
  const line = stderr.split('\n').find((text) => /^\w*Error: /.test(text));
  return `does not compute: ${(line ?? lastLine(stderr)).replace(/^\w*Error: /, '')}`;
}

/** TensorFlow's log says `… device:GPU:0 with 9 MB memory: -> device: 0, name: X, pci bus id: Y, compute capability: 9.0`. */
function gpuName(log: string): string {
  const found = /device:GPU:0 .*name: ([^,]+),.*compute capability: ([\d.]+)/.exec(log);
  return found === null ? 'the GPU' : `${found[1]}, compute capability ${found[2]}`;
}

/** The lines in which TensorFlow says why it has no GPU, its file names and times removed. */
function unusedReason(log: string): string | undefined {
  const lines = log.split('\n').filter((line) => /cuda|gpu|dlopen|dynamic library/i.test(line));
  const telling = lines.filter((line) => /cannot|could not|failed|error|skipping|no .*capable/i.test(line));
  const texts = telling.map((line) => line.replace(/^.*?\] /, '').trim());
  return texts.length === 0 ? undefined : [...new Set(texts)].slice(0, 3).join('; ');
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}
