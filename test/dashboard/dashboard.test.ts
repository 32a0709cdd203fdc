import { once } from 'node:events';
import { get } from 'node:http';
import { createServer } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { type Dashboard, type DashboardOptions, startDashboard } from '../../src/dashboard/dashboard.ts';
import type { DashboardMessage, PredictionMessage } from '../../src/dashboard/messages.ts';
import { decodePicture } from '../../src/dashboard/picture-code.ts';
import { OptionError } from '../../src/errors.ts';
import { eventsAt, openClient, until } from './clients.ts';

const opened: Dashboard[] = [];

/** @param port any free one by default; `own` names none */
async function start({
  port = 0,
  ...options
}: Omit<Partial<DashboardOptions>, 'port'> & { port?: number | 'own' } = {}): Promise<Dashboard> {
  const given = { kind: 'live', title: 'test', ...options } as const;
  const dashboard = await startDashboard(port === 'own' ? given : { ...given, port });
  opened.push(dashboard);
  return dashboard;
}

afterEach(async () => {
  await Promise.all(opened.splice(0).map((dashboard) => dashboard.close()));
});

const camera = {
  type: 'camera',
  camera: 'eye',
  sensor: { width: 16, height: 8 },
  classNames: ['a', 'b'],
} as const;

function prediction(window: number, padding = ''): PredictionMessage {
  const probabilities = [0.25, 0.75];
  const [startMicros, endMicros] = [1000 * window, 1000 * window + 1000];
  return {
    type: 'prediction',
    camera: `eye${padding}`,
    startMicros,
    endMicros,
    events: 9,
    classIndex: 1,
    probabilities,
    rates: { lif: 0.125 },
  };
}

/** Status and length of what a request gets. */
async function request(
  url: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; length: number; headers: Record<string, unknown> }> {
  const asked = get(url, { headers, agent: false });
  const [response] = await once(asked, 'response');
  let length = 0;
  for await (const part of response) length += part.length;
  return { status: response.statusCode, length, headers: response.headers };
}

/** Status with which a socket is refused. */
async function refusal(url: string, origin: string | undefined): Promise<number | undefined> {
  const socket = new WebSocket(url.replace('http', 'ws'), origin === undefined ? {} : { origin });
  socket.on('error', () => {});
  const outcome = await Promise.race([
    once(socket, 'unexpected-response').then(([, response]) => response.statusCode as number),
    once(socket, 'open').then(() => undefined),
  ]);
  socket.terminate();
  return outcome;
}

it('serves one page that needs nothing else and may ask nobody else', async () => {
  const { url } = await start();
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
  const page = await fetch(url);
  const html = await page.text();
  expect(page.status).toBe(200);
  expect(html).not.toMatch(/(src|href)="(?!data:)/);
  expect(html).not.toMatch(/@import|url\(/);
  const policy = page.headers.get('content-security-policy')!;
  expect(policy).toContain("default-src 'none'");
  expect(policy).not.toContain('unsafe');
  expect(page.headers.get('x-frame-options')).toBe('DENY');
});

it('gives odd paths, foreign names and wrong tokens nothing', async () => {
  const { url } = await start({ token: 'a b&c' });
  const { origin, host, search } = new URL(url);
  expect((await request(url)).status).toBe(200);
  expect(await request(origin)).toMatchObject({ status: 403, length: 0 });
  expect(await request(`${origin}/?token=a`)).toMatchObject({ status: 403, length: 0 });
  expect(await request(`${origin}/other${search}`)).toMatchObject({ status: 404, length: 0 });
  expect(await request(`${origin}/stream${search}`, { origin })).toMatchObject({ status: 404, length: 0 });
  expect(await request(url, { host: 'evil.example' })).toMatchObject({ status: 403, length: 0 });
  expect(await refusal(`${origin}/stream`, origin)).toBe(403);
  expect(await refusal(`${origin}/stream${search}`, 'http://evil.example')).toBe(403);
  expect(await refusal(`${origin}/stream${search}`, undefined)).toBe(403);
  expect(await refusal(url, origin)).toBe(404);
  expect(await refusal(`${origin}/stream${search}`, `http://${host}`)).toBeUndefined();
});

it('makes up a token where others than this machine reach the address', async () => {
  const { url } = await start({ host: '0.0.0.0' });
  const { port, searchParams } = new URL(url);
  expect(searchParams.get('token')).toMatch(/^[\w-]{24}$/);
  expect((await request(`http://127.0.0.1:${port}/`)).status).toBe(403);
  expect((await request(`http://127.0.0.1:${port}/?token=${searchParams.get('token')}`)).status).toBe(200);
});

it('says in one line that a port is in use', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as { port: number };
  await expect(start({ port })).rejects.toThrow(OptionError);
  await expect(start({ port })).rejects.toThrow(`dashboard: 127.0.0.1:${port} is in use`);
  await expect(start({ host: 'nowhere.invalid' })).rejects.toThrow(
    /^dashboard: nowhere\.invalid:0 cannot be listened on/,
  );
  taken.close();
});

it('takes any free port where none is asked for and its own is taken', async () => {
  const urls = [await start({ port: 'own' }), await start({ port: 'own' })].map(({ url }) => url);
  expect(new Set(urls).size).toBe(2);
});

it('tells a page that opens late what was, then what is', async () => {
  const dashboard = await start();
  const before: DashboardMessage[] = [camera, prediction(0), prediction(1)];
  for (const message of before) dashboard.publish(message);
  const { batches } = await openClient(dashboard);
  await until(() => batches.length > 0);
  dashboard.publish(prediction(2));
  await until(() => batches.flat().length >= 6);
  const heard = batches.flat().filter(({ type }) => type !== 'memory');
  expect(heard).toEqual([{ type: 'hello', kind: 'live', title: 'test' }, ...before, prediction(2)]);
  expect(batches.flat().some(({ type }) => type === 'memory')).toBe(true);
});

it('sends pictures of the camera that is watched, and the next ones when they are shown', async () => {
  const dashboard = await start();
  dashboard.publish(camera);
  dashboard.publish({ ...camera, camera: 'other', sensor: { width: 4, height: 4 } });
  const { socket, batches, pictures } = await openClient(dashboard);
  await until(() => batches.length > 0);
  const drawing = setInterval(() => {
    dashboard.picture(
      'eye',
      eventsAt(
        [
          [3, 2, 1],
          [15, 7, 0],
        ],
        5000,
      ),
    );
    dashboard.picture('other', eventsAt([[1, 1, 1]], 7000));
    dashboard.picture('nobody', eventsAt([[1, 1, 1]]));
  }, 5);
  await until(() => pictures.length === 2);
  await new Promise((resolve) => setTimeout(resolve, 150));
  expect(pictures).toHaveLength(2); // neither was shown yet
  expect(decodePicture(pictures[0]!)).toMatchObject({ camera: 0, width: 16, height: 8, micros: 5010 });
  socket.send('{"shown":true}');
  await until(() => pictures.length === 3);
  socket.send('{"watch":1}');
  await until(() => pictures.length === 5);
  expect(decodePicture(pictures.at(-1)!)).toMatchObject({ camera: 1, width: 4, height: 4, micros: 7000 });
  socket.send('{"watch":null}');
  await new Promise((resolve) => setTimeout(resolve, 100));
  const count = pictures.length;
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(pictures).toHaveLength(count);
  clearInterval(drawing);
});

it('sends thirty pictures a second at most, also of a camera whose sensor became another', async () => {
  const dashboard = await start();
  dashboard.publish(camera);
  dashboard.publish({ ...camera, sensor: { width: 5, height: 3 } });
  const { socket, batches, pictures } = await openClient(dashboard);
  socket.on('message', (_, isBinary) => {
    if (isBinary) socket.send('{"shown":true}');
  });
  await until(() => batches.length > 0);
  const drawing = setInterval(() => dashboard.picture('eye', eventsAt([[4, 2, 1]])), 1);
  const started = performance.now();
  await until(() => pictures.length >= 12);
  clearInterval(drawing);
  // Timers that are late are made up for by shorter ones.
  expect((performance.now() - started) / 12).toBeGreaterThan(25);
  expect(decodePicture(pictures[0]!)).toMatchObject({ camera: 0, width: 5, height: 3 });
});

it('keeps little for a browser that never reads, and tells it all anew when it reads again', async () => {
  const dashboard = await start();
  dashboard.publish(camera);
  const slow = await openClient(dashboard);
  const quick = await openClient(dashboard);
  await until(() => slow.batches.length > 0 && quick.batches.length > 0);
  slow.socket.pause();
  const padding = 'x'.repeat(2000);
  let most = 0;
  let window = 0;
  // Far more than what the system itself takes for it.
  for (let tick = 0; tick < 150; tick++) {
    for (let i = 0; i < 200; i++) dashboard.publish(prediction(window++, padding));
    await new Promise((resolve) => setTimeout(resolve, 5));
    most = Math.max(most, dashboard.waitingBytes);
  }
  await until(
    () => quick.batches.flat().at(-1)?.type !== undefined && heardLast(quick.batches.flat()) === window - 1,
  );
  expect(window * padding.length).toBeGreaterThan(5e7);
  expect(most).toBeGreaterThan(0);
  expect(most).toBeLessThan(8e6);
  slow.socket.resume();
  await until(() => heardLast(slow.batches.flat()) === window - 1);
  expect(slow.batches.filter(([first]) => first!.type === 'hello').length).toBeGreaterThan(1);
  expect(dashboard.waitingBytes).toBe(0);
});

function heardLast(messages: readonly { readonly type: string }[]): number {
  const last = messages.findLast(({ type }) => type === 'prediction') as PredictionMessage | undefined;
  return last === undefined ? -1 : last.startMicros / 1000;
}

it('takes a browser that opens and closes a hundred times, and ones that break off', async () => {
  const dashboard = await start();
  dashboard.publish(camera);
  const running = setInterval(() => {
    dashboard.publish(prediction(0));
    dashboard.picture('eye', eventsAt([[1, 1, 1]]));
  }, 1);
  for (let turn = 0; turn < 100; turn++) {
    const { socket, batches } = await openClient(dashboard);
    if (turn % 3 === 0) await until(() => batches.length > 0);
    if (turn % 2 === 0) socket.terminate();
    else socket.close();
  }
  clearInterval(running);
  await until(() => dashboard.viewers === 0);
  expect(dashboard.waitingBytes).toBe(0);
});

it('lets go of a page that says what no page says', async () => {
  const dashboard = await start();
  for (const text of [
    'no JSON',
    '{"watch":-1}',
    '{"watch":"0"}',
    '7',
    'null',
    '{"shown":false}',
    'x'.repeat(300),
  ]) {
    const { socket } = await openClient(dashboard);
    socket.send(text);
    const [code] = await once(socket, 'close');
    expect([1008, 1009], text).toContain(code);
  }
});

it('takes no more than so many pages', async () => {
  const dashboard = await start();
  for (let page = 0; page < 32; page++) await openClient(dashboard);
  const { origin } = new URL(dashboard.url);
  expect(await refusal(`${origin}/stream`, origin)).toBe(503);
});

it('says good-bye, with all that was told until then, even to a page that does not answer', async () => {
  const dashboard = await start();
  const polite = await openClient(dashboard);
  const deaf = await openClient(dashboard);
  await until(() => polite.batches.length > 0);
  deaf.socket.pause();
  dashboard.publish({ type: 'note', text: 'the last word' });
  const closed = once(polite.socket, 'close');
  await dashboard.close();
  const [code, reason] = await closed;
  expect([code, String(reason)]).toEqual([1000, 'ended']);
  expect(polite.batches.flat().at(-1)).toEqual({ type: 'note', text: 'the last word' });
  await expect(fetch(dashboard.url)).rejects.toThrow();
});
