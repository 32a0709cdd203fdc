#include "dnnl.h"

#include <cstdlib>
#include <new>

namespace rxspike {

namespace {
constexpr std::size_t kAlignment = 64;
}

dnnl::engine& dnnlEngine() {
  static dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

dnnl::stream& dnnlStream() {
  thread_local dnnl::stream stream(dnnlEngine());
  return stream;
}

void FreeAligned::operator()(void* memory) const { std::free(memory); }

AlignedMemory allocateAligned(std::size_t bytes) {
  const std::size_t rounded = (bytes + kAlignment) / kAlignment * kAlignment;
  void* memory = std::aligned_alloc(kAlignment, rounded);
  if (memory == nullptr) throw std::bad_alloc();
  return AlignedMemory(memory);
}

void* scratch(std::size_t bytes) {
  thread_local AlignedMemory memory;
  thread_local std::size_t size = 0;
  if (bytes > size) {
    memory.reset();
    size = 0;
    memory = allocateAligned(bytes);
    size = bytes;
  }
  return memory.get();
}

void reorder(const dnnl::memory::desc& from, const void* source, const dnnl::memory::desc& to, void* target) {
  dnnl::memory input(from, dnnlEngine(), const_cast<void*>(source));
  dnnl::memory output(to, dnnlEngine(), target);
  dnnl::reorder(input, output).execute(dnnlStream(), input, output);
  dnnlStream().wait();
}

}  // namespace rxspike
