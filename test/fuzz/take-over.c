/* A writer that finds any file under the ring's name, and keeps its ring while
 * files are changed, cut short and removed. It opens, or says why by the
 * table; sequences rise by one; readers that come get exactly what it writes;
 * those that were there before see a stream without a gap in what is told. */
#include <stdlib.h>
#include <string.h>

#include "fuzz_file.h"

#define MOST_STEPS 12
#define MOST_READ_SLOTS 64

/* A reader and what it was told. */
typedef struct watcher {
  kg_reader *reader;
  fuzz_account account;
  bool is_gone; /* its ring was cut short, or may have been */
} watcher;

typedef struct world {
  fuzz_file file;
  kg_writer *writer;
  watcher before; /* opened in front of the writer, ordinary or reliable */
  uint64_t sequence;
  uint64_t generation;
} world;

void fuzz_begin(void) {
  fuzz_file_begin();
}

/* --- Readers -------------------------------------------------------------- */

static bool open_watcher(watcher *one, bool reliable) {
  kg_ring_options options = {.dir = fuzz_dir(), .reliable = reliable};
  kg_reader_stats stats;
  *one = (watcher){.reader = NULL};
  if (kg_reader_open(&options, &one->reader, NULL) != KG_OK) {
    return false;
  }
  kg_reader_stats_get(one->reader, &stats);
  one->account.next = stats.expected;
  return true;
}

/* Reads what is there. What the slots say is for reader.c and open.c; here the
 * account counts. False when the ring was cut short. */
static bool watch(watcher *one) {
  static kg_slot buffer[MOST_READ_SLOTS];
  static char scratch[MOST_READ_SLOTS * KG_EVENT_BYTES];
  fuzz_account *account = &one->account;
  uint32_t limit = 1000;
  kg_batch batch;
  do {
    CHECK(limit-- > 0);
    int result = kg_reader_read(one->reader, buffer, MOST_READ_SLOTS, &batch);
    if (result != KG_OK) {
      CHECK_RESULT(result, KG_E_RING_TRUNCATED, NULL);
      return false;
    }
    if (batch.loss_reason != KG_LOSS_NONE) {
      CHECK(account->next == 0 || batch.lost_from == account->next);
      CHECK_EQUAL(batch.lost, batch.lost_to - batch.lost_from + 1);
      account->next = batch.lost_to + 1;
      account->lost += batch.lost;
    }
    uint32_t offset = 0;
    for (uint32_t i = 0; i < batch.events; i++) {
      kg_threat threat;
      uint32_t span = buffer[offset].span;
      int decoded = kg_event_decode(buffer, &offset, scratch, &threat);
      CHECK(account->next == 0 || threat.sequence == account->next);
      if (account->is_honest) {
        CHECK_RESULT(decoded, KG_OK, NULL);
        CHECK(!threat.cut || is_critical(threat.sequence));
        if (!threat.cut) {
          check_threat(&threat, span);
        }
      }
      account->next = threat.sequence + 1;
      account->last = threat.sequence;
      account->received++;
    }
    CHECK_EQUAL(offset, batch.slots);
  } while (batch.more);
  return true;
}

/* --- The writer ----------------------------------------------------------- */

/* Writes what follows from the next sequence; false when it was refused. */
static bool write_one(world *w) {
  made_threat made;
  uint64_t sequence = w->sequence + 1;
  if (w->sequence == KG_SEQUENCE_MAX) {
    const kg_threat threat = {.severity = 1};
    int64_t refusal = kg_writer_write(w->writer, &threat);
    /* A ring that is gone may have a successor, which begins anew. */
    CHECK(refusal == KG_E_SEQUENCE_EXHAUSTED ||
          refusal == KG_E_RING_TRUNCATED || refusal == KG_E_RING_LOCKED);
    return false;
  }
  make_threat(&made, sequence, span_of(sequence, 4));
  int64_t result = kg_writer_write(w->writer, &made.threat);
  if (result < 0) {
    /* Behind a reliable reader, or until the next beat. */
    CHECK(result == KG_E_RING_FULL || result == KG_E_RING_TRUNCATED ||
          result == KG_E_RING_LOCKED);
    return false;
  }
  CHECK_EQUAL(result, sequence);
  w->sequence = sequence;
  return true;
}

static void learn(world *w) {
  kg_writer_stats stats;
  kg_ring_info info;
  kg_writer_stats_get(w->writer, &stats);
  kg_writer_info(w->writer, &info);
  CHECK(info.capacity >= KG_MIN_CAPACITY && info.generation != 0);
  CHECK(stats.sequence <= KG_SEQUENCE_MAX);
  if (info.generation == w->generation) {
    CHECK_EQUAL(stats.sequence, w->sequence);
  } else {
    CHECK_EQUAL(stats.sequence, 0);
  }
  w->generation = info.generation;
  w->sequence = stats.sequence;
}

static void beat(world *w) {
  kg_failure failure = {0};
  int result = kg_writer_beat(w->writer, &failure);
  if (result != KG_OK) {
    fuzz_check_failure(result, &failure);
  } else {
    learn(w);
  }
}

/* A reader that comes now gets all that is written from now on. False when
 * nothing could be written, or nothing for the lane: what was forged in its
 * words still stands there, and the next writer would not believe the ring. */
static bool check_stream(world *w) {
  watcher fresh;
  kg_failure failure = {0};
  CHECK_RESULT(kg_writer_beat(w->writer, &failure), KG_OK, &failure);
  learn(w);
  if (w->sequence > KG_SEQUENCE_MAX - 8) {
    return false;
  }
  /* What stands between head and its writer's is put right by a write. */
  if (!write_one(w)) {
    return false;
  }
  CHECK(open_watcher(&fresh, false));
  fresh.account = (fuzz_account){.next = w->sequence + 1, .is_honest = true};
  uint64_t first = w->sequence;
  while (w->sequence < first + 3 && write_one(w)) {
  }
  CHECK(watch(&fresh));
  CHECK_EQUAL(fresh.account.received, w->sequence - first);
  CHECK_EQUAL(fresh.account.lost, 0);
  kg_reader_close(fresh.reader);
  return count_critical(first, w->sequence) > 0;
}

static kg_ring_options pick_options(fuzz_input *in) {
  uint8_t how = fuzz_u8(in);
  kg_ring_options options = {.dir = fuzz_dir()};
  options.max_events = how % 4 == 3 ? 64 : how % 4 == 2 ? FUZZ_CAPACITY : 0;
  options.no_checksums = how / 4 % 8 == 7;
  options.rejects = how / 32 % 2 == 1;
  options.reader_timeout_ms = 1;
  uint32_t lane = fuzz_below(in, 8);
  options.priority_events = lane == 7   ? KG_PRIORITY_NONE
                            : lane == 6 ? 2 * FUZZ_LANE
                                        : 0;
  if (how / 64 == 3) {
    options.predecessor_generation = fuzz_near(in, 1);
    options.predecessor_sequence = fuzz_near(in, 5);
  }
  return options;
}

static bool open_writer_here(world *w, fuzz_input *in) {
  kg_ring_options options = pick_options(in);
  kg_failure failure = {0};
  kg_writer_stats stats;
  kg_ring_info info;
  int result = kg_writer_open(&options, &w->writer, &failure);
  if (result != KG_OK) {
    fuzz_check_failure(result, &failure);
    CHECK(w->writer == NULL);
    return false;
  }
  kg_writer_info(w->writer, &info);
  kg_writer_stats_get(w->writer, &stats);
  CHECK(options.max_events == 0 || info.capacity == options.max_events);
  CHECK_EQUAL(info.checksums, !options.no_checksums);
  w->generation = info.generation;
  w->sequence = stats.sequence;
  if (w->file.is_honest && info.generation == w->file.generation) {
    CHECK_EQUAL(w->sequence, w->file.events);
  } else if (info.generation != w->file.generation && w->file.is_honest) {
    CHECK_EQUAL(w->sequence, 0);
    CHECK(info.predecessor_generation == w->file.generation ||
          options.predecessor_generation != 0);
  }
  return true;
}

/* -------------------------------------------------------------------------- */

static void step(world *w, fuzz_input *in) {
  switch (fuzz_below(in, 9)) {
  case 0:
  case 1:
    for (uint32_t some = 1 + fuzz_below(in, 8); some > 0; some--) {
      write_one(w);
    }
    break;
  case 2:
    if (w->before.reader != NULL && !watch(&w->before)) {
      kg_reader_close(w->before.reader);
      w->before.reader = NULL;
    }
    break;
  case 3:
    beat(w);
    break;
  case 4:
    fuzz_spoil_other(in);
    w->before.account.is_honest = false;
    break;
  case 5:
    fuzz_file_cut(&w->file, in);
    break;
  case 6:
    kg_writer_skip_to(w->writer, w->sequence + fuzz_below(in, 3),
                      KG_PRIORITY_UNKNOWN);
    break;
  default:
    fuzz_file_change(&w->file, in);
    w->before.account.is_honest = false;
    /* A reader may believe what was forged. */
    kg_reader_close(w->before.reader);
    w->before.reader = NULL;
  }
}

/* The writer after this one goes on where it was. */
static void check_successor(world *w) {
  kg_ring_options options = {.dir = fuzz_dir()};
  kg_failure failure = {0};
  kg_writer_stats stats;
  kg_ring_info info;
  kg_ring_info before;
  kg_writer_info(w->writer, &before);
  kg_writer_close(w->writer);
  options.no_checksums = !before.checksums;
  CHECK_RESULT(kg_writer_open(&options, &w->writer, &failure), KG_OK, &failure);
  kg_writer_info(w->writer, &info);
  kg_writer_stats_get(w->writer, &stats);
  CHECK_EQUAL(info.generation, w->generation);
  CHECK_EQUAL(stats.sequence, w->sequence);
}

void fuzz_one(fuzz_input *in) {
  world w = {.writer = NULL};
  int lowest = fuzz_lowest_descriptor();
  fuzz_file_make(&w.file, in);
  if (fuzz_below(in, 4) == 3) {
    fuzz_spoil_other(in);
    w.file.is_honest = false;
  }
  uint32_t how = fuzz_below(in, 4);
  if (how > 0 && open_watcher(&w.before, how == 1)) {
    w.before.account.is_honest = w.file.is_honest;
  }
  if (open_writer_here(&w, in)) {
    for (uint32_t steps = 0; in->left > 0 && steps < MOST_STEPS; steps++) {
      step(&w, in);
    }
    if (w.before.reader != NULL) {
      watch(&w.before);
      kg_reader_close(w.before.reader);
      w.before.reader = NULL;
    }
    /* Without a write, what was changed last still stands there. */
    if (check_stream(&w)) {
      check_successor(&w);
      check_stream(&w);
    }
  }
  kg_reader_close(w.before.reader);
  kg_writer_close(w.writer);
  fuzz_file_end(&w.file);
  CHECK_EQUAL(fuzz_lowest_descriptor(), lowest);
}
