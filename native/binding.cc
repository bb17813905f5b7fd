// The module: errors, options, what the system offers.
#include "binding.h"
#include "platform/platform.h"

#include <cinttypes>
#include <cstdio>
#include <cstdlib>

namespace kg {

Napi::Value Throw(Napi::Env env, int error, const char *detail) {
  Addon *addon = env.GetInstanceData<Addon>();
  Napi::Value made = addon->make_error.Call(
      {Napi::Number::New(env, error), Napi::String::New(env, detail)});
  // When making the error threw, that is what the caller gets.
  if (!env.IsExceptionPending()) {
    napi_throw(env, made);
  }
  return env.Undefined();
}

Napi::Value Throw(Napi::Env env, const kg_failure &failure) {
  return Throw(env, failure.error, failure.detail);
}

RingOptions::RingOptions(Napi::Object options) : options_{} {
  // lib/options.js has checked the types; what is absent keeps its default.
  Napi::Value dir = options.Get("dir");
  Napi::Value name = options.Get("name");
  Napi::Value max_events = options.Get("maxEvents");
  Napi::Value max_bytes = options.Get("bufferSize");
  Napi::Value checksums = options.Get("enableChecksums");
  if (dir.IsString()) {
    dir_ = dir.As<Napi::String>().Utf8Value();
    options_.dir = dir_.c_str();
  }
  if (name.IsString()) {
    name_ = name.As<Napi::String>().Utf8Value();
    options_.name = name_.c_str();
  }
  if (max_events.IsNumber()) {
    options_.max_events = max_events.As<Napi::Number>().Uint32Value();
  }
  if (max_bytes.IsNumber()) {
    options_.max_bytes =
        static_cast<uint64_t>(max_bytes.As<Napi::Number>().Int64Value());
  }
  Napi::Value predecessor = options.Get("predecessor");
  if (predecessor.IsObject()) {
    Napi::Object last = predecessor.As<Napi::Object>();
    options_.predecessor_generation = std::strtoull(
        last.Get("generation").As<Napi::String>().Utf8Value().c_str(), nullptr,
        16);
    Napi::Value sequence = last.Get("sequence");
    options_.predecessor_sequence =
        sequence.IsNumber()
            ? static_cast<uint64_t>(sequence.As<Napi::Number>().Int64Value())
            : UINT64_MAX;
  }
  Napi::Value timeout = options.Get("readerTimeoutMs");
  if (timeout.IsNumber()) {
    options_.reader_timeout_ms = timeout.As<Napi::Number>().Uint32Value();
  }
  options_.rejects = options.Get("rejects").ToBoolean().Value();
  options_.reliable = options.Get("reliable").ToBoolean().Value();
  options_.no_checksums =
      checksums.IsBoolean() && !checksums.As<Napi::Boolean>().Value();
}

void CallFromLoop(Napi::Env env, const Napi::FunctionReference &function) {
  Napi::HandleScope scope(env);
  if (function.IsEmpty()) {
    return;
  }
  napi_value receiver;
  napi_value result;
  napi_get_global(env, &receiver);
  napi_make_callback(env, nullptr, receiver, function.Value(), 0, nullptr,
                     &result);
  bool pending = false;
  if (napi_is_exception_pending(env, &pending) == napi_ok && pending) {
    napi_value exception;
    if (napi_get_and_clear_last_exception(env, &exception) == napi_ok) {
      napi_fatal_exception(env, exception);
    }
  }
}

Napi::String Generation(Napi::Env env, uint64_t generation) {
  char text[17];
  std::snprintf(text, sizeof text, "%016" PRIx64, generation);
  return Napi::String::New(env, text);
}

Napi::Object RingInfo(Napi::Env env, const kg_ring_info &info) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("path", info.path);
  object.Set("generation", Generation(env, info.generation));
  if (info.predecessor_generation != 0) {
    object.Set("predecessorGeneration",
               Generation(env, info.predecessor_generation));
    if (info.predecessor_sequence <= KG_SEQUENCE_MAX) {
      object.Set("predecessorSequence",
                 static_cast<double>(info.predecessor_sequence));
    }
  }
  object.Set("capacity", info.capacity);
  object.Set("fileBytes", static_cast<double>(info.file_bytes));
  object.Set("checksums", info.checksums);
  return object;
}

static Napi::Value SetErrorFactory(const Napi::CallbackInfo &info) {
  info.Env().GetInstanceData<Addon>()->make_error =
      Napi::Persistent(info[0].As<Napi::Function>());
  return info.Env().Undefined();
}

static Napi::Value DefaultDirectory(const Napi::CallbackInfo &info) {
  char path[KG_PATH_BYTES];
  kg_failure failure;
  if (kg_default_directory(path, &failure) != KG_OK) {
    return Throw(info.Env(), failure);
  }
  return Napi::String::New(info.Env(), path);
}

static Napi::Value ChecksumMethod(const Napi::CallbackInfo &info) {
  return Napi::String::New(info.Env(), kg_checksum_method());
}

static Napi::Object Initialize(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(new Addon());
  exports.Set("Writer", DefineWriter(env));
  exports.Set("Reader", DefineReader(env));
  exports.Set("Lock", DefineLock(env));
  exports.Set("setErrorFactory", Napi::Function::New<SetErrorFactory>(env));
  exports.Set("defaultDirectory", Napi::Function::New<DefaultDirectory>(env));
  exports.Set("checksumMethod", Napi::Function::New<ChecksumMethod>(env));
  return exports;
}

} // namespace kg

using kg::Initialize;
NODE_API_MODULE(kindly_guard_ipc, Initialize)
