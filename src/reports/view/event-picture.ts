/** A colour: red, green and blue from 0 to 255. */
export type Rgb = readonly [red: number, green: number, blue: number];

/** A picture of few colours: an index into `colours` for each pixel, row by row from the top. */
export interface IndexedPicture {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
  readonly colours: readonly Rgb[];
}

/** Shades of one polarity. */
const SHADES = 15;
const BACKGROUND: Rgb = [24, 24, 28];
const ON: Rgb = [255, 226, 168];
const OFF: Rgb = [64, 140, 255];

/** Shades of off from the strongest, the background, shades of on to the strongest. */
export const eventColours: readonly Rgb[] = Array.from({ length: 2 * SHADES + 1 }, (_, index) => {
  const share = Math.abs(index - SHADES) / SHADES;
  const strongest = index < SHADES ? OFF : ON;
  const mixed = BACKGROUND.map((low, channel) => Math.round(low + share * (strongest[channel]! - low)));
  return mixed as unknown as Rgb;
});

/** Index of the background in `eventColours`. */
export const backgroundIndex: number = SHADES;

/**
 * What events light up, as a picture that fades: a pixel with n events more shows 1 - 2^-(gain n) of the full colour
 * of their polarity, and what nothing renews falls to the share `fade` with each picture.
 */
export class EventPicture implements IndexedPicture {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
  readonly colours: readonly Rgb[] = eventColours;
  readonly #fade: number;
  readonly #gain: number;
  /** From -1, fully off, to 1, fully on. */
  readonly #shown: Float32Array;

  /**
   * @param gain weight of an event, below 1 where many pixels of the sensor fall on one of the picture
   * @param fade share of the last picture that stays, from 0 to 1
   */
  constructor(
    width: number,
    height: number,
    { gain = 1, fade = 0.5 }: { gain?: number; fade?: number } = {},
  ) {
    this.width = width;
    this.height = height;
    this.#gain = gain;
    this.#fade = fade;
    this.pixels = new Uint8Array(width * height).fill(backgroundIndex);
    this.#shown = new Float32Array(width * height);
  }

  /** Takes the counts of a frame [height, width, 2], off before on. */
  update(counts: Float32Array): void {
    const { pixels } = this;
    for (let i = 0; i < pixels.length; i++) {
      const faded = this.#shown[i]! * this.#fade;
      const difference = counts[2 * i + 1]! - counts[2 * i]!;
      const most = Math.max(counts[2 * i + 1]!, counts[2 * i]!);
      let shown = faded;
      if (most > 0) {
        const level = 1 - 2 ** (-this.#gain * most);
        shown = difference >= 0 ? Math.max(level, faded) : Math.min(-level, faded);
      }
      this.#shown[i] = shown;
      pixels[i] = SHADES + Math.round(shown * SHADES);
    }
  }
}

/** The picture with each pixel as a square of `factor` pixels. */
export function magnified(
  { width, height, pixels, colours }: IndexedPicture,
  factor: number,
): IndexedPicture {
  if (factor === 1) return { width, height, pixels, colours };
  const row = new Uint8Array(width * factor);
  const large = new Uint8Array(row.length * height * factor);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) row.fill(pixels[y * width + x]!, x * factor, (x + 1) * factor);
    for (let copy = 0; copy < factor; copy++) large.set(row, (y * factor + copy) * row.length);
  }
  return { width: row.length, height: height * factor, pixels: large, colours };
}

/** The picture as red, green and blue bytes. */
export function toRgb({ pixels, colours }: IndexedPicture): Uint8Array {
  const bytes = new Uint8Array(3 * pixels.length);
  for (let i = 0; i < pixels.length; i++) {
    const [red, green, blue] = colours[pixels[i]!]!;
    bytes[3 * i] = red;
    bytes[3 * i + 1] = green;
    bytes[3 * i + 2] = blue;
  }
  return bytes;
}
