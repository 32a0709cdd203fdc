// Compiles src, pipelines and bench to dist when a source is newer than the last build.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const inputs = ['src', 'pipelines', 'bench', 'package.json', 'tsconfig.json', 'tsconfig.build.json'];
const built = join(root, 'dist', '.built');

/** Builds dist if it is missing or older than its sources. */
export function build() {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  if (!existsSync(tsc)) {
    if (existsSync(join(root, 'dist', 'src', 'bin.js'))) return; // installed without development packages
    console.error('build: TypeScript is missing; run npm ci without --omit=dev');
    process.exit(1);
  }
  if (existsSync(built) && newest(inputs.map((name) => join(root, name))) <= statSync(built).mtimeMs) return;
  console.error('build: compiling TypeScript …');
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  const started = Date.now();
  const result = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (result.status !== 0) process.exit(result.status ?? 1);
  chmodSync(join(root, 'dist', 'src', 'bin.js'), 0o755);
  writeFileSync(built, new Date(started).toISOString());
}

function newest(paths) {
  let latest = 0;
  for (const path of paths) {
    const stat = statSync(path);
    latest = Math.max(latest, stat.mtimeMs);
    if (stat.isDirectory())
      latest = Math.max(latest, newest(readdirSync(path).map((name) => join(path, name))));
  }
  return latest;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) build();
