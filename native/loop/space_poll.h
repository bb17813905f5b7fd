/* Tells an event loop when readers made room for a writer that had none. */
#ifndef KG_ROOM_POLL_H
#define KG_ROOM_POLL_H

#include <uv.h>

#include "../include/kg_ipc.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kg_room_poll kg_room_poll;

/* Called on the loop's thread. */
typedef void (*kg_room_callback)(void *data);

/* Starts to listen for `writer`, which must outlive it. It does not hold the
 * loop open. Returns 0 or a negative uv error; UV_ENOTSUP where nobody rings,
 * and a clock has to do. */
int kg_room_poll_start(kg_room_poll **poll, uv_loop_t *loop, kg_writer *writer,
                       kg_room_callback on_room, void *data);

/* Calls back no more; the writer may be closed at once. Frees everything and
 * calls `on_stopped` from a later turn of the loop. */
void kg_room_poll_stop(kg_room_poll *poll, kg_room_callback on_stopped);

#ifdef __cplusplus
}
#endif

#endif
