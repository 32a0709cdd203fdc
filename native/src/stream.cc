#include "stream.h"

#include <omp.h>
#if defined(__linux__)
#include <sched.h>
#endif

#include <exception>
#include <utility>

#include "parallel.h"

namespace rxspike {

namespace {

// With a thread for every processor, each keeps to one: the scheduler at times puts two on the same, where one spins
// while it waits for the other.
void spreadThreads(int threads) {
#if defined(__linux__)
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0 || CPU_COUNT(&allowed) != threads) return;
  onThreads(threads, [&](int thread) {
    int processor = 0;
    for (int before = thread; before > 0 || !CPU_ISSET(processor, &allowed); processor++) {
      if (CPU_ISSET(processor, &allowed)) before--;
    }
    cpu_set_t own;
    CPU_ZERO(&own);
    CPU_SET(processor, &own);
    sched_setaffinity(0, sizeof own, &own);
  });
#endif
}

}  // namespace

Stream::Stream(int threads) : thread_([this, threads] { work(threads); }) {}

Stream::~Stream() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  submitted_.notify_one();
  thread_.join();
}

void Stream::submit(const Operation* operation, const Operands& operands) {
  {
    std::lock_guard lock(mutex_);
    items_.push_back({operation, operands, nullptr});
    submittedCount_++;
  }
  submitted_.notify_one();
}

void Stream::notify(std::function<void(std::string)> done) {
  {
    std::lock_guard lock(mutex_);
    items_.push_back({nullptr, {}, std::move(done)});
    submittedCount_++;
  }
  submitted_.notify_one();
}

std::string Stream::wait() {
  std::unique_lock lock(mutex_);
  finished_.wait(lock, [this, target = submittedCount_] { return finishedCount_ >= target; });
  return takeError();
}

std::string Stream::takeError() { return std::exchange(error_, {}); }

void Stream::work(int threads) {
  omp_set_num_threads(threads);
  omp_set_dynamic(0);
  spreadThreads(threads);
  std::unique_lock lock(mutex_);
  while (true) {
    submitted_.wait(lock, [this] { return stopping_ || !items_.empty(); });
    if (stopping_) return;
    Item item = std::move(items_.front());
    items_.pop_front();
    std::string failure;
    if (item.operation != nullptr) {
      lock.unlock();
      try {
        item.operation->run(item.operands.data());
      } catch (const std::exception& error) {
        failure = std::string(item.operation->name) + ": " + error.what();
      }
      lock.lock();
      if (!failure.empty() && error_.empty()) error_ = failure;
    } else {
      failure = takeError();
      lock.unlock();
      item.done(std::move(failure));
      lock.lock();
    }
    finishedCount_++;
    finished_.notify_all();
  }
}

}  // namespace rxspike
