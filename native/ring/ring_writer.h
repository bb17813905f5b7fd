/* The writing end of a ring in memory. */
#ifndef KG_RING_WRITER_H
#define KG_RING_WRITER_H

#include "../include/kg_ipc.h"
#include "ring.h"

/* When a batch is made, by the clocks of the caller. */
typedef struct kg__batch_time {
  uint64_t publish_ns; /* monotonic clock */
  uint64_t wall_us;    /* microseconds since 1970 */
} kg__batch_time;

typedef struct kg__ring_writer {
  kg__ring ring;
  uint64_t head;     /* private: what stands in the ring is never believed */
  uint64_t claim;    /* never below head */
  uint64_t sequence; /* of the last event */
  uint64_t lane_head;
  uint64_t lane_claim;
  uint32_t priority; /* priority events so far, staged ones too; mod 2^32 */
  uint32_t priority_severity; /* from this one on they are; may be changed */
  uint32_t turn;              /* what it left in `waiters`; KG_WAITS_TURN */
  kg_slot *staged;            /* a quarter of the ring, private */
  uint32_t staged_slots;
  uint32_t staged_events;
  uint32_t staged_priority; /* priority events among them */
  /* The only threat of the batch, which counts as staged and is not in
   * `staged`; NULL: all are there. */
  const kg_threat *deferred;
  const kg__batch_time *deferred_time;
} kg__ring_writer;

/* Continues the ring where its last writer stopped, with KG_SEVERITY_CRITICAL
 * as the least that counts as priority. KG_E_RING_CORRUPT when head, claim and
 * the last slot of the ring or of its lane do not agree, KG_E_NO_MEMORY;
 * nothing is changed then. Free with kg__ring_writer_end. */
int kg__ring_writer_begin(kg__ring_writer *writer, const kg__ring *ring,
                          kg_failure *failure);

void kg__ring_writer_end(kg__ring_writer *writer);

/* Asks for the cache lines that the next event's first slot and head are
 * written to, which readers have had since. They come while the event is put
 * together. */
void kg__ring_writer_prefetch(kg__ring_writer *writer);

/* And for those of events that follow soon, of a writer in a hurry: where CPUs
 * are far from each other, a line takes longer to come than an event to be
 * written, and all have to be there before the next event. */
void kg__ring_writer_prefetch_more(kg__ring_writer *writer);

/* Adds a threat to the batch, whose events all have the same `time`; a threat
 * without a timestamp gets the wall clock's. On an error the batch is empty
 * again. */
int kg__ring_writer_stage(kg__ring_writer *writer, const kg_threat *threat,
                          const kg__batch_time *time);

/* Where an event can be put together in the ring itself, has the batch, which
 * must be empty, consist of this threat alone. It and `time` stay as they are
 * until the batch is copied, for they are not looked at before. False where the
 * threat has to be staged, or would be refused. */
bool kg__ring_writer_defer(kg__ring_writer *writer, const kg_threat *threat,
                           const kg__batch_time *time);

/* Publishes the batch, in steps between which a file can turn out to be cut
 * short: copies it into the ring, where no reader sees it yet ... */
void kg__ring_writer_copy(kg__ring_writer *writer);

/* ... publishes it ... */
void kg__ring_writer_publish(kg__ring_writer *writer);

/* ... copies its priority events into the lane, and the batch is empty ... */
void kg__ring_writer_finish(kg__ring_writer *writer);

/* ... and returns who waits and must be woken, KG_WAITS_..., or 0. */
uint32_t kg__ring_writer_waiters(kg__ring_writer *writer);

/* Instead of finishing: counts the batch as not published, in a ring without a
 * head that a reader could have seen, and it is empty. */
void kg__ring_writer_take_back(kg__ring_writer *writer);

/* How many events the ring no longer holds. */
uint64_t kg__ring_writer_overwritten(const kg__ring_writer *writer);

void kg__ring_writer_discard(kg__ring_writer *writer);

#endif
