// Work split into one range for each thread. The split depends on the counts alone, so results have the same bits for
// a given number of threads.
#pragma once

#include <omp.h>

#include <algorithm>
#include <cstdint>

#if defined(__SANITIZE_THREAD__)
#include <thread>
#include <vector>
#endif

namespace rxspike {
namespace {  // compiled once for each instruction set: must not be merged by the linker

using Index = std::int64_t;

inline int threadCount() { return omp_get_max_threads(); }

// work(thread) on each of `threads` threads at once.
template <class Work>
inline void onThreads(int threads, const Work& work) {
#if defined(__SANITIZE_THREAD__)
  // The thread sanitizer does not see how OpenMP's threads wait for each other.
  std::vector<std::thread> others;
  for (int thread = 1; thread < threads; thread++) others.emplace_back(work, thread);
  work(0);
  for (std::thread& other : others) other.join();
#else
#pragma omp parallel num_threads(threads)
  work(omp_get_thread_num());
#endif
}

// body(begin, end, thread) over [0, count), each range but the last a multiple of `grain`.
template <class Body>
inline void parallelFor(Index count, Index grain, const Body& body) {
  const Index pieces = (count + grain - 1) / grain;
  const int threads = static_cast<int>(std::min<Index>(threadCount(), std::max<Index>(pieces, 1)));
  if (threads <= 1) {
    body(Index{0}, count, 0);
    return;
  }
  onThreads(threads, [&](int thread) {
    const Index begin = pieces * thread / threads * grain;
    const Index end = std::min(count, pieces * (thread + 1) / threads * grain);
    if (begin < end) body(begin, end, thread);
  });
}

}  // namespace
}  // namespace rxspike
