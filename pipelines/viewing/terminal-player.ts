import { setTimeout as sleep } from 'node:timers/promises';
import type { Frame, SensorSize } from '../../src/events.ts';
import { EventPicture, magnified } from '../../src/reports/view/event-picture.ts';
import { type ColourDepth, halfBlocks } from '../../src/reports/view/half-blocks.ts';
import { sixels } from '../../src/reports/view/sixel.ts';
import { gainFor } from './frames-of.ts';

/** A terminal that pictures are drawn on. */
export interface Screen {
  write(text: string): unknown;
}

/** How pictures are drawn: two pixels a character, or in pixels of their own. */
export type PictureStyle =
  | { readonly kind: 'blocks'; readonly depth: ColourDepth }
  | { readonly kind: 'sixel'; readonly factor: number };

export interface PlayOptions {
  readonly sensor: SensorSize;
  readonly size: SensorSize;
  readonly style: PictureStyle;
  /** Multiple of real time; `max` waits for nothing. */
  readonly speed: number | 'max';
  readonly signal: AbortSignal;
  /** Calls back with every key, and gives a function that ends it; absent where nobody can press one. */
  readonly listenToKeys?: (listener: (key: string) => void) => () => void;
  /** Text beside the time, such as the file's name. */
  readonly title: string;
}

/** What was shown. */
export interface PlaySummary {
  readonly frames: number;
  /** Frames that were drawn; the others were late. */
  readonly drawn: number;
  readonly events: number;
  readonly seconds: number;
  /** True where a person ended it. */
  readonly stopped: boolean;
}

/** Time between two drawn pictures below which no eye tells them apart, in milliseconds. */
const SHORTEST_DRAW_MILLIS = 15;
const PAUSE_STEP_MILLIS = 30;

const ENTER = '\u001b[?1049h\u001b[?25l\u001b[2J';
const LEAVE = '\u001b[0m\u001b[?25h\u001b[?1049l';

/** Draws frames on a terminal when they are due by the recording's clock; late ones are counted in, not drawn. */
export async function playFrames(
  frames: AsyncIterable<Frame>,
  screen: Screen,
  options: PlayOptions,
): Promise<PlaySummary> {
  const { size, sensor, speed, signal, listenToKeys, title } = options;
  const picture = new EventPicture(size.width, size.height, { gain: gainFor(sensor, size) });
  const keys = { stopped: false, paused: false };
  const ignoreKeys = listenToKeys?.((key) => {
    if (key === 'q' || key === '\u0003' || key === '\u001b') keys.stopped = true;
    if (key === ' ') keys.paused = !keys.paused;
  });
  const begun = performance.now();
  const stopped = (): boolean => keys.stopped || signal.aborted;
  let [count, drawn, events] = [0, 0, 0];
  let lastDrawn = Number.NEGATIVE_INFINITY;
  let started = begun;
  let first: number | undefined;
  screen.write(ENTER);
  try {
    for await (const frame of frames) {
      first ??= frame.startMicros;
      started += await pauseWhile(() => keys.paused && !stopped());
      picture.update(frame.data);
      count++;
      events += frame.events;
      const late = await waitUntil(dueMillis(frame, first, speed) + started, stopped);
      if (stopped()) break;
      const frameMillis = speed === 'max' ? 0 : (frame.endMicros - frame.startMicros) / 1000 / speed;
      if (late > frameMillis || performance.now() - lastDrawn < SHORTEST_DRAW_MILLIS) continue;
      lastDrawn = performance.now();
      drawn++;
      screen.write(`\u001b[H${drawing(picture, options.style)}${statusLine(frame, first, speed, title)}`);
    }
  } finally {
    ignoreKeys?.();
    screen.write(LEAVE);
  }
  return { frames: count, drawn, events, seconds: (performance.now() - begun) / 1000, stopped: stopped() };
}

function drawing(picture: EventPicture, style: PictureStyle): string {
  if (style.kind === 'blocks') return halfBlocks(picture, style.depth);
  return `${sixels(magnified(picture, style.factor))}\r\n`;
}

function statusLine(frame: Frame, first: number, speed: number | 'max', title: string): string {
  const seconds = ((frame.endMicros - first) / 1e6).toFixed(2);
  const rate = (frame.events / (frame.endMicros - frame.startMicros)).toFixed(2);
  const pace = speed === 'max' ? 'full speed' : `${speed} x`;
  return `${title}  ${seconds} s  ${rate} million events/s  ${pace}  space: pause, q: quit\u001b[K`;
}

/** Milliseconds after the start at which a frame is over. */
function dueMillis(frame: Frame, first: number, speed: number | 'max'): number {
  return speed === 'max' ? Number.NEGATIVE_INFINITY : (frame.endMicros - first) / 1000 / speed;
}

/** Waits for a time of the clock, in steps that hear keys; gives by how much it is past. */
async function waitUntil(millis: number, stopped: () => boolean): Promise<number> {
  if (millis === Number.NEGATIVE_INFINITY) return 0;
  for (;;) {
    const rest = millis - performance.now();
    if (rest < 1 || stopped()) return Math.max(0, -rest);
    await sleep(Math.min(rest, PAUSE_STEP_MILLIS));
  }
}

/** Waits as long as the condition holds; gives the milliseconds that took. */
async function pauseWhile(paused: () => boolean): Promise<number> {
  const begun = performance.now();
  while (paused()) await sleep(PAUSE_STEP_MILLIS);
  return performance.now() - begun;
}
