// Neurons, each a few lines: one step of one neuron, and the step back, with the names of src/engines/kernels. A new
// neuron is a new struct, its lines in the table of neuron.cc and its constants in src/engines/native/neuron-forms.ts; a
// new surrogate is a struct and a line in `withSurrogate`.
#pragma once

#include <cmath>
#include <stdexcept>
#include <type_traits>

#include "vector/math.h"

namespace rxspike {
namespace {  // compiled once for each instruction set: must not be merged by the linker

inline constexpr int kNeuronConstants = 10;

// A few values of one neuron.
template <int count>
struct Values {
  float of[count > 0 ? count : 1];
  float operator[](int i) const { return of[i]; }
};

// What a step gives.
template <class Neuron>
struct Stepped {
  float spike;
  Values<Neuron::kVariables> state;
};

// What a step back gives: gradients of the input, of the state before the step and of the learned numbers.
template <class Neuron>
struct SteppedBack {
  float input;
  Values<Neuron::kVariables> state;
  Values<Neuron::kLearned> learned;
};

// A zero that is known when the code is compiled: what it is a factor of is left out, as it cannot be for a 0 that is a
// float, since it might be that times infinity.
struct Zero {
  constexpr operator float() const { return 0; }
};
constexpr Zero operator*(Zero, Zero) { return {}; }
constexpr Zero operator*(Zero, float) { return {}; }
constexpr Zero operator*(float, Zero) { return {}; }
constexpr float operator+(float x, Zero) { return x; }
constexpr float operator-(float x, Zero) { return x; }
constexpr float operator-(Zero, float x) { return -x; }
constexpr Zero operator-(Zero, Zero) { return {}; }

// Numbers of the parts that neurons are made of, which come first among a neuron's constants. Conditions are 0 or 1, so
// that one loop without branches serves all kinds.
struct AnyNumbers {
  explicit AnyNumbers(const float* c)
      : gain(c[0]), inputDecayed(c[1]), rest(c[2]), inclusive(c[3]), subtract(c[4]), hard(c[5]), resetPotential(c[6]),
        through(c[7]) {}

  float gain, inputDecayed, rest, inclusive;
  // Of the reset: kinds, where it goes, and whether gradients flow through it.
  float subtract, hard, resetPotential, through;
};

// Those of neurons that add their input as it is and are reset by subtraction, and of neurons that are reset to 0.
template <class Inclusive>
struct SubtractingNumbers {
  explicit SubtractingNumbers(const AnyNumbers& n) : through(n.through) {}
  static bool are(const AnyNumbers& n) {
    return n.gain == 1 && n.inputDecayed == 0 && n.rest == 0 && n.inclusive == Inclusive::value && n.subtract == 1;
  }

  static constexpr float gain = 1, subtract = 1;
  static constexpr Zero inputDecayed{}, rest{}, hard{}, resetPotential{};
  static constexpr float inclusive = Inclusive::value;
  float through;
};
struct ZeroingNumbers {
  explicit ZeroingNumbers(const AnyNumbers& n) : inputDecayed(n.inputDecayed), inclusive(n.inclusive), through(n.through) {}
  static bool are(const AnyNumbers& n) { return n.gain == 1 && n.rest == 0 && n.hard == 1 && n.resetPotential == 0; }

  static constexpr float gain = 1, hard = 1;
  static constexpr Zero rest{}, subtract{}, resetPotential{};
  float inputDecayed, inclusive, through;
};

// The parts that neurons are made of, as in src/engines/kernels/neuron-parts.ts.
template <class Numbers>
struct PartsOf : Numbers {
  using Numbers::gain, Numbers::inputDecayed, Numbers::rest, Numbers::inclusive, Numbers::subtract, Numbers::hard,
      Numbers::resetPotential, Numbers::through;
  static constexpr int kConstants = 8;

  explicit PartsOf(const float* c) : Numbers(c) {}
  explicit PartsOf(const AnyNumbers& numbers) : Numbers(numbers) {}

  float share(float decay) const { return gain * (1.f - inputDecayed * decay); }
  float charge(float v, float x, float decay) const { return decay * v + share(decay) * x + (1.f - decay) * rest; }
  float fires(float u, float threshold) const { return u > threshold ? 1.f : (u == threshold ? inclusive : 0.f); }
  template <class Spike>
  float reset(Spike spike, float u, float threshold) const {
    return u * (1.f - spike * hard) + spike * (hard * resetPotential - subtract * threshold);
  }

  // Gradients of what a charge is made from.
  struct ChargeGradients {
    float potential, input, decay;
  };
  ChargeGradients chargeBack(float v, float x, float decay, float gradient) const {
    return {decay * gradient, share(decay) * gradient, gradient * (v - rest - inputDecayed * gain * x)};
  }

  // Gradients of potential and threshold before the neuron may fire and be reset, from that of the spike and that of the
  // potential after; `slope` is the surrogate's derivative where the neuron can fire, `spike` what resets it.
  struct FireGradients {
    float potential, threshold;
  };
  template <class Spike, class Through>
  FireGradients fireBack(float u, float threshold, Spike spike, float slope, float spikeGradient, float gradient,
                         Through throughReset) const {
    const float jump = hard * (resetPotential - u) - subtract * threshold;
    const float fired = (spikeGradient + throughReset * gradient * jump) * slope;
    return {gradient * (1.f - spike * hard) + fired, -fired - subtract * spike * gradient};
  }
};

using NeuronParts = PartsOf<AnyNumbers>;

// A neuron has: numbers of its variables (the potential first), of its learned numbers, and of the places where it takes
// the surrogate; a constructor from its constants; `step`; `distances`, where the surrogate is taken; whether it `uses`
// each of them; `stepBack`, from the surrogate's derivatives there.
// In all of them `p` are the learned numbers and `s` the state before the step.

// Whether the spike before resets a neuron, and whether that of this step does.
struct AnyTiming {
  float early, late;
};
struct EarlyReset {
  static constexpr float early = 1;
  static constexpr Zero late{};
};
struct LateReset {
  static constexpr Zero early{};
  static constexpr float late = 1;
};

// lif.ts: decay, threshold.
template <class Numbers, class Timing>
struct LifKind : PartsOf<Numbers>, Timing {
  using Parts = PartsOf<Numbers>;
  using Parts::charge, Parts::chargeBack, Parts::fires, Parts::fireBack, Parts::reset, Parts::hard,
      Parts::resetPotential, Parts::subtract, Parts::through;
  using Timing::early, Timing::late;
  static constexpr int kVariables = 1, kLearned = 2, kDistances = 2;
  using State = Values<kVariables>;
  using Learned = Values<kLearned>;
  using Distances = Values<kDistances>;

  explicit LifKind(const float* c) : Parts(c), Timing{c[Parts::kConstants], c[Parts::kConstants + 1]} {}
  // Of one of any kind that is of this.
  explicit LifKind(const AnyNumbers& numbers) : Parts(numbers) {}

  auto throughLate() const { return through * late; }
  auto throughEarly() const { return through * early * (1.f - late); }

  auto earlySpike(State s, float threshold) const { return early * fires(s[0], threshold); }
  template <class Spike>
  float kept(State s, Spike r) const {
    return s[0] * (1.f - r * hard) + r * hard * resetPotential;
  }
  template <class Spike>
  float charged(Learned p, State s, float x, Spike r) const {
    return charge(kept(s, r), x, p[0]) - r * subtract * p[1];
  }
  template <class Spike>
  auto lateSpike(float u, float threshold, Spike r) const {
    return late * (fires(u, threshold) - r);
  }

  Stepped<LifKind> step(Learned p, State s, float x) const {
    const auto r = earlySpike(s, p[1]);
    const float u = charged(p, s, x, r);
    return {fires(u, p[1]), {reset(lateSpike(u, p[1], r), u, p[1])}};
  }

  bool uses(int distance) const { return distance == 0 || float{throughEarly()} != 0; }
  Distances distances(Learned p, State s, float x) const {
    return {charged(p, s, x, earlySpike(s, p[1])) - p[1], s[0] - p[1]};
  }

  SteppedBack<LifKind> stepBack(Learned p, State s, float x, float spikeGradient, Distances slopes, State gradient) const {
    const float decay = p[0], threshold = p[1], v = s[0];
    const auto r = earlySpike(s, threshold);
    const float u = charged(p, s, x, r);
    const auto fired =
        fireBack(u, threshold, lateSpike(u, threshold, r), slopes[0], spikeGradient, gradient[0], throughLate());
    const auto back = chargeBack(kept(s, r), x, decay, fired.potential);
    const float jump = hard * back.potential * (resetPotential - v) - subtract * threshold * fired.potential;
    const auto before = throughEarly() * jump * slopes[1];
    return {back.input,
            {back.potential * (1.f - r * hard) + before},
            {back.decay, fired.threshold - subtract * r * fired.potential - before}};
  }
};

using Lif = LifKind<AnyNumbers, AnyTiming>;

// visit(the neuron), as one of its kind without what that leaves out, where there is one.
template <class Neuron, class Visit>
auto visitPlain(const Neuron& neuron, const Visit& visit) {
  return visit(neuron);
}
template <class Visit>
auto visitPlain(const Lif& neuron, const Visit& visit) {
  using Inclusive = SubtractingNumbers<std::true_type>;
  using Exclusive = SubtractingNumbers<std::false_type>;
  if (neuron.early == 1 && neuron.late == 0 && Exclusive::are(neuron)) return visit(LifKind<Exclusive, EarlyReset>(neuron));
  if (neuron.early != 0 || neuron.late != 1) return visit(neuron);
  if (Inclusive::are(neuron)) return visit(LifKind<Inclusive, LateReset>(neuron));
  if (ZeroingNumbers::are(neuron)) return visit(LifKind<ZeroingNumbers, LateReset>(neuron));
  return visit(LifKind<AnyNumbers, LateReset>(neuron));
}

// refractory-lif.ts: potential and counter; decay, threshold.
struct RefractoryLif : NeuronParts {
  static constexpr int kVariables = 2, kLearned = 2, kDistances = 1;
  using State = Values<kVariables>;
  using Learned = Values<kLearned>;
  using Distances = Values<kDistances>;

  explicit RefractoryLif(const float* c) : NeuronParts(c), steps(c[kConstants]), holds(c[kConstants + 1]) {}

  const float steps, holds;

  float ready(State s) const { return s[1] < 1 ? 1 - s[1] : 0.f; }
  float charged(Learned p, State s, float x) const {
    const float held = holds * (1 - ready(s));
    return (1 - held) * charge(s[0], x, p[0]) + held * s[0];
  }

  Stepped<RefractoryLif> step(Learned p, State s, float x) const {
    const float u = charged(p, s, x);
    const float spike = ready(s) * fires(u, p[1]);
    const float set = spike * steps;
    // Comparisons become vectors, std::fmax does not.
    const float dropped = s[1] - 1;
    const float held = set > dropped ? set : dropped;
    const float masked = (set > s[1] ? set : s[1]) - 1;
    const float counter = holds != 0 ? held : (masked > 0 ? masked : 0.f);
    return {spike, {reset(spike, u, p[1]), counter}};
  }

  bool uses(int) const { return true; }
  Distances distances(Learned p, State s, float x) const { return {charged(p, s, x) - p[1]}; }

  SteppedBack<RefractoryLif> stepBack(Learned p, State s, float x, float spikeGradient, Distances slopes,
                                      State gradient) const {
    const float u = charged(p, s, x), open = ready(s), held = holds * (1 - open);
    const float spike = open * fires(u, p[1]);
    const auto fired = fireBack(u, p[1], spike, open * slopes[0], spikeGradient, gradient[0], through);
    const auto back = chargeBack(s[0], x, p[0], (1 - held) * fired.potential);
    return {back.input, {back.potential + held * fired.potential, 0.f}, {back.decay, fired.threshold}};
  }
};

// current-lif.ts: potential and current; decay, currentDecay, threshold.
struct CurrentLif : NeuronParts {
  static constexpr int kVariables = 2, kLearned = 3, kDistances = 1;
  using State = Values<kVariables>;
  using Learned = Values<kLearned>;
  using Distances = Values<kDistances>;

  explicit CurrentLif(const float* c) : NeuronParts(c) {}

  float charged(Learned p, State s, float x) const { return charge(s[0], s[1] + x, p[0]); }

  Stepped<CurrentLif> step(Learned p, State s, float x) const {
    const float u = charged(p, s, x);
    const float spike = fires(u, p[2]);
    return {spike, {reset(spike, u, p[2]), p[1] * (s[1] + x)}};
  }

  bool uses(int) const { return true; }
  Distances distances(Learned p, State s, float x) const { return {charged(p, s, x) - p[2]}; }

  SteppedBack<CurrentLif> stepBack(Learned p, State s, float x, float spikeGradient, Distances slopes,
                                   State gradient) const {
    const float u = charged(p, s, x), current = s[1] + x;
    const auto fired = fireBack(u, p[2], fires(u, p[2]), slopes[0], spikeGradient, gradient[0], through);
    const auto back = chargeBack(s[0], current, p[0], fired.potential);
    const float input = back.input + p[1] * gradient[1];
    return {input, {back.potential, input}, {back.decay, gradient[1] * current, fired.threshold}};
  }
};

// adaptive-lif.ts: potential, adaptation and spike; decay, threshold, adaptationDecay, adaptationStrength.
struct AdaptiveLif : NeuronParts {
  static constexpr int kVariables = 3, kLearned = 4, kDistances = 1;
  using State = Values<kVariables>;
  using Learned = Values<kLearned>;
  using Distances = Values<kDistances>;

  explicit AdaptiveLif(const float* c) : NeuronParts(c) {}

  float charged(Learned p, State s, float x) const { return charge(s[0], x, p[0]) - s[2] * p[1]; }
  float limit(Learned p, State s) const { return p[1] + p[3] * s[1]; }

  Stepped<AdaptiveLif> step(Learned p, State s, float x) const {
    const float u = charged(p, s, x);
    const float spike = fires(u, limit(p, s));
    return {spike, {u, p[2] * s[1] + spike, spike}};
  }

  bool uses(int) const { return true; }
  Distances distances(Learned p, State s, float x) const { return {charged(p, s, x) - limit(p, s)}; }

  SteppedBack<AdaptiveLif> stepBack(Learned p, State s, float x, float spikeGradient, Distances slopes,
                                    State gradient) const {
    const float fired = (spikeGradient + gradient[1] + gradient[2]) * slopes[0];
    const float potential = gradient[0] + fired;
    const auto back = chargeBack(s[0], x, p[0], potential);
    return {back.input,
            {back.potential, p[2] * gradient[1] - p[3] * fired, -through * potential * p[1]},
            {back.decay, -fired - potential * s[2], gradient[1] * s[1], -fired * s[1]}};
  }
};

// leaky-integrator.ts: decay.
struct LeakyIntegrator : NeuronParts {
  static constexpr int kVariables = 1, kLearned = 1, kDistances = 0;
  using State = Values<kVariables>;
  using Learned = Values<kLearned>;
  using Distances = Values<kDistances>;

  explicit LeakyIntegrator(const float* c) : NeuronParts(c) {}

  Stepped<LeakyIntegrator> step(Learned p, State s, float x) const {
    const float v = charge(s[0], x, p[0]);
    return {v, {v}};
  }

  bool uses(int) const { return false; }
  Distances distances(Learned, State, float) const { return {}; }

  SteppedBack<LeakyIntegrator> stepBack(Learned p, State s, float x, float outputGradient, Distances,
                                        State gradient) const {
    const auto back = chargeBack(s[0], x, p[0], outputGradient + gradient[0]);
    return {back.input, {back.potential}, {back.decay}};
  }
};

// Surrogate derivatives without their amplitude, of z = slope * distance and of a number that the shape itself may have:
// src/engines/kernels/surrogate.ts.
struct ATan {
  static float of(float z, float) { return 1 / (1 + z * z); }
};
struct FastSigmoid {
  static float of(float z, float) {
    const float d = 1 + std::fabs(z);
    return 1 / (d * d);
  }
};
struct SigmoidSlope {
  static float of(float z, float) {
    const float e = exponential(-std::fabs(z));
    return e / ((1 + e) * (1 + e));
  }
};
struct Triangle {
  static float of(float z, float) {
    const float height = 1 - std::fabs(z);
    return height < 0 ? 0.f : height;
  }
};
struct Rectangle {
  static float of(float z, float) { return std::fabs(z) < 1 ? 1.f : 0.f; }
};
struct Gaussian {
  static float of(float z, float) { return exponential(-z * z); }
};
struct TwoSidedExponential {
  static float of(float z, float) { return exponential(-std::fabs(z)); }
};
struct Constant {
  static float of(float, float) { return 1; }
};
struct Sign {
  static float of(float z, float) { return z < 0 ? 1.f : -1.f; }
};

struct Rate {
  static float of(float z, float r) {
    const float away = z > 0x1p-20f ? z : 0x1p-20f;
    const float period = r + logarithm((1 + away) / away);
    const float slope = r / (away * (1 + away) * period * period);
    return z > 0 ? slope : 0.f;
  }
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
    case 9: return use(Rate{});
  }
  throw std::invalid_argument("unknown surrogate");
}

}  // namespace
}  // namespace rxspike
