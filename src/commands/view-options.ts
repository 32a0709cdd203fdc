import { OptionError } from '../errors.ts';
import type { SensorSize } from '../events.ts';
import type { FilterChain } from '../operators/filters/index.ts';
import type { ReadingOptions } from './recording-options.ts';

/** How a terminal shows pictures. */
export const pictureKinds = ['auto', 'blocks', 'sixel'] as const;

/** Options of `pipeline replay` without a model, as commander gives them. */
export interface ViewOptions extends ReadingOptions {
  readonly speed?: string;
  readonly out?: string;
  readonly fps?: string;
  readonly loop?: true;
  readonly picture: (typeof pictureKinds)[number];
  readonly filter: readonly string[];
  readonly json?: true;
}

/** `max`, or a multiple of real time. */
export function parseSpeed(text: string): number | 'max' {
  if (text === 'max') return 'max';
  const speed = text.trim() === '' ? Number.NaN : Number(text);
  if (Number.isFinite(speed) && speed > 0) return speed;
  throw new OptionError(`--speed: expected max or a number above 0, found ${JSON.stringify(text)}`);
}

/** The filters as one stage; throws an OptionError in one line, before an event is read. */
export async function filterChain(
  texts: readonly string[],
  sensor: SensorSize | undefined,
): Promise<FilterChain> {
  const { FilterChain, parseFilter } = await import('../operators/filters/index.ts');
  return new FilterChain(texts.map(parseFilter), sensor);
}
