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

// Reads the properties of an object. Each leaves `value` as it is where the
// property is absent or of another type.
class Properties {
public:
  Properties(napi_env env, napi_value object) : env_(env), object_(object) {}
  bool Text(const char *key, std::string *value);
  template <typename T> void Number(const char *key, T *value) {
    napi_value number;
    double read;
    if (Get(key, napi_number, &number) &&
        napi_get_value_double(env_, number, &read) == napi_ok) {
      *value = static_cast<T>(read);
    }
  }
  void Flag(const char *key, bool *value);
  bool Object(const char *key, napi_value *value);
  // False once reading failed: the caller has the pending exception, or is
  // being terminated, and nothing that was read means anything.
  bool ok() const {
    return ok_;
  }

private:
  bool Get(const char *key, napi_valuetype type, napi_value *value);

  napi_env env_;
  napi_value object_;
  bool ok_ = true;
};

// Options that a ring's two ends share, kept as long as the C side needs
// them.
class RingOptions {
public:
  explicit RingOptions(const Napi::CallbackInfo &info);
  // Null when they could not be read; nothing may be opened then.
  const kg_ring_options *get() const {
    return ok_ ? &options_ : nullptr;
  }

private:
  void ReadPredecessor(napi_env env, napi_value predecessor);

  bool ok_;
  std::string dir_;
  std::string name_;
  kg_ring_options options_;
};

// Opens what a constructor's options describe; null when it threw. Not to be
// called when the object was not wrapped (IsEmpty): nobody would close it.
template <typename T>
T *Open(const Napi::CallbackInfo &info,
        int (*open)(const kg_ring_options *, T **, kg_failure *)) {
  RingOptions options(info);
  T *opened = nullptr;
  kg_failure failure;
  if (options.get() != nullptr &&
      open(options.get(), &opened, &failure) != KG_OK) {
    Throw(info.Env(), failure);
  }
  return opened;
}

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
