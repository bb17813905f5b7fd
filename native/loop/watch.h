/* How an event loop learns that the wake file was signalled: one file for each
 * way of libuv's, and binding.gyp chooses. */
#ifndef KG_WATCH_H
#define KG_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

typedef struct kg__watch kg__watch;

typedef void (*kg__watch_callback)(kg__watch *watch);

struct kg__watch {
  union {
    uv_handle_t handle; /* its `data` is the caller's, as is closing it */
    uv_poll_t poll;
    uv_fs_event_t fs_event;
  } uv;
  kg__watch_callback callback;
  bool is_wanted;
};

/* Watches the descriptor of a listener, which must stay open for as long as the
 * handle does. Nothing is told before kg__watch_start. 0 or libuv's error; then
 * there is no handle to close. */
int kg__watch_init(kg__watch *watch, uv_loop_t *loop, intptr_t descriptor,
                   kg__watch_callback callback);

void kg__watch_start(kg__watch *watch);
void kg__watch_stop(kg__watch *watch);

/* So many turns the loop must take, behind the last signal that it was told of
 * or the start, until the next signal is sure to be told: what comes meanwhile
 * may be lost, and head has to be looked at once more. */
extern const uint32_t kg__watch_turns;

#endif
