// Compiles native/decoders to WebAssembly and writes it into src/streams/formats/kernels/decoders-wasm.ts, which is
// committed, so that nobody who installs rxspike needs a compiler: node scripts/build-decoders-wasm.mjs. It needs clang
// 14 or later with wasm-ld (apt-get install clang lld; $CLANG names another). With --check it only tells whether the
// module is that of the sources.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const folder = join(root, 'native', 'decoders');
const target = join(root, 'src', 'streams', 'formats', 'kernels', 'decoders-wasm.ts');
const headers = ['decoders.h', 'encode.h', 'evt.h', 'simd.h'];
const sources = ['records.c', 'packed.c', 'evt3.c', 'encode-records.c', 'encode-words.c', 'lz4.c'];
const exported = [
  ...['aedat2_records', 'aedat4_records', 'dat_records', 'es_events', 'evt2_words', 'evt21_words'],
  ...['evt3_words', 'nmnist_records', 'evt3_prepare', 'lz4_block'],
  ...['encode_aedat2', 'encode_aedat4', 'encode_dat', 'encode_es', 'encode_evt2', 'encode_evt3'],
  ...['encode_nmnist', 'encode_prepare', 'lz4_pack', '__heap_base'],
];
const flags = [
  ...[
    '--target=wasm32',
    '-O3',
    '-msimd128',
    '-mbulk-memory',
    '-ffreestanding',
    '-nostdlib',
    '-Wall',
    '-Wextra',
  ],
  ...['-Wl,--no-entry', '-Wl,--strip-all', '-Wl,-z,stack-size=16384'],
  ...exported.map((name) => `-Wl,--export=${name}`),
];

/** SHA-256 of everything that the module is made of: its sources and the options of the compiler. */
function digestOfSources() {
  const hash = createHash('sha256').update(flags.join(' '));
  for (const name of [...headers, ...sources]) hash.update(readFileSync(join(folder, name)));
  return hash.digest('hex');
}

function findClang() {
  const candidates = [process.env.CLANG, 'clang', 'clang-19', 'clang-16', 'clang-14'].filter(Boolean);
  const found = candidates.find((name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0);
  if (found !== undefined) return found;
  console.error('clang with wasm-ld is needed: apt-get install clang lld, or set CLANG');
  process.exit(1);
}

function compile() {
  const clang = findClang();
  const scratch = mkdtempSync(join(tmpdir(), 'rxspike-wasm-'));
  const output = join(scratch, 'decoders.wasm');
  const result = spawnSync(clang, [...flags, ...sources, '-o', output], { cwd: folder, encoding: 'utf8' });
  if (result.status !== 0) {
    console.error(result.stderr);
    process.exit(1);
  }
  const wasm = readFileSync(output);
  rmSync(scratch, { recursive: true });
  const version = spawnSync(clang, ['--version'], { encoding: 'utf8' }).stdout.split('\n')[0];
  return { wasm, version };
}

function write({ wasm, version }) {
  const text = `// Made by scripts/build-decoders-wasm.mjs from native/decoders; not to be edited.

/** SHA-256 of the sources and options that the module was compiled from. */
export const sourcesDigest = '${digestOfSources()}';

/** What compiled it. */
export const compiler = '${version}';

/** The module of ${wasm.length} bytes, in base64. */
export const wasmBase64 =
  '${wasm.toString('base64')}';
`;
  writeFileSync(target, text);
  console.log(`${target.slice(root.length + 1)}: ${wasm.length} bytes of WebAssembly by ${version}`);
}

/** Whether the committed module says that it was made of these sources. */
function isCurrent() {
  return readFileSync(target, 'utf8').includes(`'${digestOfSources()}'`);
}

if (!process.argv.includes('--check')) write(compile());
else if (!isCurrent()) {
  console.error('native/decoders has changed: run node scripts/build-decoders-wasm.mjs');
  process.exitCode = 1;
}
