import { seriesColour } from './palette.ts';
import { linePanel } from './panels/line-panel.ts';
import { gallerySvg } from './report-svg.ts';
import { sideBySide, textPlot } from './text-plot.ts';

/** A surrogate as reports draw it. */
export interface SurrogateReport {
  readonly name: string;
  /** Its shape and parameters, in words. */
  readonly formula: string;
  readonly x: readonly number[];
  readonly derivative: readonly number[];
  readonly value: readonly number[];
  readonly peak: number;
  readonly area: number;
}

/** Surrogates for a terminal: function at the left, derivative at the right. */
export function surrogateText(surrogates: readonly SurrogateReport[]): string {
  const size = { width: 32, height: 5 };
  return surrogates
    .map(({ name, formula, value, derivative, x, peak, area }) => {
      const range = `x ${x[0]} to ${x.at(-1)}`;
      const plots = sideBySide([
        [`function, ${range}`, ...textPlot(value, size)],
        [`derivative, peak ${short(peak)}, area ${short(area)}`, ...textPlot(derivative, size)],
      ]);
      return `${name}: ${formula}\n${plots.join('\n')}\n`;
    })
    .join('\n');
}

/** Surrogates as one picture: a panel each, function and derivative over the distance to the threshold. */
export function surrogateSvg(surrogates: readonly SurrogateReport[]): string {
  const panels = surrogates.map(({ name, formula, x, value, derivative, peak, area }) => {
    const points = (values: readonly number[]): [number, number][] =>
      values.map((y, index) => [x[index]!, y]);
    return linePanel({
      title: name,
      subtitle: `${formula}; peak ${short(peak)}, area ${short(area)}`,
      width: 380,
      height: 200,
      x: 'potential - threshold',
      y: '',
      fromZero: true,
      lines: [
        { label: 'function', colour: seriesColour(0), dash: '5 3', points: points(value) },
        { label: 'derivative', colour: seriesColour(1), points: points(derivative) },
      ],
    });
  });
  return gallerySvg('Surrogate gradients', panels, 3);
}

function short(value: number): string {
  return String(Number(value.toPrecision(3)));
}
