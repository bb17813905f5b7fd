/* Backpressure: what reliable readers have not taken is not overwritten. The
 * writer's side of their cells, in memory alone; which process has which cell,
 * the caller knows.
 *
 *   reader  C1  copy slots                        relaxed words
 *           C2  cursor = behind them              release
 *   writer  C3  cursor                            acquire
 *           C4  write over what lies below it
 *
 * C2 and C3 are partners: what the reader copied, it copied before the writer
 * went over it.
 *
 * * A reader that comes is seen by the next look at the cells, and there is
 * one at least every quarter of a lap: a reader that begins at claim - 3/4
 * capacity or later loses nothing. One that begins further behind may be
 * overtaken once, and is told what it lost. So may one that comes to a cell
 * whose readers were evicted again and again: the cell is all that the writer
 * knows them by.
 *
 * * Waiting for space is Dekker's protocol, as sleeping is: the writer stores
 * space_waiters and then looks at the cells; a reader stores its cursor and
 * then looks at space_waiters; with a seq_cst fence in between on both sides
 * (M1, M2) one of the two sees the other. */
#ifndef KG_RING_SPACE_H
#define KG_RING_SPACE_H

#include "ring.h"

/* Says whether the reader of a cell lives. */
typedef bool (*kg__reader_lives)(void *context, uint32_t cell);

/* What the writer remembers of a cell. By its own head and clock: what stands
 * in the cell is its reader's word, which may change between two looks. */
typedef struct kg__patience {
  /* Since when the cell is in the way of the writer, without having kept out of
   * it for a quarter of a ring; 0: it is not. */
  uint64_t behind_since;
  uint64_t behind_head; /* the head then */
  uint64_t behind_from; /* where its cursor was then */
  /* Evicted: it is not waited for before head is at `wait_again`. */
  bool is_given_up;
  uint64_t evicted_at;
  uint64_t wait_again;
  uint32_t evictions; /* that came soon after each other */
} kg__patience;

typedef struct kg__space {
  uint64_t timeout_ns;
  kg__reader_lives lives;
  void *context;
  uint64_t limit; /* positions below it may be written without a look */
  kg__patience patience[KG_READER_CELLS];
  uint64_t evicted;
} kg__space;

/* Whether `slots` more may be written at `head`. Frees the cells of the dead,
 * evicts those that were in the way for too long. */
bool kg__space_has(kg__space *space, const kg__ring *ring, uint64_t head,
                   uint32_t slots, uint64_t now_ns);

/* To be called now and then: sees who has caught up, or died evicted. */
void kg__space_review(kg__space *space, const kg__ring *ring, uint64_t head);

/* Says that the writer waits, KG_WAITS_.... Look again after it. */
void kg__space_announce_wait(const kg__ring *ring, uint32_t how);

#endif
