import { describe, expect, it } from 'vitest';
import { adaptiveLifNeuron } from '../../../src/engines/kernels/adaptive-lif.ts';
import { type Algebra, numberAlgebra } from '../../../src/engines/kernels/algebra.ts';
import { currentLifNeuron } from '../../../src/engines/kernels/current-lif.ts';
import { leakyIntegratorNeuron } from '../../../src/engines/kernels/leaky-integrator.ts';
import { lifNeuron } from '../../../src/engines/kernels/lif.ts';
import { type NeuronDefinition, named } from '../../../src/engines/kernels/neuron.ts';
import type {
  ChargeConstants,
  ResetConstants,
  ThresholdConstants,
} from '../../../src/engines/kernels/neuron-parts.ts';
import { refractoryLifNeuron } from '../../../src/engines/kernels/refractory-lif.ts';
import { RandomStream } from '../../../src/random.ts';

const ALPHA = 3;

/** Spikes that rise smoothly around the threshold, with the surrogate's integral: what the backward is exact for. */
const logistic = (x: number): number => 1 / (1 + Math.exp(-ALPHA * x));
const smooth: Algebra<number> = {
  ...numberAlgebra,
  less: (a, b) => logistic(b - a),
  lessEqual: (a, b) => logistic(b - a),
};

const common: ChargeConstants & ThresholdConstants & ResetConstants = {
  gain: 0.75,
  inputDecayed: true,
  rest: 0.25,
  inclusive: true,
  surrogate: { kind: 'sigmoid', amplitude: ALPHA, slope: ALPHA },
  reset: 'subtract',
  resetPotential: -0.5,
  detachReset: false,
};

interface Case {
  readonly neuron: NeuronDefinition<unknown>;
  readonly constants: unknown;
  /** Variables of fixed value, through which no gradient flows. */
  readonly fixed?: Readonly<Record<string, number>>;
}

function entry<C, V extends string, P extends string>(
  neuron: NeuronDefinition<C, V, P>,
  constants: C,
  fixed: Readonly<Record<string, number>> = {},
): Case {
  return { neuron: neuron as unknown as NeuronDefinition<unknown>, constants, fixed };
}

const refractory = { ...common, refractorySteps: 3 };
const cases: Record<string, Case> = {
  'LIF, subtracts before': entry(lifNeuron, { ...common, resetTiming: 'before' }),
  'LIF, zero before': entry(lifNeuron, { ...common, resetTiming: 'before', reset: 'zero' }),
  'LIF, subtracts after': entry(lifNeuron, { ...common, resetTiming: 'after' }),
  'LIF, zero after': entry(lifNeuron, { ...common, resetTiming: 'after', reset: 'zero' }),
  'LIF, no reset': entry(lifNeuron, { ...common, resetTiming: 'after', reset: 'none' }),
  'mask, ready': entry(refractoryLifNeuron, { ...refractory, refractoryForm: 'mask' }, { counter: 0 }),
  'mask, refractory': entry(refractoryLifNeuron, { ...refractory, refractoryForm: 'mask' }, { counter: 2 }),
  'hold, ready': entry(
    refractoryLifNeuron,
    { ...refractory, refractoryForm: 'hold', reset: 'zero' },
    { counter: 0 },
  ),
  'hold, refractory': entry(refractoryLifNeuron, { ...refractory, refractoryForm: 'hold' }, { counter: 2 }),
  'current-based, subtracts': entry(currentLifNeuron, common),
  'current-based, zero': entry(currentLifNeuron, { ...common, reset: 'zero', inputDecayed: false }),
  adaptive: entry(adaptiveLifNeuron, common),
  integrator: entry(leakyIntegratorNeuron, common),
};

describe.each(Object.keys(cases))('%s', (name) => {
  const { neuron, constants, fixed = {} } = cases[name]!;
  const { variables, parameters } = neuron;
  const free = variables.filter((variable) => fixed[variable] === undefined);
  const places = ['input', ...free, ...parameters];

  it.each([1, 2, 3, 4, 5])('has the gradient of a step with smooth spikes, draw %i', (draw) => {
    const random = new RandomStream(draw, name);
    const point = places.map((_, index) => 0.2 + 1.3 * random.uniform(index));
    const weights = [...variables, 'spikes'].map((_, index) => random.uniform(100 + index) - 0.5);
    const stepAt = (values: readonly number[]) => {
      const known: Record<string, number> = { ...fixed, ...named(places, values) };
      return {
        input: known['input']!,
        state: named(
          variables,
          variables.map((variable) => known[variable]!),
        ),
        parameters: named(
          parameters,
          parameters.map((parameter) => known[parameter]!),
        ),
      };
    };
    const weightOf = (variable: string): number =>
      fixed[variable] === undefined ? weights[variables.indexOf(variable)]! : 0;
    const loss = (values: readonly number[]): number => {
      const { spikes, state } = neuron.forward(smooth, stepAt(values), constants);
      return variables.reduce(
        (sum, variable) => sum + weightOf(variable) * state[variable]!,
        weights.at(-1)! * spikes,
      );
    };
    const gradients = neuron.backward(
      smooth,
      {
        ...stepAt(point),
        spikesGradient: weights.at(-1)!,
        stateGradient: named(variables, variables.map(weightOf)),
      },
      constants,
    );
    const found: Record<string, number> = {
      input: gradients.input,
      ...gradients.state,
      ...gradients.parameters,
    };
    places.forEach((place, index) => {
      const moved = (by: number): number =>
        loss(point.map((value, other) => (other === index ? value + by : value)));
      const slope = (moved(1e-5) - moved(-1e-5)) / 2e-5;
      expect(Math.abs(found[place]! - slope), place).toBeLessThan(1e-9);
    });
  });
});
