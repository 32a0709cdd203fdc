// The addon's face to JavaScript: one stream of operations for each environment, and memory that both sides see.
#include <napi.h>
#include <oneapi/dnnl/dnnl.hpp>
#include <sys/mman.h>

#include <memory>
#include <string>
#include <vector>

#include "operations.h"
#include "stream.h"

namespace {

using rxspike::kMaxOperands;

struct Addon {
  std::vector<rxspike::Operation> operations;
  std::unique_ptr<rxspike::Stream> stream;
};

Addon& addonOf(const Napi::CallbackInfo& info) {
  Addon* addon = info.Env().GetInstanceData<Addon>();
  if (addon->stream == nullptr) throw Napi::Error::New(info.Env(), "the native engine is not started");
  return *addon;
}

// start(threads, level): operation names, by number.
Napi::Value start(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Addon* addon = env.GetInstanceData<Addon>();
  addon->stream.reset();
  try {
    addon->operations = rxspike::operationsFor(info[1].As<Napi::String>());
  } catch (const std::exception& error) {
    throw Napi::Error::New(env, error.what());
  }
  addon->stream = std::make_unique<rxspike::Stream>(info[0].As<Napi::Number>().Int32Value());
  Napi::Array names = Napi::Array::New(env, addon->operations.size());
  for (std::size_t i = 0; i < addon->operations.size(); i++) names[i] = Napi::String::New(env, addon->operations[i].name);
  return names;
}

// stop(): ends the stream's thread, without what still waits.
void stop(const Napi::CallbackInfo& info) { info.Env().GetInstanceData<Addon>()->stream.reset(); }

// submit(operation, ...operands)
void submit(const Napi::CallbackInfo& info) {
  Addon& addon = addonOf(info);
  const std::size_t number = info[0].As<Napi::Number>().Uint32Value();
  const rxspike::Operation& operation = addon.operations.at(number);
  const int count = static_cast<int>(info.Length()) - 1;
  if (count != operation.arity) {
    throw Napi::TypeError::New(info.Env(), std::string(operation.name) + ": expected " +
                                               std::to_string(operation.arity) + " operands, found " +
                                               std::to_string(count));
  }
  rxspike::Operands operands;
  for (int i = 0; i < count; i++) {
    if (napi_get_value_double(info.Env(), info[i + 1], &operands[i]) != napi_ok) {
      throw Napi::TypeError::New(info.Env(), std::string(operation.name) + ": operand " + std::to_string(i) +
                                                 " is not a number");
    }
  }
  addon.stream->submit(&operation, operands);
}

// submitAll(operations): each its number, then its operands.
void submitAll(const Napi::CallbackInfo& info) {
  Addon& addon = addonOf(info);
  const auto numbers = info[0].As<Napi::Float64Array>();
  std::vector<rxspike::Call> calls;
  std::vector<double> operands(numbers.Data(), numbers.Data() + numbers.ElementLength());
  for (std::size_t at = 0; at < operands.size();) {
    const rxspike::Operation& operation = addon.operations.at(static_cast<std::size_t>(operands[at++]));
    if (operands.size() - at < static_cast<std::size_t>(operation.arity)) {
      throw Napi::TypeError::New(info.Env(), std::string(operation.name) + ": operands are missing");
    }
    calls.push_back({&operation, at});
    at += operation.arity;
  }
  addon.stream->submitAll(std::move(calls), std::move(operands));
}

// wait(): blocks until everything submitted is done.
void wait(const Napi::CallbackInfo& info) {
  const std::string failure = addonOf(info).stream->wait();
  if (!failure.empty()) throw Napi::Error::New(info.Env(), failure);
}

// drain(): a promise that everything submitted is done.
Napi::Value drain(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Addon& addon = addonOf(info);
  auto deferred = std::make_shared<Napi::Promise::Deferred>(env);
  auto settle = Napi::ThreadSafeFunction::New(env, Napi::Function(), "rxspike drain", 0, 1);
  addon.stream->notify([settle, deferred](std::string failure) mutable {
    settle.NonBlockingCall([deferred, failure = std::move(failure)](Napi::Env environment, Napi::Function) {
      if (failure.empty()) deferred->Resolve(environment.Undefined());
      else deferred->Reject(Napi::Error::New(environment, failure).Value());
    });
    settle.Release();
  });
  return deferred->Promise();
}

// reserve(bytes): page-aligned zeroed memory as an ArrayBuffer; pages come when they are touched.
Napi::Value reserve(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const auto bytes = static_cast<std::size_t>(info[0].As<Napi::Number>().Int64Value());
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw Napi::Error::New(env, "out of memory: " + std::to_string(bytes) + " bytes");
#if defined(MADV_HUGEPAGE)
  madvise(memory, bytes, MADV_HUGEPAGE);
#endif
  return Napi::ArrayBuffer::New(env, memory, bytes,
                                [bytes](Napi::Env, void* reserved) { munmap(reserved, bytes); });
}

// addressOf(array): where a typed array or an ArrayBuffer lies.
Napi::Value addressOf(const Napi::CallbackInfo& info) {
  const auto number = [&](void* address) {
    return Napi::Number::New(info.Env(), static_cast<double>(reinterpret_cast<std::uintptr_t>(address)));
  };
  if (info[0].IsArrayBuffer()) return number(info[0].As<Napi::ArrayBuffer>().Data());
  const auto array = info[0].As<Napi::TypedArray>();
  return number(static_cast<char*>(array.ArrayBuffer().Data()) + array.ByteOffset());
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  auto* addon = new Addon();
  env.SetInstanceData(addon);
  // Before any memory is freed, so that no operation outlives what it works on.
  env.AddCleanupHook([addon] { addon->stream.reset(); });
  const auto function = [&](const char* name, auto callback) { exports.Set(name, Napi::Function::New(env, callback, name)); };
  function("start", start);
  function("stop", stop);
  function("submit", submit);
  function("submitAll", submitAll);
  function("wait", wait);
  function("drain", drain);
  function("reserve", reserve);
  function("addressOf", addressOf);
  Napi::Array levels = Napi::Array::New(env);
  for (const std::string& level : rxspike::vectorLevels()) levels[levels.Length()] = Napi::String::New(env, level);
  exports.Set("levels", levels);
  const dnnl_version_t* version = dnnl_version();
  exports.Set("oneDnnVersion", std::to_string(version->major) + "." + std::to_string(version->minor) + "." +
                                   std::to_string(version->patch));
  return exports;
}

}  // namespace

NODE_API_MODULE(rxspike, init)
