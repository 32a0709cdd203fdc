import { OptionError } from '../../src/errors.ts';
import { type Option, textOption } from '../definition.ts';

/** Feature maps of convolutions, and where pools stand between them. */
export function blocksOption<D extends string | undefined = undefined>(given: {
  readonly help: string;
  readonly default?: D;
}): Option<string | D> {
  return textOption({ placeholder: 'MAPS', ...given }) as Option<string | D>;
}

/** The feature maps of 64-64-A-128-128-A, block by block; each ends with a pool. */
export function blocksOf(text: string): number[][] {
  if (!/^([1-9]\d*-)+A(-([1-9]\d*-)+A)*$/.test(text)) {
    throw new OptionError(
      `--blocks: expected feature maps and pools like 64-64-A-128-128-A, found ${JSON.stringify(text)}`,
    );
  }
  const blocks = text.split('A').slice(0, -1);
  return blocks.map((block) => block.split('-').filter(Boolean).map(Number));
}
