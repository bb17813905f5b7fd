// Lock: kg_lock for JavaScript.
#include "addon.h"

namespace kg {
namespace {

// A ring's lock without the ring.
class Lock : public Napi::ObjectWrap<Lock> {
public:
  explicit Lock(const Napi::CallbackInfo &info) : Napi::ObjectWrap<Lock>(info) {
    if (!IsEmpty()) {
      lock_ = Open(info, kg_lock_take);
    }
  }

  ~Lock() override {
    kg_lock_free(lock_);
  }

  void Free(const Napi::CallbackInfo &) {
    kg_lock_free(lock_);
    lock_ = nullptr;
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
