import { describe, expect, it } from 'vitest';
import {
  choiceOption,
  definePipeline,
  flagOf,
  integerOption,
  numberOption,
  type OptionValues,
  type PipelineContext,
  portOption,
  switchOption,
  textOption,
} from '../../pipelines/definition.ts';

const options = {
  epochs: integerOption({ help: 'passes', default: 5, min: 1 }),
  lr: numberOption({ help: 'learning rate', default: 0.1, above: 0 }),
  share: numberOption({ help: 'share', default: 0.5, min: 0, max: 1 }),
  limit: integerOption({ help: 'limit' }),
  batchNorm: choiceOption(['together', 'per-step'], { help: 'statistics', default: 'together' }),
  data: textOption({ help: 'folder', placeholder: 'DIR' }),
  flip: switchOption({ help: 'flip' }),
};

function example(ran: (values: OptionValues<typeof options>, given: object) => void = () => {}) {
  return definePipeline({
    name: 'example',
    summary: 'An example',
    description: 'An example of a pipeline.',
    examples: ['example'],
    options,
    presets: { notebook: {}, quick: { epochs: 2, lr: 0.01, flip: true } },
    defaultPreset: 'notebook',
    run: async (values, _context, given) => ran(values, given),
  });
}

const context: PipelineContext = {
  json: false,
  emit: () => {},
  print: () => {},
  progress: { update: () => {}, note: () => {}, clear: () => {} },
  signal: new AbortController().signal,
  requestExit: () => {},
};

describe('definePipeline', () => {
  it('fills in defaults, and the default preset', () => {
    expect(example().resolve({})).toStrictEqual({
      epochs: 5,
      lr: 0.1,
      share: 0.5,
      limit: undefined,
      batchNorm: 'together',
      data: undefined,
      flip: false,
      preset: 'notebook',
    });
  });

  it('lets presets override defaults, and given options override presets', () => {
    const values = example().resolve({ preset: 'quick', epochs: '7' });
    expect([values.epochs, values.lr, values.flip]).toStrictEqual([7, 0.01, true]);
    expect(example().resolve({ preset: 'quick', flip: false }).flip).toBe(false);
  });

  it('takes text and typed values alike', () => {
    const typed = { epochs: 3, lr: 0.5, limit: 10, batchNorm: 'per-step', flip: true };
    const text = { epochs: '3', lr: ' 5e-1', limit: '10', batchNorm: 'per-step', flip: true };
    expect(example().resolve(text)).toStrictEqual(example().resolve(typed));
  });

  it('names flag, expectation and finding in one line', () => {
    const message = (given: Record<string, unknown>): string => {
      try {
        example().resolve(given);
      } catch (error) {
        return `${(error as Error).name}: ${(error as Error).message}`;
      }
      return 'no error';
    };
    expect(message({ epochs: 'many' })).toBe(
      'OptionError: --epochs: expected a whole number of at least 1, found "many"',
    );
    expect(message({ epochs: '2.5' })).toContain(
      '--epochs: expected a whole number of at least 1, found "2.5"',
    );
    expect(message({ epochs: '0' })).toContain('found "0"');
    expect(message({ epochs: '' })).toContain('found ""');
    expect(message({ epochs: true })).toContain('found true');
    expect(message({ lr: 'NaN' })).toContain('--lr: expected a number above 0, found "NaN"');
    expect(message({ lr: 'Infinity' })).toContain('--lr: expected a number above 0, found "Infinity"');
    expect(message({ share: 1.5 })).toContain('--share: expected a number from 0 to 1, found 1.5');
    expect(message({ batchNorm: 'none' })).toContain(
      '--batch-norm: expected together or per-step, found "none"',
    );
    expect(message({ data: '' })).toContain('--data: expected a text that is not empty, found ""');
    expect(message({ preset: 'slow' })).toContain('--preset: expected notebook or quick, found "slow"');
    expect(message({ epoch: 3 })).toMatch(/--epoch: no option of example, which has --epochs, .*--preset/);
  });

  it('hands run the values and what was given', async () => {
    const seen: object[] = [];
    const pipeline = example((values, given) => seen.push(values, given));
    await pipeline.start({ preset: 'quick', epochs: '4', data: undefined }, context);
    expect(seen).toMatchObject([
      { epochs: 4, lr: 0.01 },
      { preset: 'quick', epochs: 4 },
    ]);
    expect(Object.keys(seen[1]!)).toStrictEqual(['preset', 'epochs']);
  });

  it('has no preset option without presets', () => {
    const pipeline = definePipeline({
      name: 'plain',
      summary: 'Plain',
      description: 'Plain.',
      examples: [],
      options: { seed: integerOption({ help: 'seed', default: 0 }) },
      run: async () => {},
    });
    expect(pipeline.resolve({})).toStrictEqual({ seed: 0 });
    expect(() => pipeline.resolve({ preset: 'quick' })).toThrow('no option of plain');
  });
});

describe('flagOf', () => {
  it('turns camel case into kebab case', () => {
    expect(['lr', 'batchSize', 'batchNormMode'].map(flagOf)).toStrictEqual([
      '--lr',
      '--batch-size',
      '--batch-norm-mode',
    ]);
  });
});

describe('portOption', () => {
  const watched = definePipeline({
    name: 'watched',
    summary: 'A pipeline with a page',
    description: 'A pipeline with a page.',
    examples: [],
    options: { page: portOption({ help: 'port of the page' }) },
    run: async () => {},
  });

  it('may be left out, given alone, or with a port', () => {
    for (const [given, value] of [
      [undefined, undefined],
      [true, true],
      ['0', 0],
      [8686, 8686],
    ] as const)
      expect(watched.resolve({ page: given }).page).toBe(value);
    for (const given of ['65536', '-1', '1.5', 'open', '', false])
      expect(() => watched.resolve({ page: given })).toThrow(
        '--page: expected a whole number from 0 to 65535',
      );
  });
});
