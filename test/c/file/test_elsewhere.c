/* A Shield that publishes by other means for a while: its lock without a
 * ring, and the rings before and behind such a while. */
#include <stdio.h>
#include <string.h>

#include "../../../native/file/reader.h"
#include "../file_fixture.h"

#if SYSTEM_HAS_WAKE_FILE
#include <poll.h>
#endif
#if SYSTEM_FORKS
#include <unistd.h>
#endif

/* --- The lock alone ------------------------------------------------------ */

static kg_lock *take_lock(const char *dir) {
  const kg_ring_options options = {.dir = dir};
  kg_failure failure;
  kg_lock *lock = NULL;
  CHECK_RESULT(kg_lock_take(&options, &lock, &failure), KG_OK, &failure);
  return lock;
}

static void refuse_lock(const char *dir, int error) {
  const kg_ring_options options = {.dir = dir};
  kg_failure failure = {.error = 0};
  kg_lock *lock = NULL;
  int descriptors = check_open_descriptors();
  CHECK_RESULT(kg_lock_take(&options, &lock, &failure), error, &failure);
  CHECK(strlen(failure.detail) > 0 && lock == NULL);
  CHECK_EQUAL(check_open_descriptors(), descriptors);
}

CHILD(be_refused, dir, unused) {
  refuse_writer(dir, KG_E_RING_LOCKED);
  refuse_lock(dir, KG_E_RING_LOCKED);
}

TEST(lock_alone, "F33 the lock alone keeps writers and other locks out") {
  const char *dir = check_temp_dir();
  kg_lock *lock = take_lock(dir);
  CHECK(!has_file(dir, RING_FILE));
  refuse_writer(dir, KG_E_RING_LOCKED);
  refuse_lock(dir, KG_E_RING_LOCKED);
  CHECK_EXIT(CHECK_START(be_refused, dir, 0));
  kg_lock_free(lock);
  kg_lock_free(NULL);
  kg_writer_close(open_writer(dir, 16));
}

/* Who has the lock alone stands in no ring. */
static void check_names_nobody(const char *dir) {
  kg_failure failure = refuse_writer(dir, KG_E_RING_LOCKED);
  CHECK_CONTAINS(failure.detail, RING_FILE);
  CHECK(strstr(failure.detail, "process") == NULL);
}

TEST(lock_names_nobody, "F33 the lock alone is not said to be a process's") {
  const char *dir = check_temp_dir();
  kg_lock *lock = take_lock(dir);
  check_names_nobody(dir);
  kg_lock_free(lock);
  /* A ring whose writer is gone names one that holds nothing. */
  kg_writer_close(open_writer(dir, 16));
  lock = take_lock(dir);
  check_names_nobody(dir);
  kg_lock_free(lock);
}

TEST(lock_against_writer, "F33 a writer keeps the lock alone out") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  refuse_lock(dir, KG_E_RING_LOCKED);
  /* The ring has a lock of its own, which no unlinking frees. */
  remove_opened(dir, LOCK_FILE);
  refuse_lock(dir, KG_E_RING_LOCKED);
  kg_writer_close(writer);
  kg_lock_free(take_lock(dir));
}

#if SYSTEM_FORKS
TEST(lock_in_child, "F42 the lock alone is not kept by a forked child") {
  const char *dir = check_temp_dir();
  kg_lock *lock = take_lock(dir);
  int ready[2];
  int go[2];
  char byte = 0;
  CHECK(pipe(ready) == 0 && pipe(go) == 0);
  system_process child = check_fork();
  if (child == 0) {
    CHECK(write(ready[1], &byte, 1) == 1 && read(go[0], &byte, 1) == 1);
    kg_lock_free(lock);
    check_done();
  }
  CHECK(read(ready[0], &byte, 1) == 1);
  refuse_writer(dir, KG_E_RING_LOCKED);
  kg_lock_free(lock);
  kg_writer_close(open_writer(dir, 16));
  CHECK(write(go[1], &byte, 1) == 1);
  CHECK_EXIT(child);
}
#endif

/* --- Rings before and behind --------------------------------------------- */

/* Beats, which puts another ring in the place of this one. */
static void must_replace(kg_writer *writer, uint64_t last) {
  kg_ring_info before = writer_info(writer);
  kg_failure failure;
  CHECK_RESULT(kg_writer_beat(writer, &failure), KG_OK, &failure);
  kg_ring_info info = writer_info(writer);
  CHECK(info.generation != before.generation);
  CHECK_EQUAL(info.predecessor_generation, before.generation);
  CHECK_EQUAL(info.predecessor_sequence, last);
  CHECK_EQUAL(info.capacity, before.capacity);
  CHECK_EQUAL(sequence_of(writer), 0);
}

TEST(skipped, "F60 events published elsewhere: the ring is replaced") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  write_events(writer, 5);
  kg_reader *reader = open_reader(dir);
  account account = {.next = 1};
  CHECK_RESULT(kg_reader_seek(reader, KG_FROM_SEQUENCE, 1), KG_OK, NULL);
  kg_writer_skip_to(writer, 12, KG_PRIORITY_UNKNOWN);
  must_replace(writer, 12);
  /* What stood in the old one can still be read, to its end. */
  enum kg_writer_life life;
  CHECK_RESULT(kg_reader_check(reader, &life), KG_E_NO_RING, NULL);
  drain_file(reader, &account);
  CHECK_EQUAL(account.next, 6);
  kg_reader_close(reader);
  /* Once is enough. */
  uint64_t generation = writer_info(writer).generation;
  CHECK_EQUAL(write_events(writer, 3), 3);
  CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
  CHECK_EQUAL(writer_info(writer).generation, generation);
  kg_writer_close(writer);
}

TEST(skipped_gone, "F60 F24 the same with a ring that is gone") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  write_events(writer, 5);
  remove_file(dir, RING_FILE);
  kg_writer_skip_to(writer, 7, KG_PRIORITY_UNKNOWN);
  must_replace(writer, 7);
  kg_writer_close(writer);
}

TEST(nothing_skipped, "F60 nothing published elsewhere: the ring stays") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  uint64_t last = write_events(writer, 5);
  kg_ring_info before = writer_info(writer);
  for (uint64_t sequence = 0; sequence <= last; sequence++) {
    kg_writer_skip_to(writer, sequence, KG_PRIORITY_UNKNOWN);
    CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
  }
  CHECK_EQUAL(writer_info(writer).generation, before.generation);
  CHECK_EQUAL(write_events(writer, 1), last + 1);
  /* A death that puts another in its place counts on from the ring. */
  remove_file(dir, RING_FILE);
  must_replace(writer, last + 1);
  kg_writer_close(writer);
}

TEST(retired, "F60 the next writer does not go on with such a ring") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  uint64_t last = write_events(writer, 5);
  kg_ring_info before = writer_info(writer);
  kg_reader *reader = open_reader(dir);
  enum kg_writer_life life;
  CHECK_RESULT(kg_reader_check(reader, &life), KG_OK, NULL);
  kg_writer_skip_to(writer, last, KG_PRIORITY_UNKNOWN);
  CHECK_RESULT(kg_reader_check(reader, &life), KG_OK, NULL);
  kg_writer_skip_to(writer, last + 1, KG_PRIORITY_UNKNOWN);
  /* Readers look for another one at once. */
  CHECK_RESULT(kg_reader_check(reader, &life), KG_E_NO_RING, NULL);
  CHECK_EQUAL(life, KG_WRITER_LIVE);
  kg_reader_close(reader);
  kg_writer_close(writer);
  writer = open_writer(dir, 16);
  kg_ring_info info = writer_info(writer);
  CHECK(info.generation != before.generation);
  CHECK_EQUAL(info.predecessor_generation, before.generation);
  /* How many there were died with the writer before. */
  CHECK_EQUAL(info.predecessor_sequence, UINT64_MAX);
  kg_writer_close(writer);
}

TEST(predecessor, "F60 a stream before the ring: the ring names it") {
  static const uint64_t generation = UINT64_C(0xFEDCBA9876543210);
  const char *dir = check_temp_dir();
  kg_failure failure;
  const kg_ring_options options = {.dir = dir,
                                   .predecessor_generation = generation,
                                   .predecessor_sequence = 99};
  for (int existing = 0; existing < 2; existing++) {
    kg_writer *writer = NULL;
    CHECK_RESULT(kg_writer_open(&options, &writer, &failure), KG_OK, &failure);
    kg_ring_info info = writer_info(writer);
    CHECK_EQUAL(info.predecessor_generation, generation);
    CHECK_EQUAL(info.predecessor_sequence, 99);
    CHECK_EQUAL(write_events(writer, 4), 4);
    /* It counts for the first ring alone. */
    remove_file(dir, RING_FILE);
    must_replace(writer, 4);
    CHECK_EQUAL(write_events(writer, 2), 2);
    kg_writer_close(writer);
    writer = open_writer(dir, 0);
    CHECK_EQUAL(write_events(writer, 1), 3);
    kg_writer_close(writer);
  }
}

TEST(held_without, "F33 a ring that is held without its lock file is held") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  remove_opened(dir, LOCK_FILE);
  for (int i = 0; i < 3; i++) {
    refuse_lock(dir, KG_E_RING_LOCKED);
  }
  kg_writer_close(writer);
  int descriptors = check_open_descriptors();
  kg_lock_free(take_lock(dir));
  CHECK_EQUAL(check_open_descriptors(), descriptors);
  kg_lock_free(take_lock(dir));
}

TEST(no_ring, "F33 what is no ring names no holder of the lock") {
  const char *dir = check_temp_dir();
  kg_lock *lock = take_lock(dir);
  put_file(check_path(dir, RING_FILE), "no ring", 7);
  int descriptors = check_open_descriptors();
  check_names_nobody(dir);
  refuse_lock(dir, KG_E_RING_LOCKED);
  CHECK_EQUAL(check_open_descriptors(), descriptors);
  kg_lock_free(lock);
}

TEST(lacks, "F60 a ring that lacks an event of its stream is not continued") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  uint64_t generation = writer_info(writer).generation;
  CHECK_EQUAL(write_events(writer, 5), 5);
  kg_writer_close(writer);
  const uint64_t last[] = {4, 5, KG_SEQUENCE_MAX + 1, UINT64_MAX, 6};
  for (size_t i = 0; i < sizeof last / sizeof *last; i++) {
    const kg_ring_options options = {.dir = dir,
                                     .max_events = 16,
                                     .predecessor_generation = generation,
                                     .predecessor_sequence = last[i]};
    kg_failure failure;
    CHECK_RESULT(kg_writer_open(&options, &writer, &failure), KG_OK, &failure);
    kg_ring_info info = writer_info(writer);
    CHECK_EQUAL(info.generation == generation, last[i] != 6);
    if (last[i] == 6) {
      CHECK_EQUAL(info.predecessor_generation, generation);
      CHECK_EQUAL(info.predecessor_sequence, 6);
    }
    kg_writer_close(writer);
  }
}

#if SYSTEM_HAS_WAKE_FILE
TEST(rung, "F60 event loops are rung when a ring is retired") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  kg_reader *reader = open_reader(dir);
  struct pollfd item = {.fd = (int)kg__reader_open_listener(reader),
                        .events = POLLIN};
  CHECK(item.fd >= 0);
  kg__reader_drain_listener(reader);
  CHECK(poll(&item, 1, 0) == 0);
  kg_writer_skip_to(writer, 7, KG_PRIORITY_UNKNOWN);
  CHECK(poll(&item, 1, 0) == 1);
  kg__reader_drain_listener(reader);
  /* Further ones are known of already. */
  kg_writer_skip_to(writer, 8, 3);
  CHECK(poll(&item, 1, 0) == 0);
  must_replace(writer, 8);
  CHECK_EQUAL(writer_info(writer).predecessor_priority, 3);
  kg_reader_close(reader);
  kg_writer_close(writer);
}
#endif

TEST(other_stream, "F60 nor is one of another stream, however far it came") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  uint64_t generation = writer_info(writer).generation;
  CHECK_EQUAL(write_events(writer, 5), 5);
  kg_writer_close(writer);
  const kg_ring_options options = {.dir = dir,
                                   .max_events = 16,
                                   .predecessor_generation = generation + 1,
                                   .predecessor_sequence = 3};
  CHECK_RESULT(kg_writer_open(&options, &writer, NULL), KG_OK, NULL);
  CHECK_EQUAL(writer_info(writer).predecessor_generation, generation + 1);
  CHECK_EQUAL(writer_info(writer).predecessor_sequence, 3);
  kg_writer_close(writer);
}
