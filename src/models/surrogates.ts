/**
 * Surrogate gradients by the names of the literature and the libraries, x being the potential less the threshold.
 * Libraries give one name to different functions: SpikingJelly's SuperSpike has a slope of 1 and an amplitude,
 * Zenke's a slope and an amplitude of 1; snnTorch's triangular is no triangle.
 */
import type { Surrogate } from '../engines/kernels/index.ts';

export { type Surrogate, type SurrogateKind, surrogateKinds } from '../engines/kernels/index.ts';

/** (alpha / 2) / (1 + (pi alpha x / 2)^2): ATan of SpikingJelly and snnTorch, peak alpha / 2. */
export function atan(alpha = 2): Surrogate {
  return { kind: 'atan', amplitude: alpha / 2, slope: (Math.PI * alpha) / 2 };
}

/** 1 / (1 + slope |x|)^2: snnTorch's fast_sigmoid, peak 1. */
export function fastSigmoid(slope = 25): Surrogate {
  return { kind: 'fastSigmoid', amplitude: 1, slope };
}

/** 1 / (1 + beta |x|)^2, peak 1 (Zenke and Ganguli, "SuperSpike", 2018): the same as `fastSigmoid`. */
export function superSpike(beta = 10): Surrogate {
  return fastSigmoid(beta);
}

/** alpha / (1 + |x|)^2: SpikingJelly's class of that name. */
export function spikingJellySuperSpike(alpha = 1): Surrogate {
  return { kind: 'fastSigmoid', amplitude: alpha, slope: 1 };
}

/** (alpha / 2) / (1 + alpha |x|)^2: SpikingJelly's SoftSign. */
export function softSign(alpha = 2): Surrogate {
  return { kind: 'fastSigmoid', amplitude: alpha / 2, slope: alpha };
}

/** alpha s (1 - s), s the logistic function of alpha x: SpikingJelly's Sigmoid and snnTorch's, peak alpha / 4. */
export function sigmoid(alpha = 4): Surrogate {
  return { kind: 'sigmoid', amplitude: alpha, slope: alpha };
}

/** s (1 - s), s the logistic function of beta x, peak 1/4 (Zenke and Vogels 2021). */
export function sigmoidPrime(beta = 4): Surrogate {
  return { kind: 'sigmoid', amplitude: 1, slope: beta };
}

/** max(0, 1 - beta |x|), peak 1 (Esser et al. 2016). */
export function triangle(beta = 1): Surrogate {
  return { kind: 'triangle', amplitude: 1, slope: beta };
}

/** alpha - alpha^2 |x| where positive: SpikingJelly's PiecewiseQuadratic, peak alpha. */
export function piecewiseQuadratic(alpha = 1): Surrogate {
  return { kind: 'triangle', amplitude: alpha, slope: alpha };
}

/** 1 / width where |x| < width / 2 (Wu et al., STBP, 2018). */
export function rectangular(width = 1): Surrogate {
  return { kind: 'rectangle', amplitude: 1 / width, slope: 2 / width };
}

/** (alpha / sqrt(pi)) exp(-alpha^2 x^2): SpikingJelly's Erf. */
export function gaussian(alpha = 2): Surrogate {
  return { kind: 'gaussian', amplitude: alpha / Math.sqrt(Math.PI), slope: alpha };
}

/** (alpha / 2) exp(-alpha |x|): SpikingJelly's PiecewiseExp, as in SLAYER (Shrestha and Orchard 2018). */
export function piecewiseExponential(alpha = 1): Surrogate {
  return { kind: 'exponential', amplitude: alpha / 2, slope: alpha };
}

/** exp(-slope |x|), peak 1 (Shrestha and Orchard 2018, at equal peak). */
export function exponential(slope = 5): Surrogate {
  return { kind: 'exponential', amplitude: 1, slope };
}

/** The normal density of the deviation, area 1 (Yin, Corradi and Bohte, "Accurate and efficient SRNNs", 2021). */
export function normal(deviation = 0.5): Surrogate {
  return {
    kind: 'gaussian',
    amplitude: 1 / (deviation * Math.sqrt(2 * Math.PI)),
    slope: 1 / (deviation * Math.SQRT2),
  };
}

/** 1 everywhere: snnTorch's straight_through_estimator. */
export function straightThrough(): Surrogate {
  return { kind: 'constant', amplitude: 1, slope: 1 };
}

/** `threshold` below the threshold, its negative from it on: what snnTorch calls triangular. */
export function snnTorchTriangular(threshold = 1): Surrogate {
  return { kind: 'sign', amplitude: threshold, slope: 1 };
}

/**
 * How the rate of a LIF neuron grows with its constant drive a, as a share of its greatest rate:
 * (h r / (a (a - h))) / (r + ln(a / (a - h)))^2 for a above the threshold h, 0 below. Here x is the drive less the
 * threshold. It grows without bound towards the threshold, so it is taken at least 2^-20 thresholds above it.
 * @param ratio r, the refractory period over the time constant
 */
export function exactRate(ratio = 0.05, threshold = 1): Surrogate {
  return { kind: 'rate', amplitude: 1 / threshold, slope: 1 / threshold, shape: ratio };
}

/** Every preset by name, with its parameter where it takes one. */
export const surrogatePresets: Readonly<Record<string, (parameter?: number) => Surrogate>> = {
  atan,
  'fast-sigmoid': fastSigmoid,
  'super-spike': superSpike,
  'spikingjelly-super-spike': spikingJellySuperSpike,
  'soft-sign': softSign,
  sigmoid,
  'sigmoid-prime': sigmoidPrime,
  triangle,
  'piecewise-quadratic': piecewiseQuadratic,
  rectangular,
  gaussian,
  'piecewise-exponential': piecewiseExponential,
  exponential,
  normal,
  'straight-through': straightThrough,
  'snntorch-triangular': snnTorchTriangular,
  'exact-rate': exactRate,
};
