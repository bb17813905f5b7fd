/* What the C core and its peers are measured by: a channel, and two processes
 * at its ends. */
#ifndef KG_BENCH_HARNESS_H
#define KG_BENCH_HARNESS_H

#include "common.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What each peer fills in; `which` is 0 for the events and 1 for what comes
 * back. */

/* Its ends wait without sleep, so each has a CPU of its own: the scheduler
 * would have both on one for a while. */
extern const bool channel_spins;

/* Before the processes part: what both must see. */
void channel_prepare(int which, const char *variant, const char *dir);

/* In the process that has this end. */
void channel_attach(int which, bool is_writer);

/* Wait for room and for an event. What is received stays until the next. */
void channel_send(int which, struct event *event);
void channel_receive(int which, kg_threat *threat);

void channel_remove(void);

/* Puts the core's own checksum into an event, and verifies it; the details
 * leave room for it. */
void seal_event(struct event *event);
bool is_sealed(const struct event *event);

#ifdef __cplusplus
}
#endif

#endif
