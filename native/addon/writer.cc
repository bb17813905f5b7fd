// Writer: kg_writer for JavaScript.
#include "addon.h"
#include "protocol.h"
#include "space_polling.h"
#include "text.h"

namespace kg {
namespace {

class Writer : public Napi::ObjectWrap<Writer> {
public:
  explicit Writer(const Napi::CallbackInfo &info)
      : Napi::ObjectWrap<Writer>(info) {
    if (IsEmpty() || (writer_ = Open(info, kg_writer_open)) == nullptr) {
      return;
    }
    // Functions that carry their object with them: looking it up behind
    // `this` would cost as much as the rest of the call. They are the
    // object's own properties and lib/ never takes them off it, so they do
    // not outlive it.
    SetFunction("write", Write);
    SetFunction("stage", Stage);
    SetFunction("stageMany", StageMany);
  }

  ~Writer() override {
    Release();
  }

  // (numbers: Float64Array): where the calls below find what is no text.
  // JavaScript owns it and does not detach it.
  Napi::Value SetNumbers(const Napi::CallbackInfo &info) {
    Napi::Float64Array numbers = info[0].As<Napi::Float64Array>();
    if (numbers.ElementLength() < 1 + KG_STAGE_COLUMNS * KG_STAGE_MOST) {
      return Throw(info.Env(), KG_E_INVALID_ARGUMENT);
    }
    numbers_reference_ = Napi::Persistent(numbers.As<Napi::Object>());
    numbers_ = numbers.Data();
    return info.Env().Undefined();
  }

  // (source, details, id?, context?, deflatedTail?), all of them checked by
  // lib/threat/check.js. The sequence comes back among the numbers.
  // Nothing here calls back into JavaScript, so nothing can come between
  // staging and publishing.
  static napi_value Write(napi_env env, napi_callback_info info) {
    Writer *self = nullptr;
    int64_t result = WithOne(env, info, &self, kg_writer_write);
    if (result < 0) {
      return Throw(env, static_cast<int>(result));
    }
    self->numbers_[0] = static_cast<double>(result);
    return nullptr;
  }

  // The same, for the next commit().
  static napi_value Stage(napi_env env, napi_callback_info info) {
    Writer *self = nullptr;
    int64_t result = WithOne(env, info, &self, StageOne);
    return result < 0 ? self->Fail(env, result) : nullptr;
  }

  // (texts, count): source and details of so many, one behind the other; how
  // long each is stands among the numbers.
  static napi_value StageMany(napi_env env, napi_callback_info info) {
    napi_value arguments[2];
    size_t count = 2;
    void *data = nullptr;
    uint32_t threats = 0;
    if (napi_get_cb_info(env, info, &count, arguments, nullptr, &data) !=
        napi_ok) {
      return nullptr;
    }
    Writer *self = static_cast<Writer *>(data);
    if (napi_get_value_uint32(env, arguments[1], &threats) != napi_ok ||
        threats > KG_STAGE_MOST) {
      return self->Fail(env, KG_E_INVALID_ARGUMENT);
    }
    int64_t result = self->StageJoined(env, arguments[0], threats);
    return result < 0 ? self->Fail(env, result) : nullptr;
  }

  Napi::Value Commit(const Napi::CallbackInfo &info) {
    int64_t result = kg_writer_commit(writer_);
    return result < 0
               ? Throw(info.Env(), static_cast<int>(result))
               : Napi::Number::New(info.Env(), static_cast<double>(result));
  }

  // Nothing of a batch that came to no end goes out with the next one.
  void Discard(const Napi::CallbackInfo &) {
    if (writer_ != nullptr) {
      kg_writer_discard(writer_);
    }
  }

  Napi::Value Beat(const Napi::CallbackInfo &info) {
    kg_failure failure;
    if (kg_writer_beat(writer_, &failure) != KG_OK) {
      return Throw(info.Env(), failure);
    }
    return info.Env().Undefined();
  }

  // (sequence, priority): the last event that is published by other means, and
  // the priority events up to it, KG_UNKNOWN.
  void SkipTo(const Napi::CallbackInfo &info) {
    if (writer_ != nullptr) {
      kg_writer_skip_to(
          writer_,
          static_cast<uint64_t>(info[0].As<Napi::Number>().Int64Value()),
          ToPriority(info[1].As<Napi::Number>().DoubleValue()));
    }
  }

  // (slots): whether so many can be written now.
  Napi::Value HasSpace(const Napi::CallbackInfo &info) {
    uint32_t slots = info[0].As<Napi::Number>().Uint32Value();
    bool has = writer_ != nullptr &&
               kg_writer_wait_for_space(writer_, slots, 0) == KG_OK;
    return Napi::Boolean::New(info.Env(), has);
  }

  // (onSpace): called when readers made space for one that was refused. False
  // where nobody tells.
  Napi::Value PollSpace(const Napi::CallbackInfo &info) {
    if (space_ != nullptr) {
      return Throw(info.Env(), KG_E_CLOSED);
    }
    SpacePolling *polling = new SpacePolling(&space_);
    return Napi::Boolean::New(info.Env(),
                              polling->Start(info.Env(), writer_, info[0]));
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

  // Where the pages of the ring are.
  Napi::Value Memory(const Napi::CallbackInfo &info) {
    return kg::Memory(info.Env(), static_cast<const kg_writer *>(writer_),
                      kg__writer_is_placed(writer_), kg_writer_memory);
  }

  Napi::Value Stats(const Napi::CallbackInfo &info) {
    Napi::Env env = info.Env();
    kg_ring_info ring;
    kg_writer_stats stats;
    kg_writer_info(writer_, &ring);
    kg_writer_stats_get(writer_, &stats);
    Napi::Object object = RingInfo(env, ring);
    object.Set("published", static_cast<double>(stats.published));
    object.Set("priority", stats.priority);
    object.Set("sequence", static_cast<double>(stats.sequence));
    object.Set("bytes", static_cast<double>(stats.bytes));
    object.Set("bells", static_cast<double>(stats.bells));
    object.Set("replaced", static_cast<double>(stats.replaced));
    object.Set("overwritten", static_cast<double>(stats.overwritten));
    object.Set("rejected", static_cast<double>(stats.rejected));
    object.Set("wanted", stats.wanted);
    object.Set("evicted", static_cast<double>(stats.evicted));
    object.Set("refuses", stats.refuses);
    return object;
  }

  void Close(const Napi::CallbackInfo &) {
    Release();
  }

  // A method of an object that must not be closed.
  template <Napi::Value (Writer::*kMethod)(const Napi::CallbackInfo &)>
  Napi::Value IfOpen(const Napi::CallbackInfo &info) {
    return writer_ == nullptr ? Throw(info.Env(), KG_E_CLOSED)
                              : (this->*kMethod)(info);
  }

private:
  void Release() {
    if (space_ != nullptr) {
      space_->Disown();
    }
    kg_writer_close(writer_);
    writer_ = nullptr;
  }

  using Action = int64_t (*)(kg_writer *, const kg_threat *);

  static int64_t StageOne(kg_writer *writer, const kg_threat *threat) {
    return kg_writer_stage(writer, threat);
  }

  // Nothing of a batch is left that could not be staged whole.
  napi_value Fail(napi_env env, int64_t error) {
    if (writer_ != nullptr) {
      kg_writer_discard(writer_);
    }
    return Throw(env, static_cast<int>(error));
  }

  static int64_t WithOne(napi_env env, napi_callback_info info, Writer **self,
                         Action action) {
    constexpr size_t kMost = 5;
    napi_value arguments[kMost];
    size_t count = kMost;
    void *data = nullptr;
    // Cannot fail with these arguments.
    napi_get_cb_info(env, info, &count, arguments, nullptr, &data);
    *self = static_cast<Writer *>(data);
    Utf8 source;
    Utf8 details;
    if (count == 2) {
      return (*self)->With(env, 0, arguments, &source, &details, nullptr,
                           action);
    }
    // Apart, so that the usual threat does not pay for their buffers.
    return (*self)->WithMore(env, arguments, &source, &details, action);
  }

  // The threats whose numbers are the first ones.
  int64_t StageJoined(napi_env env, napi_value texts, size_t count) {
    if (writer_ == nullptr) {
      return KG_E_CLOSED;
    }
    if (numbers_ == nullptr) {
      return KG_E_INVALID_ARGUMENT;
    }
    size_t length = 0;
    for (size_t i = 0; i < 2 * count; i++) {
      if (!(Length(i) >= 0 && Length(i) < kShort)) {
        return KG_E_INVALID_ARGUMENT;
      }
      length += static_cast<size_t>(Length(i));
    }
    int64_t result = joined_.Read(env, texts, length);
    for (size_t i = 0; i < count && result >= 0; i++) {
      Utf8 source;
      Utf8 details;
      joined_.Next(static_cast<size_t>(Length(2 * i)), &source);
      joined_.Next(static_cast<size_t>(Length(2 * i + 1)), &details);
      kg_threat threat = {};
      PutNumbers(i, &threat);
      threat.source = source.text();
      threat.details = details.text();
      result = kg_writer_stage(writer_, &threat);
    }
    return result;
  }

  // Units of UTF-16 that text `index` has: each threat has two of them.
  double Length(size_t index) const {
    return numbers_[1 + index / 2 * KG_STAGE_COLUMNS + KG_STAGE_SOURCE +
                    index % 2];
  }

  void PutNumbers(size_t index, kg_threat *threat) const {
    const double *numbers = &numbers_[1 + index * KG_STAGE_COLUMNS];
    uint32_t facts = static_cast<uint32_t>(numbers[KG_STAGE_FACTS]);
    threat->threat_type = static_cast<uint32_t>(numbers[KG_STAGE_TYPE]);
    threat->severity = static_cast<uint8_t>(facts);
    threat->blocked = (facts & KG_STAGE_BLOCKED) != 0;
    threat->timestamp_us = static_cast<uint64_t>(numbers[KG_STAGE_TIMESTAMP]);
  }

  int64_t WithMore(napi_env env, napi_value *arguments, Utf8 *source,
                   Utf8 *details, Action action) {
    Utf8 id;
    Utf8 context;
    kg_threat more = {};
    bool is_buffer = false;
    if (napi_is_buffer(env, arguments[4], &is_buffer) == napi_ok && is_buffer) {
      void *bytes = nullptr;
      size_t length = 0;
      napi_get_buffer_info(env, arguments[4], &bytes, &length);
      more.deflated = {static_cast<const char *>(bytes), length};
    }
    int result = ReadIfGiven(env, arguments[2], &id);
    if (result == KG_OK) {
      result = ReadIfGiven(env, arguments[3], &context);
    }
    if (result != KG_OK) {
      return result;
    }
    more.id = id.text();
    more.context = context.text();
    return With(env, 0, arguments, source, details, &more, action);
  }

  static int ReadIfGiven(napi_env env, napi_value value, Utf8 *text) {
    napi_valuetype type;
    if (napi_typeof(env, value, &type) != napi_ok) {
      return KG_E_INVALID_THREAT;
    }
    return type == napi_undefined ? KG_OK : text->Read(env, value);
  }

  // The threat whose numbers are the ones at `index`.
  int64_t With(napi_env env, size_t index, const napi_value *arguments,
               Utf8 *source, Utf8 *details, const kg_threat *more,
               Action action) {
    if (writer_ == nullptr) {
      return KG_E_CLOSED;
    }
    if (numbers_ == nullptr) {
      return KG_E_INVALID_ARGUMENT;
    }
    int result = source->Read(env, arguments[0]);
    if (result == KG_OK) {
      result = details->Read(env, arguments[1]);
    }
    if (result != KG_OK) {
      return result;
    }
    kg_threat threat = {};
    if (more != nullptr) {
      threat = *more;
    }
    PutNumbers(index, &threat);
    threat.source = source->text();
    threat.details = details->text();
    return action(writer_, &threat);
  }

  void SetFunction(const char *name, napi_callback callback) {
    napi_value function;
    if (napi_create_function(Env(), name, NAPI_AUTO_LENGTH, callback, this,
                             &function) == napi_ok) {
      napi_set_named_property(Env(), Value(), name, function);
    }
  }

  kg_writer *writer_ = nullptr;
  double *numbers_ = nullptr;
  JoinedTexts joined_;
  Napi::ObjectReference numbers_reference_;
  SpacePolling *space_ = nullptr;
};

} // namespace

Napi::Function DefineWriter(Napi::Env env) {
  using Wrap = Napi::ObjectWrap<Writer>;
  return Wrap::DefineClass(
      env, "Writer",
      {Wrap::InstanceMethod<&Writer::SetNumbers>("setNumbers"),
       Wrap::InstanceMethod<&Writer::IfOpen<&Writer::Commit>>("commit"),
       Wrap::InstanceMethod<&Writer::Discard>("discard"),
       Wrap::InstanceMethod<&Writer::IfOpen<&Writer::Beat>>("beat"),
       Wrap::InstanceMethod<&Writer::SkipTo>("skipTo"),
       Wrap::InstanceMethod<&Writer::HasSpace>("hasSpace"),
       Wrap::InstanceMethod<&Writer::IfOpen<&Writer::PollSpace>>("pollSpace"),
       Wrap::InstanceMethod<&Writer::Readers>("readers"),
       Wrap::InstanceMethod<&Writer::IfOpen<&Writer::Stats>>("stats"),
       Wrap::InstanceMethod<&Writer::IfOpen<&Writer::Memory>>("memory"),
       Wrap::InstanceMethod<&Writer::Close>("close")});
}

} // namespace kg
