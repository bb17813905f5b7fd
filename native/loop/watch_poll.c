/* Where a listener's descriptor becomes readable, and stays so until it is
 * drained (Linux): nothing can be lost. */
#include "watch.h"

const uint32_t kg__watch_turns = 0;

static void on_readable(uv_poll_t *poll, int status, int events) {
  kg__watch *watch = (kg__watch *)(void *)poll;
  (void)status;
  (void)events;
  watch->callback(watch);
}

int kg__watch_init(kg__watch *watch, uv_loop_t *loop, intptr_t descriptor,
                   kg__watch_callback callback) {
  watch->callback = callback;
  return uv_poll_init(loop, &watch->uv.poll, (int)descriptor);
}

void kg__watch_start(kg__watch *watch) {
  uv_poll_start(&watch->uv.poll, UV_READABLE, on_readable);
}

void kg__watch_stop(kg__watch *watch) {
  uv_poll_stop(&watch->uv.poll);
}
