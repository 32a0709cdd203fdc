import { existsSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium } from 'playwright-core';
import { describe } from 'vitest';

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
  const args = ['--no-sandbox']; // only our own page is opened, and root has no sandbox
  if (installed !== undefined) return chromium.launch({ executablePath: installed, args });
  const folder = await unpacked();
  const env = {
    ...(process.env as Record<string, string>),
    LD_LIBRARY_PATH: join(folder, 'al2023', 'lib'),
    FONTCONFIG_PATH: join(folder, 'fonts'),
  };
  return chromium.launch({
    executablePath: join(folder, 'chromium'),
    args: [...args, '--headless=old'],
    env,
  });
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
  const environment = { ...process.env };
  Object.assign(process.env, { TMPDIR: next, AWS_LAMBDA_JS_RUNTIME: 'nodejs22.x' });
  try {
    const { default: pack } = await import('@sparticuz/chromium');
    await pack.executablePath();
  } finally {
    process.env = environment;
  }
  await rename(next, folder);
  return folder;
}
