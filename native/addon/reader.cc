// Reader: kg_reader and its poll thread for JavaScript.
extern "C" {
#include "../file/reader.h"
#include "../loop/poller.h"
#include "../platform/platform.h"
}
#include "addon.h"
#include "loop_handle.h"
#include "protocol.h"

namespace kg {
namespace {

class Reader;

// A reader that is polled; it may outlive its Reader object.
class Polling : public LoopHandle {
public:
  Polling(Reader *owner, kg_reader *reader) : owner_(owner), reader_(reader) {}

  // 0, or a negative error of libuv and nothing was started.
  int Start(Napi::Env env, double spin_micros, bool by_thread,
            const Napi::Value &on_wake) {
    uv_loop_t *loop = nullptr;
    int result = napi_get_uv_event_loop(env, &loop) == napi_ok
                     ? kg_poller_start(
                           &poller_, loop, reader_,
                           static_cast<uint64_t>(spin_micros * 1000), by_thread,
                           OnEvent, static_cast<LoopHandle *>(this))
                     : UV_EINVAL;
    if (result != 0) {
      delete this;
      return result;
    }
    Started(env, on_wake);
    kg_poller_hold(poller_, false);
    return 0;
  }

  kg_poller *poller() const {
    return poller_;
  }
  // The object is gone.
  void Disown() {
    owner_ = nullptr;
    Abandon();
  }

private:
  void BeginStop() override {
    kg_poller_stop(poller_, OnStopped);
  }
  void Stopped(bool may_call) override;

  Reader *owner_;
  kg_reader *reader_;
  kg_poller *poller_ = nullptr;
};

class Reader : public Napi::ObjectWrap<Reader> {
public:
  explicit Reader(const Napi::CallbackInfo &info)
      : Napi::ObjectWrap<Reader>(info) {
    if (!IsEmpty()) {
      reader_ = Open(info, kg_reader_open);
    }
  }

  ~Reader() override {
    if (polling_ == nullptr) {
      kg_reader_close(reader_);
    } else {
      // Only at the end of the environment: what is polled has a reference.
      polling_->Disown();
    }
  }

  // (from: 0 latest | 1 oldest | 2 sequence, sequence)
  Napi::Value Seek(const Napi::CallbackInfo &info) {
    int result = kg_reader_seek(
        reader_, static_cast<kg_from>(info[0].As<Napi::Number>().Uint32Value()),
        static_cast<uint64_t>(info[1].As<Napi::Number>().Int64Value()));
    return result == KG_OK ? info.Env().Undefined()
                           : Throw(info.Env(), result, "from");
  }

  // (sequence, priority): goes on behind that event. `priority`: the priority
  // events up to it, KG_UNKNOWN.
  Napi::Value SeekAfter(const Napi::CallbackInfo &info) {
    int result = kg_reader_seek_after(
        reader_, static_cast<uint64_t>(info[0].As<Napi::Number>().Int64Value()),
        ToPriority(info[1].As<Napi::Number>().DoubleValue()));
    return result == KG_OK ? info.Env().Undefined()
                           : Throw(info.Env(), result, "after");
  }

  // (slots: ArrayBuffer, fields: Float64Array): where read() leaves what it
  // brings. JavaScript owns both and detaches neither.
  void SetBuffers(const Napi::CallbackInfo &info) {
    Napi::ArrayBuffer slots = info[0].As<Napi::ArrayBuffer>();
    Napi::Float64Array fields = info[1].As<Napi::Float64Array>();
    slots_reference_ = Napi::Persistent(slots.As<Napi::Object>());
    fields_reference_ = Napi::Persistent(fields.As<Napi::Object>());
    slots_ = slots.Data();
    slot_count_ = static_cast<uint32_t>(slots.ByteLength() / KG_SLOT_BYTES);
    fields_ = fields.Data();
  }

  // (onDetails): fills the buffers; returns the number of events. Before that
  // it hands their `details` to the function, as the lead slots have them, so
  // many at a time as there are arguments: making a string here costs a quarter
  // of what it does from JavaScript. Where the function throws, it gets no
  // more. It comes with each call, since whatever it refers to would never be
  // collected if this object held it.
  Napi::Value Read(const Napi::CallbackInfo &info) {
    kg_batch batch;
    int result = kg_reader_read(reader_, slots_, slot_count_, &batch);
    if (result != KG_OK) {
      return Throw(info.Env(), result);
    }
    fields_[KG_READ_LOST] = static_cast<double>(batch.lost);
    fields_[KG_READ_LOST_FROM] = static_cast<double>(batch.lost_from);
    fields_[KG_READ_LOST_TO] = static_cast<double>(batch.lost_to);
    fields_[KG_READ_LOST_PRIORITY] = FromPriority(batch.lost_priority);
    fields_[KG_READ_LOSS_REASON] = batch.loss_reason;
    fields_[KG_READ_SLOTS_NEEDED] = batch.slots_needed;
    fields_[KG_READ_MORE] = batch.more ? 1 : 0;
    fields_[KG_READ_NOW_NS] = static_cast<double>(kg__clock_monotonic_ns());
    fields_[KG_READ_TIMED_FROM] =
        static_cast<double>(kg__reader_timed_from(reader_));
    HandOutDetails(info.Env(), info[0], batch.events);
    return Napi::Number::New(info.Env(), batch.events);
  }

  // (onWake, spinMicros, byThread?): starts the poll thread.
  Napi::Value Start(const Napi::CallbackInfo &info) {
    Napi::Env env = info.Env();
    if (polling_ != nullptr) {
      return Throw(env, KG_E_CLOSED);
    }
    Polling *polling = new Polling(this, reader_);
    double spin_micros = info[1].As<Napi::Number>().DoubleValue();
    bool by_thread = info[2].ToBoolean().Value();
    int result = polling->Start(env, spin_micros, by_thread, info[0]);
    if (result != 0) {
      return Throw(env, KG_E_SYSTEM, uv_strerror(result));
    }
    polling_ = polling;
    Ref();
    return env.Undefined();
  }

  // Whether head moved since the last read() that left nothing.
  Napi::Value Unread(const Napi::CallbackInfo &info) {
    bool unread = reader_ != nullptr &&
                  kg__reader_head(reader_) != kg__reader_seen(reader_);
    return Napi::Boolean::New(info.Env(), unread);
  }

  // Everything was read: KG_STATE_UNREAD when there is more already, else what
  // state() says.
  Napi::Value Arm(const Napi::CallbackInfo &info) {
    return IsPolling() && kg_poller_arm(polling_->poller())
               ? Napi::Number::New(info.Env(), KG_STATE_UNREAD)
               : Napi::Number::New(info.Env(), PolledState());
  }

  // (hold: boolean): whether the poll thread holds the event loop open.
  void Hold(const Napi::CallbackInfo &info) {
    if (IsPolling()) {
      kg_poller_hold(polling_->poller(), info[0].As<Napi::Boolean>().Value());
    }
  }

  // The place of the ring and the life of its writer: see kg__reader_state.
  // (fresh: boolean) looks at the file now instead of taking the thread's last
  // look.
  Napi::Value State(const Napi::CallbackInfo &info) {
    bool is_fresh = info[0].As<Napi::Boolean>().Value();
    return Napi::Number::New(info.Env(), is_fresh && reader_ != nullptr
                                             ? kg__reader_state(reader_)
                                             : PolledState());
  }

  // Where the pages of the ring are.
  Napi::Value Memory(const Napi::CallbackInfo &info) {
    return kg::Memory(info.Env(), static_cast<const kg_reader *>(reader_),
                      kg__reader_is_placed(reader_), kg_reader_memory);
  }

  Napi::Value Stats(const Napi::CallbackInfo &info) {
    Napi::Env env = info.Env();
    kg_ring_info ring;
    kg_reader_stats stats;
    kg_reader_info(reader_, &ring);
    kg_reader_stats_get(reader_, &stats);
    Napi::Object object = RingInfo(env, ring);
    object.Set("received", static_cast<double>(stats.received));
    object.Set("lost", static_cast<double>(stats.lost));
    object.Set("rescued", static_cast<double>(stats.rescued));
    object.Set("corrupt", static_cast<double>(stats.corrupt));
    object.Set("bytes", static_cast<double>(stats.bytes));
    object.Set("sequence", static_cast<double>(stats.sequence));
    object.Set("published", static_cast<double>(stats.published));
    object.Set("expected", static_cast<double>(stats.expected));
    object.Set("priority", FromPriority(stats.priority));
    object.Set("writerStartUs", static_cast<double>(stats.writer_start_us));
    object.Set("reliable", stats.reliable);
    return object;
  }

  // (onClosed?): ends the poll thread, then unmaps the ring.
  void Close(const Napi::CallbackInfo &info) {
    if (polling_ == nullptr) {
      kg_reader_close(reader_);
      reader_ = nullptr;
      info[0].As<Napi::Function>().Call({});
    } else if (!polling_->is_stopping()) {
      on_closed_ = Napi::Persistent(info[0].As<Napi::Function>());
      polling_->Stop();
    }
  }

  // What polled it has ended and closed the reader.
  void Stopped(bool may_call) {
    reader_ = nullptr;
    polling_ = nullptr;
    if (may_call) {
      Napi::HandleScope scope(Env());
      CallFromLoop(Env(), on_closed_);
      on_closed_.Reset();
      // Last: nobody else may hold this object.
      Unref();
    }
  }

  // A method of an object that must not be closed.
  template <Napi::Value (Reader::*kMethod)(const Napi::CallbackInfo &)>
  Napi::Value IfOpen(const Napi::CallbackInfo &info) {
    return reader_ == nullptr ? Throw(info.Env(), KG_E_CLOSED)
                              : (this->*kMethod)(info);
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
    return polling_ != nullptr && !polling_->is_stopping();
  }

  // The last look, if somebody looks.
  uint32_t PolledState() const {
    if (IsPolling()) {
      return kg_poller_state(polling_->poller());
    }
    return reader_ != nullptr ? kg__reader_state(reader_)
                              : KG_STATE_ERROR * -KG_E_CLOSED + KG_WRITER_GONE;
  }

  kg_reader *reader_ = nullptr;
  Polling *polling_ = nullptr;
  void *slots_ = nullptr;
  uint32_t slot_count_ = 0;
  double *fields_ = nullptr;
  Napi::ObjectReference slots_reference_;
  Napi::ObjectReference fields_reference_;
  Napi::FunctionReference on_closed_;
};

void Polling::Stopped(bool may_call) {
  kg_reader_close(reader_);
  if (owner_ != nullptr) {
    owner_->Stopped(may_call);
  }
}

} // namespace

Napi::Function DefineReader(Napi::Env env) {
  using Wrap = Napi::ObjectWrap<Reader>;
  return Wrap::DefineClass(
      env, "Reader",
      {Wrap::InstanceMethod<&Reader::IfOpen<&Reader::Seek>>("seek"),
       Wrap::InstanceMethod<&Reader::IfOpen<&Reader::SeekAfter>>("seekAfter"),
       Wrap::InstanceMethod<&Reader::SetBuffers>("setBuffers"),
       Wrap::InstanceMethod<&Reader::IfOpen<&Reader::Read>>("read"),
       Wrap::InstanceMethod<&Reader::IfOpen<&Reader::Start>>("start"),
       Wrap::InstanceMethod<&Reader::Unread>("unread"),
       Wrap::InstanceMethod<&Reader::Arm>("arm"),
       Wrap::InstanceMethod<&Reader::Hold>("hold"),
       Wrap::InstanceMethod<&Reader::State>("state"),
       Wrap::InstanceMethod<&Reader::IfOpen<&Reader::Stats>>("stats"),
       Wrap::InstanceMethod<&Reader::IfOpen<&Reader::Memory>>("memory"),
       Wrap::InstanceMethod<&Reader::Close>("close")});
}

} // namespace kg
