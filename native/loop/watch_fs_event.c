/* Where the loop's own kqueue watches the file (macOS). libuv asks for one
 * event at a time: it asks when the loop next waits, and again when the
 * callback of the one before has returned. So it is watched all the time, and
 * what is not wanted is not told. Never a kqueue of our own under uv_poll:
 * libuv does not wait for such a descriptor reliably. */
#include <stdio.h>

#include "watch.h"

/* In the turn in which it is asked for, the loop may wait already. */
const uint32_t kg__watch_turns = 1;

static void on_change(uv_fs_event_t *event, const char *name, int events,
                      int status) {
  kg__watch *watch = (kg__watch *)(void *)event;
  (void)name;
  (void)events;
  (void)status;
  if (watch->is_wanted) {
    watch->callback(watch);
  }
}

int kg__watch_init(kg__watch *watch, uv_loop_t *loop, intptr_t descriptor,
                   kg__watch_callback callback) {
  char path[32];
  watch->callback = callback;
  watch->is_wanted = false;
  int result = uv_fs_event_init(loop, &watch->uv.fs_event);
  if (result != 0) {
    return result;
  }
  /* This very file, and not whatever has its name by now. */
  snprintf(path, sizeof path, "/dev/fd/%d", (int)descriptor);
  /* Where it cannot be watched, its signals are late, and the poller's thread
   * takes over: a handle is there to be closed all the same. */
  (void)uv_fs_event_start(&watch->uv.fs_event, on_change, path, 0);
  return 0;
}

void kg__watch_start(kg__watch *watch) {
  watch->is_wanted = true;
}

void kg__watch_stop(kg__watch *watch) {
  watch->is_wanted = false;
}
