/**
 * What a dashboard costs the process that it watches, as a share of one core: a million events, 100 predictions and rasters a
 * second, 640x480, without a page, with one that shows all, and with one that never reads.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { WebSocket } from 'ws';
import { type Dashboard, startDashboard } from '../src/dashboard/dashboard.ts';
import { allocateChunk, type EventChunk } from '../src/events.ts';
import { RandomStream } from '../src/random.ts';
import { benchOptions, json } from './options.ts';

const SENSOR = { width: 640, height: 480 };
const PERIOD_MILLIS = 10;
const EVENTS = 10_000;
const SECONDS = 6;

const [, , role, url] = process.argv;
if (role === 'page' || role === 'deaf page') await openPage(role, url!);
else {
  const { options } = benchOptions(
    'npm run bench:dashboard --',
    `What a dashboard costs the process that it watches, as a share of one core: a million events, 100 predictions and
rasters a second, 640x480, without a page, with one that shows all, and with one that never reads.`,
    { json },
  );
  await measure(options.json);
}

/** A page without a screen: shows at once, or reads nothing. */
async function openPage(kind: string, address: string): Promise<void> {
  const { host, origin } = new URL(address);
  const socket = new WebSocket(`ws://${host}/stream`, { origin });
  let [pictures, bytes] = [0, 0];
  socket.on('message', (data, isBinary) => {
    bytes += (data as Buffer).length;
    if (!isBinary) return;
    pictures++;
    socket.send('{"shown":true}');
  });
  await once(socket, 'open');
  if (kind === 'deaf page') socket.pause();
  process.send!('open');
  process.on('message', () => process.send!({ pictures, bytes }));
}

async function measure(asJson: boolean): Promise<void> {
  const idle = await load(undefined);
  for (const page of [undefined, 'page', 'deaf page']) {
    const dashboard = await startDashboard({ kind: 'live', title: 'bench', port: 0 });
    const classNames = Array.from({ length: 10 }, (_, index) => String(index));
    dashboard.publish({ type: 'camera', camera: 'eye', sensor: SENSOR, classNames });
    const child = page === undefined ? undefined : await opened(page, dashboard.url);
    const cost = (await load(dashboard)) - idle;
    const seen = await said(child);
    const { waitingBytes } = dashboard;
    child?.kill();
    await dashboard.close();
    const line = {
      type: 'dashboard',
      page: page ?? 'none',
      shareOfCore: Number(cost.toFixed(4)),
      picturesPerSecond: Number((seen.pictures / SECONDS).toFixed(1)),
      bytesPerSecond: Math.round(seen.bytes / SECONDS),
      waitingBytes,
    };
    console.log(
      asJson
        ? JSON.stringify(line)
        : `${line.page}: ${(100 * cost).toFixed(1)} % of a core, ${line.picturesPerSecond} pictures/s, ${Math.round(line.bytesPerSecond / 1024)} KiB/s, ${waitingBytes} bytes wait`,
    );
  }
}

async function opened(role: string, address: string): Promise<ChildProcess> {
  const child = fork(fileURLToPath(import.meta.url), [role, address]);
  await once(child, 'message');
  return child;
}

async function said(child: ChildProcess | undefined): Promise<{ pictures: number; bytes: number }> {
  if (child === undefined) return { pictures: 0, bytes: 0 };
  child.send('how much?');
  const [seen] = await once(child, 'message');
  return seen;
}

/** Share of a core that this process takes while it tells a dashboard, or nobody. */
async function load(dashboard: Dashboard | undefined): Promise<number> {
  const chunks = Array.from({ length: 8 }, (_, index) => randomChunk(index));
  const before = process.cpuUsage();
  const started = performance.now();
  let due = started;
  for (let window = 0; window < (SECONDS * 1000) / PERIOD_MILLIS; window++) {
    due += PERIOD_MILLIS;
    tell(dashboard, window, chunks[window % chunks.length]!);
    await sleep(Math.max(0, due - performance.now()));
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / (performance.now() - started);
}

function tell(dashboard: Dashboard | undefined, window: number, chunk: EventChunk): void {
  if (dashboard === undefined) return;
  const times = { camera: 'eye', startMicros: window * 10_000, endMicros: (window + 1) * 10_000 };
  dashboard.picture('eye', chunk);
  const probabilities = Array.from({ length: 10 }, (_, index) => (index === window % 10 ? 0.91 : 0.01));
  const rates = { lif1: 0.05123, lif2: 0.11456 };
  dashboard.publish({
    type: 'prediction',
    ...times,
    events: EVENTS,
    classIndex: window % 10,
    probabilities,
    rates,
  });
  const layers = ['lif1', 'lif2'].map((layer) => ({ layer, shown: 24, fired: [[1, 7, window % 24]] }));
  dashboard.publish({ type: 'raster', ...times, layers });
}

/** Events at the rim of a disc, as of something that moves, and some anywhere. */
function randomChunk(index: number): EventChunk {
  const random = new RandomStream(1, `bench/dashboard/${index}`);
  const chunk = allocateChunk(0, EVENTS);
  for (let i = 0; i < EVENTS; i++) {
    const word = random.word(i);
    const angle = ((word & 0xffff) / 0x10000) * 2 * Math.PI;
    const radius = 150 + ((word >>> 16) & 15);
    const anywhere = i % 20 === 0;
    chunk.t[i] = i;
    chunk.x[i] = anywhere ? (word & 0xffff) % SENSOR.width : 320 + radius * Math.cos(angle);
    chunk.y[i] = anywhere ? (word >>> 16) % SENSOR.height : 240 + radius * Math.sin(angle);
    chunk.on[i] = word >>> 31;
  }
  return chunk;
}
