import type { EventChunk } from '../../../events.ts';
import type { EncodeOptions, EventEncoder } from '../format.ts';

/** No row is longer: a time of 17 digits with sign and point, two pixels, a polarity, what separates them. */
const ROW_BYTES = 40;
const COMMA = 44;
const SPACE = 32;
const POINT = 46;
const MINUS = 45;
const NEWLINE = 10;

/** Writes a line an event, in the style of faery, Metavision or RPG; times are exact in all of them. */
export class TextEncoder implements EventEncoder {
  readonly #options: EncodeOptions;
  #headed = false;

  constructor(options: EncodeOptions) {
    this.#options = options;
  }

  push(chunk: EventChunk, emit: (bytes: Uint8Array) => void): void {
    this.#head(emit);
    const { origin, t, x, y, on } = chunk;
    const style = this.#options.textStyle ?? 'faery';
    const separator = style === 'rpg' ? SPACE : COMMA;
    const bytes = new Uint8Array(t.length * ROW_BYTES);
    let at = 0;
    for (let i = 0; i < t.length; i++) {
      const micros = origin + t[i]!;
      if (style === 'metavision') {
        at = writeNumber(bytes, at, x[i]!);
        bytes[at++] = separator;
        at = writeNumber(bytes, at, y[i]!);
        bytes[at++] = separator;
        bytes[at++] = 48 + on[i]!;
        bytes[at++] = separator;
        at = writeTime(bytes, at, micros);
      } else {
        at = style === 'rpg' ? writeSeconds(bytes, at, micros) : writeTime(bytes, at, micros);
        bytes[at++] = separator;
        at = writeNumber(bytes, at, x[i]!);
        bytes[at++] = separator;
        at = writeNumber(bytes, at, y[i]!);
        bytes[at++] = separator;
        bytes[at++] = 48 + on[i]!;
      }
      bytes[at++] = NEWLINE;
    }
    if (at > 0) emit(bytes.subarray(0, at));
  }

  end(emit: (bytes: Uint8Array) => void): void {
    this.#head(emit);
  }

  #head(emit: (bytes: Uint8Array) => void): void {
    if (this.#headed) return;
    this.#headed = true;
    const { sensor, textStyle = 'faery' } = this.#options;
    if (textStyle === 'faery') emit(Buffer.from('t,x,y,on\n'));
    if (textStyle === 'metavision') emit(Buffer.from(`%geometry:${sensor.width},${sensor.height}\n`));
  }
}

/** Writes a whole number below 2^31; gives the position behind it. */
function writeNumber(bytes: Uint8Array, start: number, value: number): number {
  let digits = 1;
  for (let rest = value; rest >= 10; rest = (rest / 10) | 0) digits++;
  writeDigits(bytes, start, value, digits);
  return start + digits;
}

/** Writes exactly `digits` digits of a whole number. */
function writeDigits(bytes: Uint8Array, start: number, value: number, digits: number): void {
  let rest = value | 0;
  for (let at = start + digits - 1; at >= start; at--) {
    const tens = (rest / 10) | 0;
    bytes[at] = 48 + rest - tens * 10;
    rest = tens;
  }
}

function writeTime(bytes: Uint8Array, start: number, micros: number): number {
  if (micros < 0) {
    bytes[start] = MINUS;
    return writeTime(bytes, start + 1, -micros);
  }
  if (micros < 1e9) return writeNumber(bytes, start, micros);
  const billions = Math.floor(micros / 1e9);
  const at = writeNumber(bytes, start, billions);
  writeDigits(bytes, at, micros - billions * 1e9, 9);
  return at + 9;
}

function writeSeconds(bytes: Uint8Array, start: number, micros: number): number {
  if (micros < 0) {
    bytes[start] = MINUS;
    return writeSeconds(bytes, start + 1, -micros);
  }
  const seconds = Math.floor(micros / 1e6);
  const at = writeTime(bytes, start, seconds);
  bytes[at] = POINT;
  writeDigits(bytes, at + 1, micros - seconds * 1e6, 6);
  return at + 7;
}
