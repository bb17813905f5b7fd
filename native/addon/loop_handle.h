// What the poller of a Reader and the space poll of a Writer share: they end in
// a later turn of the loop, so they may outlive their objects, and an
// environment that ends waits for them.
#ifndef KG_LOOP_HANDLE_H
#define KG_LOOP_HANDLE_H

#include "addon.h"

namespace kg {

// Made by `new`; deletes itself once it has ended.
class LoopHandle {
public:
  // Begins to end it, unless that has begun.
  void Stop() {
    if (!is_stopping_) {
      is_stopping_ = true;
      BeginStop();
    }
  }

  // The same, and JavaScript is not called any more.
  void Abandon() {
    on_event_.Reset();
    is_abandoned_ = true;
    Stop();
  }

  bool is_stopping() const {
    return is_stopping_;
  }

protected:
  virtual ~LoopHandle() = default;

  // To be called once it has started.
  void Started(Napi::Env env, const Napi::Value &on_event) {
    env_ = env;
    on_event_ = Napi::Persistent(on_event.As<Napi::Function>());
    napi_add_async_cleanup_hook(env, OnCleanup, this, &hook_);
  }

  // Called from the loop, with the handle.
  static void OnEvent(void *data) {
    LoopHandle *self = static_cast<LoopHandle *>(data);
    if (!self->is_abandoned_) {
      CallFromLoop(self->env_, self->on_event_);
    }
  }

  // Begins to end it; OnStopped is called from a later turn of the loop.
  virtual void BeginStop() = 0;
  // It has ended. Whether JavaScript may be called.
  virtual void Stopped(bool may_call) = 0;

  static void OnStopped(void *data) {
    LoopHandle *self = static_cast<LoopHandle *>(data);
    napi_async_cleanup_hook_handle hook = self->hook_;
    self->Stopped(!self->is_abandoned_);
    delete self;
    // Last: the environment may end with it.
    if (hook != nullptr) {
      napi_remove_async_cleanup_hook(hook);
    }
  }

private:
  static void OnCleanup(napi_async_cleanup_hook_handle, void *data) {
    static_cast<LoopHandle *>(data)->Abandon();
  }

  napi_env env_ = nullptr;
  napi_async_cleanup_hook_handle hook_ = nullptr;
  bool is_stopping_ = false;
  bool is_abandoned_ = false;
  Napi::FunctionReference on_event_;
};

} // namespace kg

#endif
