#include "registration.h"

#include "../base/atomic.h"

int kg__register(kg__registration *registration, kg__place place,
                 uint64_t cursor, kg_failure *failure) {
  const char *name = place.names->readers;
  *registration = KG__REGISTRATION_NONE;
  registration->place = place;
  int result = kg__file_open(place.dir, name, &registration->file, failure);
  if (result != KG_OK) {
    return result;
  }
  /* First those that seem free: the lock of one may be held on a file of that
   * name that was removed. */
  for (int pass = 0; pass < 2; pass++) {
    for (uint32_t i = 0; i < KG_READER_CELLS; i++) {
      kg_reader_cell *shared = &place.ring->doorbell->cells[i];
      /* Relaxed: a hint. */
      bool seems_free = kg__load32_relaxed(&shared->state) == KG_CELL_FREE;
      if (seems_free != (pass == 0)) {
        continue;
      }
      result = kg__file_lock(&registration->file, i, failure);
      if (result == KG_OK) {
        registration->index = i;
        registration->shared = shared;
        /* Relaxed: what stands there is of a reader that is gone. */
        kg__store64_relaxed(&shared->cursor, cursor);
        kg__store32_release(&shared->state, KG_CELL_ATTACHED);
        kg__fence_seq_cst();
        return KG_OK;
      }
      if (result != KG_E_RING_LOCKED) {
        kg__file_close(&registration->file);
        return result;
      }
    }
  }
  kg__file_close(&registration->file);
  return kg__fail(failure, KG_E_TOO_MANY_READERS, 0,
                  "%s" KG__SEPARATOR "%s: all of its %d are taken",
                  place.dir->path, name, KG_READER_CELLS);
}

/* Wakes the writer, which waits as `how` (KG_WAITS_...) says. */
static void tell_writer(kg__registration *registration, uint32_t how) {
  const kg__place *place = &registration->place;
  const kg__ring *ring = place->ring;
  if ((how & KG_WAITS_FOR_SPACE_FILE) != 0) {
    /* Relaxed: compared with what the file says. */
    uint64_t id = kg__load64_relaxed(&ring->header->space_file_id);
    if (registration->space_file.id != id) {
      kg__wake_file_close(&registration->space_file);
      kg__wake_file_open(place->dir, place->names->space_file, id,
                         &registration->space_file);
    }
    if (!kg__wake_file_signal(&registration->space_file)) {
      kg__wake_file_close(&registration->space_file);
    }
  }
  if ((how & ~KG_WAITS_FOR_SPACE_FILE) != 0) {
    kg__bell bell;
    uint32_t *word = &ring->doorbell->space;
    kg__add32_seq_cst(word, 1);
    kg__bell_open(&bell, word, ring->generation);
    kg__bell_ring(&bell);
    kg__bell_close(&bell);
  }
}

void kg__registration_update(kg__registration *registration, uint64_t cursor) {
  /* Relaxed: the writer's word, which is about nothing else. */
  uint32_t state = kg__load32_relaxed(&registration->shared->state);
  if (state == KG_CELL_EVICTED) {
    registration->was_evicted = true;
  }
  /* C2: partner of C3 in ring_space.c. */
  kg__store64_release(&registration->shared->cursor, cursor);
  if (state != KG_CELL_ATTACHED) {
    kg__store32_release(&registration->shared->state, KG_CELL_ATTACHED);
  }
  /* M2: partner of M1 in ring_space.c. */
  kg__fence_seq_cst();
  uint32_t *waiters = &registration->place.ring->doorbell->space_waiters;
  if (kg__load32_relaxed(waiters) != 0) {
    tell_writer(registration, kg__exchange32_seq_cst(waiters, 0));
  }
}

void kg__unregister(kg__registration *registration) {
  if (registration->shared != NULL) {
    /* Relaxed: the lock that goes with it says the same. */
    kg__store32_relaxed(&registration->shared->state, KG_CELL_FREE);
  }
  kg__registration_forget(registration);
}

void kg__registration_forget(kg__registration *registration) {
  kg__wake_file_close(&registration->space_file);
  kg__file_close(&registration->file);
  *registration = KG__REGISTRATION_NONE;
}
