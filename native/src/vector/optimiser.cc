// One update of one parameter in one pass over its values.
#include <cmath>

#include "parallel.h"
#include "vector/tables.h"

namespace rxspike::VECTOR_LEVEL {

namespace {

constexpr Index kGrain = 4096;

// velocity <- momentum velocity + gradientScale gradient + decay value; value <- value - rate velocity.
void sgd(const float* value, const float* gradient, const float* velocity, float* newValue, float* newVelocity, Index count,
         float rate, float momentum, float decay, float gradientScale) {
  parallelFor(count, kGrain, [&](Index begin, Index end, int) {
#pragma omp simd
    for (Index i = begin; i < end; i++) {
      const float direction = gradient[i] * gradientScale + value[i] * decay;
      const float speed = velocity[i] * momentum + direction;
      newVelocity[i] = speed;
      newValue[i] = value[i] - rate * speed;
    }
  });
}

// Adam with its bias corrections in `rate` = learning rate / (1 - beta1^step) and `rootScale` = 1 / sqrt(1 -
// beta2^step). `coupledDecay` joins the gradient (Adam), `keep` shrinks the value (AdamW).
void adam(const float* value, const float* gradient, const float* mean, const float* square, float* newValue, float* newMean,
          float* newSquare, Index count, float rate, float rootScale, double beta1, double beta2, float epsilon,
          float coupledDecay, float keep, float gradientScale) {
  // In double, since 1 - 0.999f is 5e-5 off.
  const auto keepMean = static_cast<float>(beta1), addMean = static_cast<float>(1 - beta1);
  const auto keepSquare = static_cast<float>(beta2), addSquare = static_cast<float>(1 - beta2);
  parallelFor(count, kGrain, [&](Index begin, Index end, int) {
#pragma omp simd
    for (Index i = begin; i < end; i++) {
      const float direction = gradient[i] * gradientScale + value[i] * coupledDecay;
      const float m = mean[i] * keepMean + direction * addMean;
      const float v = square[i] * keepSquare + direction * direction * addSquare;
      newMean[i] = m;
      newSquare[i] = v;
      newValue[i] = value[i] * keep - rate * (m / (std::sqrt(v) * rootScale + epsilon));
    }
  });
}

constexpr Operation kOperations[] = {
    operation<sgd>("sgd"),
    operation<adam>("adam"),
};

}  // namespace

Operations optimiserOperations() { return kOperations; }

}  // namespace rxspike::VECTOR_LEVEL
