/* What the C core and its peers are measured by: a channel, two processes, the
 * same events for all, each field of which is verified. */
#ifndef KG_BENCH_HARNESS_H
#define KG_BENCH_HARNESS_H

#include <stdbool.h>
#include <stdint.h>

#include "../../native/include/kg_ipc.h"

#ifdef __cplusplus
extern "C" {
#endif

/* An event as bytes, as large as a slot of the ring: what a peer carries. */
struct event {
  uint64_t sequence;
  uint64_t timestamp_us;
  uint32_t threat_type;
  uint8_t severity;
  uint8_t blocked;
  uint16_t source_length;
  uint16_t details_length;
  uint8_t reserved[38];
  char source[64];
  char details[256];
};

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

/* Views an event as a threat. */
void view_event(const struct event *event, kg_threat *threat);

/* Puts the core's own checksum into an event, and verifies it; the details
 * leave room for it. */
void seal_event(struct event *event);
bool is_sealed(const struct event *event);

/* Memory that both processes will see. */
void *shared_memory(size_t bytes);

/* Ends both processes. */
void give_up(const char *what);

#ifdef __cplusplus
}
#endif

#endif
