// One update of one parameter in one pass over its values. Inputs and outputs may be the same memory.
#include <cmath>

#include "parallel.h"
#include "vector/tables.h"

namespace rxspike::VECTOR_LEVEL {

namespace {

constexpr Index kGrain = 4096;

// velocity <- momentum velocity + gradientScale gradient + decay value; value <- value - rate velocity.
// `velocity` may be null, where there is no momentum.
void sgd(const float* value, const float* gradient, const float* velocity, float* newValue, float* newVelocity, Index count,
         float rate, float momentum, float decay, float gradientScale) {
  parallelFor(count, kGrain, [&](Index begin, Index end, int) {
    if (velocity == nullptr) {
#pragma omp simd
      for (Index i = begin; i < end; i++) newValue[i] = value[i] - rate * (gradient[i] * gradientScale + value[i] * decay);
      return;
    }
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
          float* newSquare, Index count, float rate, float rootScale, float beta1, float beta2, float epsilon,
          float coupledDecay, float keep, float gradientScale) {
  parallelFor(count, kGrain, [&](Index begin, Index end, int) {
#pragma omp simd
    for (Index i = begin; i < end; i++) {
      const float direction = gradient[i] * gradientScale + value[i] * coupledDecay;
      const float m = mean[i] * beta1 + direction * (1 - beta1);
      const float v = square[i] * beta2 + direction * direction * (1 - beta2);
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
