// The tables of the vector kernels, once for each instruction set.
#pragma once

#include "operation.h"

#define RXSPIKE_DECLARE_TABLES(level)       \
  namespace rxspike::level {                \
  Operations batchNormOperations();         \
  Operations attentionOperations();         \
  Operations bernoulliOperations();         \
  Operations convolutionOperations();       \
  Operations convolvedLifOperations();      \
  Operations elementwiseOperations();       \
  Operations layerNormOperations();         \
  Operations neuronOperations();            \
  Operations optimiserOperations();         \
  Operations poolingOperations();           \
  Operations spikeProductOperations();      \
  }

RXSPIKE_DECLARE_TABLES(baseline)
#if defined(__x86_64__)
RXSPIKE_DECLARE_TABLES(avx2)
RXSPIKE_DECLARE_TABLES(avx512)
#endif
