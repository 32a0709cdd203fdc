import { existsSync, readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { numberAlgebra, tensorAlgebra } from '../../src/engines/kernels/algebra.ts';
import { lif, surrogateDerivative } from '../../src/engines/kernels/index.ts';
import { ifNode } from '../../src/models/neurons.ts';
import * as surrogates from '../../src/models/surrogates.ts';
import { describeEngines } from '../engines/engines.ts';
import { describeWithShared, sharedPath } from '../shared-data.ts';
import { surrogateNamed } from './surrogate-names.ts';

interface Table {
  x: number[];
  fns: Record<string, { grad: (number | null)[] }>;
}

const at = (surrogate: surrogates.Surrogate, x: number): number =>
  surrogateDerivative(numberAlgebra, surrogate, x);

describe.each(['snntorch', 'spikingjelly'])('tables of %s', (library) => {
  const file = `expected/neurons/${library}_surrogates.json`;
  describeWithShared('every function that we name', [file], () => {
    const path = sharedPath(file);
    const table: Table = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : { x: [], fns: {} };
    const known = Object.keys(table.fns).filter((name) => surrogateNamed(name) !== undefined);

    it('has the functions', () => {
      expect(known.length).toBe(library === 'snntorch' ? 7 : 13);
    });

    it.each(known)('%s', (name) => {
      table.fns[name]!.grad.forEach((expected, index) => {
        // snnTorch's sigmoid overflows to NaN far below the threshold.
        if (expected === null) return;
        const error = at(surrogateNamed(name)!, table.x[index]!) - expected;
        expect(Math.abs(error)).toBeLessThanOrEqual(1e-6 * Math.max(1, Math.abs(expected)));
      });
    });
  });
});

it('has the peaks and slopes of the definitions', () => {
  expect(at(surrogates.atan(2), 0)).toBe(1);
  expect(at(surrogates.superSpike(10), 0.1)).toBeCloseTo(0.25, 12);
  expect(at(surrogates.sigmoidPrime(4), 0)).toBe(0.25);
  expect(at(surrogates.sigmoid(4), 0)).toBe(1);
  expect(at(surrogates.triangle(2), -0.25)).toBe(0.5);
  expect(at(surrogates.triangle(2), 0.75)).toBe(0);
  expect(at(surrogates.rectangular(2), 0.9)).toBe(0.5);
  expect(at(surrogates.rectangular(2), 1)).toBe(0);
});

it('has the exact rate gradient of a LIF neuron', () => {
  const [h, refractory, tau] = [0.05, 1, 20];
  const surrogate = surrogates.exactRate(refractory / tau, h);
  const rate = (a: number): number => refractory / (refractory + tau * Math.log(a / (a - h)));
  for (const a of [0.051, 0.06, 0.1, 0.5, 2, 30]) {
    const formula = (h * refractory * tau) / (a * (a - h)) / (refractory + tau * Math.log(a / (a - h))) ** 2;
    const slope = (rate(a * (1 + 1e-6)) - rate(a * (1 - 1e-6))) / (2e-6 * a);
    expect(at(surrogate, a - h) / formula).toBeCloseTo(1, 9);
    expect(at(surrogate, a - h) / slope).toBeCloseTo(1, 4);
  }
  expect(at(surrogate, 0)).toBe(0);
  expect(at(surrogate, -0.02)).toBe(0);
  expect(at(surrogate, 1e-30)).toBe(at(surrogate, h * 2 ** -20));
});

it('has areas and peaks of the exponential and the normal density', () => {
  const area = (surrogate: surrogates.Surrogate): number => {
    let sum = 0;
    for (let i = -40000; i <= 40000; i++) sum += at(surrogate, i / 4000) / 4000;
    return sum;
  };
  expect(area(surrogates.normal(0.7))).toBeCloseTo(1, 6);
  expect(at(surrogates.normal(0.7), 0.7) / at(surrogates.normal(0.7), 0)).toBeCloseTo(Math.exp(-0.5), 12);
  expect(at(surrogates.exponential(3), 0)).toBe(1);
  expect(area(surrogates.exponential(3))).toBeCloseTo(2 / 3, 4);
});

describeEngines('surrogates', () => {
  it.each(surrogates.surrogateKinds)('%s is the same on tensors and in the neuron', async (kind) => {
    const surrogate = { kind, amplitude: 0.7, slope: 3 };
    const x = Array.from({ length: 23 }, (_, i) => (i - 11) / 2.5);
    const expected = x.map((value) => at(surrogate, value));
    const [onTensors, inNeuron] = tf.tidy(() => {
      const distance = tf.tensor1d(x);
      // One step of a neuron whose potential is the input.
      const input = tf.reshape(tf.add(distance, 1), [1, 1, x.length]);
      const neuron = { ...ifNode({ surrogate }), detachReset: true };
      const gradient = tf.grad((values: tf.Tensor) => lif(values, neuron).spikes)(input);
      return [surrogateDerivative(tensorAlgebra, surrogate, distance), gradient];
    });
    for (const [name, tensor] of Object.entries({ onTensors, inNeuron })) {
      const values = await tensor.data();
      for (const [index, value] of expected.entries()) {
        // The rate's shape is the ratio of small differences, so its digits are those of the potential.
        const tolerance = 2e-6 * Math.max(1, Math.abs(value));
        expect(Math.abs(values[index]! - value), `${name} at ${x[index]}`).toBeLessThan(tolerance);
      }
      tensor.dispose();
    }
  });
});
