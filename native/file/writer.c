/* kg_writer: the public writer over a ring that it owns. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../base/atomic.h"
#include "../text/threat_check.h"
#include "lock_file.h"
#include "options.h"
#include "writer.h"

void kg_writer_close(kg_writer *writer) {
  if (writer == NULL) {
    return;
  }
  kg__ring_writer_end(&writer->ring);
  if (!kg__writer_is_forked(writer)) {
    kg__segment_close(&writer->segment);
    kg__other_locks_free(&writer->other_locks);
    kg__file_close(&writer->lock);
  }
  kg__wake_file_close(&writer->wake_file);
  kg__writer_space_end(writer);
  kg__dir_close(&writer->dir);
  free(writer);
}

/* The stream goes on from the newest ring, wherever that is. Behind the locks:
 * no other writer adds to it any more. */
static void follow_newest(kg_writer *writer) {
  kg__last_stream last;
  kg__directories_find_stream(&writer->names, &last);
  if (last.generation != 0 && strcmp(last.dir, writer->dir.path) != 0) {
    writer->setup.predecessor_generation = last.generation;
    writer->setup.predecessor_sequence = last.sequence;
    writer->setup.predecessor_priority = last.priority;
  }
}

/* Takes the locks and the ring in a directory. */
static int acquire_in(void *context, const kg__dir *dir, kg_failure *failure) {
  kg_writer *writer = context;
  kg__ring_setup setup = writer->setup;
  writer->dir = *dir;
  int result = kg__writer_lock(writer, failure);
  if (result == KG_OK) {
    if (writer->is_default_dir && setup.predecessor_generation == 0) {
      follow_newest(writer);
    }
    result = kg__writer_acquire(writer, failure);
  }
  if (result != KG_OK) {
    /* As before: another directory may do. */
    kg__other_locks_free(&writer->other_locks);
    kg__file_close(&writer->lock);
    writer->dir.handle = -1;
    writer->setup = setup;
  }
  return result;
}

int kg_writer_open(const kg_ring_options *given, kg_writer **opened,
                   kg_failure *failure) {
  kg_ring_options copy;
  const kg_ring_options *options = &copy;
  int result = kg__options_copy(given, &copy, failure);
  if (result == KG_OK && opened == NULL) {
    result = kg__fail(failure, KG_E_INVALID_ARGUMENT, 0, "writer is NULL");
  }
  if (result != KG_OK) {
    return result;
  }
  if (options->checks > (KG_CHECK_UTF8 | KG_CHECK_JSON)) {
    return kg__fail(failure, KG_E_INVALID_OPTION, 0,
                    "checks is %" PRIu64 ": KG_CHECK_UTF8, KG_CHECK_JSON or "
                    "both will do, or 0",
                    options->checks);
  }
  kg_writer *writer = calloc(1, sizeof *writer);
  if (writer == NULL) {
    return kg__fail(failure, KG_E_NO_MEMORY, 0, "no memory for a writer");
  }
  writer->lock = KG__FILE_NONE;
  writer->wake_file = KG__WAKE_FILE_NONE;
  writer->dir.handle = -1;
  writer->fork_count = kg__fork_count();
  kg__writer_own(writer);
  kg__clock_begin(&writer->clock);
  writer->setup.checksums = !options->no_checksums;
  writer->setup.predecessor_generation = options->predecessor_generation;
  writer->setup.predecessor_sequence = options->predecessor_sequence;
  writer->setup.predecessor_priority = options->predecessor_priority;
  writer->any_capacity = options->max_events == 0;
  writer->any_priority_events = options->priority_events == 0;
  writer->priority_severity = options->priority_severity == 0
                                  ? KG_SEVERITY_CRITICAL
                                  : options->priority_severity;
  writer->is_default_dir = options->dir == NULL;
  kg__writer_space_begin(writer, options);
  writer->setup.max_bytes = options->max_bytes;
  writer->any_thread = options->any_thread;
  writer->checks = options->checks;

  result = kg__placement_of(options, &writer->placement, failure);
  if (result == KG_OK) {
    result = kg__names_make(options->name, &writer->names, failure);
  }
  if (result == KG_OK) {
    result = kg__geometry_of(options, &writer->setup, failure);
  }
  if (result == KG_OK) {
    result = kg__directories_use(options, acquire_in, writer, failure);
  }
  if (result != KG_OK) {
    kg_writer_close(writer);
    return result;
  }
  *opened = writer;
  return KG_OK;
}

/* --- Writing ------------------------------------------------------------ */

/* How long the wall clock is taken to run as the monotonic one does. Asking for
 * it each time would be a tenth of what publishing costs; a clock that was set
 * is seen so much later. */
#define WALL_TRUST_NS INT64_C(50000000)

static uint64_t wall_us_at(kg_writer *writer, uint64_t publish_ns) {
  /* Negative when the batch began before the clock was asked. */
  int64_t since = (int64_t)(publish_ns - writer->wall_at_ns);
  if (writer->wall_at_ns == 0 || since >= WALL_TRUST_NS) {
    writer->wall_at_ns = kg__clock_ns(&writer->clock);
    writer->wall_ns = kg__clock_wall_us() * 1000;
    since = (int64_t)(publish_ns - writer->wall_at_ns);
  }
  return (writer->wall_ns + (uint64_t)since) / 1000;
}

/* Says why the ring cannot be written; the batch is dropped. */
KG__COLD static int refuse_unusable(kg_writer *writer, int error) {
  kg__ring_writer_discard(&writer->ring);
  /* What a beat found out says more than the number that it left. */
  if (error != writer->displaced || writer->failure.error != error) {
    kg__fail(&writer->failure, error, 0, "%s" KG__SEPARATOR "%s",
             writer->dir.path, writer->names.ring);
  }
  return error;
}

static bool is_whole(kg_text text) {
  return text.bytes != NULL || text.length == 0;
}

/* The field whose text is not there, or NULL. */
static const char *find_wrong(const kg_threat *threat) {
  return !is_whole(threat->source)     ? "source"
         : !is_whole(threat->details)  ? "details"
         : !is_whole(threat->id)       ? "id"
         : !is_whole(threat->context)  ? "context"
         : !is_whole(threat->deflated) ? "deflated"
                                       : NULL;
}

/* What most threats are, seen in a few instructions: each write pays for it. */
static bool is_plain(const kg_threat *threat) {
  return threat->source.bytes != NULL && threat->details.bytes != NULL &&
         (threat->id.length | threat->context.length |
          threat->deflated.length) == 0;
}

/* Says why a threat could not be read, or not by everybody. */
KG__COLD static int refuse_wrong(kg_writer *writer, const kg_threat *threat) {
  const char *wrong = threat == NULL ? NULL : find_wrong(threat);
  if (threat == NULL) {
    return kg__fail(&writer->failure, KG_E_INVALID_ARGUMENT, 0,
                    "threat is NULL");
  }
  if (wrong != NULL) {
    return kg__fail(&writer->failure, KG_E_INVALID_ARGUMENT, 0,
                    "%s has a length, and its bytes are NULL", wrong);
  }
  return kg__fail(&writer->failure, KG_E_INVALID_THREAT, 0,
                  "timestamp_us is %" PRIu64 ", at most 2^53-1 will do",
                  threat->timestamp_us);
}

/* Whether it can be read, by everybody. */
static bool is_right(const kg_threat *threat) {
  return threat != NULL && threat->timestamp_us <= KG_SEQUENCE_MAX &&
         (is_plain(threat) || find_wrong(threat) == NULL);
}

/* Says why the ring does not take a threat. */
KG__COLD static int refuse_threat(kg_writer *writer, const kg_threat *threat,
                                  int error) {
  const kg__ring *ring = &writer->ring.ring;
  if (error == KG_E_SEQUENCE_EXHAUSTED) {
    return kg__fail(&writer->failure, error, 0, "%s" KG__SEPARATOR "%s",
                    writer->dir.path, writer->names.ring);
  }
  return kg__fail(&writer->failure, error, 0,
                  "the threat takes %" PRId64 " slots; an event takes %" PRIu32
                  " at most, and a batch %" PRIu32,
                  kg_threat_span(threat), kg__ring_event_slots(ring),
                  kg__ring_batch_slots(ring));
}

/* What the options ask for beyond that. */
KG__COLD static int check_texts(kg_writer *writer, const kg_threat *threat) {
  int result = kg__threat_check(threat, writer->checks, &writer->failure);
  if (result != KG_OK) {
    kg__ring_writer_discard(&writer->ring);
  }
  return result;
}

/* Behind one that was published so shortly before, the next events are taken to
 * follow soon. Less than a reader takes to answer an event. One that was
 * refused for want of space does not count: what lies ahead is what that waits
 * for. */
#define HURRY_NS 250

/* `is_only`: the batch is empty, and is committed behind this one. */
static int stage(kg_writer *writer, const kg_threat *threat, bool is_only) {
  if (!is_right(threat)) {
    kg__ring_writer_discard(&writer->ring);
    return refuse_wrong(writer, threat);
  }
  if (writer->checks != 0 && check_texts(writer, threat) != KG_OK) {
    return KG_E_INVALID_THREAT;
  }
  int result = kg__writer_usable(writer);
  if (result != KG_OK) {
    return refuse_unusable(writer, result);
  }
  kg__ring_writer_prefetch(&writer->ring);
  if (writer->ring.staged_slots == 0) {
    uint64_t now = kg__clock_ns(&writer->clock);
    if (now - writer->published_at_ns < HURRY_NS) {
      kg__ring_writer_prefetch_more(&writer->ring);
    }
    writer->time.publish_ns = now;
  }
  if (threat->timestamp_us == 0) {
    writer->time.wall_us = wall_us_at(writer, writer->time.publish_ns);
  }
  if (is_only && kg__ring_writer_defer(&writer->ring, threat, &writer->time)) {
    return KG_OK;
  }
  result = kg__ring_writer_stage(&writer->ring, threat, &writer->time);
  return result == KG_OK ? KG_OK : refuse_threat(writer, threat, result);
}

KG__COLD static int refuse_full(kg_writer *writer, uint32_t slots) {
  static const char detail[] = "a reader is in the way, see kg_writer_readers";
  writer->rejected += writer->ring.staged_events;
  writer->wanted = slots;
  kg__ring_writer_discard(&writer->ring);
  /* Who has no space tries often: this formats nothing. */
  writer->failure.error = KG_E_RING_FULL;
  writer->failure.system_error = 0;
  memcpy(writer->failure.detail, detail, sizeof detail);
  return KG_E_RING_FULL;
}

/* Of a writer that was usable just now. */
static int64_t commit(kg_writer *writer) {
  kg__ring_writer *ring = &writer->ring;
  uint32_t slots = ring->staged_slots;
  uint32_t events = ring->staged_events;
  if (!kg__writer_has_space(writer, slots)) {
    return refuse_full(writer, slots);
  }
  if (slots == 0) {
    return (int64_t)ring->sequence;
  }
  /* Relaxed: as in kg__stamp_heartbeat. */
  kg__store64_relaxed(&ring->ring.header->heartbeat_ns,
                      writer->time.publish_ns + writer->boot_offset_ns);
  kg__ring_writer_copy(ring);
  if (kg__writer_is_broken(writer)) {
    /* Before the head: what stands whole before the cut would be seen. */
    return refuse_unusable(writer, KG_E_RING_TRUNCATED);
  }
  kg__ring_writer_publish(ring);
  if (kg__writer_is_broken(writer)) {
    /* The file had no head any more, so no reader has seen it. What is cut from
     * here on, one may have. */
    kg__ring_writer_take_back(ring);
    return refuse_unusable(writer, KG_E_RING_TRUNCATED);
  }
  kg__ring_writer_finish(ring);
  uint32_t waiters = kg__ring_writer_waiters(ring);
  writer->published += events;
  writer->published_at_ns = writer->time.publish_ns;
  writer->bytes += (uint64_t)slots * sizeof(kg_slot);
  if (waiters != 0) {
    kg__writer_wake(writer, waiters);
    writer->bells++;
  }
  return (int64_t)ring->sequence;
}

int kg_writer_stage(kg_writer *writer, const kg_threat *threat) {
  if (writer == NULL) {
    return KG_E_INVALID_ARGUMENT;
  }
  if (!kg__writer_is_owned(writer)) {
    return KG_E_WRONG_THREAD;
  }
  kg__writer_enter(writer);
  int result = stage(writer, threat, false);
  kg__writer_leave(writer);
  return result;
}

int64_t kg_writer_commit(kg_writer *writer) {
  if (writer == NULL) {
    return KG_E_INVALID_ARGUMENT;
  }
  if (!kg__writer_is_owned(writer)) {
    return KG_E_WRONG_THREAD;
  }
  kg__writer_enter(writer);
  /* The batch may have been staged a while ago. */
  kg__guard_keep();
  int error = kg__writer_usable(writer);
  int64_t result =
      error == KG_OK ? commit(writer) : refuse_unusable(writer, error);
  kg__writer_leave(writer);
  return result;
}

void kg_writer_discard(kg_writer *writer) {
  if (writer != NULL && kg__writer_is_owned(writer)) {
    kg__writer_enter(writer);
    kg__ring_writer_discard(&writer->ring);
    kg__writer_leave(writer);
  }
}

int64_t kg_writer_write(kg_writer *writer, const kg_threat *threat) {
  if (writer == NULL) {
    return KG_E_INVALID_ARGUMENT;
  }
  if (!kg__writer_is_owned(writer)) {
    return KG_E_WRONG_THREAD;
  }
  kg__writer_enter(writer);
  /* A batch that the caller staged earlier must not go out along with this
   * one. */
  kg__ring_writer_discard(&writer->ring);
  int64_t result = stage(writer, threat, true);
  if (result == KG_OK) {
    kg__guard_keep_often(writer->time.publish_ns);
    result = commit(writer);
  }
  kg__writer_leave(writer);
  return result;
}

/* --- Heartbeat ---------------------------------------------------------- */

static int beat(kg_writer *writer, kg_failure *failure) {
  if (kg__writer_is_forked(writer)) {
    return kg__fail(failure, KG_E_FORKED, 0, "process %" PRIu32 " was forked",
                    kg__process_id());
  }
  bool in_place;
  kg__guard_keep();
  int result = kg__writer_keep(writer, &in_place, failure);
  if (!in_place && result != KG_OK) {
    writer->displaced = result;
    return result;
  }
  writer->displaced = KG_OK;
  kg__stamp_heartbeat(writer);
  return result;
}

int kg_writer_beat(kg_writer *writer, kg_failure *failure) {
  if (writer == NULL) {
    return kg__fail(failure, KG_E_INVALID_ARGUMENT, 0, "writer is NULL");
  }
  if (!kg__writer_is_owned(writer)) {
    return kg__fail(failure, KG_E_WRONG_THREAD, 0, "beating");
  }
  kg_failure found;
  kg__writer_enter(writer);
  int result = beat(writer, &found);
  if (result != KG_OK) {
    kg__fail_as(&writer->failure, &found);
    kg__fail_as(failure, &found);
  }
  kg__writer_leave(writer);
  return result;
}

void kg_writer_skip_to(kg_writer *writer, uint64_t sequence,
                       uint64_t priority) {
  if (writer == NULL || !kg__writer_is_owned(writer)) {
    return;
  }
  kg__writer_enter(writer);
  if (!kg__writer_is_forked(writer) && sequence > writer->ring.sequence) {
    kg__guard_keep();
    bool is_first = writer->skipped_to <= writer->ring.sequence;
    writer->skipped_to = sequence;
    writer->skipped_priority = priority;
    if (is_first) {
      kg__writer_retire(writer);
    }
  }
  kg__writer_leave(writer);
}
