/* Who may write: locks, unlinked files, forks. */
#include <stdio.h>
#include <string.h>

#include "../../../native/platform/platform.h"
#include "../file_fixture.h"

#if SYSTEM_REMOVES_OPENED
#include <fcntl.h>
#include <unistd.h>
#endif

TEST(second, "F33 a second writer in the same thread: ERR_RING_LOCKED") {
  const char *dir = check_temp_dir();
  char pid[32];
  kg_writer *writer = open_writer(dir, 16);
  int descriptors = check_open_descriptors();
  for (int i = 0; i < 20; i++) {
    kg_failure failure = refuse_writer(dir, KG_E_RING_LOCKED);
    snprintf(pid, sizeof pid, "process %d", (int)kg__process_id());
    CHECK_CONTAINS(failure.detail, pid);
    CHECK_CONTAINS(failure.detail, check_path(dir, RING_FILE));
  }
  CHECK_EQUAL(check_open_descriptors(), descriptors);
  CHECK_EQUAL(write_events(writer, 3), 3);
  CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
  kg_writer_close(writer);
  writer = open_writer(dir, 16);
  CHECK_EQUAL(write_events(writer, 3), 6);
  kg_writer_close(writer);
}

CHILD(be_refused, dir, holder) {
  char pid[32];
  snprintf(pid, sizeof pid, "process %d", (int)holder);
  kg_failure failure = refuse_writer(dir, KG_E_RING_LOCKED);
  CHECK_CONTAINS(failure.detail, pid);
}

CHILD(open_and_close, dir, unused) {
  kg_writer_close(open_writer(dir, 16));
}

TEST(second_process, "F33 F35 a second writer in another process") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  CHECK_EXIT(CHECK_START(be_refused, dir, kg__process_id()));
  kg_writer_close(writer);
  CHECK_EXIT(CHECK_START(open_and_close, dir, 0));
}

TEST(false_pid, "F35 a pid in the header is never believed") {
  static const uint32_t pids[] = {0, 1, UINT32_MAX};
  const char *dir = check_temp_dir();
  for (size_t i = 0; i <= sizeof pids / sizeof *pids; i++) {
    kg_writer_close(open_writer(dir, 16));
    /* A live process that holds nothing, init, nobody. */
    uint32_t pid = i == 0 ? kg__process_id() : pids[i - 1];
    poke_ring(dir, offsetof(kg_ring_header, writer_pid), &pid, sizeof pid);
    enum kg_writer_life life;
    kg_reader *reader = open_reader(dir);
    CHECK_RESULT(kg_reader_check(reader, &life), KG_OK, NULL);
    CHECK_EQUAL(life, KG_WRITER_GONE);
    kg_reader_close(reader);
  }
}

/* --- Many at once -------------------------------------------------------- */

#define STARTERS 32

/* What became of them, and when they may begin and end. */
typedef struct start {
  uint32_t there;
  uint32_t begin;
  uint32_t told;
  uint32_t won;
  uint32_t end;
} start;

/* A winner holds the ring until everybody has told. */
CHILD(start_one, dir, unused) {
  const kg_ring_options options = {.dir = dir, .max_events = 16};
  kg_failure failure;
  kg_writer *writer = NULL;
  start *start = check_shared();
  check_tell(&start->there);
  check_await(&start->begin, 1);
  int result = kg_writer_open(&options, &writer, &failure);
  if (result == KG_OK) {
    write_events(writer, 1);
    check_tell(&start->won);
  } else {
    CHECK_RESULT(result, KG_E_RING_LOCKED, &failure);
  }
  check_tell(&start->told);
  check_await(&start->end, 1);
}

static void start_all(const char *dir) {
  system_process children[STARTERS];
  start *start = check_shared();
  memset(start, 0, sizeof *start);
  for (int i = 0; i < STARTERS; i++) {
    children[i] = CHECK_START(start_one, dir, 0);
  }
  check_await(&start->there, STARTERS);
  check_tell(&start->begin);
  check_await(&start->told, STARTERS);
  CHECK_EQUAL(start->won, 1);
  check_tell(&start->end);
  for (int i = 0; i < STARTERS; i++) {
    CHECK_EXIT(children[i]);
  }
}

TEST(starters, "F37 32 starters at once: exactly one wins") {
  for (int round = 0; round < 6; round++) {
    const char *home = check_temp_dir();
    const char *dir = check_path(home, "made");
    start_all(dir);
    start_all(dir);
    CHECK_EQUAL(check_ring_from(dir, 1), 2);
    /* The lock file is gone, the ring is not. */
    remove_file(dir, LOCK_FILE);
    start_all(dir);
    CHECK_EQUAL(check_ring_from(dir, 1), 3);
    CHECK_EQUAL(count_unnamed(dir), 0);
  }
}

/* --- Unlinked while held -------------------------------------------------- */

TEST(lock_unlinked, "F38 the lock file is unlinked while held") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  for (int i = 1; i <= 3; i++) {
    remove_opened(dir, LOCK_FILE);
    refuse_writer(dir, KG_E_RING_LOCKED);
    CHECK_EQUAL(write_events(writer, 2), 2 * i);
    CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
    CHECK(has_file(dir, LOCK_FILE));
    refuse_writer(dir, KG_E_RING_LOCKED);
  }
  kg_writer_stats stats;
  kg_writer_stats_get(writer, &stats);
  CHECK_EQUAL(stats.replaced, 0);
  kg_writer_close(writer);
}

TEST(ring_unlinked, "F38 F24 the ring is unlinked while held: made anew") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  kg_reader *reader = open_reader(dir);
  kg_ring_info old = writer_info(writer);
  account account = {.next = 1};
  enum kg_writer_life life;
  write_events(writer, 3);
  remove_file(dir, RING_FILE);
  refuse_writer(dir, KG_E_RING_LOCKED);
  CHECK_RESULT(kg_reader_check(reader, &life), KG_E_NO_RING, NULL);
  CHECK_EQUAL(write_events(writer, 2), 5);
  CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
  refuse_writer(dir, KG_E_RING_LOCKED);
  drain_file(reader, &account);
  CHECK_EQUAL(account.received, 5);
  kg_ring_info new = writer_info(writer);
  CHECK(new.generation != old.generation);
  CHECK_EQUAL(new.predecessor_generation, old.generation);
  CHECK_EQUAL(new.predecessor_sequence, 5);
  CHECK_EQUAL(write_events(writer, 2), 2);
  CHECK_EQUAL(check_ring_from(dir, 1), 2);
  kg_writer_stats stats;
  kg_writer_stats_get(writer, &stats);
  CHECK_EQUAL(stats.replaced, 1);
  kg_reader_close(reader);
  kg_writer_close(writer);
}

#if SYSTEM_REMOVES_OPENED

static void check_displaced(kg_writer *writer) {
  kg_failure failure;
  kg_threat threat = {.timestamp_us = 1};
  CHECK_RESULT(kg_writer_beat(writer, &failure), KG_E_RING_LOCKED, &failure);
  CHECK_RESULT(kg_writer_write(writer, &threat), KG_E_RING_LOCKED, NULL);
  CHECK_RESULT(kg_writer_stage(writer, &threat), KG_E_RING_LOCKED, NULL);
  CHECK_RESULT(kg_writer_commit(writer), KG_E_RING_LOCKED, NULL);
}

TEST(both_unlinked, "F38 both unlinked: the displaced writer is refused") {
  const char *dir = check_temp_dir();
  int descriptors = check_open_descriptors();
  kg_writer *first = open_writer(dir, 16);
  write_events(first, 3);
  kg_ring_info old = writer_info(first);
  remove_file(dir, RING_FILE);
  remove_file(dir, LOCK_FILE);
  kg_writer *second = open_writer(dir, 16);
  CHECK(writer_info(second).generation != old.generation);
  write_events(second, 2);
  for (int i = 0; i < 5; i++) {
    check_displaced(first);
    CHECK_RESULT(kg_writer_beat(second, NULL), KG_OK, NULL);
    write_events(second, 1);
  }
  CHECK_EQUAL(check_ring_from(dir, 1), 7);
  kg_writer_close(second);
  /* Now it can be had again. */
  CHECK_RESULT(kg_writer_beat(first, NULL), KG_OK, NULL);
  CHECK(writer_info(first).generation != old.generation);
  CHECK_EQUAL(writer_info(first).predecessor_generation, old.generation);
  CHECK_EQUAL(write_events(first, 2), 2);
  refuse_writer(dir, KG_E_RING_LOCKED);
  kg_writer_close(first);
  CHECK_EQUAL(check_open_descriptors(), descriptors);
}

TEST(dir_removed, "F38 F24 the whole directory is removed: made anew") {
  const char *home = check_temp_dir();
  const char *dir = check_path(home, "made");
  kg_writer *writer = open_writer(dir, 16);
  write_events(writer, 3);
  remove_file(dir, RING_FILE);
  remove_file(dir, LOCK_FILE);
  remove_file(dir, WAKE_FILE);
  remove_dir(dir);
  CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
  refuse_writer(dir, KG_E_RING_LOCKED);
  CHECK_EQUAL(write_events(writer, 2), 2);
  CHECK_EQUAL(check_ring_from(dir, 1), 2);
  CHECK_EQUAL(writer_info(writer).predecessor_sequence, 3);
  kg_writer_close(writer);
}

TEST(dir_moved,
     "F38 F24 the directory is moved away, another made in its place") {
  const char *home = check_temp_dir();
  const char *dir = check_path(home, "made");
  for (int empty = 0; empty < 2; empty++) {
    kg_writer *writer = open_writer(dir, 16);
    uint64_t generation = writer_info(writer).generation;
    uint64_t sequence = write_events(writer, 3);
    kg_reader *reader = open_reader(dir);
    enum kg_writer_life life;
    CHECK(rename(dir, check_path(home, empty ? "moved" : "away")) == 0);
    if (empty) {
      make_dir(dir);
    }
    CHECK_RESULT(kg_reader_check(reader, &life), KG_E_NO_RING, NULL);
    CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
    CHECK_EQUAL(writer_info(writer).predecessor_generation, generation);
    CHECK_EQUAL(writer_info(writer).predecessor_sequence, sequence);
    CHECK_EQUAL(write_events(writer, 2), 2);
    refuse_writer(dir, KG_E_RING_LOCKED);
    CHECK_EQUAL(check_ring_from(dir, 1), 2);
    kg_reader_close(reader);
    kg_writer_close(writer);
  }
}

#endif

TEST(stranger, "F38 F25 another file is renamed over the ring") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  kg_ring_info old = writer_info(writer);
  write_events(writer, 3);
  put_file(check_path(dir, "other"), "no ring", 7);
  rename_file(dir, "other", RING_FILE);
  CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
  CHECK_EQUAL(writer_info(writer).predecessor_generation, old.generation);
  CHECK_EQUAL(writer_info(writer).predecessor_sequence, 3);
  CHECK_EQUAL(write_events(writer, 2), 2);
  CHECK_EQUAL(check_ring_from(dir, 1), 2);
  kg_writer_close(writer);
}

CHILD(come_and_go, dir, number) {
  uint64_t own = 380 + number;
  const kg_ring_options options = {.dir = dir, .max_events = 16};
  for (int round = 0; round < 60; round++) {
    kg_writer *writer = NULL;
    if (kg_writer_open(&options, &writer, NULL) != KG_OK) {
      system_sleep_us(300);
      continue;
    }
    /* Sequences of nobody else come in between. */
    uint64_t generation = writer_info(writer).generation;
    uint64_t sequence = sequence_of(writer);
    for (uint64_t n = check_random(&own) % 40; n > 0; n--) {
      made_threat made;
      make_threat(&made, sequence + 1, span_of(sequence + 1, FILE_SPAN));
      int64_t result = kg_writer_write(writer, &made.threat);
      CHECK(result == (int64_t)sequence + 1 || result == KG_E_RING_LOCKED);
      sequence += result > 0;
      if (check_random(&own) % 8 == 0) {
        kg_writer_beat(writer, NULL);
      }
      if (writer_info(writer).generation != generation) {
        generation = writer_info(writer).generation;
        sequence = sequence_of(writer);
      }
    }
    kg_writer_close(writer);
  }
}

TEST(fuzzed, "F38 writers come and go under unlinking: one writer to a ring") {
  const char *dir = check_temp_dir();
  uint64_t seed = 38;
  system_process children[3];
  for (int i = 0; i < 3; i++) {
    children[i] = CHECK_START(come_and_go, dir, (uint64_t)i);
  }
  uint64_t rings = 0;
  /* Or longer, until the others have come to something. */
  for (int i = 0; i < 300 || rings == 0; i++) {
    const kg_ring_options options = {.dir = dir};
    kg_reader *reader = NULL;
    account account = {.next = 1};
    kg_failure failure;
    int result = kg_reader_open(&options, &reader, &failure);
    if (result != KG_OK) {
      CHECK_RESULT(result, KG_E_NO_RING, &failure);
    }
    if (result == KG_OK) {
      /* Exact by any one writer; by two at once it would not be. */
      kg_reader_stats stats;
      CHECK_RESULT(kg_reader_seek(reader, KG_FROM_SEQUENCE, 1), KG_OK, NULL);
      drain_file(reader, &account);
      kg_reader_stats_get(reader, &stats);
      CHECK_EQUAL(stats.corrupt, 0);
      kg_reader_close(reader);
      rings++;
    }
    uint64_t what = check_random(&seed) % 6;
    if (what == 0 || what == 2) {
      system_remove_file(check_path(dir, LOCK_FILE));
    }
    if (what == 1 || what == 2) {
      system_remove_file(check_path(dir, RING_FILE));
    }
    system_sleep_us(500);
  }
  CHECK(rings > 0);
  for (int i = 0; i < 3; i++) {
    CHECK_EXIT(children[i]);
  }
}

#if SYSTEM_REMOVES_OPENED

TEST(above_removed, "F38 F24 nor is a directory whose one above went away") {
  const char *home = check_temp_dir();
  const char *above = check_path(home, "above");
  const char *dir = check_path(above, "made");
  kg_failure failure;
  make_dir(above);
  kg_writer *writer = open_writer(dir, 16);
  int descriptors = check_open_descriptors();
  write_events(writer, 3);
  remove_file(dir, RING_FILE);
  remove_file(dir, LOCK_FILE);
  remove_file(dir, WAKE_FILE);
  CHECK(rmdir(dir) == 0 && rmdir(above) == 0);
  for (int i = 0; i < 2; i++) {
    CHECK_RESULT(kg_writer_beat(writer, &failure), KG_E_NO_RING, &failure);
    CHECK_EQUAL(failure.error, KG_E_NO_RING);
    CHECK_RESULT(kg_writer_beat(writer, NULL), KG_E_NO_RING, NULL);
  }
  make_dir(above);
  CHECK_RESULT(kg_writer_beat(writer, &failure), KG_OK, &failure);
  CHECK_EQUAL(writer_info(writer).predecessor_sequence, 3);
  CHECK_EQUAL(check_open_descriptors(), descriptors);
  kg_writer_close(writer);
}

TEST(other_lock, "F38 another lock file in its place takes no ring away") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  kg_failure failure;
  struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  remove_file(dir, LOCK_FILE);
  int fd = open(check_path(dir, LOCK_FILE), O_RDWR | O_CREAT, 0600);
  CHECK(fd >= 0 && fcntl(fd, F_OFD_SETLK, &all) == 0);
  for (int i = 1; i <= 3; i++) {
    CHECK_RESULT(kg_writer_beat(writer, &failure), KG_OK, &failure);
    CHECK_EQUAL(write_events(writer, 1), i);
  }
  close(fd);
  CHECK_RESULT(kg_writer_beat(writer, &failure), KG_OK, &failure);
  refuse_writer(dir, KG_E_RING_LOCKED);
  kg_writer_close(writer);
}

#endif

TEST(made_again, "F38 F24 what was unlinked is made again, and nothing leaks") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  int descriptors = check_open_descriptors();
  for (int i = 0; i < 3; i++) {
    remove_opened(dir, LOCK_FILE);
    CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
    CHECK(has_file(dir, LOCK_FILE));
    remove_file(dir, RING_FILE);
    CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
    CHECK(has_file(dir, RING_FILE));
    CHECK_EQUAL(check_open_descriptors(), descriptors);
    CHECK_EQUAL(check_count_mappings(RING_FILE), 1);
  }
  kg_writer_close(writer);
}

TEST(held_ring, "F38 F25 a ring that another one holds is not replaced") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  kg_failure failure;
  kg__file other = replace_ring_file(dir);
  CHECK_RESULT(kg__file_lock(&other, 0, &failure), KG_OK, &failure);
  CHECK_RESULT(kg_writer_beat(writer, &failure), KG_E_RING_LOCKED, &failure);
  kg__file_close(&other);
  CHECK_RESULT(kg_writer_beat(writer, &failure), KG_OK, &failure);
  CHECK_EQUAL(write_events(writer, 1), 1);
  kg_writer_close(writer);
}
