// The module: errors, options, what the system offers.
extern "C" {
#include "../platform/platform.h"
}
#include "../include/kg_version.h"
#include "addon.h"
#include "protocol.h"

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace kg {

Napi::Value Throw(Napi::Env env, int error, const char *detail) {
  Addon *addon = env.GetInstanceData<Addon>();
  napi_value function;
  napi_value receiver;
  napi_value arguments[2];
  napi_value made;
  // When making the error throws, that is what the caller gets.
  if (napi_get_reference_value(env, addon->make_error, &function) == napi_ok &&
      napi_get_undefined(env, &receiver) == napi_ok &&
      napi_create_int32(env, error, &arguments[0]) == napi_ok &&
      napi_create_string_utf8(env, detail, NAPI_AUTO_LENGTH, &arguments[1]) ==
          napi_ok &&
      napi_call_function(env, receiver, function, 2, arguments, &made) ==
          napi_ok) {
    napi_throw(env, made);
  }
  return env.Undefined();
}

Napi::Value Throw(Napi::Env env, const kg_failure &failure) {
  // The one option that C checks has another name here.
  static const char in_c[] = "max_bytes ";
  if (strncmp(failure.detail, in_c, strlen(in_c)) == 0) {
    std::string detail = "bufferSize ";
    detail += failure.detail + strlen(in_c);
    return Throw(env, failure.error, detail.c_str());
  }
  return Throw(env, failure.error, failure.detail);
}

namespace {

// Reads the properties of an object. Each leaves `value` as it is where the
// property is absent or of another type.
class Properties {
public:
  Properties(napi_env env, napi_value object) : env_(env), object_(object) {}

  bool Get(const char *key, napi_valuetype type, napi_value *value) {
    napi_valuetype actual;
    ok_ = ok_ &&
          napi_get_named_property(env_, object_, key, value) == napi_ok &&
          napi_typeof(env_, *value, &actual) == napi_ok;
    return ok_ && actual == type;
  }

  // The text, or null.
  const char *Text(const char *key, std::string *value) {
    napi_value text;
    size_t length;
    if (!Get(key, napi_string, &text)) {
      return nullptr;
    }
    ok_ =
        napi_get_value_string_utf8(env_, text, nullptr, 0, &length) == napi_ok;
    if (ok_) {
      value->resize(length);
      ok_ = napi_get_value_string_utf8(env_, text, &(*value)[0], length + 1,
                                       &length) == napi_ok;
    }
    return value->c_str();
  }

  template <typename T> void Number(const char *key, T *value) {
    napi_value number;
    double read;
    if (Get(key, napi_number, &number) &&
        napi_get_value_double(env_, number, &read) == napi_ok) {
      *value = static_cast<T>(read);
    }
  }

  void Flag(const char *key, bool *value) {
    napi_value flag;
    if (Get(key, napi_boolean, &flag)) {
      napi_get_value_bool(env_, flag, value);
    }
  }

  // False once reading failed.
  bool ok() const {
    return ok_;
  }

private:
  napi_env env_;
  napi_value object_;
  bool ok_ = true;
};

} // namespace

bool RingOptions::Read(napi_env env, napi_value object) {
  Properties properties(env, object);
  bool checksums = true;
  napi_value predecessor;
  options.struct_size = sizeof options;
  options.dir = properties.Text("dir", &dir);
  options.name = properties.Text("name", &name);
  properties.Number("maxEvents", &options.max_events);
  properties.Number("bufferSize", &options.max_bytes);
  properties.Number("readerTimeoutMs", &options.reader_timeout_ms);
  properties.Number("prioritySeverity", &options.priority_severity);
  properties.Number("priorityEvents", &options.priority_events);
  properties.Number("hugePages", &options.huge_pages);
  properties.Number("numaNode", &options.numa_node);
  properties.Flag("enableChecksums", &checksums);
  properties.Flag("rejects", &options.rejects);
  properties.Flag("reliable", &options.reliable);
  options.no_checksums = !checksums;
  if (!properties.Get("predecessor", napi_object, &predecessor)) {
    return properties.ok();
  }
  Properties last(env, predecessor);
  std::string generation;
  if (last.Text("generation", &generation) != nullptr) {
    options.predecessor_generation =
        std::strtoull(generation.c_str(), nullptr, 16);
  }
  options.predecessor_sequence = UINT64_MAX;
  last.Number("sequence", &options.predecessor_sequence);
  double priority = KG_UNKNOWN;
  last.Number("priority", &priority);
  options.predecessor_priority = ToPriority(priority);
  return last.ok();
}

void CallFromLoop(Napi::Env env, const Napi::FunctionReference &function) {
  Napi::HandleScope scope(env);
  if (function.IsEmpty()) {
    return;
  }
  napi_value receiver;
  napi_value result;
  napi_get_global(env, &receiver);
  // Fails where JavaScript can no longer be called, and then nobody waits.
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

// "0123456789abcdef", as generations are written everywhere.
static Napi::String Generation(Napi::Env env, uint64_t generation) {
  char text[17];
  std::snprintf(text, sizeof text, "%016" PRIx64, generation);
  return Napi::String::New(env, text);
}

double FromPriority(uint64_t priority) {
  return priority == KG_PRIORITY_UNKNOWN ? KG_UNKNOWN
                                         : static_cast<double>(priority);
}

uint64_t ToPriority(double priority) {
  return priority < 0 ? KG_PRIORITY_UNKNOWN : static_cast<uint32_t>(priority);
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
    if (info.predecessor_priority != KG_PRIORITY_UNKNOWN) {
      object.Set("predecessorPriority",
                 FromPriority(info.predecessor_priority));
    }
  }
  object.Set("capacity", info.capacity);
  object.Set("priorityEvents", info.priority_events);
  object.Set("fileBytes", static_cast<double>(info.file_bytes));
  object.Set("checksums", info.checksums);
  return object;
}

Napi::Value MemoryInfo(Napi::Env env, const kg_memory &memory) {
  Napi::Object object = Napi::Object::New(env);
  Napi::Array nodes = Napi::Array::New(env, memory.nodes);
  for (uint32_t i = 0; i < memory.nodes; i++) {
    nodes.Set(i, static_cast<double>(memory.node[i]));
  }
  object.Set("pageBytes", static_cast<double>(memory.page_bytes));
  object.Set("residentBytes", static_cast<double>(memory.resident));
  object.Set("hugeBytes", static_cast<double>(memory.huge));
  object.Set("nodes", nodes);
  return object;
}

static Napi::Value SetErrorFactory(const Napi::CallbackInfo &info) {
  Addon *addon = info.Env().GetInstanceData<Addon>();
  if (addon->make_error == nullptr) {
    napi_create_reference(info.Env(), info[0], 1, &addon->make_error);
  }
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
  // What it was compiled from, for lib/shm/addon.js: another package's addon
  // may lie where this one's is looked for.
  exports.Set("packageVersion", KG_VERSION);
  exports.Set("layoutVersion", KG_LAYOUT_VERSION);
  exports.Set("nodeApiVersion", NAPI_VERSION);
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
