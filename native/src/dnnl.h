// oneDNN 2.x and 3.x behind one face: its engine, descriptions of primitives, and scratch memory shared by all of them.
#pragma once

#include <cstddef>
#include <memory>
#include <oneapi/dnnl/dnnl.hpp>
#include <unordered_map>
#include <utility>

namespace rxspike {

dnnl::engine& dnnlEngine();
dnnl::stream& dnnlStream();

// Memory of at least `bytes` that is good until the next call, aligned for vectors. One a thread.
void* scratch(std::size_t bytes);

inline dnnl::primitive_attr scratchAttributes() {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attributes;
}

template <class Primitive, class... Arguments>
typename Primitive::primitive_desc describe(Arguments&&... arguments) {
#if DNNL_VERSION_MAJOR >= 3
  return {dnnlEngine(), std::forward<Arguments>(arguments)..., scratchAttributes()};
#else
  return {typename Primitive::desc(std::forward<Arguments>(arguments)...), scratchAttributes(), dnnlEngine()};
#endif
}

// For primitives that are described after their forward one.
template <class Primitive, class Forward, class... Arguments>
typename Primitive::primitive_desc describeAfter(const Forward& forward, Arguments&&... arguments) {
#if DNNL_VERSION_MAJOR >= 3
  return {dnnlEngine(), std::forward<Arguments>(arguments)..., forward, scratchAttributes()};
#else
  return {typename Primitive::desc(std::forward<Arguments>(arguments)...), scratchAttributes(), dnnlEngine(),
          forward};
#endif
}

// A primitive, and the memory it runs on: only the addresses change from call to call.
class BoundPrimitive {
 public:
  template <class Description>
  BoundPrimitive(const dnnl::primitive& primitive, const Description& description)
      : primitive_(primitive), scratchBytes_(description.scratchpad_desc().get_size()) {
    add(DNNL_ARG_SCRATCHPAD, description.scratchpad_desc());
  }

  void add(int argument, const dnnl::memory::desc& description) {
    arguments_.emplace(argument, dnnl::memory(description, dnnlEngine(), nullptr));
  }

  void bind(int argument, const void* data) {
    arguments_.at(argument).set_data_handle(const_cast<void*>(data));
  }

  void run() {
    bind(DNNL_ARG_SCRATCHPAD, scratch(scratchBytes_));
    primitive_.execute(dnnlStream(), arguments_);
    dnnlStream().wait();
  }

 private:
  dnnl::primitive primitive_;
  std::size_t scratchBytes_;
  std::unordered_map<int, dnnl::memory> arguments_;
};

// Copies values from one layout to another.
void reorder(const dnnl::memory::desc& from, const void* source, const dnnl::memory::desc& to, void* target);

// Aligned memory that frees itself.
struct FreeAligned {
  void operator()(void* memory) const;
};
using AlignedMemory = std::unique_ptr<void, FreeAligned>;
AlignedMemory allocateAligned(std::size_t bytes);

}  // namespace rxspike
