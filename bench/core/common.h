/* What the programs of this folder have in common: the same events, each field
 * of which is verified, memory that several processes see, and one clock. */
#ifndef KG_BENCH_COMMON_H
#define KG_BENCH_COMMON_H

#include <stdbool.h>
#include <stddef.h>
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

/* Before the processes part. */
void make_events(void);

/* A prime, so that the cycle never falls into step with a ring. */
#define VARIETY 997
extern struct event bench_events[VARIETY];

/* Number `index` of the endless list, from 0; its sequence is index + 1. Stays
 * until the list comes round. */
static inline struct event *event_at(uint64_t index) {
  struct event *event = &bench_events[index % VARIETY];
  event->sequence = index + 1;
  return event;
}

/* Views an event as a threat. */
void view_event(const struct event *event, kg_threat *threat);

/* Ends the process unless what was received is that number of the list. */
void verify_event(const kg_threat *threat, uint64_t index);

/* Memory that forked processes will share; zeros. */
void *shared_memory(size_t bytes);

uint64_t now_ns(void);

/* From here on this process, which writes, ends when a child that reads gave
 * up, and after so many seconds: it would wait for it. */
void end_with_readers(unsigned seconds);

/* Ends both processes. */
void give_up(const char *what);

#ifdef __cplusplus
}
#endif

#endif
