#include "writer.h"

#include "../base/atomic.h"
#include "../base/step.h"
#include "lock_file.h"

/* --- The ring ----------------------------------------------------------- */

void kg__stamp_heartbeat(kg_writer *writer) {
  uint64_t now = kg__clock_boot_ns();
  if (writer->skipped_to <= writer->ring.sequence) {
    /* Relaxed, and again each time: what another process wrote there does not
     * last. */
    kg__store32_relaxed(&writer->segment.ring.header->state, KG_STATE_LIVE);
  }
  writer->boot_offset_ns = now - kg__clock_monotonic_ns();
  /* Relaxed: a reader compares it with its clock, nothing else. */
  kg__store64_relaxed(&writer->segment.ring.header->heartbeat_ns, now);
}

/* Relaxed: readers compare it with the file that they have opened. */
static void announce_wake_file(kg_writer *writer) {
  kg__store64_relaxed(&writer->segment.ring.header->wake_file_id,
                      writer->wake_file.id);
}

void kg__writer_wake(kg_writer *writer, uint32_t waiters) {
  if ((waiters & KG_WAITS_FOR_WAKE_FILE) != 0 &&
      !kg__wake_file_signal(&writer->wake_file)) {
    /* It was cut short. Until the next beat makes another, readers wait in
     * threads. */
    kg__wake_file_close(&writer->wake_file);
    announce_wake_file(writer);
  }
  if ((waiters & ~KG_WAITS_FOR_WAKE_FILE) != 0) {
    kg__bell_ring(&writer->segment.bell);
  }
}

/* Makes the wake file, again where it is gone, and says which one it is in the
 * header. Without one, readers wait in threads: nothing fails. */
static void keep_wake_file(kg_writer *writer) {
  kg__wake_file_keep(&writer->dir, writer->names.wake_file, &writer->wake_file);
  announce_wake_file(writer);
}

/* Stamps the writer's line of the header. */
static void sign(kg_writer *writer) {
  kg_ring_header *header = writer->segment.ring.header;
  uint64_t boot = kg__boot_id();
  /* Relaxed: for people, and for readers who only compare single words. */
  if (kg__load64_relaxed(&header->boot_id) != boot) {
    kg__store64_relaxed(&header->boot_sequence, writer->ring.sequence + 1);
    kg__store64_relaxed(&header->boot_id, boot);
  }
  kg__store32_relaxed(&header->writer_pid, kg__process_id());
  kg__store64_relaxed(&header->writer_start_us, kg__clock_wall_us());
  /* First: a process that looks while the rest is prepared sees a writer. */
  kg__stamp_heartbeat(writer);
  keep_wake_file(writer);
  kg__writer_space_keep(writer);
  KG__STEP("ring signed");
}

/* Freezes a ring that was replaced and wakes its readers. */
static void retire(kg__segment *old) {
  /* Relaxed: readers look again and again, and the lock's transfer orders the
   * next writer behind it. A file that was cut short may have no header any
   * more; the mapping is guarded. */
  kg__store32_relaxed(&old->ring.header->state, KG_STATE_RETIRED);
  /* A reader that is about to sleep expects the word of before. */
  kg__add32_seq_cst(&old->ring.doorbell->waiters, KG_WAITS_TURN);
  kg__bell_ring(&old->bell);
}

void kg__writer_retire(kg_writer *writer) {
  retire(&writer->segment);
  /* It goes on writing until the next beat: what it leaves then was not there
   * before. */
  writer->ring.turn += KG_WAITS_TURN;
  kg__wake_file_signal(&writer->wake_file);
}

/* Makes `segment`, which has no name yet, the writer's ring, and gives it its
 * name once it tells all that readers decide by: its writer's life, the wake
 * file, and whether they are waited for. On an error the writer keeps what it
 * had. */
static int move_to(kg_writer *writer, const kg__segment *segment,
                   kg_failure *failure) {
  kg__segment segment_before = writer->segment;
  kg__ring_writer ring_before = writer->ring;
  uint64_t skipped_before = writer->skipped_to;
  int result = kg__ring_writer_begin(&writer->ring, &segment->ring, failure);
  if (result != KG_OK) {
    return result;
  }
  writer->ring.priority_severity = writer->priority_severity;
  writer->segment = *segment;
  writer->skipped_to = 0;
  kg__writer_space_renew(writer, true);
  sign(writer);
  result = kg__file_rename(&writer->dir, segment->temporary, writer->names.ring,
                           failure);
  if (result != KG_OK) {
    kg__ring_writer_end(&writer->ring);
    writer->segment = segment_before;
    writer->ring = ring_before;
    writer->skipped_to = skipped_before;
  }
  return result;
}

/* Makes a new ring, with `old` as its predecessor if it is given, which came to
 * `last` and `priority`, and wakes the readers of the old one. */
static int create_ring(kg_writer *writer, kg__segment *old, uint64_t last,
                       uint64_t priority, kg_failure *failure) {
  kg__ring_setup setup = writer->setup;
  kg__segment segment;
  int result = kg__random(&setup.generation, failure);
  if (result != KG_OK) {
    return result;
  }
  setup.created_us = kg__clock_wall_us();
  /* What was said when the writer was opened goes before what is found. */
  if (old != NULL && setup.predecessor_generation == 0) {
    setup.predecessor_generation = old->ring.generation;
    setup.predecessor_sequence = last;
    setup.predecessor_priority = priority;
  }
  result =
      kg__segment_make(&writer->dir, &writer->names, &setup, &segment, failure);
  if (result != KG_OK) {
    return result;
  }
  result = move_to(writer, &segment, failure);
  if (result != KG_OK) {
    kg__segment_unmake(&writer->dir, &segment);
    return result;
  }
  KG__STEP("ring named");
  writer->setup.predecessor_generation = 0;
  if (old != NULL) {
    /* After the new ring has the name, so that a death between the two leaves a
     * ring that goes on. */
    retire(old);
    KG__STEP("old ring retired");
    /* A writer that has just come had no wake file before. */
    kg__wake_file_signal(&writer->wake_file);
  }
  return KG_OK;
}

/* Relaxed: the lock's transfer through the kernel orders it. */
static bool is_retired(const kg__ring *ring) {
  return kg__load32_relaxed(&ring->header->state) == KG_STATE_RETIRED;
}

/* Whether the ring holds all of the stream that the writer is to go on from:
 * another one would be taken up behind what came since. */
static bool is_up_to_date(const kg__ring_setup *setup, const kg__ring *ring,
                          uint64_t sequence) {
  return setup->predecessor_generation == 0 ||
         (setup->predecessor_generation == ring->generation &&
          (setup->predecessor_sequence > KG_SEQUENCE_MAX ||
           setup->predecessor_sequence <= sequence));
}

/* A writer that names no size takes the ring that is there. */
static bool is_wanted(const kg_writer *writer, const kg__ring *ring,
                      uint64_t sequence) {
  const kg__ring_setup *setup = &writer->setup;
  bool fits = writer->max_bytes == 0 || ring->file_bytes <= writer->max_bytes;
  return is_up_to_date(setup, ring, sequence) && fits &&
         (writer->any_capacity || ring->capacity == setup->capacity) &&
         (writer->any_priority_events ||
          ring->priority_events == setup->priority_events) &&
         ring->checksums == setup->checksums;
}

/* Whether an error says that a ring is not fit to go on. Any other one, no
 * memory for one, says nothing of the ring, which then stays. */
static bool is_damage(int error) {
  return error == KG_E_RING_INVALID || error == KG_E_RING_VERSION ||
         error == KG_E_RING_TRUNCATED || error == KG_E_RING_CORRUPT;
}

/* Continues the ring in `file`, which is locked, or replaces it. The file is
 * the segment's from here on, or closed. */
static int take_over(kg_writer *writer, kg__file *file, kg_failure *failure) {
  kg__segment found;
  kg__ring_writer ring;
  kg_failure wrong;
  uint64_t sequence = UINT64_MAX;
  uint64_t priority = KG_PRIORITY_UNKNOWN;
  int result = kg__segment_map(file, true, &found, &wrong);
  if (result != KG_OK) {
    kg__file_close(file);
    return is_damage(result) ? create_ring(writer, NULL, 0, 0, failure)
                             : kg__fail_as(failure, &wrong);
  }
  result = kg__ring_writer_begin(&ring, &found.ring, &wrong);
  if (result == KG_OK && is_wanted(writer, &found.ring, ring.sequence) &&
      !is_retired(&found.ring)) {
    writer->setup.predecessor_generation = 0;
    writer->setup.capacity = found.ring.capacity;
    writer->setup.priority_events = found.ring.priority_events;
    writer->segment = found;
    writer->ring = ring;
    writer->ring.priority_severity = writer->priority_severity;
    kg__writer_space_renew(writer, false);
    sign(writer);
    /* For what the writer before had copied but not published: those who are
     * about to sleep by what this takes, and those whom that writer took and
     * did not wake. */
    kg__ring_writer_waiters(&writer->ring);
    kg__writer_wake(writer, KG_WAITS_ON_HEAD | KG_WAITS_FOR_WAKE_FILE);
    return KG_OK;
  }
  if (result == KG_OK) {
    /* Of a retired one's stream, more was published elsewhere. */
    if (!is_retired(&found.ring)) {
      sequence = ring.sequence;
      priority = ring.priority;
    }
    kg__ring_writer_end(&ring);
  } else if (!is_damage(result)) {
    kg__segment_close(&found);
    return kg__fail_as(failure, &wrong);
  }
  result = create_ring(writer, &found, sequence, priority, failure);
  kg__segment_close(&found);
  return result;
}

int kg__writer_lock(kg_writer *writer, kg_failure *failure) {
  return kg__directories_lock(&writer->dir, &writer->names,
                              writer->is_default_dir, &writer->lock,
                              &writer->other_locks, failure);
}

int kg__writer_acquire(kg_writer *writer, kg_failure *failure) {
  kg__file file;
  /* The ring's own lock, too, so that an unlinked lock file opens no door. */
  int result = kg__file_open_locked(&writer->dir, writer->names.ring, false,
                                    &file, failure);
  /* Damage is found here already where a ring's name only leads to its file. */
  if (result == KG_E_NO_RING || is_damage(result)) {
    return create_ring(writer, NULL, 0, 0, failure);
  }
  if (result == KG_E_RING_LOCKED) {
    return kg__lock_name_holder(&writer->dir, &writer->names, failure);
  }
  return result == KG_OK ? take_over(writer, &file, failure) : result;
}

/* --- Keeping it --------------------------------------------------------- */

/* Gets back into the directory and its lock file after they went away. */
static int relock(kg_writer *writer, kg_failure *failure) {
  if (!kg__dir_is_named(&writer->dir)) {
    kg__dir dir;
    int result =
        writer->is_default_dir
            ? kg__dir_open_candidate(writer->dir.path, true, &dir, failure)
            : kg__dir_open(writer->dir.path, true, &dir, failure);
    if (result == KG_E_INVALID_OPTION) {
      /* The option was good when the writer was opened: the directory above
       * it went away, and that is not the caller's fault. */
      result = KG_E_NO_RING;
      if (failure != NULL) {
        failure->error = result;
      }
    }
    if (result != KG_OK) {
      return result;
    }
    kg__dir_close(&writer->dir);
    writer->dir = dir;
  }
  if (kg__file_is_named(&writer->dir, writer->names.lock, &writer->lock)) {
    return KG_OK;
  }
  kg__file_close(&writer->lock);
  /* The locks of the other directories may be gone as well. */
  return kg__writer_lock(writer, failure);
}

/* Whether readers that come can still tell what it is. */
static bool has_its_header(const kg__segment *segment) {
  kg_ring_identity found;
  return kg__ring_verify(segment->base, segment->length, &found, NULL) ==
             KG_OK &&
         found.generation == segment->ring.generation;
}

static bool is_in_place(kg_writer *writer) {
  uint64_t size = 0;
  /* One that lacks events in its middle is not the ring that belongs there. */
  return writer->skipped_to <= writer->ring.sequence &&
         kg__file_is_named(&writer->dir, writer->names.ring,
                           &writer->segment.file) &&
         kg__file_size(&writer->segment.file, &size, NULL) == KG_OK &&
         size >= writer->segment.length && has_its_header(&writer->segment) &&
         /* Cut short and made long again: readers that come refuse it. */
         !kg__file_has_holes(&writer->segment.file, writer->segment.length) &&
         !kg__guard_is_broken(writer->segment.guard);
}

/* Puts a new ring where ours is no more. What has the name by now is taken only
 * if no writer holds it. */
static int replace_ring(kg_writer *writer, kg_failure *failure) {
  kg__segment old = writer->segment;
  kg__ring_writer old_ring = writer->ring;
  kg__file other;
  int result = kg__file_open(&writer->dir, writer->names.ring, &other, failure);
  if (result == KG_OK) {
    /* Our own file cut short is locked by ourselves. */
    if (other.inode != old.file.inode || other.device != old.file.device) {
      result = kg__file_lock(&other, 0, failure);
    }
    kg__file_close(&other);
    if (result == KG_E_RING_LOCKED) {
      result = kg__lock_name_holder(&writer->dir, &writer->names, failure);
    }
  } else if (result == KG_E_NO_RING || is_damage(result)) {
    result = KG_OK;
  }
  if (result == KG_OK) {
    bool is_last = old_ring.sequence >= writer->skipped_to;
    result = create_ring(
        writer, &old, is_last ? old_ring.sequence : writer->skipped_to,
        is_last ? old_ring.priority : writer->skipped_priority, failure);
  }
  if (result == KG_OK) {
    kg__ring_writer_end(&old_ring);
    kg__segment_close(&old);
    writer->replaced++;
  }
  return result;
}

/* How often a ring that is swept away before it has its name is made anew. */
#define ATTEMPTS 16

int kg__writer_keep(kg_writer *writer, bool *in_place, kg_failure *failure) {
  int result = KG_OK;
  /* A staged batch has its places in this ring: it is published first. */
  *in_place = writer->ring.staged_slots > 0 || is_in_place(writer);
  if (!*in_place ||
      !kg__file_is_named(&writer->dir, writer->names.lock, &writer->lock)) {
    result = relock(writer, failure);
    if (*in_place && result == KG_E_RING_LOCKED) {
      /* Another process holds another file of the lock's name. The ring's own
       * lock is ours, so it is not theirs to write. */
      result = KG_OK;
    }
  }
  if (result == KG_OK && !*in_place) {
    result = replace_ring(writer, failure);
    for (int i = 0; result == KG_E_NO_RING && i < ATTEMPTS; i++) {
      /* The lock file went meanwhile, and one that made another has swept away
       * what had no name yet. */
      result = relock(writer, failure);
      if (result == KG_OK) {
        result = replace_ring(writer, failure);
      }
    }
  } else if (result == KG_OK) {
    keep_wake_file(writer);
    kg__writer_space_keep(writer);
  }
  return result;
}
