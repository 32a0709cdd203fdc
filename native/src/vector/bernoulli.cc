// Bernoulli spikes from the counter-based generator of src/random.ts, number for number: Philox4x32-10 (Salmon, Moraes,
// Dror, Shaw 2011). A draw is a function of seed, stream and index alone, so threads and blocks of time change nothing.
#include <algorithm>
#include <cstring>
#include <vector>

#include "parallel.h"
#include "vector/tables.h"

namespace rxspike::VECTOR_LEVEL {

namespace {

using Word = std::uint32_t;

constexpr int kBlocks = 16;          // counters that are computed at once
constexpr int kDraws = 4 * kBlocks;  // words of them

// The words of the counters block .. block + kBlocks - 1 of one stream.
void philox(std::uint64_t block, const Word (&stream)[2], Word key0, Word key1, Word* words) {
  Word a[kBlocks], b[kBlocks], c[kBlocks], d[kBlocks];
  for (int i = 0; i < kBlocks; i++) {
    a[i] = static_cast<Word>(block + i);
    b[i] = static_cast<Word>((block + i) >> 32);
    c[i] = stream[0];
    d[i] = stream[1];
  }
  for (int round = 0; round < 10; round++) {
#pragma omp simd
    for (int i = 0; i < kBlocks; i++) {
      const std::uint64_t first = std::uint64_t{0xd2511f53} * a[i];
      const std::uint64_t second = std::uint64_t{0xcd9e8d57} * c[i];
      a[i] = static_cast<Word>(second >> 32) ^ b[i] ^ key0;
      b[i] = static_cast<Word>(second);
      c[i] = static_cast<Word>(first >> 32) ^ d[i] ^ key1;
      d[i] = static_cast<Word>(first);
    }
    key0 += 0x9e3779b9;
    key1 += 0xbb67ae85;
  }
  for (int i = 0; i < kBlocks; i++) {
    words[4 * i] = a[i];
    words[4 * i + 1] = b[i];
    words[4 * i + 2] = c[i];
    words[4 * i + 3] = d[i];
  }
}

// spikes [samples, steps, size]: 1 where the draw at (firstStep + step) size + place is below the place's limit, in
// units of 2^-24, else 0. `streams` [samples, 4] holds each sample's stream in 16-bit halves, the low one first.
void bernoulli(const float* limits, const float* streams, float* spikes, Index samples, Index steps, Index size,
               double firstStep, double key0, double key1) {
  parallelFor(samples, 1, [&](Index begin, Index end, int) {
    std::vector<Index> activeBefore(size + 1);
    for (Index sample = begin; sample < end; sample++) {
      const float* limit = limits + sample * size;
      const float* half = streams + sample * 4;
      const Word stream[2] = {static_cast<Word>(half[0]) | static_cast<Word>(half[1]) << 16,
                              static_cast<Word>(half[2]) | static_cast<Word>(half[3]) << 16};
      for (Index i = 0; i < size; i++) activeBefore[i + 1] = activeBefore[i] + (limit[i] > 0 ? 1 : 0);
      std::memset(spikes + sample * steps * size, 0, steps * size * sizeof(float));
      for (Index step = 0; step < steps; step++) {
        float* out = spikes + (sample * steps + step) * size;
        const std::uint64_t first = (static_cast<std::uint64_t>(firstStep) + step) * size;
        // Draws come in fours, so the first ones of a step may belong to the step before.
        for (Index from = -static_cast<Index>(first % 4); from < size; from += kDraws) {
          const Index low = std::max<Index>(from, 0), high = std::min<Index>(from + kDraws, size);
          if (activeBefore[low] == activeBefore[high]) continue;
          Word words[kDraws];
          philox((first + from) / 4, stream, static_cast<Word>(key0), static_cast<Word>(key1), words);
          for (Index i = low; i < high; i++) out[i] = static_cast<float>(words[i - from] >> 8) < limit[i] ? 1.f : 0.f;
        }
      }
    }
  });
}

constexpr Operation kOperations[] = {
    operation<bernoulli>("bernoulli"),
};

}  // namespace

Operations bernoulliOperations() { return kOperations; }

}  // namespace rxspike::VECTOR_LEVEL
