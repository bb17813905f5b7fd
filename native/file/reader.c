/* kg_reader: a ring file and a cursor in it, what is read there, and whether it
 * still is the ring in its place. */
#include "reader.h"

#include <stdlib.h>
#include <string.h>

#include "options.h"
#include "reader_fields.h"

/* A writer beats twice a second; six missed ones are no coincidence. */
#define STALLED_AFTER_NS UINT64_C(3000000000)

/* Where the cell of this reader stands: at its cursor, or at what still stands
 * of a ring whose beginning it asked for. */
static uint64_t cell_cursor(const kg_reader *reader) {
  const kg__ring *ring = &reader->ring.ring;
  uint64_t head = kg__ring_head(ring);
  uint64_t oldest = head > ring->capacity ? head - ring->capacity : 0;
  return reader->ring.cursor > oldest ? reader->ring.cursor : oldest;
}

/* Whether the writer waits for readers; it may be another one than before.
 * Relaxed: a word of the writer's that is about nothing else. */
static bool is_rejecting(const kg_reader *reader) {
  return kg__load32_relaxed(&reader->segment.ring.header->overflow) ==
         KG_OVERFLOW_REJECTS;
}

/* Instead of the one that it has, if it has one. */
static int do_register(kg_reader *reader, kg_failure *failure) {
  kg__registration registration;
  kg__place place = {&reader->dir, &reader->names, &reader->ring.ring};
  int result = kg__register(&registration, place, cell_cursor(reader), failure);
  if (result != KG_OK) {
    return result;
  }
  registration.was_evicted = reader->registration.was_evicted;
  if (reader->registration.shared != registration.shared) {
    kg__unregister(&reader->registration);
  } else {
    kg__registration_forget(&reader->registration);
  }
  reader->registration = registration;
  /* Relaxed: who reads one of the old and one of the new file finds that
   * nothing has that name, and asks for a look too many. */
  kg__store64_relaxed(&reader->registered_device, registration.file.device);
  kg__store64_relaxed(&reader->registered_inode, registration.file.inode);
  return KG_OK;
}

/* What cleans up may have taken the file in which the lock is; then the writer
 * sees it no longer. Any thread. */
static void check_registration(kg_reader *reader) {
  kg__file file = KG__FILE_NONE;
  file.device = kg__load64_relaxed(&reader->registered_device);
  file.inode = kg__load64_relaxed(&reader->registered_inode);
  if (file.inode != 0 &&
      !kg__file_is_named(&reader->dir, reader->names.readers, &file)) {
    kg__store32_relaxed(&reader->is_displaced, 1);
  }
}

bool kg__reader_is_displaced(const kg_reader *reader) {
  /* Relaxed: a thread that misses it sees it at the next look. */
  return kg__load32_relaxed(&reader->is_displaced) != 0;
}

/* How often one that has none, and should, looks for a cell. */
#define READS_PER_TRY 64

static void update_registration(kg_reader *reader) {
  if (kg__reader_is_displaced(reader)) {
    kg__store32_relaxed(&reader->is_displaced, 0);
    /* Without the new file it keeps the old one, and the next look comes. */
    do_register(reader, NULL);
  }
  if (reader->registration.shared != NULL) {
    kg__registration_update(&reader->registration, cell_cursor(reader));
  } else if (reader->is_reliable && is_rejecting(reader) &&
             reader->reads_unregistered++ % READS_PER_TRY == 0) {
    do_register(reader, NULL);
  }
}

/* Of the `count` slots at `slots`, those that reach into the file's last page.
 */
static uint32_t count_last_page_slots(const kg__ring *ring,
                                      const kg_slot *slots, uint32_t count) {
  const char *base = (const char *)ring->header;
  uint64_t end = (uint64_t)((const char *)(slots + count) - base);
  uint64_t page = ring->file_bytes - kg__page_bytes();
  uint64_t reaching =
      end <= page ? 0 : (end - page + sizeof(kg_slot) - 1) / sizeof(kg_slot);
  return reaching < count ? (uint32_t)reaching : count;
}

int kg_reader_open(const kg_ring_options *given, kg_reader **opened,
                   kg_failure *failure) {
  kg__file file;
  kg_ring_options copy;
  const kg_ring_options *options = &copy;
  int result = kg__options_copy(given, &copy, failure);
  if (result == KG_OK && opened == NULL) {
    result = kg__fail(failure, KG_E_INVALID_ARGUMENT, 0, "reader is NULL");
  }
  if (result != KG_OK) {
    return result;
  }
  kg_reader *reader = calloc(1, sizeof *reader);
  if (reader == NULL) {
    return kg__fail(failure, KG_E_NO_MEMORY, 0, "no memory for a reader");
  }
  reader->dir.handle = -1;
  reader->listener = KG__LISTENER_NONE;
  reader->registration = KG__REGISTRATION_NONE;
  reader->fork_count = kg__fork_count();
  kg__nap_init(&reader->nap, KG__SLEEP_SLACK_NS);
  kg__reader_own(reader);
  reader->is_default_dir = options->dir == NULL;
  if (reader->is_default_dir) {
    kg__directories_list(&reader->dirs);
  }
  /* The pages are the file's, and where they are is its writer's. */
  copy.numa_node = 0;
  result = kg__placement_of(options, &reader->placement, failure);
  if (result == KG_OK) {
    result = kg__names_make(options->name, &reader->names, failure);
  }
  if (result == KG_OK) {
    result = kg__directories_find(options, &reader->names, &reader->dir, &file,
                                  failure);
  }
  if (result == KG_OK) {
    kg_failure wrong;
    result = kg__segment_map(&file, false, &reader->placement, &reader->segment,
                             &wrong);
    if (result == KG_OK) {
      /* Closing the reader closes what is mapped. */
      file = KG__FILE_NONE;
      result =
          kg__segment_require(&reader->segment, &reader->placement, &wrong);
    }
    if (result != KG_OK) {
      kg__fail(failure, result, wrong.system_error,
               "%s" KG__SEPARATOR "%s: %.200s", reader->dir.path,
               reader->names.ring, wrong.detail);
      kg__file_close(&file);
    }
  }
  if (result == KG_OK) {
    reader->boot_id = kg__boot_id();
    kg__ring_reader_begin(&reader->ring, &reader->segment.ring);
    const kg__ring *ring = &reader->segment.ring;
    reader->last_page_slots =
        count_last_page_slots(ring, ring->slots, ring->capacity);
    reader->last_page_has_lane =
        count_last_page_slots(ring, ring->lane, ring->priority_events) > 0;
    reader->is_reliable = options->reliable;
    if (options->reliable && is_rejecting(reader)) {
      result = do_register(reader, failure);
    }
  }
  if (result != KG_OK) {
    kg_reader_close(reader);
    return result;
  }
  *opened = reader;
  return KG_OK;
}

void kg_reader_close(kg_reader *reader) {
  if (reader == NULL) {
    return;
  }
  if (kg__reader_is_forked(reader)) {
    /* The mapping was not inherited; what has its address now is not ours. Nor
     * was the file with the lock, whose descriptor is closed already. */
    reader->registration.file = KG__FILE_NONE;
    kg__registration_forget(&reader->registration);
    kg__file_close(&reader->segment.file);
  } else {
    kg__guard_keep();
    kg__unregister(&reader->registration);
    kg__segment_close(&reader->segment);
  }
  kg__listener_close(&reader->listener);
  kg__dir_close(&reader->dir);
  free(reader);
}

int kg__reader_fail(kg_reader *reader, int error, const char *detail) {
  return kg__fail(&reader->failure, error, 0, "%s" KG__SEPARATOR "%s: %s",
                  reader->dir.path, reader->names.ring, detail);
}

int kg__reader_usable(kg_reader *reader) {
  if (reader == NULL) {
    return KG_E_INVALID_ARGUMENT;
  }
  if (!kg__reader_is_owned(reader)) {
    return KG_E_WRONG_THREAD;
  }
  return kg__reader_is_forked(reader)
             ? kg__reader_fail(reader, KG_E_FORKED, "the process was forked")
             : KG_OK;
}

int kg_reader_seek(kg_reader *reader, enum kg_from from, uint64_t sequence) {
  int result = kg__reader_usable(reader);
  if (result != KG_OK) {
    return result;
  }
  kg__guard_keep();
  result = kg__ring_reader_seek(&reader->ring, from, sequence);
  update_registration(reader);
  return result == KG_OK
             ? KG_OK
             : kg__reader_fail(reader, result,
                               "from or sequence, which is 1 to 2^53-1");
}

int kg_reader_seek_after(kg_reader *reader, uint64_t sequence,
                         uint64_t priority) {
  int result = kg__reader_usable(reader);
  if (result != KG_OK) {
    return result;
  }
  kg__guard_keep();
  result = kg__ring_reader_seek_after(&reader->ring, sequence, priority);
  update_registration(reader);
  return result == KG_OK
             ? KG_OK
             : kg__reader_fail(reader, result, "sequence is 0 to 2^53-1");
}

/* Whether what a read has copied may be what reads as zeros behind the end of
 * a file that was cut short. Only a checksum tells that from text. */
static bool may_be_cut(const kg_reader *reader, const kg_batch *batch,
                       bool is_rescued) {
  const kg__ring *ring = &reader->segment.ring;
  if (ring->checksums || batch->events == 0) {
    return false;
  }
  /* A cut before the file's last page has taken that one, and then this faults
   * and breaks the guard. Behind the copy, since the file has its new size
   * before anything in it reads as zeros; relaxed, the fence orders it. */
  const char *end = (const char *)ring->header + ring->file_bytes;
  kg__fence_acquire();
  (void)kg__load64_relaxed((const uint64_t *)(const void *)end - 1);
  /* One within it faults nowhere. */
  if (is_rescued) {
    return reader->last_page_has_lane;
  }
  uint64_t first = (reader->ring.cursor - batch->slots) & (ring->capacity - 1);
  return first + batch->slots > ring->capacity - reader->last_page_slots;
}

static bool is_cut_short(const kg_reader *reader) {
  uint64_t size = 0;
  return kg__file_size(&reader->segment.file, &size, NULL) != KG_OK ||
         size < reader->segment.ring.file_bytes;
}

/* What an evicted reader has missed was overwritten because it was evicted: all
 * that is told of it, in as many ranges as the lane leaves (`is_rescued`). */
static void name_eviction(kg__registration *registration, kg_batch *batch,
                          bool is_rescued) {
  if (!registration->was_evicted) {
    return;
  }
  if (batch->loss_reason == KG_LOSS_OVERWRITTEN) {
    batch->loss_reason = KG_LOSS_EVICTED;
  }
  registration->was_evicted =
      is_rescued || (batch->loss_reason == KG_LOSS_NONE && batch->more);
}

/* All but the ring itself, which never changes, and in which another thread may
 * look at the head. */
static void copy_progress(kg__ring_reader *to, const kg__ring_reader *from) {
  size_t at = offsetof(kg__ring_reader, cursor);
  memcpy((char *)to + at, (const char *)from + at, kg__opaque(sizeof *to - at));
}

/* A read that ends a spin is one more look of it, and comes as often. */
#define SPUN_JUST_NOW_NS UINT64_C(20000)

static void keep_guard(kg_reader *reader) {
  if (reader->spun_at_ns != 0) {
    uint64_t now = kg__clock_ns(&reader->clock);
    if (now - reader->spun_at_ns < SPUN_JUST_NOW_NS) {
      kg__guard_keep_often(now);
      return;
    }
  }
  kg__guard_keep();
}

int kg_reader_read(kg_reader *reader, void *buffer, uint32_t slots,
                   kg_batch *batch) {
  int result = kg__reader_usable(reader);
  if (result != KG_OK) {
    return result;
  }
  if (batch == NULL || buffer == NULL || slots == 0 ||
      (uintptr_t)buffer % sizeof(uint64_t) != 0) {
    return kg__reader_fail(
        reader, KG_E_INVALID_ARGUMENT,
        "buffer or batch is NULL, the buffer not aligned, or without "
        "slots");
  }
  keep_guard(reader);
  kg__ring_reader before;
  copy_progress(&before, &reader->ring);
  result = kg__ring_reader_read(&reader->ring, buffer, slots, batch);
  /* Only the size, which is looked at behind the copy, tells a cut within a
   * page from damage. */
  bool is_checked = reader->segment.ring.checksums;
  bool is_rescued = reader->ring.rescued != before.rescued;
  bool is_doubtful = may_be_cut(reader, batch, is_rescued) ||
                     reader->ring.corrupt != before.corrupt;
  if (is_doubtful && is_cut_short(reader)) {
    kg__store32_relaxed(&reader->is_cut, 1);
  }
  if (!kg__reader_is_broken(reader)) {
    update_registration(reader);
    name_eviction(&reader->registration, batch, is_rescued);
    return result;
  }
  /* Events that validated are events. What did not has told nothing. */
  if (result != KG_OK || batch->events == 0 || !is_checked ||
      batch->loss_reason != KG_LOSS_NONE) {
    copy_progress(&reader->ring, &before);
    reader->ring.seen = KG__NO_HEAD;
    *batch = (kg_batch){0};
    return kg__reader_fail(reader, KG_E_RING_TRUNCATED, "it was cut short");
  }
  return KG_OK;
}

uint64_t kg__reader_timed_from(const kg_reader *reader) {
  const kg_ring_header *header = reader->segment.ring.header;
  /* Relaxed: two words for a statistic. */
  return kg__load64_relaxed(&header->boot_id) == reader->boot_id
             ? kg__load64_relaxed(&header->boot_sequence)
             : UINT64_MAX;
}

bool kg__reader_is_retired(const kg_reader *reader) {
  kg__guard_keep();
  /* Relaxed: a thread that misses it sees it at the next look. */
  return kg__load32_relaxed(&reader->segment.ring.header->state) ==
         KG_STATE_RETIRED;
}

static enum kg_writer_life life_of(const kg_reader *reader) {
  if (!kg__file_is_locked(&reader->segment.file, 0)) {
    return KG_WRITER_GONE;
  }
  /* Relaxed: compared with a clock, bound to nothing. A heartbeat from the
   * future is garbage or another boot's, and the lock says it lives. */
  uint64_t beat =
      kg__load64_relaxed(&reader->segment.ring.header->heartbeat_ns);
  uint64_t now = kg__clock_boot_ns();
  return now > beat && now - beat > STALLED_AFTER_NS ? KG_WRITER_STALLED
                                                     : KG_WRITER_LIVE;
}

int kg_reader_check(kg_reader *reader, enum kg_writer_life *life) {
  if (reader == NULL || life == NULL) {
    return KG_E_INVALID_ARGUMENT;
  }
  *life = KG_WRITER_GONE;
  if (kg__reader_is_forked(reader)) {
    return KG_E_FORKED;
  }
  if (is_cut_short(reader) || kg__reader_is_broken(reader)) {
    return KG_E_RING_TRUNCATED;
  }
  kg__guard_keep();
  *life = life_of(reader);
  check_registration(reader);
  bool is_in_place = !kg__reader_is_retired(reader) &&
                     kg__file_is_named(&reader->dir, reader->names.ring,
                                       &reader->segment.file);
  /* Where no directory was asked for, the next writer may be in another one. */
  bool is_left =
      *life == KG_WRITER_GONE && reader->is_default_dir &&
      kg__directories_have_writer(&reader->dirs, &reader->dir, &reader->names);
  return is_in_place && !is_left ? KG_OK : KG_E_NO_RING;
}

uint32_t kg__reader_state(kg_reader *reader) {
  enum kg_writer_life life;
  int result = kg_reader_check(reader, &life);
  return (uint32_t)-result * KG_STATE_ERROR + (uint32_t)life;
}

void kg_reader_stats_get(const kg_reader *reader, kg_reader_stats *stats) {
  if (reader == NULL || stats == NULL) {
    return;
  }
  if (kg__reader_is_forked(reader) || !kg__reader_is_owned(reader)) {
    *stats = (kg_reader_stats){0};
    return;
  }
  kg__guard_keep();
  kg__ring_reader_stats(&reader->ring, stats);
  const kg__totals *earlier = &reader->earlier;
  stats->received += earlier->received;
  stats->lost += earlier->lost;
  stats->rescued += earlier->rescued;
  stats->corrupt += earlier->corrupt;
  stats->bytes += earlier->bytes;
  /* Relaxed: two words for people. */
  stats->reliable = reader->registration.shared != NULL &&
                    is_rejecting(reader) &&
                    kg__load32_relaxed(&reader->registration.shared->state) ==
                        KG_CELL_ATTACHED;
}
