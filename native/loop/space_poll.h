/* Tells an event loop when readers made space for a writer that had none. */
#ifndef KG_SPACE_POLL_H
#define KG_SPACE_POLL_H

#include <uv.h>

#include "../include/kg_ipc.h"

typedef struct kg_space_poll kg_space_poll;

/* Called on the loop's thread. */
typedef void (*kg_space_callback)(void *data);

/* Starts to listen for `writer`, which must outlive it. It does not hold the
 * loop open. Returns 0 or a negative uv error; UV_ENOTSUP where readers cannot
 * signal, and a timer has to do. */
int kg_space_poll_start(kg_space_poll **poll, uv_loop_t *loop,
                        kg_writer *writer, kg_space_callback on_space,
                        void *data);

/* Calls back no more; the writer may be closed at once. Frees everything and
 * calls `on_stopped` from a later turn of the loop. */
void kg_space_poll_stop(kg_space_poll *poll, kg_space_callback on_stopped);

#endif
