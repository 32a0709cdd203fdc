import type { EventPicture } from '../picture-code.ts';
import { element } from './element.ts';
import { channels, colour, onThemeChange, prefersStillness } from './theme.ts';

/** Levels of a pixel: 0 is nothing, to +127 for brighter, to -127 for darker. */
const FULL = 127;
/** What is left of a level after a picture. */
const AFTERGLOW = 0.72;
/** Narrower sensors are enlarged with sharp pixels. */
const COARSE_WIDTH = 400;
const FRAME_MILLIS = 30;
/** Between two pictures for readers who prefer little motion. */
const STILL_MILLIS = 500;

/** The events of a camera, fading as they age. */
export class EventPictureView {
  readonly element: HTMLElement;
  readonly #canvas: HTMLCanvasElement;
  readonly #empty: HTMLElement;
  readonly #shown: () => void;
  #levels = new Int8Array(0);
  #image: ImageData | undefined;
  #next: EventPicture | undefined;
  #glowing = false;
  #drawnMillis = 0;
  #asked = false;
  #paused = false;
  #colours = new Uint32Array(256);

  /** @param shown told after every picture, when there is room for another */
  constructor(shown: () => void) {
    this.#shown = shown;
    this.#canvas = element('canvas', { role: 'img', 'aria-label': 'Events of the camera' });
    this.#empty = element('p', { class: 'quiet empty' }, 'no events yet');
    this.element = element('div', { class: 'screen' }, this.#canvas, this.#empty);
    this.#readColours();
    onThemeChange(() => {
      this.#readColours();
      this.#paint();
    });
  }

  /** Begins anew with a sensor of this size. */
  reset(width: number, height: number): void {
    this.#canvas.width = width;
    this.#canvas.height = height;
    this.#canvas.classList.toggle('coarse', width < COARSE_WIDTH);
    this.#levels = new Int8Array(width * height);
    this.#image = new ImageData(width, height);
    this.#next = undefined;
    this.#empty.hidden = false;
    this.#canvas.setAttribute('aria-label', `Events of the camera, ${width} by ${height} pixels`);
    this.#paint();
  }

  /** Stands still, or goes on. */
  set paused(paused: boolean) {
    this.#paused = paused;
    if (!paused) this.#ask();
  }

  /** Shows a picture with the next frame of the screen. */
  take(picture: EventPicture): void {
    const { width, height } = this.#canvas;
    if (picture.width !== width || picture.height !== height) this.reset(picture.width, picture.height);
    this.#next = picture;
    this.#ask();
  }

  #ask(): void {
    if (this.#asked) return;
    this.#asked = true;
    requestAnimationFrame((now) => {
      this.#asked = false;
      if (this.#paused) return;
      const still = prefersStillness();
      if (now - this.#drawnMillis < (still ? STILL_MILLIS : FRAME_MILLIS)) {
        this.#ask();
        return;
      }
      this.#drawnMillis = now;
      this.#draw(still);
      if (this.#glowing && !still) this.#ask();
    });
  }

  #draw(still: boolean): void {
    const picture = this.#next;
    this.#next = undefined;
    this.#fade(still ? 0 : AFTERGLOW);
    if (picture !== undefined) {
      this.#add(picture.pixels);
      this.#empty.hidden = true;
      this.#shown();
    }
    this.#paint();
  }

  #fade(share: number): void {
    const levels = this.#levels;
    let glowing = false;
    for (let i = 0; i < levels.length; i++) {
      if (levels[i] === 0) continue;
      levels[i] = Math.trunc(levels[i]! * share);
      glowing = true;
    }
    this.#glowing = glowing;
  }

  #add(pixels: Uint8Array): void {
    const levels = this.#levels;
    for (let byte = 0; byte < pixels.length; byte++) {
      for (let four = pixels[byte]!, i = 4 * byte; four !== 0; four >>= 2, i++) {
        if ((four & 3) !== 0) levels[i] = (four & 3) === 2 ? FULL : -FULL;
      }
    }
    this.#glowing = true;
  }

  #paint(): void {
    const image = this.#image;
    if (image === undefined) return;
    const target = new Uint32Array(image.data.buffer);
    const levels = this.#levels;
    const colours = this.#colours;
    for (let i = 0; i < target.length; i++) target[i] = colours[levels[i]! + 128]!;
    this.#canvas.getContext('2d')!.putImageData(image, 0, 0);
  }

  /** A colour for each level: between the paper and the colour of a polarity. */
  #readColours(): void {
    const paper = channels(colour('screen'));
    const [darker, brighter] = [channels(colour('darker')), channels(colour('brighter'))];
    for (let level = -128; level < 128; level++) {
      const full = level < 0 ? darker : brighter;
      const share = Math.min(1, Math.abs(level) / FULL);
      const [r, g, b] = paper.map((from, index) => Math.round(from + share * (full[index]! - from)));
      this.#colours[level + 128] = (255 << 24) | (b! << 16) | (g! << 8) | r!;
    }
  }
}
