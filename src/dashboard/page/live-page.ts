import type { PageMessage } from '../messages.ts';
import type { EventPicture } from '../picture-code.ts';
import { CameraData, lost, MemoryData } from './camera-data.ts';
import { Chart } from './chart.ts';
import { DecisionView } from './decision-view.ts';
import { card, element } from './element.ts';
import { EventPictureView } from './event-picture.ts';
import { bytes, count, millis, percent, percentTick } from './format.ts';
import type { Page, PageFrame } from './page.ts';
import { PredictionView, seconds } from './prediction-view.ts';
import { RasterView } from './raster-view.ts';
import { seriesColour } from './theme.ts';
import { Tile } from './tile.ts';

/** Cameras as they see, and what the network makes of it. */
export class LivePage implements Page {
  readonly element: HTMLElement;
  readonly #frame: PageFrame;
  readonly #picture: EventPictureView;
  readonly #caption = element('p', { class: 'quiet', id: 'picture-caption' });
  readonly #decision = new DecisionView();
  readonly #predictions = new PredictionView();
  readonly #ratesHost = element('div', { class: 'chart' });
  readonly #raster = new RasterView();
  readonly #rasterCard = card('Spikes of some neurons', 'raster-card', this.#raster.element);
  readonly #tiles = {
    events: new Tile('Events', 'events'),
    drops: new Tile('Dropped', 'drops'),
    latency: new Tile('Latency', 'latency'),
    operations: new Tile('Synaptic operations', 'operations'),
    spikes: new Tile('Spike rate', 'spikes'),
    memory: new Tile('Memory', 'memory'),
  };
  #cameras: CameraData[] = [];
  #memory = new MemoryData();
  #selected = 0;
  #rates: Chart | undefined;
  #ratesOf: CameraData | undefined;
  #ratesLayers: readonly string[] = [];

  constructor(frame: PageFrame) {
    this.#frame = frame;
    this.#picture = new EventPictureView(() => frame.send({ shown: true }));
    const tiles = Object.values(this.#tiles).map((tile) => tile.element);
    const polarities = element(
      'p',
      { class: 'quiet key' },
      element('i', { class: 'brighter' }),
      'brighter',
      element('i', { class: 'darker' }),
      'darker',
    );
    this.element = element(
      'main',
      { class: 'live' },
      card(
        'Events',
        'picture-card',
        this.#picture.element,
        element('div', { class: 'split' }, this.#caption, polarities),
      ),
      this.#decision.element,
      element('div', { class: 'tiles' }, ...tiles),
      this.#predictions.element,
      card('Spike rate by layer', 'rates', this.#ratesHost),
      this.#rasterCard,
    );
  }

  reset(): void {
    this.#cameras = [];
    this.#memory = new MemoryData();
  }

  take(message: PageMessage): void {
    switch (message.type) {
      case 'camera':
        this.#add(new CameraData(message));
        return;
      case 'prediction':
        this.#named(message.camera)?.predicted(message);
        return;
      case 'status':
        this.#named(message.camera)?.fared(message);
        return;
      case 'raster':
        this.#named(message.camera)?.fired(message);
        return;
      case 'memory':
        this.#memory.measured(message);
        return;
    }
  }

  picture(picture: EventPicture): void {
    if (picture.camera !== this.#selected) return;
    this.#picture.take(picture);
    const { events, micros } = picture;
    this.#caption.textContent = `${events.toLocaleString('en')} events until ${(micros / 1e6).toFixed(2)} s`;
    this.#caption.dataset['value'] = String(events);
  }

  select(index: number): void {
    this.#selected = index;
    const head = this.#cameras[index]?.head;
    if (head === undefined) return;
    const { camera, sensor, model, simulated = false } = head;
    this.#picture.reset(sensor.width, sensor.height);
    const size = `${sensor.width} × ${sensor.height} pixels`;
    const facts = [
      camera,
      size,
      model === undefined ? '' : `network ${model}`,
      simulated ? 'simulated events' : '',
    ];
    this.#frame.facts(facts.filter((fact) => fact !== ''));
    this.#frame.send({ watch: index });
  }

  set paused(paused: boolean) {
    this.#picture.paused = paused;
    this.#frame.send({ watch: paused ? null : this.#selected });
  }

  render(): void {
    const names = this.#cameras.map(({ head }) => head.camera);
    this.#frame.offer('Camera', names, this.#selected);
    const data = this.#cameras[this.#selected];
    if (data === undefined) return;
    this.#decision.show(data);
    if (data.probabilities.length > 0) this.#predictions.show(data);
    this.#showRates(data);
    this.#showTiles(data);
    this.#rasterCard.hidden = data.rasters.length === 0;
    if (!this.#rasterCard.hidden) this.#raster.show(data.rasters);
  }

  #named(name: string): CameraData | undefined {
    return this.#cameras.find(({ head }) => head.camera === name);
  }

  #add(data: CameraData): void {
    const known = this.#cameras.findIndex(({ head }) => head.camera === data.head.camera);
    const index = known < 0 ? this.#cameras.length : known;
    this.#cameras[index] = data;
    if (index === this.#selected) this.select(index);
  }

  #showRates(data: CameraData): void {
    const { rates, layers } = data;
    if (layers.length === 0) return;
    if (this.#rates === undefined || this.#ratesOf !== data || this.#ratesLayers !== layers) {
      this.#ratesOf = data;
      this.#ratesLayers = layers;
      this.#ratesHost.replaceChildren();
      this.#rates = new Chart(this.#ratesHost, {
        title: 'Spike rate by layer',
        lines: layers.map((label, index) => ({ label, stroke: () => seriesColour(index) })),
        format: percent,
        formatTick: percentTick,
        formatX: seconds,
        height: 198,
      });
    }
    this.#rates.show(rates.data);
    const now = layers.map((layer, index) => `${layer} ${percent(rates.last(index + 1))}`);
    this.#rates.describe(`Spike rate by layer over time; now ${now.join(', ')}`);
  }

  #showTiles(data: CameraData): void {
    const { events, drops, latency, operations, spikes, memory } = this.#tiles;
    const { status, lastStatus, meanRates } = data;
    const p50 = lastStatus?.latencyMillis?.p50;
    const p99 = lastStatus?.latencyMillis?.p99;
    events.show(
      `${count(lastStatus?.eventsPerSecond)}/s`,
      lastStatus?.eventsPerSecond,
      `${count(lastStatus?.events)} in all`,
    );
    const all = lastStatus === undefined ? undefined : lost(lastStatus);
    drops.show(count(all), all, all === 0 ? 'nothing lost' : 'events and datagrams');
    drops.element.classList.toggle('alarm', (all ?? 0) > 0);
    latency.show(millis(p50), p50, `99 % within ${millis(p99)}`);
    const rate = lastStatus?.operationsPerSecond;
    operations.show(`${count(rate)}/s`, rate, rate === undefined ? 'not counted' : 'of the network');
    const mean = meanRates.last(1);
    spikes.show(percent(mean), mean, 'mean of the layers');
    memory.show(bytes(this.#memory.bytes.last(1)), this.#memory.bytes.last(1), 'of the process');
    for (const [tile, column] of [
      [events, 1],
      [drops, 2],
      [latency, 3],
      [operations, 5],
    ] as const) {
      tile.curve(status, column);
    }
    spikes.curve(meanRates, 1);
    memory.curve(this.#memory.bytes, 1);
  }
}
