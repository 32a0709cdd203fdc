/**
 * Energy of the arithmetic alone, in 45 nm and 32-bit floating point (Horowitz, "Computing's energy problem (and what
 * we can do about it)", ISSCC 2014): a product and an addition 3.7 + 0.9 pJ, an addition 0.9 pJ. Memory, the neurons'
 * own updates and leaks, which often cost more, are left out.
 */

/** Picojoules of a multiply-accumulate. */
export const MAC_PICOJOULES = 4.6;
/** Picojoules of an accumulate. */
export const AC_PICOJOULES = 0.9;

/** Picojoules of so many multiply-accumulates and accumulates. */
export function arithmeticEnergy({ macs, acs }: { readonly macs: number; readonly acs: number }): number {
  return MAC_PICOJOULES * macs + AC_PICOJOULES * acs;
}

/**
 * The rule of thumb of the reference notebook for the energy of a spiking network as a share of its non-spiking twin's:
 * rate x 0.9 / (0.5 x 4.6). It forgets the timesteps, so it is too small by about their number.
 * @param rate spikes a neuron and step
 */
export function ruleOfThumbEnergyRatio(rate: number): number {
  return (rate * AC_PICOJOULES) / (0.5 * MAC_PICOJOULES);
}
