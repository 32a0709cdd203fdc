// Neurons, each a few lines: one step of one neuron, and the step back. A new neuron is a new struct and its lines in
// the table of neuron.cc; a new surrogate is a struct and a line in `withSurrogate`.
#pragma once

#include <cmath>
#include <stdexcept>

#include "vector/math.h"

namespace rxspike {
namespace {  // compiled once for each instruction set: must not be merged by the linker

inline constexpr int kNeuronConstants = 10;

// The leaky integrate-and-fire neuron of src/engines/kernels/lif.ts, with the same names.
struct Lif {
  static constexpr int kVariables = 1;

  // The state of neuron i of a row whose variables lie `stride` apart.
  struct State {
    float v;
  };
  static State load(const float* row, std::int64_t, std::int64_t i) { return {row[i]}; }
  static void store(const State& state, float* row, std::int64_t, std::int64_t i) { row[i] = state.v; }

  // `parameters` holds the decay.
  Lif(const float* parameters, const float (&c)[kNeuronConstants])
      : decay(parameters[0]), inputDecayed(c[0]), gain(1 - c[0] * decay), rest(c[1]), leak((1 - decay) * c[1]),
        threshold(c[2]), fires(c[3]), early(c[4]), late(c[5]), subtract(c[6]), hard(c[7]), resetPotential(c[8]),
        throughLate(c[9] * c[5]), throughEarly(c[9] * c[4] * (1 - c[5])) {}

  const float decay, inputDecayed, gain, rest, leak, threshold, fires, early, late, subtract, hard, resetPotential;
  const float throughLate, throughEarly;

  struct Charge {
    float r, kept, u;
  };

  Charge charge(float v, float x) const {
    const float r = v >= fires ? early : 0.f;
    const float kept = v + r * hard * (resetPotential - v);
    return {r, kept, decay * kept + gain * x + leak - r * subtract};
  }

  // Gives the spike; replaces the state.
  float step(State& state, float x) const {
    const auto [r, kept, u] = charge(state.v, x);
    const float spike = u >= fires ? 1.f : 0.f;
    const float q = late * (spike - r);
    state.v = u - q * subtract + q * hard * (resetPotential - u);
    return spike;
  }

  // Where the surrogate is taken: for the spike of this step, and for the reset by the spike of the one before.
  float distance(const State& state, float x) const { return charge(state.v, x).u - threshold; }
  bool needsEarlier() const { return throughEarly != 0; }
  float earlierDistance(const State& state) const { return state.v - threshold; }

  struct Gradient {
    float input, parameter;
  };

  // `state` is that before the step; replaces the state's gradient after it by that before it.
  Gradient stepBack(const State& state, float x, float spikeGradient, float derivative, float earlierDerivative,
                    State& stateGradient) const {
    const float v = state.v;
    const auto [r, kept, u] = charge(v, x);
    const float q = late * ((u >= fires ? 1.f : 0.f) - r);
    const float g = stateGradient.v;
    const float throughReset = throughLate * g * (hard * (resetPotential - u) - subtract);
    const float gu = g * (1 - q * hard) + (spikeGradient + throughReset) * derivative;
    stateGradient.v = decay * gu * (1 - r * hard) +
                       throughEarly * gu * (decay * hard * (resetPotential - v) - subtract) * earlierDerivative;
    return {gain * gu, gu * (kept - rest - inputDecayed * x)};
  }
};

// Surrogate derivatives of z = slope * distance, without their amplitude: src/engines/kernels/surrogate.ts.
struct ATan {
  static float of(float z) { return 1 / (1 + z * z); }
};
struct FastSigmoid {
  static float of(float z) {
    const float d = 1 + std::fabs(z);
    return 1 / (d * d);
  }
};
struct SigmoidSlope {
  static float of(float z) {
    const float e = exponential(-std::fabs(z));
    return e / ((1 + e) * (1 + e));
  }
};
struct Triangle {
  static float of(float z) {
    const float height = 1 - std::fabs(z);
    return height < 0 ? 0.f : height;
  }
};
struct Rectangle {
  static float of(float z) { return std::fabs(z) < 1 ? 1.f : 0.f; }
};
struct Gaussian {
  static float of(float z) { return exponential(-z * z); }
};
struct TwoSidedExponential {
  static float of(float z) { return exponential(-std::fabs(z)); }
};
struct Constant {
  static float of(float) { return 1; }
};
struct Sign {
  static float of(float z) { return z < 0 ? 1.f : -1.f; }
};

template <class Use>
void withSurrogate(int kind, const Use& use) {
  switch (kind) {
    case 0: return use(ATan{});
    case 1: return use(FastSigmoid{});
    case 2: return use(SigmoidSlope{});
    case 3: return use(Triangle{});
    case 4: return use(Rectangle{});
    case 5: return use(Gaussian{});
    case 6: return use(TwoSidedExponential{});
    case 7: return use(Constant{});
    case 8: return use(Sign{});
  }
  throw std::invalid_argument("unknown surrogate");
}

}  // namespace
}  // namespace rxspike
