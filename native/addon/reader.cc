// Reader: kg_reader and its poll thread for JavaScript.
#include "../file/reader.h"
#include "../loop/poller.h"
#include "../platform/platform.h"
#include "addon.h"

namespace kg {
namespace {

class Reader;

// What outlives a Reader object whose poll thread has yet to end. `wrap` is
// null once JavaScript can no longer be called.
struct ReaderState {
  napi_env env = nullptr;
  kg_reader *reader = nullptr;
  kg_poller *poller = nullptr;
  bool stopping = false;
  napi_async_cleanup_hook_handle hook = nullptr;
  Reader *wrap = nullptr;
};

// The fields of the array that read() fills, in the order lib/shm-client.js
// names them.
enum ReadField {
  kSlots,
  kEvents,
  kLost,
  kLostFrom,
  kLostTo,
  kLossReason,
  kSlotsNeeded,
  kMore,
  kNowNs,
  kTimedFrom,
  kReadFields
};

class Reader : public Napi::ObjectWrap<Reader> {
public:
  explicit Reader(const Napi::CallbackInfo &info)
      : Napi::ObjectWrap<Reader>(info), state_(new ReaderState()) {
    kg_failure failure;
    RingOptions options(info);
    state_->env = info.Env();
    state_->wrap = this;
    // Nobody would close what an object holds that was not wrapped.
    if (IsEmpty() || options.get() == nullptr) {
      return;
    }
    if (kg_reader_open(options.get(), &state_->reader, &failure) != KG_OK) {
      Throw(info.Env(), failure);
    }
  }

  ~Reader() override {
    if (state_->poller == nullptr) {
      kg_reader_close(state_->reader);
      delete state_;
      return;
    }
    // Only at the end of the environment: a running poller holds a reference.
    state_->wrap = nullptr;
    Stop(state_);
  }

  // (from: 0 latest | 1 oldest | 2 sequence, sequence)
  Napi::Value Seek(const Napi::CallbackInfo &info) {
    if (state_->reader == nullptr) {
      return Throw(info.Env(), KG_E_CLOSED, "");
    }
    int result = kg_reader_seek(
        state_->reader,
        static_cast<kg_from>(info[0].As<Napi::Number>().Uint32Value()),
        static_cast<uint64_t>(info[1].As<Napi::Number>().Int64Value()));
    return result == KG_OK ? info.Env().Undefined()
                           : Throw(info.Env(), result, "from");
  }

  // (slots: ArrayBuffer, fields: Float64Array): where read() leaves what it
  // brings. JavaScript owns both and detaches neither.
  Napi::Value SetBuffers(const Napi::CallbackInfo &info) {
    Napi::ArrayBuffer slots = info[0].As<Napi::ArrayBuffer>();
    Napi::Float64Array fields = info[1].As<Napi::Float64Array>();
    slots_reference_ = Napi::Persistent(slots.As<Napi::Object>());
    fields_reference_ = Napi::Persistent(fields.As<Napi::Object>());
    slots_ = slots.Data();
    slot_count_ = static_cast<uint32_t>(slots.ByteLength() / KG_SLOT_BYTES);
    fields_ = fields.Data();
    return info.Env().Undefined();
  }

  // (onDetails): fills the buffers; returns the number of events. Before that
  // it hands their `details` to the function, as the lead slots have them, so
  // many at a time as there are arguments: making a string here costs a quarter
  // of what it does from JavaScript. Where the function throws, it gets no
  // more. It comes with each call, since whatever it refers to would never be
  // collected if this object held it.
  Napi::Value Read(const Napi::CallbackInfo &info) {
    kg_batch batch;
    if (state_->reader == nullptr) {
      return Throw(info.Env(), KG_E_CLOSED, "");
    }
    int result = kg_reader_read(state_->reader, slots_, slot_count_, &batch);
    if (result != KG_OK) {
      return Throw(info.Env(), result, "");
    }
    fields_[kSlots] = batch.slots;
    fields_[kEvents] = batch.events;
    fields_[kLost] = static_cast<double>(batch.lost);
    fields_[kLostFrom] = static_cast<double>(batch.lost_from);
    fields_[kLostTo] = static_cast<double>(batch.lost_to);
    fields_[kLossReason] = batch.loss_reason;
    fields_[kSlotsNeeded] = batch.slots_needed;
    fields_[kMore] = batch.more ? 1 : 0;
    fields_[kNowNs] = static_cast<double>(kg__clock_monotonic_ns());
    fields_[kTimedFrom] =
        static_cast<double>(kg__reader_timed_from(state_->reader));
    HandOutDetails(info.Env(), info[0], batch.events);
    return Napi::Number::New(info.Env(), batch.events);
  }

  // (onWake, spinMicros): starts the poll thread.
  Napi::Value Start(const Napi::CallbackInfo &info) {
    Napi::Env env = info.Env();
    if (state_->reader == nullptr || state_->poller != nullptr) {
      return Throw(env, KG_E_CLOSED, "");
    }
    uv_loop_t *loop = nullptr;
    double micros = info[1].As<Napi::Number>().DoubleValue();
    int result = napi_get_uv_event_loop(env, &loop) == napi_ok
                     ? kg_poller_start(&state_->poller, loop, state_->reader,
                                       static_cast<uint64_t>(micros * 1000),
                                       OnWake, state_)
                     : UV_EINVAL;
    if (result != 0) {
      state_->poller = nullptr;
      return Throw(env, KG_E_SYSTEM, uv_strerror(result));
    }
    on_wake_ = Napi::Persistent(info[0].As<Napi::Function>());
    // The thread must not outlive this environment, nor the object it.
    napi_add_async_cleanup_hook(env, OnCleanup, state_, &state_->hook);
    Ref();
    kg_poller_unref(state_->poller);
    return env.Undefined();
  }

  // Whether head moved since the last read() that left nothing.
  Napi::Value Unread(const Napi::CallbackInfo &info) {
    bool unread =
        state_->reader != nullptr &&
        kg__reader_head(state_->reader) != kg__reader_seen(state_->reader);
    return Napi::Boolean::New(info.Env(), unread);
  }

  // Everything was read: true when there is more already.
  Napi::Value Arm(const Napi::CallbackInfo &info) {
    bool more = IsPolling() && kg_poller_arm(state_->poller);
    return Napi::Boolean::New(info.Env(), more);
  }

  // (hold: boolean): whether the poll thread holds the event loop open.
  Napi::Value Hold(const Napi::CallbackInfo &info) {
    if (IsPolling()) {
      if (info[0].As<Napi::Boolean>().Value()) {
        kg_poller_ref(state_->poller);
      } else {
        kg_poller_unref(state_->poller);
      }
    }
    return info.Env().Undefined();
  }

  // The place of the ring and the life of its writer, in one number: the
  // negative error of kg_reader_check times -256, plus enum kg_writer_life.
  // (fresh: boolean) looks at the file now instead of taking the thread's
  // last look.
  Napi::Value State(const Napi::CallbackInfo &info) {
    kg_writer_life life = KG_WRITER_GONE;
    int result = KG_E_CLOSED;
    if (IsPolling() && !info[0].As<Napi::Boolean>().Value()) {
      result = kg_poller_state(state_->poller, &life);
      if (result == KG_OK && kg__reader_is_retired(state_->reader)) {
        result = KG_E_NO_RING;
      }
    } else if (state_->reader != nullptr) {
      result = kg_reader_check(state_->reader, &life);
    }
    return Napi::Number::New(info.Env(), -result * 256 + life);
  }

  Napi::Value Stats(const Napi::CallbackInfo &info) {
    Napi::Env env = info.Env();
    if (state_->reader == nullptr) {
      return Throw(env, KG_E_CLOSED, "");
    }
    kg_ring_info ring;
    kg_reader_stats stats;
    kg_reader_info(state_->reader, &ring);
    kg_reader_stats_get(state_->reader, &stats);
    Napi::Object object = RingInfo(env, ring);
    object.Set("received", static_cast<double>(stats.received));
    object.Set("lost", static_cast<double>(stats.lost));
    object.Set("corrupt", static_cast<double>(stats.corrupt));
    object.Set("bytes", static_cast<double>(stats.bytes));
    object.Set("sequence", static_cast<double>(stats.sequence));
    object.Set("published", static_cast<double>(stats.published));
    object.Set("expected", static_cast<double>(stats.expected));
    object.Set("writerStartUs", static_cast<double>(stats.writer_start_us));
    object.Set("reliable", stats.reliable);
    return object;
  }

  // (onClosed?): ends the poll thread, then unmaps the ring.
  Napi::Value Close(const Napi::CallbackInfo &info) {
    Napi::Env env = info.Env();
    if (state_->poller == nullptr) {
      kg_reader_close(state_->reader);
      state_->reader = nullptr;
      info[0].As<Napi::Function>().Call({});
    } else if (!state_->stopping) {
      on_closed_ = Napi::Persistent(info[0].As<Napi::Function>());
      Stop(state_);
    }
    return env.Undefined();
  }

private:
  // Those of the first `events` in the buffer.
  void HandOutDetails(napi_env env, napi_value on_details, uint32_t events) {
    constexpr uint32_t kMostArguments = 256;
    napi_value texts[kMostArguments];
    const kg_slot *slot = static_cast<const kg_slot *>(slots_);
    while (events > 0) {
      uint32_t count = events < kMostArguments ? events : kMostArguments;
      for (uint32_t i = 0; i < count; i++, slot += slot->span) {
        const char *details =
            reinterpret_cast<const char *>(slot->body.event.details);
        if (CreateText(env, details, slot->details_used, &texts[i]) !=
            napi_ok) {
          return;
        }
      }
      napi_value receiver;
      napi_value result;
      if (napi_get_undefined(env, &receiver) != napi_ok ||
          napi_call_function(env, receiver, on_details, count, texts,
                             &result) != napi_ok) {
        // The stack was full. The events are read, and nobody would count
        // them if read() threw.
        napi_get_and_clear_last_exception(env, &result);
        return;
      }
      events -= count;
    }
  }

  static napi_status CreateText(napi_env env, const char *bytes, size_t length,
                                napi_value *text) {
    unsigned char all = 0;
    for (size_t i = 0; i < length; i++) {
      all |= static_cast<unsigned char>(bytes[i]);
    }
    return all < 0x80 ? napi_create_string_latin1(env, bytes, length, text)
                      : napi_create_string_utf8(env, bytes, length, text);
  }

  bool IsPolling() const {
    return state_->poller != nullptr && !state_->stopping;
  }

  static void Stop(ReaderState *state) {
    if (!state->stopping) {
      state->stopping = true;
      kg_poller_stop(state->poller, OnStopped);
    }
  }

  static void OnWake(void *data) {
    ReaderState *state = static_cast<ReaderState *>(data);
    if (state->wrap != nullptr) {
      CallFromLoop(state->wrap->Env(), state->wrap->on_wake_);
    }
  }

  static void OnStopped(void *data) {
    ReaderState *state = static_cast<ReaderState *>(data);
    napi_async_cleanup_hook_handle hook = state->hook;
    Reader *wrap = state->wrap;
    kg_reader_close(state->reader);
    state->reader = nullptr;
    state->poller = nullptr;
    if (wrap == nullptr) {
      delete state;
    } else if (!wrap->cleaning_up_) {
      wrap->Finished();
    }
    // Last: the environment may end with it.
    if (hook != nullptr) {
      napi_remove_async_cleanup_hook(hook);
    }
  }

  static void OnCleanup(napi_async_cleanup_hook_handle, void *data) {
    ReaderState *state = static_cast<ReaderState *>(data);
    if (state->wrap != nullptr) {
      state->wrap->cleaning_up_ = true;
    }
    Stop(state);
  }

  void Finished() {
    Napi::HandleScope scope(Env());
    state_->stopping = false;
    state_->hook = nullptr;
    on_wake_.Reset();
    CallFromLoop(Env(), on_closed_);
    on_closed_.Reset();
    // Last: nobody else may hold this object.
    Unref();
  }

  ReaderState *state_;
  bool cleaning_up_ = false;
  void *slots_ = nullptr;
  uint32_t slot_count_ = 0;
  double *fields_ = nullptr;
  Napi::ObjectReference slots_reference_;
  Napi::ObjectReference fields_reference_;
  Napi::FunctionReference on_wake_;
  Napi::FunctionReference on_closed_;
};

} // namespace

Napi::Function DefineReader(Napi::Env env) {
  return Napi::ObjectWrap<Reader>::DefineClass(
      env, "Reader",
      {Napi::ObjectWrap<Reader>::InstanceMethod<&Reader::Seek>("seek"),
       Napi::ObjectWrap<Reader>::InstanceMethod<&Reader::SetBuffers>(
           "setBuffers"),
       Napi::ObjectWrap<Reader>::InstanceMethod<&Reader::Read>("read"),
       Napi::ObjectWrap<Reader>::InstanceMethod<&Reader::Start>("start"),
       Napi::ObjectWrap<Reader>::InstanceMethod<&Reader::Unread>("unread"),
       Napi::ObjectWrap<Reader>::InstanceMethod<&Reader::Arm>("arm"),
       Napi::ObjectWrap<Reader>::InstanceMethod<&Reader::Hold>("hold"),
       Napi::ObjectWrap<Reader>::InstanceMethod<&Reader::State>("state"),
       Napi::ObjectWrap<Reader>::InstanceMethod<&Reader::Stats>("stats"),
       Napi::ObjectWrap<Reader>::InstanceMethod<&Reader::Close>("close")});
}

} // namespace kg
