/* Who may write: locks, unlinked files, forks. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../../native/platform/platform.h"
#include "../file_fixture.h"

TEST(second, "F33 a second writer in the same thread: ERR_RING_LOCKED") {
  const char *dir = check_temp_dir();
  char pid[32];
  kg_writer *writer = open_writer(dir, 16);
  int descriptors = check_open_descriptors();
  for (int i = 0; i < 20; i++) {
    kg_failure failure = refuse_writer(dir, KG_E_RING_LOCKED);
    snprintf(pid, sizeof pid, "process %d", (int)getpid());
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

TEST(second_process, "F33 F35 a second writer in another process") {
  const char *dir = check_temp_dir();
  char pid[32];
  kg_writer *writer = open_writer(dir, 16);
  snprintf(pid, sizeof pid, "process %d", (int)getpid());
  pid_t child = check_fork();
  if (child == 0) {
    kg_failure failure = refuse_writer(dir, KG_E_RING_LOCKED);
    CHECK_CONTAINS(failure.detail, pid);
    check_done();
  }
  CHECK_EXIT(child);
  kg_writer_close(writer);
  child = check_fork();
  if (child == 0) {
    kg_writer_close(open_writer(dir, 16));
    check_done();
  }
  CHECK_EXIT(child);
}

TEST(false_pid, "F35 a pid in the header is never believed") {
  static const uint32_t pids[] = {0, 1, UINT32_MAX};
  const char *dir = check_temp_dir();
  for (size_t i = 0; i <= sizeof pids / sizeof *pids; i++) {
    kg_writer_close(open_writer(dir, 16));
    /* A live process that holds nothing, init, nobody. */
    uint32_t pid = i == 0 ? (uint32_t)getpid() : pids[i - 1];
    FILE *file = fopen(check_path(dir, RING_FILE), "r+");
    CHECK(file != NULL);
    CHECK(fseek(file, offsetof(kg_ring_header, writer_pid), SEEK_SET) == 0);
    CHECK(fwrite(&pid, sizeof pid, 1, file) == 1);
    CHECK(fclose(file) == 0);
    enum kg_writer_life life;
    kg_reader *reader = open_reader(dir);
    CHECK_RESULT(kg_reader_check(reader, &life), KG_OK, NULL);
    CHECK_EQUAL(life, KG_WRITER_GONE);
    kg_reader_close(reader);
  }
}

/* --- Many at once -------------------------------------------------------- */

#define STARTERS 32

/* Starts them all; each tells with one byte what became of it, and a winner
 * holds the ring until everybody has told. */
static void start_all(const char *dir) {
  int begin[2];
  int tell[2];
  int end[2];
  pid_t children[STARTERS];
  CHECK(pipe(begin) == 0 && pipe(tell) == 0 && pipe(end) == 0);
  for (int i = 0; i < STARTERS; i++) {
    children[i] = check_fork();
    if (children[i] == 0) {
      const kg_ring_options options = {.dir = dir, .max_events = 16};
      kg_failure failure;
      kg_writer *writer = NULL;
      char byte;
      close(begin[1]);
      close(end[1]);
      CHECK(read(begin[0], &byte, 1) == 0);
      int result = kg_writer_open(&options, &writer, &failure);
      byte = result == KG_OK ? 'w' : result == KG_E_RING_LOCKED ? 'l' : 'e';
      if (byte == 'e') {
        CHECK_RESULT(result, KG_OK, &failure);
      }
      if (byte == 'w') {
        write_events(writer, 1);
      }
      CHECK(write(tell[1], &byte, 1) == 1);
      CHECK(read(end[0], &byte, 1) == 0);
      check_done();
    }
  }
  CHECK(close(begin[0]) == 0 && close(end[0]) == 0 && close(tell[1]) == 0);
  CHECK(close(begin[1]) == 0);
  int won = 0;
  for (int i = 0; i < STARTERS; i++) {
    char byte = 'e';
    CHECK(read(tell[0], &byte, 1) == 1);
    CHECK(byte == 'w' || byte == 'l');
    won += byte == 'w';
  }
  CHECK_EQUAL(won, 1);
  CHECK(close(end[1]) == 0 && close(tell[0]) == 0);
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
    CHECK(unlink(check_path(dir, LOCK_FILE)) == 0);
    start_all(dir);
    CHECK_EQUAL(check_ring_from(dir, 1), 3);
    CHECK_EQUAL(check_count_files(dir, ".tmp"), 0);
  }
}

/* --- Unlinked while held -------------------------------------------------- */

TEST(lock_unlinked, "F38 the lock file is unlinked while held") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  for (int i = 1; i <= 3; i++) {
    CHECK(unlink(check_path(dir, LOCK_FILE)) == 0);
    refuse_writer(dir, KG_E_RING_LOCKED);
    CHECK_EQUAL(write_events(writer, 2), 2 * i);
    CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
    CHECK(access(check_path(dir, LOCK_FILE), F_OK) == 0);
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
  CHECK(unlink(check_path(dir, RING_FILE)) == 0);
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
  CHECK(unlink(check_path(dir, RING_FILE)) == 0);
  CHECK(unlink(check_path(dir, LOCK_FILE)) == 0);
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
  CHECK(unlink(check_path(dir, RING_FILE)) == 0);
  CHECK(unlink(check_path(dir, LOCK_FILE)) == 0);
  CHECK(unlink(check_path(dir, WAKE_FILE)) == 0);
  CHECK(rmdir(dir) == 0);
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
      CHECK(mkdir(dir, 0700) == 0);
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

TEST(stranger, "F38 F25 another file is renamed over the ring") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  kg_ring_info old = writer_info(writer);
  write_events(writer, 3);
  put_file(check_path(dir, "other"), "no ring", 7);
  CHECK(rename(check_path(dir, "other"), check_path(dir, RING_FILE)) == 0);
  CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
  CHECK_EQUAL(writer_info(writer).predecessor_generation, old.generation);
  CHECK_EQUAL(writer_info(writer).predecessor_sequence, 3);
  CHECK_EQUAL(write_events(writer, 2), 2);
  CHECK_EQUAL(check_ring_from(dir, 1), 2);
  kg_writer_close(writer);
}

TEST(fuzzed, "F38 writers come and go under unlinking: one writer to a ring") {
  const char *dir = check_temp_dir();
  uint64_t seed = 38;
  pid_t children[3];
  for (int i = 0; i < 3; i++) {
    children[i] = check_fork();
    if (children[i] == 0) {
      uint64_t own = 380 + (uint64_t)i;
      const kg_ring_options options = {.dir = dir, .max_events = 16};
      for (int round = 0; round < 60; round++) {
        kg_writer *writer = NULL;
        if (kg_writer_open(&options, &writer, NULL) != KG_OK) {
          usleep(300);
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
      check_done();
    }
  }
  uint64_t rings = 0;
  /* Or longer, until the others have come to something. */
  for (int i = 0; i < 300 || rings == 0; i++) {
    const kg_ring_options options = {.dir = dir};
    kg_reader *reader = NULL;
    account account = {.next = 1};
    int result = kg_reader_open(&options, &reader, NULL);
    CHECK(result == KG_OK || result == KG_E_NO_RING);
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
      unlink(check_path(dir, LOCK_FILE));
    }
    if (what == 1 || what == 2) {
      unlink(check_path(dir, RING_FILE));
    }
    usleep(500);
  }
  CHECK(rings > 0);
  for (int i = 0; i < 3; i++) {
    CHECK_EXIT(children[i]);
  }
}

TEST(above_removed, "F38 F24 nor is a directory whose one above went away") {
  const char *home = check_temp_dir();
  const char *above = check_path(home, "above");
  const char *dir = check_path(above, "made");
  kg_failure failure;
  CHECK(mkdir(above, 0700) == 0);
  kg_writer *writer = open_writer(dir, 16);
  int descriptors = check_open_descriptors();
  write_events(writer, 3);
  CHECK(unlink(check_path(dir, RING_FILE)) == 0);
  CHECK(unlink(check_path(dir, LOCK_FILE)) == 0);
  CHECK(unlink(check_path(dir, WAKE_FILE)) == 0);
  CHECK(rmdir(dir) == 0 && rmdir(above) == 0);
  for (int i = 0; i < 2; i++) {
    CHECK_RESULT(kg_writer_beat(writer, &failure), KG_E_NO_RING, &failure);
    CHECK_EQUAL(failure.error, KG_E_NO_RING);
    CHECK_RESULT(kg_writer_beat(writer, NULL), KG_E_NO_RING, NULL);
  }
  CHECK(mkdir(above, 0700) == 0);
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
  CHECK(unlink(check_path(dir, LOCK_FILE)) == 0);
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

TEST(made_again, "F38 F24 what was unlinked is made again, and nothing leaks") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  int descriptors = check_open_descriptors();
  for (int i = 0; i < 3; i++) {
    CHECK(unlink(check_path(dir, LOCK_FILE)) == 0);
    CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
    CHECK(access(check_path(dir, LOCK_FILE), F_OK) == 0);
    CHECK(unlink(check_path(dir, RING_FILE)) == 0);
    CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
    CHECK(access(check_path(dir, RING_FILE), F_OK) == 0);
    CHECK_EQUAL(check_open_descriptors(), descriptors);
    CHECK_EQUAL(check_count_mappings(RING_FILE), 1);
  }
  kg_writer_close(writer);
}

TEST(held_ring, "F38 F25 a ring that another one holds is not replaced") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  kg_failure failure;
  struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  const char *other = check_path(dir, "other");
  put_file(other, "held", 4);
  int fd = open(other, O_RDWR);
  CHECK(fd >= 0 && fcntl(fd, F_OFD_SETLK, &all) == 0);
  CHECK(rename(other, check_path(dir, RING_FILE)) == 0);
  CHECK_RESULT(kg_writer_beat(writer, &failure), KG_E_RING_LOCKED, &failure);
  close(fd);
  CHECK_RESULT(kg_writer_beat(writer, &failure), KG_OK, &failure);
  CHECK_EQUAL(write_events(writer, 1), 1);
  kg_writer_close(writer);
}
