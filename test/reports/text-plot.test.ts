import { expect, it } from 'vitest';
import { sideBySide, textPlot } from '../../src/reports/text-plot.ts';

const size = { width: 4, height: 2 };

it('draws a curve in dots, its range at the left', () => {
  expect(textPlot([0, 1], { width: 1, height: 1 })).toStrictEqual(['1 ⡸']);
  expect(textPlot([0, 1, 2, 3, 4, 5, 6, 7], size)).toStrictEqual(['7 ⠀⠀⡠⠊', '0 ⡠⠊⠀⠀']);
  expect(textPlot([-0.12345, 1], size).map((line) => line.slice(0, 7))).toStrictEqual(['     1 ', '-0.123 ']);
});

it('draws what has no height, and what jumps', () => {
  expect(textPlot([0, 0, 0, 0], size)).toStrictEqual(['0 ⠀⠀⠀⠀', '0 ⣀⣀⣀⣀']);
  expect(textPlot([2, 2, 2, 2], size)).toStrictEqual(['2 ⠉⠉⠉⠉', '0 ⠀⠀⠀⠀']);
  // Every row of the jump is drawn but the one that the curve comes from.
  expect(textPlot([0, 0, 0, 0, 1, 1, 1, 1], size)).toStrictEqual(['1 ⠀⠀⡏⠉', '0 ⣀⣀⠇⠀']);
});

it('puts blocks side by side', () => {
  expect(sideBySide([['a', 'bcd'], ['e']])).toStrictEqual(['a     e', 'bcd']);
});
