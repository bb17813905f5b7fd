// What the parts of the binding share. Thin: unwrap, call C, throw.
#ifndef KG_BINDING_H
#define KG_BINDING_H

#include <napi.h>

#include "core/kg_ipc.h"

namespace kg {

// State of one JavaScript environment: a process has one for its main thread
// and one for each worker that loaded the addon.
struct Addon {
  // lib/errors.js: (number, detail) => IpcError. The only translation.
  Napi::FunctionReference make_error;
};

// Throws the IpcError for a negative result. Returns undefined, so that a
// method can `return Throw(...)`.
Napi::Value Throw(Napi::Env env, int error, const char *detail);
Napi::Value Throw(Napi::Env env, const kg_failure &failure);

// Options that a ring's two ends share, kept as long as the C side needs
// them.
class RingOptions {
public:
  explicit RingOptions(Napi::Object options);
  const kg_ring_options *get() const {
    return &options_;
  }

private:
  std::string dir_;
  std::string name_;
  kg_ring_options options_;
};

// { path, generation, capacity, fileBytes, checksums, ... } of a ring.
Napi::Object RingInfo(Napi::Env env, const kg_ring_info &info);

// "0123456789abcdef", as generations are written everywhere.
Napi::String Generation(Napi::Env env, uint64_t generation);

// Calls into JavaScript from the event loop. An exception there is an uncaught
// one, as it would be from a timer.
void CallFromLoop(Napi::Env env, const Napi::FunctionReference &function);

Napi::Function DefineWriter(Napi::Env env);
Napi::Function DefineReader(Napi::Env env);
Napi::Function DefineLock(Napi::Env env);

} // namespace kg

#endif
