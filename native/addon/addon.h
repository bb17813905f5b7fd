// What the parts of the binding share. Thin: unwrap, call C, throw.
//
// A worker can be terminated at any moment, and from then on whatever would run
// or touch JavaScript fails, without an exception. node-addon-api then returns
// an empty value, and to ask that for anything ends the process. So what may
// fail is read and made here, by plain Node-API calls whose result is checked;
// nothing else may call a method of a value that JavaScript gave.
#ifndef KG_ADDON_H
#define KG_ADDON_H

#include <napi.h>

#include <string>

#include "../include/kg_ipc.h"

namespace kg {

// State of one JavaScript environment: a process has one for its main thread
// and one for each worker that loaded the addon.
struct Addon {
  // lib/base/errors.js: (number, detail) => IpcError. The only translation.
  napi_ref make_error = nullptr;
};

// Throws the IpcError for a negative result. Returns undefined, so that a
// method can `return Throw(...)`.
Napi::Value Throw(Napi::Env env, int error, const char *detail = "");
Napi::Value Throw(Napi::Env env, const kg_failure &failure);

// Options that a ring's two ends share, kept as long as the C side needs
// them. lib/options/check.js has checked them.
struct RingOptions {
  // False when reading failed: the caller has the pending exception, or is
  // being terminated, and nothing that was read means anything.
  bool Read(napi_env env, napi_value object);

  kg_ring_options options = {};
  std::string dir;
  std::string name;
};

// Opens what a constructor's options describe; null when it threw. Not to be
// called when the object was not wrapped (IsEmpty): nobody would close it.
template <typename T>
T *Open(const Napi::CallbackInfo &info,
        int (*open)(const kg_ring_options *, T **, kg_failure *)) {
  RingOptions read;
  T *opened = nullptr;
  kg_failure failure;
  if (read.Read(info.Env(), info[0]) &&
      open(&read.options, &opened, &failure) != KG_OK) {
    Throw(info.Env(), failure);
  }
  return opened;
}

// A number of priority events, from and to JavaScript: KG_UNKNOWN there,
// KG_PRIORITY_UNKNOWN here.
double FromPriority(uint64_t priority);
uint64_t ToPriority(double priority);

Napi::Value MemoryInfo(Napi::Env env, const kg_memory &memory);

// { path, generation, capacity, fileBytes, checksums, ... } of a ring.
Napi::Object RingInfo(Napi::Env env, const kg_ring_info &info);

// { pageBytes, residentBytes, hugeBytes, nodes } of a ring's mapping, where
// `look` tells; null elsewhere, and where `is_placed` says that nothing of it
// is to be told.
template <typename T>
Napi::Value Memory(Napi::Env env, const T *ring, bool is_placed,
                   int (*look)(const T *, kg_memory *, kg_failure *)) {
  kg_memory memory;
  return is_placed && look(ring, &memory, nullptr) == KG_OK
             ? MemoryInfo(env, memory)
             : env.Null();
}

// Calls into JavaScript from the event loop. An exception there is an uncaught
// one, as it would be from a timer.
void CallFromLoop(Napi::Env env, const Napi::FunctionReference &function);

Napi::Function DefineWriter(Napi::Env env);
Napi::Function DefineReader(Napi::Env env);
Napi::Function DefineLock(Napi::Env env);

} // namespace kg

#endif
