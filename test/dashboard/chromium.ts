import { existsSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium } from 'playwright-core';
import { describe } from 'vitest';

/** How long a page or a browser may take on a machine with much to do. */
export const PATIENCE_MILLIS = 120_000;

const installed = installedPath();
/** The packed browser of the development packages, for Linux on x64 without one of its own. */
const packed = process.platform === 'linux' && process.arch === 'x64';

/** `describe`, skipped with a line that says so where there is no Chromium. */
export function describeWithChromium(title: string, body: () => void): void {
  if (installed !== undefined || packed) describe(title, body);
  else describe.skip(`${title} (skipped: no chromium on PATH or in $CHROMIUM)`, body);
}

/** Chromium without a window. */
export async function launchChromium(): Promise<Browser> {
  const options = { args: ['--no-sandbox'], timeout: PATIENCE_MILLIS }; // root has no sandbox; only our own page is opened
  if (installed !== undefined) return chromium.launch({ ...options, executablePath: installed });
  const folder = await unpacked();
  const env = {
    ...(process.env as Record<string, string>),
    LD_LIBRARY_PATH: join(folder, 'al2023', 'lib'),
    FONTCONFIG_FILE: join(folder, 'fonts.conf'),
  };
  return chromium.launch({ ...options, executablePath: join(folder, 'chromium'), env });
}

function installedPath(): string | undefined {
  const named = process.env['CHROMIUM'];
  if (named !== undefined) return named;
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return ['chromium', 'chromium-browser', 'google-chrome']
    .flatMap((name) => folders.map((folder) => join(folder, name)))
    .find(existsSync);
}

/** Where the packed browser lies unpacked, with the libraries that a bare system lacks; unpacked once. */
async function unpacked(): Promise<string> {
  const folder = fileURLToPath(new URL('../../node_modules/.cache/rxspike-chromium', import.meta.url));
  if (existsSync(folder)) return folder;
  const next = `${folder}.${process.pid}`;
  await mkdir(next, { recursive: true });
  // The package unpacks into the temporary folder, and its libraries only where it believes to be at its usual host.
  const { TMPDIR, ...rest } = process.env;
  Object.assign(process.env, { TMPDIR: next, AWS_LAMBDA_JS_RUNTIME: 'nodejs22.x' });
  try {
    const { default: pack } = await import('@sparticuz/chromium');
    await pack.executablePath();
  } finally {
    for (const name of Object.keys(process.env)) if (!(name in rest)) delete process.env[name];
    Object.assign(process.env, rest, TMPDIR !== undefined && { TMPDIR });
  }
  const fonts = `<fontconfig><dir>${folder}/fonts</dir><cachedir>${folder}/font-cache</cachedir></fontconfig>`;
  await writeFile(join(next, 'fonts.conf'), `<?xml version="1.0"?>${fonts}`);
  await rename(next, folder);
  return folder;
}
