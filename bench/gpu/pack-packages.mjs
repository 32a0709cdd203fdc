// Copies the packages that the engines and their tests need at run time, with what those need, to a folder:
// `node bench/gpu/pack-packages.mjs FOLDER`. What other machines, type checks and debuggers need stays behind.
import { cpSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const [folder] = process.argv.slice(2);
const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));

const wanted = [
  ...['@tensorflow/tfjs-core', '@tensorflow/tfjs-backend-cpu', '@tensorflow/tfjs-backend-wasm'],
  ...[
    '@tensorflow/tfjs-backend-webgpu',
    'webgpu',
    'apache-arrow',
    'flatbuffers',
    'rxjs',
    'commander',
    'valibot',
  ],
  ...['vitest', 'fast-check', 'tar-stream'],
  ...[`@rolldown/binding-linux-${process.arch}-gnu`, `lightningcss-linux-${process.arch}-gnu`],
];
const LEFT_OUT = /\.(map|d\.[cm]?ts|md|ts|flow)$|\.(min|es2017|es2017\.min|fesm|fesm\.min)\.js$/;

/** Where a package is that another one asks for: in its own folder, or in one above. */
function find(name, from) {
  for (
    let place = from;
    ;
    place = place.includes('/node_modules/') ? place.slice(0, place.lastIndexOf('/node_modules/')) : ''
  ) {
    const path = `${place === '' ? '' : `${place}/`}node_modules/${name}`;
    if (packages[path] !== undefined) return path;
    if (place === '') return undefined;
  }
}

const found = new Set();
function add(name, from) {
  const path = find(name, from);
  if (path === undefined || found.has(path) || name.startsWith('@types/')) return;
  found.add(path);
  for (const needed of Object.keys(packages[path].dependencies ?? {})) add(needed, path);
}
for (const name of wanted) add(name, '');

for (const path of found) {
  const inner = (source) => basename(source) === 'node_modules' && source !== join(root, path);
  cpSync(join(root, path), join(folder, path.slice('node_modules/'.length)), {
    recursive: true,
    dereference: true,
    filter: (source) => {
      if (inner(source) || LEFT_OUT.test(source)) return false;
      const platform = /\/node_modules\/webgpu\/dist\/([^/]+)/.exec(source)?.[1];
      return platform === undefined || platform === `linux-${process.arch}`;
    },
  });
}
