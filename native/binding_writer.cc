// Writer and Lock: kg_writer and kg_lock for JavaScript.
#include <memory>
#include <new>

#include "binding.h"
#include "room_poll.h"

namespace kg {
namespace {

// A JavaScript string as UTF-8, on the stack unless it is long.
class Utf8 {
public:
  // KG_OK, or why it cannot be had. `units` is its length in JavaScript, or 0
  // when nobody says: told that it has little more room than that, V8 looks
  // whether all is ASCII and copies it, instead of encoding each character.
  int Read(napi_env env, napi_value value, size_t units = 0) {
    size_t length = 0;
    size_t room = units > kSpare ? units + kSpare : sizeof stack_;
    if (napi_get_value_string_utf8(env, value, stack_, room, &length) !=
        napi_ok) {
      return KG_E_INVALID_THREAT;
    }
    // A full buffer may have cut a character of up to four bytes.
    if (length + 4 < room) {
      text_ = {stack_, length};
      return KG_OK;
    }
    return ReadLong(env, value);
  }
  kg_text text() const {
    return text_;
  }

private:
  int ReadLong(napi_env env, napi_value value) {
    size_t length = 0;
    if (napi_get_value_string_utf8(env, value, nullptr, 0, &length) !=
        napi_ok) {
      return KG_E_INVALID_THREAT;
    }
    // No ring holds more; refused before anybody copies it.
    if (length > size_t{KG_MAX_SPAN} * KG_EVENT_BYTES) {
      return KG_E_EVENT_TOO_LARGE;
    }
    heap_.reset(new (std::nothrow) char[length + 1]);
    if (heap_ == nullptr) {
      return KG_E_NO_MEMORY;
    }
    text_ = {heap_.get(), length};
    return napi_get_value_string_utf8(env, value, heap_.get(), length + 1,
                                      &length) == napi_ok
               ? KG_OK
               : KG_E_INVALID_THREAT;
  }

  static constexpr size_t kSpare = 16;

  kg_text text_ = {nullptr, 0};
  std::unique_ptr<char[]> heap_;
  char stack_[1024];
};

// What lib/native-writer.js packs into one number.
constexpr uint32_t kBlocked = 1U << 8;
constexpr uint32_t kSourceShift = 9;
constexpr uint32_t kDetailsShift = 18;
constexpr uint32_t kMaxLength = (1U << 9) - 1;

class Writer;

// What outlives a Writer object whose room poll has yet to end. `wrap` is null
// once nobody is to be called back.
struct RoomState {
  kg_room_poll *poll = nullptr;
  napi_async_cleanup_hook_handle hook = nullptr;
  bool stopping = false;
  Writer *wrap = nullptr;
};

class Writer : public Napi::ObjectWrap<Writer> {
public:
  explicit Writer(const Napi::CallbackInfo &info)
      : Napi::ObjectWrap<Writer>(info) {
    kg_failure failure;
    RingOptions options(info);
    // Nobody would close what an object holds that was not wrapped.
    if (IsEmpty() || options.get() == nullptr) {
      return;
    }
    if (kg_writer_open(options.get(), &writer_, &failure) != KG_OK) {
      Throw(info.Env(), failure);
      return;
    }
    // Functions that carry their object with them: looking it up behind
    // `this` would cost as much as the rest of the call. They are the
    // object's own properties and lib/ never takes them off it, so they do
    // not outlive it.
    Value().Set("write", Napi::Function::New<Write>(info.Env(), "write", this));
    Value().Set("stage", Napi::Function::New<Stage>(info.Env(), "stage", this));
  }

  ~Writer() override {
    StopRoom();
    kg_writer_close(writer_);
  }

  // (threatType, facts, timestampUs, source, details, id?, context?,
  // deflatedTail?), all of them checked by lib/threat-event.js.
  // Nothing here calls back into JavaScript, so nothing can come between
  // staging and publishing.
  static Napi::Value Write(const Napi::CallbackInfo &info) {
    Writer *self = static_cast<Writer *>(info.Data());
    int64_t result = self->With(info, [self](const kg_threat &threat) {
      return kg_writer_write(self->writer_, &threat);
    });
    return Result(info.Env(), result);
  }

  static Napi::Value Stage(const Napi::CallbackInfo &info) {
    Writer *self = static_cast<Writer *>(info.Data());
    int64_t result =
        self->With(info, [self](const kg_threat &threat) -> int64_t {
          return kg_writer_stage(self->writer_, &threat);
        });
    if (result < 0 && self->writer_ != nullptr) {
      kg_writer_discard(self->writer_);
    }
    return Result(info.Env(), result);
  }

  Napi::Value Commit(const Napi::CallbackInfo &info) {
    int64_t result =
        writer_ == nullptr ? int64_t{KG_E_CLOSED} : kg_writer_commit(writer_);
    return Result(info.Env(), result);
  }

  Napi::Value Beat(const Napi::CallbackInfo &info) {
    kg_failure failure;
    if (writer_ == nullptr) {
      return Throw(info.Env(), KG_E_CLOSED, "");
    }
    if (kg_writer_beat(writer_, &failure) != KG_OK) {
      return Throw(info.Env(), failure);
    }
    return info.Env().Undefined();
  }

  // (sequence): the last event that is published by other means.
  Napi::Value SkipTo(const Napi::CallbackInfo &info) {
    if (writer_ != nullptr) {
      kg_writer_skip_to(writer_, static_cast<uint64_t>(
                                     info[0].As<Napi::Number>().Int64Value()));
    }
    return info.Env().Undefined();
  }

  // (slots): whether so many can be written now.
  Napi::Value HasRoom(const Napi::CallbackInfo &info) {
    bool has = writer_ != nullptr &&
               kg_writer_wait_for_room(writer_,
                                       info[0].As<Napi::Number>().Uint32Value(),
                                       0) == KG_OK;
    return Napi::Boolean::New(info.Env(), has);
  }

  // (onRoom): called when readers made room for one that was refused. False
  // where nobody rings.
  Napi::Value StartRoom(const Napi::CallbackInfo &info) {
    Napi::Env env = info.Env();
    uv_loop_t *loop = nullptr;
    if (writer_ == nullptr || room_ != nullptr) {
      return Throw(env, KG_E_CLOSED, "");
    }
    RoomState *state = new RoomState();
    state->wrap = this;
    if (napi_get_uv_event_loop(env, &loop) != napi_ok ||
        kg_room_poll_start(&state->poll, loop, writer_, OnRoom, state) != 0) {
      delete state;
      return Napi::Boolean::New(env, false);
    }
    room_ = state;
    on_room_ = Napi::Persistent(info[0].As<Napi::Function>());
    napi_add_async_cleanup_hook(env, OnCleanup, state, &state->hook);
    return Napi::Boolean::New(env, true);
  }

  // The reliable readers: [{ cell, cursor, lag, evicted, alive }].
  Napi::Value Readers(const Napi::CallbackInfo &info) {
    Napi::Env env = info.Env();
    kg_attached_reader readers[KG_READER_CELLS];
    uint32_t count = writer_ == nullptr
                         ? 0
                         : kg_writer_readers(writer_, readers, KG_READER_CELLS);
    Napi::Array list = Napi::Array::New(env, count);
    for (uint32_t i = 0; i < count; i++) {
      Napi::Object reader = Napi::Object::New(env);
      reader.Set("cell", readers[i].cell);
      reader.Set("cursor", static_cast<double>(readers[i].cursor));
      reader.Set("lag", static_cast<double>(readers[i].lag));
      reader.Set("evicted", readers[i].evicted);
      reader.Set("alive", readers[i].alive);
      list.Set(i, reader);
    }
    return list;
  }

  Napi::Value Stats(const Napi::CallbackInfo &info) {
    Napi::Env env = info.Env();
    if (writer_ == nullptr) {
      return Throw(env, KG_E_CLOSED, "");
    }
    kg_ring_info ring;
    kg_writer_stats stats;
    kg_writer_info(writer_, &ring);
    kg_writer_stats_get(writer_, &stats);
    Napi::Object object = RingInfo(env, ring);
    object.Set("published", static_cast<double>(stats.published));
    object.Set("sequence", static_cast<double>(stats.sequence));
    object.Set("bytes", static_cast<double>(stats.bytes));
    object.Set("bells", static_cast<double>(stats.bells));
    object.Set("replaced", static_cast<double>(stats.replaced));
    object.Set("overwritten", static_cast<double>(stats.overwritten));
    object.Set("rejected", static_cast<double>(stats.rejected));
    object.Set("wanted", stats.wanted);
    object.Set("evicted", static_cast<double>(stats.evicted));
    return object;
  }

  Napi::Value Close(const Napi::CallbackInfo &info) {
    StopRoom();
    on_room_.Reset();
    kg_writer_close(writer_);
    writer_ = nullptr;
    return info.Env().Undefined();
  }

private:
  void StopRoom() {
    if (room_ != nullptr) {
      room_->wrap = nullptr;
      Stop(room_);
      room_ = nullptr;
    }
  }

  static void Stop(RoomState *state) {
    if (!state->stopping) {
      state->stopping = true;
      kg_room_poll_stop(state->poll, OnStopped);
    }
  }

  static void OnStopped(void *data) {
    RoomState *state = static_cast<RoomState *>(data);
    napi_async_cleanup_hook_handle hook = state->hook;
    if (state->wrap != nullptr) {
      state->wrap->room_ = nullptr;
    }
    delete state;
    // Last: the environment may end with it.
    if (hook != nullptr) {
      napi_remove_async_cleanup_hook(hook);
    }
  }

  static void OnCleanup(napi_async_cleanup_hook_handle, void *data) {
    Stop(static_cast<RoomState *>(data));
  }

  static void OnRoom(void *data) {
    Writer *wrap = static_cast<RoomState *>(data)->wrap;
    if (wrap != nullptr) {
      CallFromLoop(wrap->Env(), wrap->on_room_);
    }
  }

  template <typename Action>
  int64_t With(const Napi::CallbackInfo &info, Action action) {
    napi_env env = info.Env();
    Utf8 source;
    Utf8 details;
    kg_threat threat = {};
    double timestamp = 0;
    uint32_t facts = 0;
    if (writer_ == nullptr) {
      return KG_E_CLOSED;
    }
    if (napi_get_value_uint32(env, info[0], &threat.threat_type) != napi_ok ||
        napi_get_value_uint32(env, info[1], &facts) != napi_ok ||
        napi_get_value_double(env, info[2], &timestamp) != napi_ok) {
      return KG_E_INVALID_THREAT;
    }
    int result =
        source.Read(env, info[3], (facts >> kSourceShift) & kMaxLength);
    if (result == KG_OK) {
      result =
          details.Read(env, info[4], (facts >> kDetailsShift) & kMaxLength);
    }
    if (result != KG_OK) {
      return result;
    }
    threat.severity = static_cast<uint8_t>(facts);
    threat.blocked = (facts & kBlocked) != 0;
    threat.timestamp_us = static_cast<uint64_t>(timestamp);
    threat.source = source.text();
    threat.details = details.text();
    if (info.Length() <= 5) {
      return action(threat);
    }
    // Apart, so that the usual threat does not pay for their buffers.
    return WithMore(info, &threat, action);
  }

  template <typename Action>
  int64_t WithMore(const Napi::CallbackInfo &info, kg_threat *threat,
                   Action action) {
    Utf8 id;
    Utf8 context;
    napi_env env = info.Env();
    if (info.Length() > 7 && info[7].IsBuffer()) {
      void *bytes = nullptr;
      size_t length = 0;
      napi_get_buffer_info(env, info[7], &bytes, &length);
      threat->deflated = {static_cast<const char *>(bytes), length};
    }
    int result = info[5].IsUndefined() ? KG_OK : id.Read(env, info[5]);
    if (result == KG_OK && !info[6].IsUndefined()) {
      result = context.Read(env, info[6]);
    }
    if (result != KG_OK) {
      return result;
    }
    threat->id = id.text();
    threat->context = context.text();
    return action(*threat);
  }

  static Napi::Value Result(Napi::Env env, int64_t result) {
    if (result < 0) {
      return Throw(env, static_cast<int>(result), "");
    }
    return Napi::Number::New(env, static_cast<double>(result));
  }

  kg_writer *writer_ = nullptr;
  RoomState *room_ = nullptr;
  Napi::FunctionReference on_room_;
};

// A ring's lock without the ring.
class Lock : public Napi::ObjectWrap<Lock> {
public:
  explicit Lock(const Napi::CallbackInfo &info) : Napi::ObjectWrap<Lock>(info) {
    kg_failure failure;
    RingOptions options(info);
    if (IsEmpty() || options.get() == nullptr) {
      return;
    }
    if (kg_lock_take(options.get(), &lock_, &failure) != KG_OK) {
      Throw(info.Env(), failure);
    }
  }

  ~Lock() override {
    kg_lock_free(lock_);
  }

  Napi::Value Free(const Napi::CallbackInfo &info) {
    kg_lock_free(lock_);
    lock_ = nullptr;
    return info.Env().Undefined();
  }

private:
  kg_lock *lock_ = nullptr;
};

} // namespace

Napi::Function DefineWriter(Napi::Env env) {
  return Napi::ObjectWrap<Writer>::DefineClass(
      env, "Writer",
      {Napi::ObjectWrap<Writer>::InstanceMethod<&Writer::Commit>("commit"),
       Napi::ObjectWrap<Writer>::InstanceMethod<&Writer::Beat>("beat"),
       Napi::ObjectWrap<Writer>::InstanceMethod<&Writer::SkipTo>("skipTo"),
       Napi::ObjectWrap<Writer>::InstanceMethod<&Writer::HasRoom>("hasRoom"),
       Napi::ObjectWrap<Writer>::InstanceMethod<&Writer::StartRoom>(
           "startRoom"),
       Napi::ObjectWrap<Writer>::InstanceMethod<&Writer::Readers>("readers"),
       Napi::ObjectWrap<Writer>::InstanceMethod<&Writer::Stats>("stats"),
       Napi::ObjectWrap<Writer>::InstanceMethod<&Writer::Close>("close")});
}

Napi::Function DefineLock(Napi::Env env) {
  return Napi::ObjectWrap<Lock>::DefineClass(
      env, "Lock",
      {Napi::ObjectWrap<Lock>::InstanceMethod<&Lock::Free>("free")});
}

} // namespace kg
