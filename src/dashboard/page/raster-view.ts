import type { RasterMessage } from '../messages.ts';
import { element } from './element.ts';
import { colour, onThemeChange, seriesColour } from './theme.ts';

const HEIGHT = 220;
const LABEL_WIDTH = 74;
const GAP = 6;
/** Timesteps across the picture. */
const STEPS = 200;

/** Spikes of some neurons over the last timesteps: a dot each, layer under layer. */
export class RasterView {
  readonly element: HTMLCanvasElement;
  #windows: readonly RasterMessage[] = [];

  constructor() {
    this.element = element('canvas', { role: 'img', class: 'raster' });
    new ResizeObserver(() => this.#draw()).observe(this.element);
    onThemeChange(() => this.#draw());
  }

  /** @param windows the last ones, in their order */
  show(windows: readonly RasterMessage[]): void {
    this.#windows = windows;
    this.#draw();
  }

  #draw(): void {
    const canvas = this.element;
    const context = canvas.getContext('2d')!;
    const width = canvas.clientWidth;
    const scale = devicePixelRatio;
    canvas.width = width * scale;
    canvas.height = HEIGHT * scale;
    context.scale(scale, scale);
    const last = this.#windows.at(-1);
    if (last === undefined) return;
    const { layers } = last;
    const rows = layers.reduce((sum, { shown }) => sum + shown, 0);
    const rowHeight = (HEIGHT - GAP * (layers.length - 1)) / Math.max(1, rows);
    const stepWidth = (width - LABEL_WIDTH) / STEPS;
    let top = 0;
    let spikes = 0;
    context.font = '12px system-ui, sans-serif';
    context.textBaseline = 'middle';
    layers.forEach(({ layer, shown }, index) => {
      const height = shown * rowHeight;
      context.fillStyle = colour('quiet');
      context.fillText(layer, 0, top + height / 2, LABEL_WIDTH - 8);
      context.fillStyle = colour('screen');
      context.fillRect(LABEL_WIDTH, top, width - LABEL_WIDTH, height);
      context.fillStyle = seriesColour(index);
      const steps = this.#windows.flatMap(({ layers: each }) => each[index]?.fired ?? []).slice(-STEPS);
      steps.forEach((fired, step) => {
        const x = width - (steps.length - step) * stepWidth;
        for (const row of fired) {
          context.fillRect(
            x,
            top + row * rowHeight,
            Math.max(1, stepWidth - 0.5),
            Math.max(1, rowHeight - 0.5),
          );
        }
        spikes += fired.length;
      });
      top += height + GAP;
    });
    const what = layers.map(({ layer, shown }) => `${shown} of ${layer}`).join(', ');
    canvas.setAttribute('aria-label', `Raster of ${what}: ${spikes} spikes`);
  }
}
