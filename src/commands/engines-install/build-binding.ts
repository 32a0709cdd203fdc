import { readdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { QUIETLY_ADDON } from '../../engines/tensorflow/installation.ts';
import { EngineError } from '../../errors.ts';
import { runProgram, telling } from './running-programs.ts';

/** Level of Node-API that the binding is written for; Node 12.22 and later have it. */
export const NODE_API = 8;

/**
 * CUDA's libraries that libtensorflow opens by name when it starts. Linked into the binding they are loaded already: the
 * loader then needs no search path, which a process cannot change for itself.
 */
const CUDA =
  /^lib(cudart|cublas|cublasLt|cufft|curand|cusolver|cusparse|cudnn\w*|cupti|nccl|nvJitLink|nvrtc)\.so\.\d+$/;

/**
 * TensorFlow of today has something to say while it is loaded, whatever TF_CPP_MIN_LOG_LEVEL is, and Node cannot turn its
 * own standard error aside: `quietly(load)` calls a function with it turned to nowhere.
 */
const QUIETLY = `#include <fcntl.h>
#include <node_api.h>
#include <unistd.h>
static napi_value Quietly(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value load, undefined, result = nullptr;
  napi_get_cb_info(env, info, &count, &load, nullptr, nullptr);
  napi_get_undefined(env, &undefined);
  const int kept = dup(2), nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (kept >= 0 && nowhere >= 0) dup2(nowhere, 2);
  napi_call_function(env, undefined, load, 0, nullptr, &result);
  if (kept >= 0 && nowhere >= 0) dup2(kept, 2);
  if (kept >= 0) close(kept);
  if (nowhere >= 0) close(nowhere);
  return result;
}
NAPI_MODULE_INIT() {
  napi_value quietly;
  napi_create_function(env, "quietly", NAPI_AUTO_LENGTH, Quietly, nullptr, &quietly);
  return quietly;
}
`;

/**
 * Compiles the binding that a package ships against the libtensorflow in its `deps`.
 * @param folder the package's folder
 */
export async function buildBinding(folder: string, signal: AbortSignal): Promise<void> {
  const compiler = process.env['CXX'] || 'g++';
  const headers = join(
    dirname(createRequire(import.meta.url).resolve('node-api-headers/package.json')),
    'include',
  );
  const library = join(folder, 'deps', 'lib');
  const cuda = (await readdir(library)).filter((name) => CUDA.test(name)).map((name) => `-l:${name}`);
  const compile = (output: string, sources: readonly string[], libraries: readonly string[]) =>
    runProgram(
      compiler,
      [
        ...['-std=c++17', '-O2', '-fPIC', '-shared', `-DNAPI_VERSION=${NODE_API}`],
        ...['-I', headers, '-I', '.', '-I', join('deps', 'include')],
        ...sources.map((name) => join('binding', name)),
        ...['-L', library, ...libraries],
        // RPATH in place of RUNPATH: it also serves the libraries that these load.
        ...['-Wl,--disable-new-dtags,-rpath,$ORIGIN/../../deps/lib', '-Wl,--allow-shlib-undefined'],
        ...['-o', join('lib', `napi-v${NODE_API}`, output)],
      ],
      { cwd: folder, signal },
    );
  const { status, err } = await compile(
    'tfjs_binding.node',
    ['tfjs_backend.cc', 'tfjs_binding.cc'],
    ['-ltensorflow', '-ltensorflow_framework', ...(cuda.length === 0 ? [] : ['-Wl,--no-as-needed', ...cuda])],
  );
  if (status === undefined) {
    throw new EngineError(
      `binding of ${folder}: expected a C++ compiler, found no ${compiler}; install one, or name one in CXX`,
    );
  }
  if (status !== 0) throw new EngineError(`binding of ${folder}: ${compiler}: ${telling(err)}`);
  await writeFile(join(folder, 'binding', 'quietly.cc'), QUIETLY);
  await compile(QUIETLY_ADDON, ['quietly.cc'], []);
}
