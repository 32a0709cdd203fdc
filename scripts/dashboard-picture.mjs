// Draws the picture of the dashboard in the README: real recordings of N-MNIST, one after the other with a pause between,
// replayed in real time through a trained network, as Chromium shows it.
//   node scripts/dashboard-picture.mjs RUN N-MNIST docs/dashboard.png      ($CHROMIUM names another browser)
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import sharp from 'sharp';

const [run, data, out] = process.argv.slice(2);
const dist = new URL('../dist/', import.meta.url);
const { openNmnist } = await import(new URL('src/streams/datasets/nmnist.js', dist));
const { arrowEvents } = await import(new URL('src/streams/formats/arrow.js', dist));
const { writeRecording } = await import(new URL('src/streams/write-recording.js', dist));

const DIGITS = 10;
/** How often the camera goes around each digit: it begins and ends at the same place. */
const ROUNDS = 3;
const PAUSE_MICROS = 150_000;
const WATCHED_MILLIS = 10_500;

const folder = mkdtempSync(join(tmpdir(), 'rxspike-picture-'));
await writeRecording(join(folder, 'digits.arrow'), digits(await openNmnist(data)), {
  format: arrowEvents,
  sensor: { width: 34, height: 34 },
  simulated: false,
});
const bin = fileURLToPath(new URL('src/bin.js', dist));
const options = `--source file:digits.arrow?speed=1&loop --reset silence --silence 100 --operations --dashboard 0 --json`;
const live = spawn(process.execPath, [bin, 'run', 'live', '--model', resolve(run), ...options.split(' ')], {
  cwd: folder,
  stdio: ['ignore', 'pipe', 'inherit'],
});
try {
  const url = await urlOf(live);
  live.stdout.resume();
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox'],
  });
  const page = await browser.newPage({ colorScheme: 'dark', viewport: { width: 1180, height: 900 } });
  await page.goto(url);
  await page.waitForTimeout(WATCHED_MILLIS);
  const decision = () => page.getAttribute('#decision', 'data-value');
  let picture;
  let before;
  do {
    before = await decision();
    picture = await page.screenshot({ fullPage: true });
  } while (before === '' || before !== (await decision()));
  await sharp(picture).png({ palette: true, compressionLevel: 9 }).toFile(out);
  await browser.close();
} finally {
  live.kill('SIGTERM');
  rmSync(folder, { recursive: true });
}

/** The events of several recordings, one after the other. */
async function* digits({ parts }) {
  let origin = 0;
  const tokens = parts.test.slice(0, DIGITS).flatMap((token) => Array(ROUNDS).fill(token));
  for (const [index, token] of tokens.entries()) {
    let last = 0;
    for await (const chunk of token.chunks()) {
      last = Math.max(last, chunk.origin + (chunk.t.at(-1) ?? 0));
      yield { ...chunk, origin: origin + chunk.origin };
    }
    origin += last + (index % ROUNDS === ROUNDS - 1 ? PAUSE_MICROS : 0);
  }
}

async function urlOf(program) {
  for await (const line of createInterface({ input: program.stdout })) {
    const { type, url } = JSON.parse(line);
    if (type === 'dashboard') return url;
  }
  throw new Error('expected the address of the dashboard, found none');
}
