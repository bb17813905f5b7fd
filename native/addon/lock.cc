// Lock: kg_lock for JavaScript.
#include "addon.h"

namespace kg {
namespace {

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

Napi::Function DefineLock(Napi::Env env) {
  using Wrap = Napi::ObjectWrap<Lock>;
  return Wrap::DefineClass(env, "Lock",
                           {Wrap::InstanceMethod<&Lock::Free>("free")});
}

} // namespace kg
