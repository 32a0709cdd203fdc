#include "operations.h"

#include <stdexcept>

#include "dense-convolution.h"
#include "matrix-product.h"
#include "vector/tables.h"

namespace rxspike {

namespace {

constexpr Operation kOneDnnOperations[] = {
    operation<allowWinograd>("allowWinograd"),
    operation<linear>("linear"),
    operation<linearGradient>("linearGradient"),
    operation<multiplyMatrices>("multiplyMatrices"),
};

#define RXSPIKE_TABLES(level)                                                                                       \
  std::vector<Operations> {                                                                                         \
    level::attentionOperations(), level::batchNormOperations(), level::bernoulliOperations(),                       \
        level::convolutionOperations(), level::convolvedLifOperations(),                                            \
        level::elementwiseOperations(), level::layerNormOperations(), level::neuronOperations(),                    \
        level::optimiserOperations(), level::poolingOperations(), level::spikeProductOperations()                   \
  }

std::vector<Operations> vectorTables(const std::string& level) {
#if defined(__x86_64__)
  if (level == "avx512") return RXSPIKE_TABLES(avx512);
  if (level == "avx2") return RXSPIKE_TABLES(avx2);
#endif
  if (level == "baseline") return RXSPIKE_TABLES(baseline);
  throw std::invalid_argument("no vector kernels for \"" + level + "\"");
}

}  // namespace

std::vector<std::string> vectorLevels() {
  std::vector<std::string> levels;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl")) {
    levels.push_back("avx512");
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) levels.push_back("avx2");
#endif
  levels.push_back("baseline");
  return levels;
}

std::vector<Operation> operationsFor(const std::string& level) {
  std::vector<Operation> all(std::begin(kOneDnnOperations), std::end(kOneDnnOperations));
  for (const Operations& table : vectorTables(level)) all.insert(all.end(), table.begin(), table.end());
  return all;
}

}  // namespace rxspike
