// Scaled dot-product attention by heads over few tokens: the weights of a head stay in the cache, and the gradient
// computes them again. Queries, keys and values of a token lie one after the other in its row [3, heads, depth].
#include <cmath>
#include <vector>

#include "parallel.h"
#include "vector/tables.h"

namespace rxspike::VECTOR_LEVEL {

namespace {

float dot(const float* a, const float* b, Index count) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (Index i = 0; i < count; i++) sum += a[i] * b[i];
  return sum;
}

// to += factor * from
void addScaled(float* to, const float* from, float factor, Index count) {
#pragma omp simd
  for (Index i = 0; i < count; i++) to[i] += factor * from[i];
}

struct Heads {
  Index tokens, heads, depth;

  Index width() const { return heads * depth; }
  float scale() const { return 1 / std::sqrt(static_cast<float>(depth)); }
};

// The first token's queries of a head; rows are 3 * width apart, keys and values width and 2 * width further on.
Index headAt(const Heads& h, Index sample, Index head) { return sample * h.tokens * 3 * h.width() + head * h.depth; }

// softmax(queries x keys / sqrt(depth)) [tokens, tokens].
void attentionWeights(const float* queries, const Heads& h, float* weights) {
  const Index row = 3 * h.width();
  const float* keys = queries + h.width();
  for (Index token = 0; token < h.tokens; token++) {
    float* own = weights + token * h.tokens;
    float most = -INFINITY;
    for (Index other = 0; other < h.tokens; other++) {
      own[other] = dot(queries + token * row, keys + other * row, h.depth) * h.scale();
      most = own[other] > most ? own[other] : most;
    }
    float sum = 0;
    for (Index other = 0; other < h.tokens; other++) sum += own[other] = std::exp(own[other] - most);
    for (Index other = 0; other < h.tokens; other++) own[other] /= sum;
  }
}

// body(sample, head) for all of them.
template <class Body>
void forHeads(Index batch, const Heads& h, const Body& body) {
  const Index cost = std::max<Index>(1, h.tokens * h.tokens * h.depth);
  parallelFor(batch * h.heads, std::max<Index>(1, 16384 / cost), [&](Index begin, Index end, int) {
    std::vector<float> weights(2 * h.tokens * h.tokens);
    for (Index i = begin; i < end; i++) body(i / h.heads, i % h.heads, weights.data());
  });
}

void selfAttention(const float* projected, float* output, Index batch, Index tokens, Index heads, Index depth) {
  const Heads h{tokens, heads, depth};
  const Index width = h.width(), row = 3 * width;
  forHeads(batch, h, [&](Index sample, Index head, float* weights) {
    const float* queries = projected + headAt(h, sample, head);
    const float* values = queries + 2 * width;
    attentionWeights(queries, h, weights);
    for (Index token = 0; token < tokens; token++) {
      float* y = output + (sample * tokens + token) * width + head * depth;
      std::fill(y, y + depth, 0.f);
      for (Index other = 0; other < tokens; other++) {
        addScaled(y, values + other * row, weights[token * tokens + other], depth);
      }
    }
  });
}

void selfAttentionGradient(const float* projected, const float* outputGradient, float* projectedGradient, Index batch,
                           Index tokens, Index heads, Index depth) {
  const Heads h{tokens, heads, depth};
  const Index width = h.width(), row = 3 * width;
  forHeads(batch, h, [&](Index sample, Index head, float* weights) {
    const Index at = headAt(h, sample, head);
    const float *queries = projected + at, *keys = queries + width, *values = keys + width;
    float *dQueries = projectedGradient + at, *dKeys = dQueries + width, *dValues = dKeys + width;
    float* dWeights = weights + tokens * tokens;
    attentionWeights(queries, h, weights);
    for (Index token = 0; token < tokens; token++) {
      for (float* part : {dQueries, dKeys, dValues}) std::fill(part + token * row, part + token * row + depth, 0.f);
    }
    for (Index token = 0; token < tokens; token++) {
      const float* dy = outputGradient + (sample * tokens + token) * width + head * depth;
      const float* own = weights + token * tokens;
      float along = 0;
      for (Index other = 0; other < tokens; other++) {
        dWeights[other] = dot(dy, values + other * row, depth);
        along += dWeights[other] * own[other];
        addScaled(dValues + other * row, dy, own[other], depth);
      }
      for (Index other = 0; other < tokens; other++) {
        const float dScore = own[other] * (dWeights[other] - along) * h.scale();
        addScaled(dQueries + token * row, keys + other * row, dScore, depth);
        addScaled(dKeys + other * row, queries + token * row, dScore, depth);
      }
    }
  });
}

constexpr Operation kOperations[] = {
    operation<selfAttention>("selfAttention"),
    operation<selfAttentionGradient>("selfAttentionGradient"),
};

}  // namespace

Operations attentionOperations() { return kOperations; }

}  // namespace rxspike::VECTOR_LEVEL
