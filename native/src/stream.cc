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

void Stream::push(Item item) {
  {
    std::lock_guard lock(mutex_);
    items_.push_back(std::move(item));
    submittedCount_++;
  }
  submitted_.notify_one();
}

void Stream::submit(const Operation* operation, const Operands& operands) { push({operation, operands, nullptr}); }

void Stream::submitAll(std::vector<Call> calls, std::vector<double> operands) {
  push({nullptr, {}, nullptr, std::move(calls), std::move(operands)});
}

void Stream::notify(std::function<void(std::string)> done) { push({nullptr, {}, std::move(done)}); }

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
    if (item.done) {
      failure = takeError();
      lock.unlock();
      item.done(std::move(failure));
      lock.lock();
    } else {
      lock.unlock();
      const Operation* operation = item.operation;
      try {
        if (operation != nullptr) operation->run(item.operands.data());
        for (const Call& call : item.calls) {
          operation = call.operation;
          operation->run(item.allOperands.data() + call.operands);
        }
      } catch (const std::exception& error) {
        failure = std::string(operation->name) + ": " + error.what();
      }
      lock.lock();
      if (!failure.empty() && error_.empty()) error_ = failure;
    }
    finishedCount_++;
    finished_.notify_all();
  }
}

}  // namespace rxspike
