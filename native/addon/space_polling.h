// The wait of a writer for space, in JavaScript's event loop.
#ifndef KG_SPACE_POLLING_H
#define KG_SPACE_POLLING_H

extern "C" {
#include "../file/space_listener.h"
#include "../loop/watch.h"
}

#include "loop_handle.h"

namespace kg {

// Tells a Writer object when there is space again.
class SpacePolling : public LoopHandle {
public:
  // `*place` is null once it has ended.
  explicit SpacePolling(SpacePolling **place) : place_(place) {}

  // False, and it is gone, where nobody tells. The writer must outlive it.
  bool Start(Napi::Env env, kg_writer *writer, const Napi::Value &on_space) {
    uv_loop_t *loop = nullptr;
    intptr_t descriptor = kg__writer_open_listener(writer);
    if (descriptor < 0 || napi_get_uv_event_loop(env, &loop) != napi_ok ||
        kg__watch_init(&watch_, loop, descriptor, OnSpace) != 0) {
      delete this;
      return false;
    }
    handle()->data = this;
    writer_ = writer;
    // It does not hold the loop open.
    uv_unref(handle());
    // What it misses on the way (kg__watch_turns) JavaScript's timer finds.
    kg__watch_start(&watch_);
    *place_ = this;
    Started(env, on_space);
    return true;
  }

  // The writer is to be closed.
  void Disown() {
    *place_ = nullptr;
    place_ = nullptr;
    Abandon();
  }

private:
  static void OnSpace(kg__watch *watch) {
    SpacePolling *self = static_cast<SpacePolling *>(watch->uv.handle.data);
    kg__writer_drain_listener(self->writer_);
    OnEvent(static_cast<LoopHandle *>(self));
  }
  void BeginStop() override {
    uv_close(handle(), [](uv_handle_t *handle) {
      SpacePolling *self = static_cast<SpacePolling *>(handle->data);
      OnStopped(static_cast<LoopHandle *>(self));
    });
  }
  void Stopped(bool) override {
    if (place_ != nullptr) {
      *place_ = nullptr;
    }
  }

  uv_handle_t *handle() {
    return &watch_.uv.handle;
  }

  SpacePolling **place_;
  kg_writer *writer_ = nullptr;
  kg__watch watch_;
};

} // namespace kg

#endif
