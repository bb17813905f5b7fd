#include "writer.h"

#include <inttypes.h>

#include "../base/atomic.h"
#include "space_listener.h"

#define DEFAULT_TIMEOUT_MS 5000

/* How long a wait for space lasts before the cells are looked at again: readers
 * that died or were evicted signal nothing. */
#define REVIEW_NS UINT64_C(50000000)

static bool lives(void *context, uint32_t cell) {
  const kg_writer *writer = context;
  return (writer->readers.handle >= 0 &&
          kg__file_is_locked(&writer->readers, cell)) ||
         (writer->old_readers.handle >= 0 &&
          kg__file_is_locked(&writer->old_readers, cell));
}

void kg__writer_space_begin(kg_writer *writer, const kg_ring_options *options) {
  uint32_t timeout_ms = options->reader_timeout_ms;
  writer->rejects = options->rejects;
  writer->readers = KG__FILE_NONE;
  writer->old_readers = KG__FILE_NONE;
  writer->space_file = KG__WAKE_FILE_NONE;
  writer->space_listener = KG__LISTENER_NONE;
  writer->space = (kg__space){
      .timeout_ns = UINT64_C(1000000) *
                    (timeout_ms == 0 ? DEFAULT_TIMEOUT_MS : timeout_ms),
      .lives = lives,
      .context = writer};
}

/* Locks are held on the file that has the name, and on the one that had it
 * before somebody removed it. */
static void keep_readers(kg_writer *writer) {
  if (writer->readers.handle >= 0 &&
      kg__file_is_named(&writer->dir, writer->names.readers,
                        &writer->readers)) {
    return;
  }
  kg__file file;
  if (kg__file_open_or_create(&writer->dir, writer->names.readers, &file,
                              NULL) == KG_OK) {
    kg__file_close(&writer->old_readers);
    writer->old_readers = writer->readers;
    writer->readers = file;
  }
}

void kg__writer_space_keep(kg_writer *writer) {
  kg_ring_header *header = writer->segment.ring.header;
  if (writer->rejects) {
    keep_readers(writer);
    kg__wake_file_keep(&writer->dir, writer->names.space_file,
                       &writer->space_file);
    kg__space_review(&writer->space, &writer->segment.ring, writer->ring.head);
  }
  /* Relaxed: words that readers compare, bound to nothing. */
  kg__store64_relaxed(&header->space_file_id, writer->space_file.id);
  kg__store32_relaxed(&header->overflow, writer->rejects
                                             ? KG_OVERFLOW_REJECTS
                                             : KG_OVERFLOW_OVERWRITES);
}

void kg__writer_space_renew(kg_writer *writer, bool fresh) {
  kg__space *space = &writer->space;
  space->limit = 0;
  if (writer->rejects) {
    keep_readers(writer);
  }
  for (uint32_t i = 0; i < KG_READER_CELLS; i++) {
    space->patience[i] = (kg__patience){0};
    /* By the locks alone: what the old ring says of its readers may be cut
     * away, or there is none any more. */
    if (fresh && writer->rejects && lives(writer, i)) {
      /* Until it comes, under another cell, and gives this one's lock up. */
      kg__store32_relaxed(&writer->segment.ring.doorbell->cells[i].state,
                          KG_CELL_ATTACHED);
    }
  }
}

void kg__writer_space_end(kg_writer *writer) {
  kg__listener_close(&writer->space_listener);
  kg__wake_file_close(&writer->space_file);
  kg__file_close(&writer->old_readers);
  kg__file_close(&writer->readers);
}

static bool has_space(kg_writer *writer, uint32_t slots) {
  return kg__space_has(&writer->space, &writer->ring.ring, writer->ring.head,
                       slots, kg__clock_monotonic_ns());
}

bool kg__writer_has_space(kg_writer *writer, uint32_t slots) {
  if (!writer->rejects || writer->ring.head + slots <= writer->space.limit ||
      has_space(writer, slots)) {
    return true;
  }
  kg__space_announce_wait(&writer->ring.ring, writer->space_listener.id != 0
                                                  ? KG_WAITS_FOR_SPACE_FILE
                                                  : 0);
  return has_space(writer, slots);
}

/* With `any_thread`, how long a wait for space sleeps without a bell: the
 * memory of that goes with the ring, when another thread gives the writer a new
 * one. */
#define NAP_NS UINT64_C(1000000)

/* KG_OK when there is space, KG_E_RING_FULL when there is none and it is time
 * to end; 1 to sleep for `sleep_ns`, while the bell's word is `before`. */
static int look_for_space(kg_writer *writer, uint32_t slots, uint64_t until,
                          uint32_t *before, uint64_t *sleep_ns) {
  const kg__ring *ring = &writer->ring.ring;
  if (kg__writer_is_forked(writer)) {
    return kg__fail(&writer->failure, KG_E_FORKED, 0, "waiting for space");
  }
  if (slots == 0 || slots > kg__ring_batch_slots(ring)) {
    return kg__fail(&writer->failure, KG_E_INVALID_ARGUMENT, 0,
                    "slots is %" PRIu32 ", 1 to %" PRIu32 " will do", slots,
                    kg__ring_batch_slots(ring));
  }
  kg__guard_keep();
  /* Relaxed: the wait compares it again. */
  *before = kg__load32_relaxed(&ring->doorbell->space);
  kg__space_announce_wait(ring, KG_WAITS_ON_SPACE);
  if (kg__writer_has_space(writer, slots)) {
    return KG_OK;
  }
  uint64_t now = kg__clock_monotonic_ns();
  if (kg__exchange32_seq_cst(&writer->is_interrupted, 0) != 0 || now >= until) {
    return kg__fail(&writer->failure, KG_E_RING_FULL, 0,
                    "%" PRIu32 " slots are waited for", slots);
  }
  uint64_t most = writer->any_thread ? NAP_NS : REVIEW_NS;
  *sleep_ns = until - now < most ? until - now : most;
  return 1;
}

int kg_writer_wait_for_space(kg_writer *writer, uint32_t slots,
                             uint32_t timeout_ms) {
  uint64_t until =
      kg__clock_monotonic_ns() + (uint64_t)timeout_ms * UINT64_C(1000000);
  if (writer == NULL) {
    return KG_E_INVALID_ARGUMENT;
  }
  if (!kg__writer_is_owned(writer)) {
    return KG_E_WRONG_THREAD;
  }
  for (;;) {
    uint32_t before = 0;
    uint64_t sleep_ns = 0;
    kg__writer_enter(writer);
    int result = look_for_space(writer, slots, until, &before, &sleep_ns);
    kg__writer_leave(writer);
    if (result <= KG_OK) {
      return result;
    }
    if (writer->any_thread) {
      kg__sleep(sleep_ns);
    } else {
      kg__bell bell;
      const kg__ring *ring = &writer->ring.ring;
      kg__bell_open(&bell, &ring->doorbell->space, ring->generation);
      kg__bell_wait(&bell, before, sleep_ns);
      kg__bell_close(&bell);
    }
  }
}

void kg_writer_interrupt(kg_writer *writer) {
  if (writer != NULL) {
    /* The wait looks at it each REVIEW_NS. */
    kg__store32_seq_cst(&writer->is_interrupted, 1);
  }
}

int kg_writer_space_fd(kg_writer *writer) {
  int result;
  if (writer == NULL) {
    return KG_E_INVALID_ARGUMENT;
  }
  if (!kg__writer_is_owned(writer)) {
    return KG_E_WRONG_THREAD;
  }
  kg__writer_enter(writer);
  if (kg__writer_is_forked(writer)) {
    result = kg__fail(&writer->failure, KG_E_FORKED, 0, "a descriptor");
  } else {
    if (writer->space_listener.id == 0 ||
        writer->space_listener.id != writer->space_file.id) {
      (void)kg__writer_open_listener(writer);
    }
    intptr_t descriptor = kg__listener_poll(&writer->space_listener);
    kg__listener_drain(&writer->space_listener);
    result = descriptor >= 0 ? (int)descriptor
                             : kg__fail(&writer->failure, KG_E_SYSTEM, 0,
                                        "there is no descriptor for space");
  }
  kg__writer_leave(writer);
  return result;
}

intptr_t kg__writer_open_listener(kg_writer *writer) {
  return kg__listener_open(&writer->dir, writer->names.space_file,
                           writer->space_file.id, &writer->space_listener);
}

void kg__writer_drain_listener(kg_writer *writer) {
  kg__listener_drain(&writer->space_listener);
}

/* --- For people ----------------------------------------------------------- */

uint32_t kg_writer_readers(const kg_writer *writer, kg_attached_reader *readers,
                           uint32_t most) {
  uint32_t count = 0;
  if (writer == NULL || readers == NULL || !kg__writer_is_owned(writer) ||
      kg__writer_is_forked(writer)) {
    return 0;
  }
  kg__writer_enter(writer);
  kg__guard_keep();
  uint64_t head = writer->ring.head;
  for (uint32_t i = 0; i < KG_READER_CELLS && count < most; i++) {
    const kg_reader_cell *cell = &writer->segment.ring.doorbell->cells[i];
    /* Relaxed: figures for people. */
    if (kg__load32_relaxed(&cell->state) == KG_CELL_FREE) {
      continue;
    }
    uint64_t cursor = kg__load64_relaxed(&cell->cursor);
    readers[count++] = (kg_attached_reader){
        .cell = i,
        .cursor = cursor,
        .lag = cursor < head ? head - cursor : 0,
        .evicted = kg__load32_relaxed(&cell->state) == KG_CELL_EVICTED,
        .alive = lives((void *)writer, i)};
  }
  kg__writer_leave(writer);
  return count;
}
