import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { type Dashboard, type DashboardOptions, startDashboard } from '../../src/dashboard/dashboard.ts';
import type { CameraMessage, EpochMessage, PredictionMessage } from '../../src/dashboard/messages.ts';
import { describeWithChromium, launchChromium, PATIENCE_MILLIS } from './chromium.ts';
import { eventsAt, until } from './clients.ts';

const classNames = ['cat', 'dog', 'bird'];
const camera: CameraMessage = {
  type: 'camera',
  camera: 'left',
  sensor: { width: 20, height: 10 },
  classNames,
  model: 'net',
};

function prediction(window: number, name = 'left'): PredictionMessage {
  const dog = 0.5 + 0.4 * Math.sin(window / 9);
  const probabilities = [(1 - dog) / 3, dog, (2 * (1 - dog)) / 3];
  const classIndex = probabilities.indexOf(Math.max(...probabilities));
  const [startMicros, endMicros] = [10_000 * window, 10_000 * window + 10_000];
  const rates = { lif1: 0.05 + 0.01 * Math.cos(window / 5), lif2: 0.125 };
  return {
    type: 'prediction',
    camera: name,
    startMicros,
    endMicros,
    events: 40 + window,
    classIndex,
    probabilities,
    rates,
    decision: 1,
  };
}

describeWithChromium('the page in Chromium', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rxspike-dashboard-'));
  let browser: Browser | undefined;
  let dashboard: Dashboard;
  const faults: string[] = [];

  beforeAll(async () => {
    browser = await launchChromium();
  });

  afterEach(async () => {
    await Promise.all(browser!.contexts().map((context) => context.close()));
    await dashboard.close();
    expect(faults.splice(0)).toEqual([]);
  });

  afterAll(async () => {
    await browser?.close();
  });

  async function start(options: Partial<DashboardOptions> = {}): Promise<void> {
    dashboard = await startDashboard({ port: 0, kind: 'live', title: 'test', ...options });
  }

  /** The page of the dashboard, which may neither fail nor ask anybody else. */
  async function open(options: BrowserContextOptions = {}): Promise<Page> {
    const page = await (
      await browser!.newContext({ locale: 'en-US', reducedMotion: 'reduce', ...options })
    ).newPage();
    page.setDefaultTimeout(PATIENCE_MILLIS);
    const { host } = new URL(dashboard.url);
    page.on('pageerror', (error) => faults.push(String(error)));
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) faults.push(message.text());
    });
    page.on('request', (request) => {
      const asked = new URL(request.url());
      if (asked.protocol !== 'data:' && asked.host !== host) faults.push(`asked ${asked}`);
    });
    await page.goto(dashboard.url);
    await page.waitForSelector('#state[data-state=live]');
    return page;
  }

  /** The number that an element shows, as it came. */
  const shownValue = async (page: Page, selector: string): Promise<number> =>
    Number(await page.getAttribute(selector, 'data-value'));

  it('shows the values of the stream', async () => {
    await start();
    const page = await open();
    dashboard.publish(camera);
    for (let window = 0; window <= 200; window++) {
      dashboard.publish(prediction(window));
      const fired = [[window % 6], [0, 5]];
      const layers = [{ layer: 'lif1', shown: 6, fired }];
      dashboard.publish({
        type: 'raster',
        camera: 'left',
        startMicros: 0,
        endMicros: 10_000 * window,
        layers,
      });
    }
    const status = {
      type: 'status',
      camera: 'left',
      atMillis: Date.now(),
      eventsPerSecond: 1_234_567.5,
      events: 7_654_321,
      dropped: 1200,
      systemDrops: 34,
      latencyMillis: { p50: 1.75, p99: 6.5 },
      operationsPerSecond: 2.5e8,
    } as const;
    dashboard.publish(status);
    await page.waitForSelector(`#tile-events[data-value="${status.eventsPerSecond}"]`);
    const last = prediction(200);
    expect(await page.textContent('#decision')).toBe('dog');
    const shown = await page.$$eval('.classes tbody tr', (rows) =>
      rows.map((row) => [
        row.querySelector('th')?.textContent,
        Number(row.querySelector('.number')?.getAttribute('data-value')),
      ]),
    );
    expect(shown).toEqual(classNames.map((name, index) => [name, last.probabilities[index]]));
    expect(await page.textContent('#decision-detail')).toContain('10 ms, 240 events');
    expect(await page.textContent('#tile-events')).toBe('1.23 M/s');
    expect(await shownValue(page, '#tile-drops')).toBe(status.dropped + status.systemDrops);
    expect(await shownValue(page, '#tile-latency')).toBe(status.latencyMillis.p50);
    expect(await shownValue(page, '#tile-operations')).toBe(status.operationsPerSecond);
    expect(await shownValue(page, '#tile-spikes')).toBeCloseTo(
      (last.rates['lif1']! + last.rates['lif2']!) / 2,
      12,
    );
    expect(await shownValue(page, '#tile-memory')).toBeGreaterThan(1e7);
    const said = async (selector: string): Promise<string | null> =>
      page.getAttribute(selector, 'aria-label');
    expect(await said('.predictions .chart')).toContain('3 classes in 201 windows from 0.01 to 2.01 s');
    expect(await said('.rates .chart')).toContain('lif2 12.5 %');
    expect(await said('.raster')).toBe(`Raster of 6 of lif1: ${100 * 3} spikes`);
    await page.screenshot({ path: join(folder, 'live.png'), fullPage: true });
  });

  it('draws events where they are, in the colour of their polarity', async () => {
    await start();
    const page = await open({ colorScheme: 'light' });
    dashboard.publish(camera);
    await page.waitForFunction(() => document.querySelector('canvas')?.width === 20);
    dashboard.picture(
      'left',
      eventsAt([
        [0, 0, 1],
        [19, 9, 0],
        [7, 3, 0],
        [7, 3, 1],
      ]),
    );
    await page.waitForSelector('#picture-caption[data-value="4"]');
    await page.waitForSelector('.screen .empty', { state: 'hidden' });
    const pixels = await page.$eval('.screen canvas', (canvas) => {
      const { width, height } = canvas as HTMLCanvasElement;
      const { data } = (canvas as HTMLCanvasElement).getContext('2d')!.getImageData(0, 0, width, height);
      return Array.from({ length: width * height }, (_, pixel) =>
        [...data.subarray(4 * pixel, 4 * pixel + 3)].join(),
      );
    });
    const background = pixels[1];
    const lit = pixels.flatMap((colour, pixel) =>
      colour === background ? [] : [[pixel % 20, Math.floor(pixel / 20), colour]],
    );
    expect(lit).toEqual([
      [0, 0, '32,96,168'],
      [7, 3, '32,96,168'],
      [19, 9, '217,96,26'],
    ]);
  });

  it('shows another camera by keyboard, and stands still when asked', async () => {
    await start();
    const page = await open();
    dashboard.publish(camera);
    dashboard.publish({ ...camera, camera: 'right', sensor: { width: 32, height: 16 } });
    dashboard.publish(prediction(3));
    dashboard.publish({ ...prediction(4, 'right'), decision: 2 });
    await page.waitForSelector('#decision[data-value="1"]');
    await page.keyboard.press('Tab');
    await page.keyboard.press('ArrowRight');
    await page.waitForSelector('#decision[data-value="2"]');
    await page.waitForFunction(() => document.querySelector('canvas')?.width === 32);
    dashboard.picture('right', eventsAt([[1, 1, 1]]));
    await page.waitForSelector('#picture-caption[data-value="1"]');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    expect(await page.getAttribute('#pause', 'aria-pressed')).toBe('true');
    dashboard.publish({ ...prediction(5, 'right'), decision: 0 });
    await page.waitForTimeout(300);
    expect(await shownValue(page, '#decision')).toBe(2);
    await page.keyboard.press('Enter');
    await page.waitForSelector('#decision[data-value="0"]');
  });

  it('shows the curves of a training, to one who opens it late', async () => {
    await start({ kind: 'training', title: 'nmnist-train' });
    const epochs = Array.from(
      { length: 5 },
      (_, index): EpochMessage => ({
        type: 'epoch',
        model: 'net',
        epoch: index + 1,
        learningRate: 0.01,
        trainLoss: 1 / (index + 1),
        trainAccuracy: 0.5 + index / 12,
        validationLoss: 1.1 / (index + 1),
        validationAccuracy: 0.48 + index / 12,
        spikeRate: 0.061,
        layerRates: { lif1: 0.05, lif2: 0.0925 },
        seconds: 2,
        samplesPerSecond: 321.5,
      }),
    );
    dashboard.publish({
      type: 'training',
      models: ['net'],
      epochs: 8,
      facts: [['data', 'N-MNIST']],
      simulated: false,
    });
    for (const epoch of epochs) {
      for (let batch = 1; batch <= 20; batch++) {
        dashboard.publish({
          type: 'step',
          model: 'net',
          part: 'training',
          epoch: epoch.epoch,
          batch,
          batches: 20,
          loss: epoch.trainLoss + batch / 100,
          accuracy: 0.5,
          spikeRate: 0.06,
        });
      }
      dashboard.publish(epoch);
    }
    const page = await open({ colorScheme: 'dark', viewport: { width: 390, height: 800 } });
    await page.waitForSelector('#tile-epoch[data-value="5"]');
    expect(await page.textContent('#tile-epoch')).toBe('5 of 8');
    expect(await page.textContent('#facts')).toBe('data N-MNIST');
    expect(await shownValue(page, '#tile-loss')).toBe(0.2 + 0.2);
    expect(await shownValue(page, '#tile-accuracy')).toBe(epochs[4]!.validationAccuracy);
    const labels = await page.$$eval('.curve .chart', (charts) =>
      charts.map((chart) => chart.getAttribute('aria-label')),
    );
    expect(labels).toEqual([
      'Loss over 5 epochs; last training 0.200, validation 0.220',
      'Accuracy over 5 epochs; last training 83.3 %, validation 81.3 %',
      'Loss of 100 training batches; last 0.400',
      'Spike rate by layer over epochs; last lif1 5.0 %, lif2 9.3 %',
    ]);
    await page.click('summary');
    const rows = await page.$$eval('#epochs tbody tr', (lines) =>
      lines.map((line) => line.children[1]?.textContent),
    );
    expect(rows).toEqual(epochs.map(({ trainLoss }) => trainLoss.toFixed(4)));
    // As wide as a phone, and no wider.
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
    await page.screenshot({ path: join(folder, 'training-phone.png'), fullPage: true });
  });

  it("follows the reader's colours until told otherwise, and says how the run fares", async () => {
    await start({ token: 'open sesame' });
    const page = await open({ colorScheme: 'dark' });
    const theme = (): Promise<string | undefined> =>
      page.evaluate(() => document.documentElement.dataset['theme']);
    expect(await theme()).toBe('dark');
    await page.emulateMedia({ colorScheme: 'light' });
    await page.waitForSelector(':root[data-theme=light]');
    await page.click('button.icon');
    expect(await theme()).toBe('dark');
    await page.reload();
    expect(await theme()).toBe('dark');
    await page.waitForSelector('#state[data-state=live]');
    await dashboard.close();
    await page.waitForSelector('#state[data-state=ended]');
    expect(await page.textContent('#state')).toBe('the run has ended');
  });

  it('leaves nothing behind when pages open and close', async () => {
    await start();
    const page = await open();
    dashboard.publish(camera);
    const running = setInterval(() => dashboard.picture('left', eventsAt([[1, 1, 1]])), 2);
    for (let turn = 0; turn < 8; turn++) {
      await page.goto(dashboard.url);
      await page.goto('about:blank');
    }
    clearInterval(running);
    await until(() => dashboard.viewers === 0);
    expect(dashboard.waitingBytes).toBe(0);
  });
});
