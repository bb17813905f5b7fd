/* Where there is no wake file (Windows), there is nothing to watch: the
 * poller's thread waits. */
#include "watch.h"

const uint32_t kg__watch_turns = 0;

int kg__watch_init(kg__watch *watch, uv_loop_t *loop, intptr_t descriptor,
                   kg__watch_callback callback) {
  (void)watch;
  (void)loop;
  (void)descriptor;
  (void)callback;
  return UV_ENOTSUP;
}

void kg__watch_start(kg__watch *watch) {
  (void)watch;
}

void kg__watch_stop(kg__watch *watch) {
  (void)watch;
}
