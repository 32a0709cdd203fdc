import { Option } from 'commander';
import type { SensorSize } from '../events.ts';
import type { FilterChain } from '../operators/filters/index.ts';

/** The option `--filter NAME:OPTION=VALUE,…`: given many times, filters work in the order they stand. */
export function filterOption(): Option {
  return new Option(
    '--filter <filter>',
    'a filter and its options, such as denoise:micros=5000; may be repeated, in order',
  )
    .argParser((text: string, before: readonly string[] = []) => [...before, text])
    .default([], 'none; pipeline filters lists them');
}

/** The filters of `--filter` as one stage; throws an OptionError in one line, before anything is read or written. */
export async function filterChain(
  texts: readonly string[],
  sensor: SensorSize | undefined,
): Promise<FilterChain> {
  const { FilterChain, parseFilter } = await import('../operators/filters/index.ts');
  return new FilterChain(texts.map(parseFilter), sensor);
}
