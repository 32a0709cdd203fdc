import { chmodSync, existsSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { watchInstall } from '../../../src/commands/engines-install/install-watch.ts';
import { takeOwnLibrary } from '../../../src/commands/engines-install/own-library.ts';
import { takeWheelLibrary } from '../../../src/commands/engines-install/wheel-library.ts';
import { makeTar, makeZip } from '../../streams/archives/make-archive.ts';
import { serve, testServers } from '../../streams/fetch/hostile-server.ts';
import { temporaryFolders } from '../../streams/temporary-folder.ts';

const makeFolder = temporaryFolders();
const startServer = testServers();
afterEach(() => vi.unstubAllEnvs());

const notes: string[] = [];
const watch = watchInstall({ write: (text) => notes.push(text) }, new AbortController().signal);
const machine = process.arch === 'arm64' ? 'aarch64' : 'x86_64';

/** A compiler that writes its arguments to what it should make. */
function standInCompiler(): void {
  const script = '#!/bin/sh\nfor last; do :; done\necho "$@" >"$last"\n';
  const compiler = join(makeFolder({ compiler: script }), 'compiler');
  chmodSync(compiler, 0o755);
  vi.stubEnv('CXX', compiler);
}

/** A server of files by path. */
async function startFiles(files: Readonly<Record<string, Uint8Array>>): Promise<string> {
  const { url } = await startServer((request, response, number) => {
    const content = files[request.url!];
    if (content !== undefined) return serve(content)(request, response, number);
    response.writeHead(404).end();
  });
  return url;
}

describe.skipIf(process.platform !== 'linux')('PyPI wheels (skipped where this is not Linux)', () => {
  it('give libtensorflow, its headers and the libraries of CUDA, all linked into the binding', async () => {
    standInCompiler();
    const tensorflow = makeZip([
      { name: 'tensorflow/libtensorflow_cc.so.2', content: 'cc' },
      { name: 'tensorflow/libtensorflow_framework.so.2', content: 'framework' },
      { name: 'tensorflow/python/_pywrap.so', content: 'left' },
      { name: 'tensorflow/include/tensorflow/c/c_api.h', content: 'header' },
      {
        name: 'tensorflow-2.21.0.dist-info/METADATA',
        content:
          'Requires-Dist: nvidia-cuda-runtime-cu12<13.0,>=12.5; extra == "and-cuda"\n' +
          'Requires-Dist: nvidia-cuda-nvcc-cu12<13.0,>=12.5; extra == "and-cuda"\n',
      },
    ]);
    const runtime = makeZip([
      { name: 'nvidia/cuda_runtime/lib/libcudart.so.12', content: 'cudart' },
      { name: 'nvidia/cuda_runtime/include/cuda.h', content: 'left' },
    ]);
    const tensorflowName = `tensorflow-2.21.0-cp312-cp312-manylinux_2_27_${machine}.whl`;
    const runtimeName = `nvidia_cuda_runtime_cu12-12.9.79-py3-none-manylinux2014_${machine}.whl`;
    const page = (name: string): Buffer => Buffer.from(`<a href="/files/${name}">${name}</a>`);
    const server = await startServer((request, response, number) => {
      const { url } = request;
      if (url === `/files/${tensorflowName}`) return serve(tensorflow)(request, response, number);
      if (url === `/files/${runtimeName}`) return serve(runtime)(request, response, number);
      const name = url === '/simple/tensorflow/' ? tensorflowName : runtimeName;
      response.writeHead(200, { 'content-type': 'text/html' }).end(page(name));
    });
    const folder = makeFolder({ 'binding/tfjs_backend.cc': '' });
    const options = { gpu: true, folder: makeFolder(), index: `${server.url}/simple` };
    expect(await takeWheelLibrary(folder, options, watch)).toBe('PyPI tensorflow 2.21.0');
    const library = join(folder, 'deps', 'lib');
    expect(readFileSync(join(library, 'libtensorflow.so'), 'utf8')).toBe('cc');
    expect(readlinkSync(join(library, 'libtensorflow_framework.so'))).toBe('libtensorflow_framework.so.2');
    expect(readFileSync(join(library, 'libcudart.so.12'), 'utf8')).toBe('cudart');
    const linked = readFileSync(join(folder, 'lib', 'napi-v8', 'tfjs_binding.node'), 'utf8');
    expect(linked).toContain('-ltensorflow -ltensorflow_framework -Wl,--no-as-needed -l:libcudart.so.12');
    expect(existsSync(join(folder, 'lib', 'napi-v8', 'quietly.node'))).toBe(true);
    expect(existsSync(join(folder, 'deps', 'include'))).toBe(false);
  });

  it('are named where they hold no libtensorflow, and the compiler where there is none', async () => {
    const wheel = (members: Parameters<typeof makeZip>[0]) =>
      join(makeFolder({ 'tensorflow-2.21.0-x.whl': makeZip(members) }), 'tensorflow-2.21.0-x.whl');
    const take = (path: string) =>
      takeWheelLibrary(
        makeFolder({ 'binding/a.cc': '' }),
        { gpu: false, folder: makeFolder(), index: undefined, wheel: path },
        watch,
      );
    const metadata = { name: 'tensorflow-2.21.0.dist-info/METADATA', content: 'Name: tensorflow' };
    await expect(take(wheel([metadata]))).rejects.toThrow(
      'expected libtensorflow_cc.so.2 in the wheel, found none',
    );
    vi.stubEnv('CXX', '/nowhere/compiler');
    const whole = wheel([metadata, { name: 'tensorflow/libtensorflow_cc.so.2', content: 'cc' }]);
    await expect(take(whole)).rejects.toThrow('expected a C++ compiler, found no /nowhere/compiler');
  });
});

const hasOwn = process.platform === 'linux' && process.arch === 'x64';

describe.skipIf(!hasOwn)('the download of the package (skipped where this is not Linux x64)', () => {
  const packed = async (files: Parameters<typeof makeTar>[0]): Promise<Buffer> =>
    gzipSync(await makeTar(files));
  const library = packed({
    'lib/libtensorflow.so.2.9.1': 'library',
    'include/tensorflow/c/c_api.h': 'header',
  });
  const libraryPath = '/tensorflow/libtensorflow/libtensorflow-cpu-linux-x86_64-2.9.1.tar.gz';

  it('comes with the binding of its makers', async () => {
    const addon = await packed({ 'napi-v8/tfjs_binding.node': 'addon' });
    const url = await startFiles({
      [libraryPath]: await library,
      '/tf-builds/pre-built-binary/napi-v8/4.22.0/CPU-linux-4.22.0.tar.gz': addon,
    });
    vi.stubEnv('TFJS_NODE_CDN_STORAGE', `${url}/`);
    const folder = makeFolder();
    await takeOwnLibrary(folder, { gpu: false, downloads: makeFolder() }, watch);
    for (const name of ['libtensorflow.so', 'libtensorflow.so.2']) {
      expect(readFileSync(join(folder, 'deps', 'lib', name), 'utf8')).toBe('library');
    }
    expect(readFileSync(join(folder, 'lib', 'napi-v8', 'tfjs_binding.node'), 'utf8')).toBe('addon');
  });

  it('is compiled for where they have none', async () => {
    standInCompiler();
    vi.stubEnv('TFJS_NODE_CDN_STORAGE', await startFiles({ [libraryPath]: await library }));
    const folder = makeFolder({ 'binding/tfjs_backend.cc': '', 'lib/napi-v8/empty': '' });
    await takeOwnLibrary(folder, { gpu: false, downloads: makeFolder() }, watch);
    expect(existsSync(join(folder, 'lib', 'napi-v8', 'tfjs_binding.node'))).toBe(true);
    expect(notes.some((note) => note.includes('compiling the binding'))).toBe(true);
  });
});
