/* Tells an event loop that a ring has moved. While events come close to each
 * other, the loop looks itself, in each of its turns; else a wake file wakes
 * it, or a thread that waits on the ring, by a uv_async. Only the loop reads
 * more than head, so there is no second queue, and it says when it is
 * through. */
#ifndef KG_POLLER_H
#define KG_POLLER_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "../include/kg_ipc.h"

typedef struct kg_poller kg_poller;

/* Called on the loop's thread. Wakes coalesce: read until nothing is left. */
typedef void (*kg_poller_callback)(void *data);

/* Starts watching `reader`, which must outlive the poller, from what was read
 * so far. `on_wake` is called when there may be something to read or the
 * state changed, and then not again before kg_poller_arm. The loop does not
 * sleep for `spin_ns` behind events that came closer to each other than that.
 * `by_thread`: the thread wakes it and never the wake file, for a loop that
 * does not reliably see a descriptor become readable. Returns 0 or a negative
 * uv error. */
int kg_poller_start(kg_poller **poller, uv_loop_t *loop, kg_reader *reader,
                    uint64_t spin_ns, bool by_thread,
                    kg_poller_callback on_wake, void *data);

/* Everything was read: watch on. True when head has moved already, and the
 * caller goes on reading. Loop thread. */
bool kg_poller_arm(kg_poller *poller);

/* What the last look at the file said, a kg__reader_state; the thread looks
 * five times a second. A retired ring is seen at once. Any thread. */
uint32_t kg_poller_state(const kg_poller *poller);

/* Whether it holds the loop open, as it does from the start. Loop thread. */
void kg_poller_hold(kg_poller *poller, bool holds);

/* Ends the thread and frees everything, then calls `on_stopped` on the loop's
 * thread, from a later turn of the loop. Loop thread, once. */
void kg_poller_stop(kg_poller *poller, kg_poller_callback on_stopped);

#endif
