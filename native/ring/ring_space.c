#include "ring_space.h"

#include "../base/atomic.h"

/* How far a cell is behind, or UINT64_MAX when it is none that counts. */
static uint64_t lag_of(const kg_reader_cell *cell, uint64_t head) {
  /* Partner of the release in kg__register: with the state comes the cursor
   * of this reader, and not of one before it. */
  if (kg__load32_acquire(&cell->state) != KG_CELL_ATTACHED) {
    return UINT64_MAX;
  }
  /* C3: partner of C2 in registration.c. */
  uint64_t cursor = kg__load64_acquire(&cell->cursor);
  /* Ahead of everything: garbage, or the writer before has died. */
  return cursor < head ? head - cursor : 0;
}

static void put_state(kg_reader_cell *cell, uint32_t state) {
  /* Relaxed: its reader looks at it at every read. */
  kg__store32_relaxed(&cell->state, state);
}

enum stand {
  STANDS_BACK, /* it leaves space for so many slots */
  IS_IN_THE_WAY,
  IS_GONE /* dead, evicted, overtaken: it does not count any more */
};

static void begin_wait(kg__space *space, uint32_t i, uint64_t cursor,
                       uint64_t now_ns) {
  space->behind_since[i] = now_ns;
  space->behind_from[i] = cursor;
}

static enum stand stand_of(kg__space *space, const kg__ring *ring, uint32_t i,
                           uint64_t head, uint64_t lag, uint32_t slots,
                           uint64_t now_ns) {
  kg_reader_cell *cell = &ring->doorbell->cells[i];
  uint64_t cursor = head - lag;
  if (lag > ring->capacity) {
    put_state(cell, KG_CELL_EVICTED);
    return IS_GONE;
  }
  if (lag + slots <= ring->capacity) {
    return STANDS_BACK;
  }
  if (space->given_up[i]) {
    return IS_GONE;
  }
  if (!space->lives(space->context, i)) {
    put_state(cell, KG_CELL_FREE);
    space->behind_since[i] = 0;
    return IS_GONE;
  }
  if (space->behind_since[i] == 0) {
    begin_wait(space, i, cursor, now_ns);
  }
  if (now_ns - space->behind_since[i] < space->timeout_ns) {
    return IS_IN_THE_WAY;
  }
  /* Behind for all that time because the writer fills what it frees. One that
   * took a whole ring meanwhile is slower than the writer and no more; head has
   * come that far, too, so a false cursor gains nothing. */
  if (cursor > space->behind_from[i] &&
      cursor - space->behind_from[i] >= ring->capacity) {
    begin_wait(space, i, cursor, now_ns);
    return IS_IN_THE_WAY;
  }
  put_state(cell, KG_CELL_EVICTED);
  space->behind_since[i] = 0;
  space->given_up[i] = true;
  space->evicted++;
  return IS_GONE;
}

/* A reader with half a ring of space, or one that left, is not in the way any
 * more, and counts again if it was evicted. Less is not enough: a reader that
 * creeps would hold up the writer for ever. */
static void forgive(kg__space *space, const kg__ring *ring, uint32_t i,
                    uint64_t lag) {
  if (lag == UINT64_MAX || lag <= ring->capacity / 2) {
    space->behind_since[i] = 0;
    space->given_up[i] = false;
  }
}

bool kg__space_has(kg__space *space, const kg__ring *ring, uint64_t head,
                   uint32_t slots, uint64_t now_ns) {
  if (head + slots <= space->limit) {
    return true;
  }
  bool has_space = true;
  uint64_t most_lag = 0;
  for (uint32_t i = 0; i < KG_READER_CELLS; i++) {
    uint64_t lag = lag_of(&ring->doorbell->cells[i], head);
    forgive(space, ring, i, lag);
    if (lag == UINT64_MAX) {
      continue;
    }
    enum stand stand = stand_of(space, ring, i, head, lag, slots, now_ns);
    if (stand == IS_IN_THE_WAY) {
      has_space = false;
    } else if (stand == STANDS_BACK && lag > most_lag) {
      most_lag = lag;
    }
  }
  if (!has_space) {
    return false;
  }
  uint64_t free = ring->capacity - most_lag;
  uint64_t quarter = kg__ring_batch_slots(ring);
  space->limit = head + (free < quarter ? free : quarter);
  return true;
}

void kg__space_review(kg__space *space, const kg__ring *ring, uint64_t head) {
  for (uint32_t i = 0; i < KG_READER_CELLS; i++) {
    kg_reader_cell *cell = &ring->doorbell->cells[i];
    forgive(space, ring, i, lag_of(cell, head));
    /* Relaxed: a hint; the lock decides. One that was evicted and died would
     * stand there for ever. */
    if (kg__load32_relaxed(&cell->state) == KG_CELL_EVICTED &&
        !space->lives(space->context, i)) {
      put_state(cell, KG_CELL_FREE);
    }
  }
}

void kg__space_announce_wait(const kg__ring *ring, uint32_t how) {
  kg__or32_seq_cst(&ring->doorbell->space_waiters, how);
  /* M1: partner of M2 in registration.c. */
  kg__fence_seq_cst();
}
