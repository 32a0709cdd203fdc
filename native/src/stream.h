// A stream runs operations one after the other on a thread of its own, in the order of their submission, so that the
// thread that submits them stays free. Each operation takes all cores.
#pragma once

#include <array>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "operation.h"

namespace rxspike {

using Operands = std::array<double, kMaxOperands>;

// An operation whose operands lie among those of others.
struct Call {
  const Operation* operation;
  std::size_t operands;
};

class Stream {
 public:
  explicit Stream(int threads);
  // Waits for the operation that runs and drops those that wait.
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  void submit(const Operation* operation, const Operands& operands);
  void submitAll(std::vector<Call> calls, std::vector<double> operands);
  // Calls back on the stream's thread when everything submitted before is done. The argument is what went wrong
  // since the last report, empty if nothing did.
  void notify(std::function<void(std::string)> done);
  // Waits until everything submitted is done; gives what went wrong since the last report.
  std::string wait();

 private:
  struct Item {
    const Operation* operation = nullptr;
    Operands operands{};
    std::function<void(std::string)> done;
    std::vector<Call> calls{};
    std::vector<double> allOperands{};
  };

  void push(Item item);
  void work(int threads);
  std::string takeError();

  std::mutex mutex_;
  std::condition_variable submitted_;
  std::condition_variable finished_;
  std::deque<Item> items_;
  std::uint64_t submittedCount_ = 0;
  std::uint64_t finishedCount_ = 0;
  bool stopping_ = false;
  std::string error_;
  std::thread thread_;
};

}  // namespace rxspike
