// Brings a fresh clone to a working state, and does nothing when nothing changed: installs what package-lock.json
// names, then builds. With --installed (after npm ci, which has just installed) it only records that and builds.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from './build.mjs';
import { buildNative } from './build-native.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const modules = join(root, 'node_modules');
const stamp = join(modules, '.rxspike-setup');

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`rxspike needs Node 20.19 or later; this is ${process.versions.node}`);
  process.exit(1);
}

const wanted = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .update(`${process.versions.modules} ${process.platform} ${process.arch}`)
  .digest('hex');
const justInstalled = process.argv.includes('--installed');
if (!justInstalled && !(existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted)) install();
if (existsSync(join(modules, 'vitest'))) writeFileSync(stamp, wanted); // only an install with the development packages counts
buildNative();
build();

function install() {
  console.error('setup: installing the packages of package-lock.json …');
  const windows = process.platform === 'win32';
  const command = ['ci', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'];
  const result = spawnSync(windows ? 'npm.cmd' : 'npm', command, {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: windows,
  });
  if (result.status === 0) return;
  console.error('setup: npm ci failed');
  process.exit(result.status ?? 1);
}
