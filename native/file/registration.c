#include "registration.h"

#include "../base/atomic.h"

int kg__cell_take(kg__cell *cell, kg__dir *dir, const kg__names *names,
                  const kg__ring *ring, uint64_t cursor, kg_failure *failure) {
  *cell = KG__CELL_NONE;
  int result = kg__file_open(dir, names->readers, &cell->file, failure);
  if (result != KG_OK) {
    return result;
  }
  /* Those first that nobody seems to have: somebody may hold the lock on a file
   * of that name which was removed. */
  for (int pass = 0; pass < 2; pass++) {
    for (uint32_t i = 0; i < KG_READER_CELLS; i++) {
      kg_reader_cell *shared = &ring->doorbell->cells[i];
      /* Relaxed: a hint. */
      bool seems_free = kg__load32_relaxed(&shared->state) == KG_CELL_FREE;
      if (seems_free != (pass == 0)) {
        continue;
      }
      result = kg__lock_take(&cell->file, i, failure);
      if (result == KG_OK) {
        cell->index = i;
        cell->shared = shared;
        /* Relaxed: what stands there is of somebody who is gone. */
        kg__store64_relaxed(&shared->cursor, cursor);
        kg__store32_release(&shared->state, KG_CELL_ATTACHED);
        kg__fence_seq_cst();
        return KG_OK;
      }
      if (result != KG_E_RING_LOCKED) {
        kg__file_close(&cell->file);
        return result;
      }
    }
  }
  kg__file_close(&cell->file);
  return kg__fail(failure, KG_E_TOO_MANY_READERS, 0,
                  "%s/%s: all of its %d are taken", dir->path, names->readers,
                  KG_READER_CELLS);
}

/* Rings for the writer, who waits in a way of `how`. */
static void tell_room(kg__cell *cell, kg__dir *dir, const kg__names *names,
                      const kg__ring *ring, uint32_t how) {
  if ((how & KG_WAITS_FOR_ROOM) != 0) {
    /* Relaxed: compared with what the file says. */
    uint64_t id = kg__load64_relaxed(&ring->header->room_id);
    if (cell->room.id != id) {
      kg__chime_close(&cell->room);
      kg__chime_find(dir, names->room, id, &cell->room);
    }
    if (!kg__chime_ring(&cell->room)) {
      kg__chime_close(&cell->room);
    }
  }
  if ((how & ~KG_WAITS_FOR_ROOM) != 0) {
    kg__bell bell;
    uint32_t *word = &ring->doorbell->room;
    kg__add32_seq_cst(word, 1);
    if (kg__bell_open(&bell, word, ring->generation, NULL) == KG_OK) {
      kg__bell_ring(&bell);
      kg__bell_close(&bell);
    }
  }
}

void kg__cell_move(kg__cell *cell, kg__dir *dir, const kg__names *names,
                   const kg__ring *ring, uint64_t cursor) {
  /* Relaxed: the writer's word, which is about nothing else. */
  uint32_t state = kg__load32_relaxed(&cell->shared->state);
  if (state == KG_CELL_EVICTED) {
    cell->was_evicted = true;
  }
  /* C2: partner of C3 in ring_room.c. */
  kg__store64_release(&cell->shared->cursor, cursor);
  if (state != KG_CELL_ATTACHED) {
    kg__store32_release(&cell->shared->state, KG_CELL_ATTACHED);
  }
  /* M2: partner of M1 in ring_room.c. */
  kg__fence_seq_cst();
  uint32_t *waiters = &ring->doorbell->room_waiters;
  if (kg__load32_relaxed(waiters) != 0) {
    tell_room(cell, dir, names, ring, kg__exchange32_seq_cst(waiters, 0));
  }
}

void kg__cell_free(kg__cell *cell) {
  if (cell->shared != NULL) {
    /* Relaxed: the lock that goes with it says the same. */
    kg__store32_relaxed(&cell->shared->state, KG_CELL_FREE);
  }
  kg__cell_forget(cell);
}

void kg__cell_forget(kg__cell *cell) {
  kg__chime_close(&cell->room);
  kg__file_close(&cell->file);
  *cell = KG__CELL_NONE;
}
