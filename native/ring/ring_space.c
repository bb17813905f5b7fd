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

static void begin_wait(kg__patience *patience, uint64_t head, uint64_t cursor,
                       uint64_t now_ns) {
  patience->behind_since = now_ns;
  patience->behind_head = head;
  patience->behind_from = cursor;
}

/* How far head has to move before one that was evicted is waited for again:
 * half a ring, in which one that came or caught up meanwhile loses nothing,
 * and twice as far with each time that it is evicted soon after. */
static uint64_t distance(const kg__ring *ring, uint32_t evictions) {
  const uint32_t most = 16;
  return (uint64_t)(ring->capacity / 2)
         << (evictions < most ? evictions : most);
}

static void evict(kg__space *space, const kg__ring *ring, uint32_t i,
                  uint64_t head) {
  kg__patience *patience = &space->patience[i];
  uint64_t since = head - patience->evicted_at;
  bool is_soon = patience->evicted_at != 0 &&
                 since / 8 <= distance(ring, patience->evictions);
  put_state(&ring->doorbell->cells[i], KG_CELL_EVICTED);
  patience->evictions = is_soon ? patience->evictions + 1 : 0;
  patience->evicted_at = head;
  patience->wait_again = head + distance(ring, patience->evictions);
  patience->is_given_up = true;
  patience->behind_since = 0;
  space->evicted++;
}

static enum stand stand_of(kg__space *space, const kg__ring *ring, uint32_t i,
                           uint64_t head, uint64_t lag, uint32_t slots,
                           uint64_t now_ns) {
  kg__patience *patience = &space->patience[i];
  kg_reader_cell *cell = &ring->doorbell->cells[i];
  uint64_t cursor = head - lag;
  if (lag > ring->capacity) {
    put_state(cell, KG_CELL_EVICTED);
    return IS_GONE;
  }
  if (patience->is_given_up) {
    return IS_GONE;
  }
  if (lag + slots <= ring->capacity) {
    return STANDS_BACK;
  }
  if (!space->lives(space->context, i)) {
    put_state(cell, KG_CELL_FREE);
    patience->behind_since = 0;
    return IS_GONE;
  }
  if (patience->behind_since == 0) {
    begin_wait(patience, head, cursor, now_ns);
  }
  if (now_ns - patience->behind_since < space->timeout_ns) {
    return IS_IN_THE_WAY;
  }
  /* Behind for all that time because the writer fills what it frees. One that
   * took a whole ring meanwhile is slower than the writer and no more; head has
   * come that far, too, so a false cursor gains nothing. */
  if (cursor > patience->behind_from &&
      cursor - patience->behind_from >= ring->capacity) {
    begin_wait(patience, head, cursor, now_ns);
    return IS_IN_THE_WAY;
  }
  evict(space, ring, i, head);
  return IS_GONE;
}

/* A reader that leaves a quarter of a ring of space is not in the way any more,
 * and counts again if it was evicted. Less is not enough: a reader that creeps
 * would hold up the writer for ever. Nor is its word, which it may take back:
 * head must have moved on meanwhile. There is a look in each quarter of a ring,
 * so one that has caught up is never found too late. */
static void forgive(kg__space *space, const kg__ring *ring, uint32_t i,
                    uint64_t head, uint64_t lag) {
  kg__patience *patience = &space->patience[i];
  uint64_t quarter = kg__ring_batch_slots(ring);
  bool is_away = lag == UINT64_MAX;
  bool has_space = is_away || lag <= ring->capacity - quarter;
  if (patience->behind_since != 0 &&
      ((has_space && head - patience->behind_head >= quarter) ||
       (is_away && !space->lives(space->context, i)))) {
    patience->behind_since = 0;
  }
  if (patience->is_given_up && has_space && head >= patience->wait_again) {
    patience->is_given_up = false;
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
    forgive(space, ring, i, head, lag);
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
    forgive(space, ring, i, head, lag_of(cell, head));
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
