import type { LabelledImage, SensorSize } from '../events.ts';

/** Scene points for each sensor pixel and axis: fine enough that a moving edge does not flicker between samples. */
const OVERSAMPLING = 2;

/** A static picture in front of a sensor, as log intensity, which can be shifted by parts of a pixel. */
export interface Scene {
  /**
   * Writes the log intensity that each sensor pixel sees, row by row, while the picture is shifted.
   * @param shiftX sensor pixels to the right, at most the `reach` that the scene was made with
   * @param shiftY sensor pixels downwards, likewise
   */
  sample(out: Float32Array, shiftX: number, shiftY: number): void;
}

/**
 * The picture scaled to cover the sensor (cut at the centre where the sides differ), its edges continued outwards.
 * @param reach largest shift that will be sampled, in sensor pixels
 * @param darkLevel light that a black pixel still gives, in grey levels of 255
 */
export function createScene(
  image: LabelledImage,
  sensor: SensorSize,
  reach: number,
  darkLevel: number,
): Scene {
  const margin = Math.ceil(reach * OVERSAMPLING) + 1;
  const scale = Math.min(image.width / sensor.width, image.height / sensor.height) / OVERSAMPLING;
  const columns = resampling(image.width, sensor.width * OVERSAMPLING, scale, margin);
  const rows = resampling(image.height, sensor.height * OVERSAMPLING, scale, margin);
  const logs = resample(greyLevels(image), image.width, image.height, columns, rows);
  // Interpolating between logs, not intensities, is exact enough at half a pixel's distance and spares a logarithm
  // for each pixel and step.
  for (let i = 0; i < logs.length; i++) logs[i] = Math.log(Math.max(0, logs[i]!) + darkLevel);

  const stride = columns.length;
  return {
    sample(out, shiftX, shiftY) {
      const left = margin + (OVERSAMPLING - 1) / 2 - shiftX * OVERSAMPLING;
      const top = margin + (OVERSAMPLING - 1) / 2 - shiftY * OVERSAMPLING;
      const column = Math.floor(left);
      const row = Math.floor(top);
      const right = left - column;
      const lower = top - row;
      const w00 = (1 - right) * (1 - lower);
      const w01 = right * (1 - lower);
      const w10 = (1 - right) * lower;
      const w11 = right * lower;
      let pixel = 0;
      for (let y = 0; y < sensor.height; y++) {
        let at = (row + y * OVERSAMPLING) * stride + column;
        for (let x = 0; x < sensor.width; x++, at += OVERSAMPLING) {
          out[pixel++] =
            w00 * logs[at]! + w01 * logs[at + 1]! + w10 * logs[at + stride]! + w11 * logs[at + stride + 1]!;
        }
      }
    },
  };
}

/** Grey levels 0 to 255; colours by the luma weights of ITU-R BT.601, which the DVS community's tools use. */
function greyLevels(image: LabelledImage): Float32Array {
  const { channels, pixels } = image;
  const grey = new Float32Array(image.width * image.height);
  for (let i = 0, at = 0; i < grey.length; i++, at += channels) {
    grey[i] =
      channels < 3 ? pixels[at]! : 0.299 * pixels[at]! + 0.587 * pixels[at + 1]! + 0.114 * pixels[at + 2]!;
  }
  return grey;
}

/** For each output point the first input point (clamped into the input when read) and the weights from there on. */
interface Resampling {
  readonly length: number;
  readonly taps: number;
  readonly first: Int32Array;
  readonly weights: Float32Array;
}

/**
 * Bicubic resampling of one axis (Keys 1981, a = -0.5), widened when it reduces, so that nothing aliases.
 * @param scale input points for each output point
 */
function resampling(inputs: number, points: number, scale: number, margin: number): Resampling {
  const widen = Math.max(1, scale);
  const taps = Math.ceil(4 * widen) + 1;
  const length = points + 2 * margin;
  const first = new Int32Array(length);
  const weights = new Float32Array(length * taps);
  for (let i = 0; i < length; i++) {
    const centre = inputs / 2 + (i - margin + 0.5 - points / 2) * scale - 0.5;
    const start = Math.ceil(centre - 2 * widen);
    let sum = 0;
    for (let k = 0; k < taps; k++) {
      const weight = cubicKernel(Math.abs(start + k - centre) / widen);
      weights[i * taps + k] = weight;
      sum += weight;
    }
    for (let k = 0; k < taps; k++) weights[i * taps + k]! /= sum;
    first[i] = start;
  }
  return { length, taps, first, weights };
}

function cubicKernel(distance: number): number {
  if (distance < 1) return (1.5 * distance - 2.5) * distance * distance + 1;
  if (distance < 2) return ((-0.5 * distance + 2.5) * distance - 4) * distance + 2;
  return 0;
}

/** Resamples first along rows, then along columns: [rows.length, columns.length]. */
function resample(
  input: Float32Array,
  width: number,
  height: number,
  columns: Resampling,
  rows: Resampling,
): Float32Array {
  const narrow = new Float32Array(height * columns.length);
  for (let y = 0; y < height; y++) {
    for (let i = 0; i < columns.length; i++) {
      let sum = 0;
      for (let k = 0; k < columns.taps; k++) {
        const x = Math.min(width - 1, Math.max(0, columns.first[i]! + k));
        sum += columns.weights[i * columns.taps + k]! * input[y * width + x]!;
      }
      narrow[y * columns.length + i] = sum;
    }
  }
  const output = new Float32Array(rows.length * columns.length);
  for (let i = 0; i < rows.length; i++) {
    for (let k = 0; k < rows.taps; k++) {
      const y = Math.min(height - 1, Math.max(0, rows.first[i]! + k));
      const weight = rows.weights[i * rows.taps + k]!;
      if (weight === 0) continue;
      for (let x = 0; x < columns.length; x++) {
        output[i * columns.length + x]! += weight * narrow[y * columns.length + x]!;
      }
    }
  }
  return output;
}
