import { describe, expect, it } from 'vitest';
import { OptionError } from '../../../src/errors.ts';
import type { EventChunk } from '../../../src/events.ts';
import * as library from '../../../src/operators/filters/index.ts';
import { filters } from '../../../src/operators/index.ts';
import { chunkOfRows } from './filter-cases.ts';

const sensor = { width: 20, height: 10 };

describe('parseFilter', () => {
  it('reads names and options, in kebab or camel case', () => {
    const chunk = chunkOfRows([5, 12, 3, 1], [6, 2, 3, 1]);
    for (const text of ['time-crop:from-micros=1,to-micros=9', ' time-crop : fromMicros = 1 , toMicros=9']) {
      const given: EventChunk[] = [];
      filters
        .parseFilter(text)
        .create(undefined)
        .push(chunk, (part) => given.push(part));
      expect(given[0]!.t.length).toBe(1);
    }
  });

  it.each(filters.filterDefinitions.map((definition) => [definition.name, definition] as const))(
    'reads the example of %s, and the library has it under that name',
    (name, { example }) => {
      const filter = filters.parseFilter(example);
      expect(filter.name).toBe(name);
      const large = { width: 640, height: 480 };
      const stage = filter.create(large);
      expect(stage.counters).toStrictEqual({ in: 0, out: 0, outside: 0 });
      expect(filter.sensorAfter(large)).toBeDefined();
      const camel = name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
      expect(library).toHaveProperty(camel);
    },
  );

  const faults: readonly (readonly [text: string, message: string | RegExp])[] = [
    ['denoize:micros=5', 'filter "denoize": no such filter; did you mean denoise?'],
    ['polarity:polarity=on', /no such filter; did you mean .*select-polarity/],
    ['', /no such filter; expected one of crop, centre-crop, /],
    ['denoise:ms=5', 'filter denoise: no option ms; it has micros, neighbours, support'],
    ['transpose:x=1', 'filter transpose: no option x; it has no options'],
    ['denoise:micros=-1', 'filter denoise: micros: expected a number of at least 0, found "-1"'],
    ['denoise:micros=abc', 'filter denoise: micros: expected a number of at least 0, found "abc"'],
    [
      'denoise:micros',
      /^filter denoise: expected option=value, found "micros"; for example denoise:micros=5000$/,
    ],
    ['denoise:', /expected option=value, found ""/],
    ['denoise:micros=1,micros=2', 'filter denoise: micros: expected once, found twice'],
    ['crop:x=1,y=2,width=3', 'filter crop: expected x, y, width, height; missing height'],
    ['rotate:degrees=45', 'filter rotate: degrees: expected 90 or 180 or 270, found "45"'],
    ['flip:axis=z', 'filter flip: axis: expected x, y or both, found "z"'],
    ['drop-pixels:pixels=1', /expected places such as 10x20\+11x20, found "1"/],
    ['__proto__:x=1', /no such filter/],
    ['crop:__proto__=1', /no option __proto__/],
  ];
  it.each(faults)('%j: says in one line what is wrong', (text, message) => {
    let error: unknown;
    try {
      filters.parseFilter(text);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(OptionError);
    const found = (error as OptionError).message;
    expect(found).not.toContain('\n');
    if (typeof message === 'string') expect(found).toBe(message);
    else expect(found).toMatch(message);
  });
});

describe('FilterChain', () => {
  it('hands sensors from filter to filter and counts for each', () => {
    const texts = ['crop:x=10,y=0,width=6,height=10', 'rotate:degrees=90', 'downsample:factor=2'];
    const chain = new filters.FilterChain(texts.map(filters.parseFilter), sensor);
    expect(chain.sensor).toStrictEqual({ width: 5, height: 3 });
    const given: EventChunk[] = [];
    chain.push(chunkOfRows([1, 12, 4, 1], [2, 3, 4, 0]), (chunk) => given.push(chunk));
    chain.end((chunk) => given.push(chunk));
    expect([given[0]!.x[0], given[0]!.y[0]]).toStrictEqual([2, 1]);
    expect(chain.counters).toStrictEqual({ in: 2, out: 1, outside: 0 });
    expect(chain.steps.map(({ text, stage }) => [text, stage.counters.out])).toStrictEqual(
      texts.map((text) => [text, 1]),
    );
  });

  it('ends its filters in order, so that what one held goes through the rest', () => {
    const chain = new filters.FilterChain(
      ['regularise:micros=10', 'flip-polarity'].map((text) => filters.parseFilter(text)),
      undefined,
    );
    const given: EventChunk[] = [];
    chain.push(chunkOfRows([1, 1, 1, 1]), (chunk) => given.push(chunk));
    expect(given).toHaveLength(0);
    chain.end((chunk) => given.push(chunk));
    expect([...given[0]!.on]).toStrictEqual([0]);
  });

  it('says which filter needs the sensor, where it is unknown', () => {
    expect(() => new filters.FilterChain([filters.parseFilter('flip')], undefined)).toThrow(
      'filter flip: needs the size of the sensor, which is not known here',
    );
  });
});
