import * as surrogates from '../../src/models/surrogates.ts';

const makers: Record<string, (...values: number[]) => surrogates.Surrogate> = {
  atan: surrogates.atan,
  ATan: surrogates.atan,
  fast_sigmoid: surrogates.fastSigmoid,
  QPseudoSpike: surrogates.fastSigmoid,
  sigmoid: surrogates.sigmoid,
  Sigmoid: surrogates.sigmoid,
  ste: surrogates.straightThrough,
  triangular: surrogates.snnTorchTriangular,
  PiecewiseQuadratic: surrogates.piecewiseQuadratic,
  SuperSpike: surrogates.spikingJellySuperSpike,
  SoftSign: surrogates.softSign,
  Erf: surrogates.gaussian,
  PiecewiseExp: surrogates.piecewiseExponential,
  Rect: surrogates.rectangular,
};

/** Our surrogate for a library's class with its arguments, as the stored tables write it: `ATan(2)`. */
export function surrogateNamed(text: string): surrogates.Surrogate | undefined {
  const [name, values = ''] = text.replace(')', '').split('(');
  const numbers = values === '' ? [] : values.split(',').map(Number);
  return makers[name!]?.(...numbers);
}
