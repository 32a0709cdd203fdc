import { expect, it } from 'vitest';
import { selfAttention } from '../../../src/engines/kernels/index.ts';
import { ShapeError } from '../../../src/errors.ts';
import { describeEngines } from '../engines.ts';
import { expectOperation, randomPlain, tensorOf } from './compare.ts';
import { type Plain, plain } from './plain.ts';

/** Attention in float64, a head of a token at a time. */
function reference({ shape, values }: Plain, heads: number): Plain {
  const [batch, tokens, triple] = shape as [number, number, number];
  const width = triple / 3;
  const depth = width / heads;
  const at = (sample: number, token: number, part: number, column: number): number =>
    values[(sample * tokens + token) * triple + part * width + column]!;
  return plain([batch, tokens, width], (index) => {
    const [column, row] = [index % width, Math.floor(index / width)];
    const [sample, token] = [Math.floor(row / tokens), row % tokens];
    const first = column - (column % depth);
    const scores = Array.from({ length: tokens }, (_, other) => {
      let sum = 0;
      for (let i = first; i < first + depth; i++) sum += at(sample, token, 0, i) * at(sample, other, 1, i);
      return Math.exp(sum / Math.sqrt(depth));
    });
    const total = scores.reduce((sum, score) => sum + score, 0);
    return scores.reduce((sum, score, other) => sum + (score / total) * at(sample, other, 2, column), 0);
  });
}

describeEngines('attention', () => {
  it.each([
    { shape: [2, 4, 24], heads: 2 },
    { shape: [1, 8, 60], heads: 4 },
    { shape: [3, 1, 9], heads: 1 },
    { shape: [2, 5, 9], heads: 3 },
  ])('of $shape by $heads heads', async ({ shape, heads }) => {
    await expectOperation(
      (x) => selfAttention(x!, heads),
      ([x]) => reference(x!, heads),
      [randomPlain(shape, 'x')],
      { gradient: 1e-4 },
    );
  });

  it('says what shapes it wants', () => {
    expect(() => selfAttention(tensorOf(randomPlain([2, 3, 8], 's')), 2)).toThrow(ShapeError);
  });
});
