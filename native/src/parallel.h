// Work split into one range for each thread. The split depends on the counts alone, so results have the same bits for
// a given number of threads.
#pragma once

#include <omp.h>

#include <algorithm>
#include <cstdint>

#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif

namespace rxspike {
namespace {  // compiled once for each instruction set: must not be merged by the linker

using Index = std::int64_t;

// libgomp's fork and join are not seen by the thread sanitizer; it is told of them here.
inline void joinPoint([[maybe_unused]] void* tag, [[maybe_unused]] bool entering) {
#if defined(__SANITIZE_THREAD__)
  if (entering) __tsan_acquire(tag);
  else __tsan_release(tag);
#endif
}

inline int threadCount() { return omp_get_max_threads(); }

// body(begin, end, thread) over [0, count), each range but the last a multiple of `grain`.
template <class Body>
inline void parallelFor(Index count, Index grain, const Body& body) {
  const Index pieces = (count + grain - 1) / grain;
  const int threads = static_cast<int>(std::min<Index>(threadCount(), std::max<Index>(pieces, 1)));
  if (threads <= 1) {
    body(Index{0}, count, 0);
    return;
  }
  int tag = 0;
  joinPoint(&tag, false);
#pragma omp parallel num_threads(threads)
  {
    joinPoint(&tag, true);
    const Index thread = omp_get_thread_num();
    const Index begin = pieces * thread / threads * grain;
    const Index end = std::min(count, pieces * (thread + 1) / threads * grain);
    if (begin < end) body(begin, end, static_cast<int>(thread));
    joinPoint(&tag, false);
  }
  joinPoint(&tag, true);
}

}  // namespace
}  // namespace rxspike
