// An operation is a function of plain pointers and numbers under a name, called with its operands as doubles:
// addresses and counts are exact to 2^53. A new one is a function and a line in a table.
#pragma once

#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>

namespace rxspike {

inline constexpr int kMaxOperands = 48;

struct Operation {
  const char* name;
  int arity;
  void (*run)(const double* operands);
};

using Operations = std::span<const Operation>;

namespace {  // compiled once for each instruction set: must not be merged by the linker

template <class T>
inline T operandAs(double value) {
  if constexpr (std::is_pointer_v<T>) {
    return reinterpret_cast<T>(static_cast<std::uintptr_t>(value));
  } else if constexpr (std::is_same_v<T, bool>) {
    return value != 0;
  } else {
    return static_cast<T>(value);
  }
}

template <auto function>
struct Unpack;

template <class... Parameters, void (*function)(Parameters...)>
struct Unpack<function> {
  static constexpr int arity = sizeof...(Parameters);
  static_assert(arity <= kMaxOperands);

  static void run(const double* operands) { call(operands, std::index_sequence_for<Parameters...>{}); }

 private:
  template <std::size_t... I>
  static void call(const double* operands, std::index_sequence<I...>) {
    function(operandAs<Parameters>(operands[I])...);
  }
};

// The operation of a function: each of its parameters takes one operand.
template <auto function>
constexpr Operation operation(const char* name) {
  return {name, Unpack<function>::arity, Unpack<function>::run};
}

}  // namespace
}  // namespace rxspike
