// Compiles src, pipelines and bench to dist when a source is newer than the last build. The new build replaces the
// old one only when it is complete.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const inputs = ['src', 'pipelines', 'bench', 'package.json', 'tsconfig.json', 'tsconfig.build.json'];
const dist = join(root, 'dist');

/** Builds dist if it is missing or older than its sources. */
export function build() {
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const stamp = join(dist, '.built');
  if (!existsSync(compiler)) {
    if (existsSync(stamp)) return; // installed without development packages, with a build at hand
    console.error('build: TypeScript is missing; run npm ci without --omit=dev');
    process.exit(1);
  }
  if (existsSync(stamp) && newest(inputs.map((name) => join(root, name))) <= statSync(stamp).mtimeMs) return;
  console.error('build: compiling TypeScript …');
  const started = new Date();
  const next = `${dist}.${process.pid}`;
  const page = join('src', 'dashboard', 'page');
  const programs = [
    ['tsconfig.build.json', next],
    [join(page, 'tsconfig.json'), join(next, 'src', 'dashboard', 'browser')],
  ];
  for (const [project, folder] of programs) {
    const result = spawnSync(process.execPath, [compiler, '-p', project, '--outDir', folder], {
      cwd: root,
      stdio: ['ignore', 2, 2],
    });
    if (result.status === 0) continue;
    rmSync(next, { recursive: true, force: true });
    process.exit(result.status ?? 1);
  }
  mkdirSync(join(next, page), { recursive: true });
  copyFileSync(join(root, page, 'style.css'), join(next, page, 'style.css'));
  chmodSync(join(next, 'src', 'bin.js'), 0o755);
  writeFileSync(join(next, '.built'), started.toISOString());
  utimesSync(join(next, '.built'), started, started);
  rmSync(dist, { recursive: true, force: true });
  renameSync(next, dist);
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
