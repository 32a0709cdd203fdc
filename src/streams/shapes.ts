/**
 * Grey pictures of ten shapes, drawn from (seed, index) alone. A class is its outline: place, size, angle, brightness
 * and the sign of the contrast are random and tell nothing about it.
 */
import type { LabelledImage, SensorSize } from '../events.ts';
import { RandomStream } from '../random.ts';

/** Signed distance of a point to an outline of about radius 1 around the origin, negative inside; y points down. */
type Outline = (x: number, y: number) => number;

const outlines: { readonly [name: string]: Outline } = {
  disc: (x, y) => Math.hypot(x, y) - 0.85,
  ring: (x, y) => Math.abs(Math.hypot(x, y) - 0.75) - 0.2,
  square: (x, y) => box(x, y, 0.75, 0.75),
  triangle: polygon([0, -1, 0.9, 0.65, -0.9, 0.65]),
  cross: (x, y) => Math.min(box(x, y, 0.95, 0.28), box(x, y, 0.28, 0.95)),
  star: polygon(
    Array.from({ length: 10 }, (_, i) => {
      const radius = i % 2 === 0 ? 1 : 0.42;
      return [radius * Math.sin((i * Math.PI) / 5), -radius * Math.cos((i * Math.PI) / 5)];
    }).flat(),
  ),
  crescent: (x, y) => Math.max(Math.hypot(x, y) - 0.9, 0.75 - Math.hypot(x - 0.45, y)),
  bars: (x, y) => box(x, Math.abs(y) - 0.55, 0.9, 0.22),
  ell: polygon([-0.7, -0.9, -0.2, -0.9, -0.2, 0.4, 0.7, 0.4, 0.7, 0.9, -0.7, 0.9]),
  hourglass: polygon([-0.75, -0.9, 0.75, -0.9, 0.12, 0, 0.75, 0.9, -0.75, 0.9, -0.12, 0]),
};

/** Names of the ten classes; a label is an index into it. */
export const shapeNames: readonly string[] = Object.keys(outlines);

/** How the pictures vary. */
export interface ShapeOptions {
  /** Size of the picture in pixels; default 64 x 64. */
  readonly size?: SensorSize;
  /** Whole number that fixes all pictures; default 0. */
  readonly seed?: number;
}

/** Fractions of the picture's shorter side that a shape's radius is drawn from. */
const RADIUS = [0.16, 0.32] as const;
/** Share of the way to where it touches the picture's edge that a shape's centre may be off the middle. */
const ROAM = 0.85;
/** Natural logarithms that the brighter and the darker grey differ by. */
const CONTRAST = [0.5, 1.3] as const;
/** Grey levels that the geometric mean of the two greys is drawn from. */
const MIDDLE_GREY = [50, 120] as const;
/** Largest turn to either side, in radians. */
const TURN = 0.25;

/** Name and class of picture number `index`: the classes in turn, ids such as `disc/000010`. */
export function shapeToken(index: number): { id: string; label: number } {
  const label = index % shapeNames.length;
  return { id: `${shapeNames[label]}/${String(index).padStart(6, '0')}`, label };
}

/** Picture number `index`, grey. */
export function shapeImage(
  index: number,
  { size = { width: 64, height: 64 }, seed = 0 }: ShapeOptions = {},
): LabelledImage {
  const { width, height } = size;
  const { id, label } = shapeToken(index);
  const outline = outlines[shapeNames[label]!]!;
  const random = new RandomStream(seed, `shapes/${index}`);
  const between = (draw: number, low: number, high: number): number =>
    low + (high - low) * random.uniform(draw);

  const radius = Math.min(width, height) * between(0, ...RADIUS);
  const centreX = width / 2 + ROAM * (width / 2 - radius) * between(1, -1, 1);
  const centreY = height / 2 + ROAM * (height / 2 - radius) * between(2, -1, 1);
  const angle = between(3, -TURN, TURN);
  const contrast = between(4, ...CONTRAST) * (random.uniform(5) < 0.5 ? -1 : 1);
  const middle = between(6, ...MIDDLE_GREY);
  const inside = middle * Math.exp(contrast / 2);
  const outside = middle * Math.exp(-contrast / 2);

  const cosine = Math.cos(angle) / radius;
  const sine = Math.sin(angle) / radius;
  const pixels = new Uint8Array(width * height);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const x = column + 0.5 - centreX;
      const y = row + 0.5 - centreY;
      const distance = radius * outline(cosine * x + sine * y, cosine * y - sine * x);
      const coverage = Math.min(1, Math.max(0, 0.5 - distance));
      pixels[row * width + column] = Math.round(outside + (inside - outside) * coverage);
    }
  }
  return { id, label, width, height, channels: 1, pixels };
}

function box(x: number, y: number, halfWidth: number, halfHeight: number): number {
  const beyondX = Math.abs(x) - halfWidth;
  const beyondY = Math.abs(y) - halfHeight;
  return Math.hypot(Math.max(0, beyondX), Math.max(0, beyondY)) + Math.min(0, Math.max(beyondX, beyondY));
}

/** Distance to the nearest edge, its sign by the even-odd rule. */
function polygon(corners: readonly number[]): Outline {
  return (x, y) => {
    let nearest = Number.POSITIVE_INFINITY;
    let inside = false;
    for (let i = 0; i < corners.length; i += 2) {
      const j = (i + 2) % corners.length;
      const startX = corners[i]!;
      const startY = corners[i + 1]!;
      const edgeX = corners[j]! - startX;
      const edgeY = corners[j + 1]! - startY;
      const along = ((x - startX) * edgeX + (y - startY) * edgeY) / (edgeX * edgeX + edgeY * edgeY);
      const held = Math.min(1, Math.max(0, along));
      nearest = Math.min(nearest, Math.hypot(x - startX - held * edgeX, y - startY - held * edgeY));
      const crosses = startY > y !== corners[j + 1]! > y;
      if (crosses && x < startX + ((y - startY) / edgeY) * edgeX) inside = !inside;
    }
    return inside ? -nearest : nearest;
  };
}
