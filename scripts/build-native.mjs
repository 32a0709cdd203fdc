// Builds the native engine and the loops of the event decoders (native/) when a source is newer than the last build.
// What it needs and cannot get is said in one line, and rxspike then runs on its other engines and on WebAssembly; a
// failed build is not tried again until something changes, unless it is asked for by name (npm run build:native).
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const source = join(root, 'native');
const target = join(source, 'build');
const stamp = join(target, '.built');
const modules = join(root, 'node_modules');
const headers = [join(modules, 'node-addon-api'), join(modules, 'node-api-headers', 'include')];

/** Builds the addon if it is missing or older than its sources; gives whether it is there. */
export function buildNative({ again = false } = {}) {
  if (!headers.every((folder) => existsSync(folder)))
    return skip('its headers are not installed; run npm ci');
  const wanted = digest();
  if (!again && existsSync(stamp)) {
    const [built, problem] = readFileSync(stamp, 'utf8').split('\n');
    if (built === wanted) return problem ? skip(problem) : true;
  }
  mkdirSync(target, { recursive: true });
  const problem = prepare() ?? compile();
  writeFileSync(stamp, `${wanted}\n${problem ?? ''}`);
  return problem === undefined ? true : skip(problem);
}

function skip(problem) {
  console.error(`native engine: ${problem} (rxspike runs without it)`);
  return false;
}

/** Of everything that the build depends on. */
function digest() {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch} ${process.versions.modules}`);
  const files = [
    join(source, 'CMakeLists.txt'),
    ...filesIn(join(source, 'src')),
    ...filesIn(join(source, 'decoders')),
  ];
  for (const file of files) hash.update(file.slice(source.length)).update(readFileSync(file));
  return hash.digest('hex');
}

function filesIn(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
}

/** Installs what is missing where it may; gives what is missing still. */
function prepare() {
  if (process.platform === 'win32') return 'is not built on Windows';
  const has = (command) => spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0;
  const missing = () => !has('cmake') || !(has('c++') || has('g++') || has('clang++')) || !findsOneDnn();
  if (!missing()) return undefined;
  const apt = ['install', '-y', '--no-install-recommends', 'cmake', 'g++', 'make', 'libdnnl-dev'];
  if (has('apt-get') && process.getuid?.() === 0) {
    console.error(`native engine: installing what it is built with: apt-get ${apt.join(' ')}`);
    const run = () =>
      spawnSync('apt-get', apt, {
        stdio: 'ignore',
        env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      });
    if (run().status !== 0) {
      spawnSync('apt-get', ['update'], { stdio: 'ignore' });
      run();
    }
    return missing() ? 'apt-get could not install cmake, a C++ compiler and libdnnl-dev' : undefined;
  }
  return `to build it: ${installCommand(has)}, then npm run build:native`;
}

function installCommand(has) {
  if (has('apt-get')) return 'sudo apt-get install cmake g++ make libdnnl-dev';
  if (has('dnf')) return 'sudo dnf install cmake gcc-c++ make onednn-devel';
  if (has('brew')) return 'brew install cmake onednn libomp';
  return 'install CMake, a C++20 compiler with OpenMP, and oneDNN';
}

function findsOneDnn() {
  const prefixes = ['/usr', '/usr/local', '/opt/homebrew', process.env.CMAKE_PREFIX_PATH].filter(Boolean);
  return prefixes.some((prefix) => existsSync(join(prefix, 'include', 'oneapi', 'dnnl', 'dnnl.hpp')));
}

function compile() {
  console.error('native engine: compiling (about a minute) …');
  const folder = join(target, 'cmake');
  const log = join(target, 'build.log');
  for (const old of [log, join(target, 'rxspike.node'), join(target, 'decoders.node')])
    rmSync(old, { force: true });
  // CMake refuses what it made for another folder, as after a copy of the whole.
  const cache = join(folder, 'CMakeCache.txt');
  if (existsSync(cache) && !readFileSync(cache, 'utf8').includes(`CMAKE_HOME_DIRECTORY:INTERNAL=${source}\n`))
    rmSync(folder, { recursive: true, force: true });
  const configure = ['-S', source, '-B', folder, `-DNODE_API_INCLUDE=${headers.join(';')}`];
  if (existsSync('/opt/homebrew'))
    configure.push('-DCMAKE_PREFIX_PATH=/opt/homebrew;/opt/homebrew/opt/libomp');
  const parallel = String(availableParallelism());
  const steps = [
    configure,
    ['--build', folder, '--parallel', parallel],
    ['--install', folder, '--prefix', target],
  ];
  let output = '';
  for (const step of steps) {
    const result = spawnSync('cmake', step, { encoding: 'utf8', maxBuffer: 2 ** 28 });
    output += `${result.stdout}${result.stderr}`;
    writeFileSync(log, output);
    if (result.status !== 0) return `does not build; see native/build/build.log`;
  }
  return undefined;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  process.exitCode = buildNative({ again: true }) ? 0 : 1;
}
