/* Several default directories, of which one and the other cannot be used. The
 * linker puts __wrap_kg__dir_candidate in the place of the system's, and
 * __wrap_kg__file_create and __wrap_kg__file_lock in front of a file system
 * that may be full or without locks. */
#include <stdio.h>
#include <string.h>

#include "../../../native/file/directories.h"
#include "../file_fixture.h"

#if SYSTEM_HAS_SYMLINKS
#include <unistd.h>
#endif

bool __wrap_kg__dir_candidate(unsigned index, char path[KG_PATH_BYTES]);
int __real_kg__file_create(kg__dir *dir, const char *name, uint64_t size,
                           kg__file *file, kg_failure *failure);
int __wrap_kg__file_create(kg__dir *dir, const char *name, uint64_t size,
                           kg__file *file, kg_failure *failure);
int __real_kg__file_lock(kg__file *file, uint32_t byte, kg_failure *failure);
int __wrap_kg__file_lock(kg__file *file, uint32_t byte, kg_failure *failure);

#define CANDIDATES 4

static char candidates[CANDIDATES][KG_PATH_BYTES];
static int full;     /* so many times there is no space */
static int lockless; /* so many times there are no locks */

bool __wrap_kg__dir_candidate(unsigned index, char path[KG_PATH_BYTES]) {
  if (index >= CANDIDATES) {
    return false;
  }
  memcpy(path, candidates[index], KG_PATH_BYTES);
  return true;
}

int __wrap_kg__file_create(kg__dir *dir, const char *name, uint64_t size,
                           kg__file *file, kg_failure *failure) {
  return full > 0 && full-- > 0
             ? kg__fail(failure, KG_E_NO_SPACE, 0, "%s: full", name)
             : __real_kg__file_create(dir, name, size, file, failure);
}

int __wrap_kg__file_lock(kg__file *file, uint32_t byte, kg_failure *failure) {
  return lockless > 0 && lockless-- > 0
             ? kg__fail(failure, KG_E_SHM_UNAVAILABLE, 0, "no locks here")
             : __real_kg__file_lock(file, byte, failure);
}

static const char *root;

static void begin(void) {
  root = check_temp_dir();
  for (int i = 0; i < CANDIDATES; i++) {
    const char name[] = {(char)('a' + i), '\0'};
    snprintf(candidates[i], KG_PATH_BYTES, "%s", check_path(root, name));
  }
}

static void swap(int i, int j) {
  char path[KG_PATH_BYTES];
  memcpy(path, candidates[i], sizeof path);
  memcpy(candidates[i], candidates[j], sizeof path);
  memcpy(candidates[j], path, sizeof path);
}

/* What has the name is no directory. */
static void spoil(int i) {
  put_file(candidates[i], "", 0);
}

static void check_in(const kg_ring_info *info, int i) {
  const char *wanted = check_path(candidates[i], RING_FILE);
  if (strcmp(info->path, wanted) != 0) {
    fprintf(stderr, "%s instead of %s\n", info->path, wanted);
  }
  CHECK(strcmp(info->path, wanted) == 0);
}

static void check_writer_in(const kg_writer *writer, int i) {
  kg_ring_info info = writer_info(writer);
  check_in(&info, i);
}

/* A ring in that directory, of a writer that is gone. */
static void leave_ring(int i, uint32_t events) {
  kg_writer *writer = open_writer(candidates[i], 16);
  write_events(writer, events);
  kg_writer_close(writer);
  /* The next one is a microsecond later at the least. */
  kg__sleep(1000000);
}

TEST(gives_way, "a directory that cannot be used gives way to the next") {
  begin();
  int descriptors = check_open_descriptors();
  spoil(0);
  kg_writer *writer = open_writer(NULL, 16);
  check_writer_in(writer, 1);
  kg_reader *reader = open_reader(NULL);
  kg_ring_info info = reader_info(reader);
  check_in(&info, 1);
  kg_reader_close(reader);
  kg_writer_close(writer);
  CHECK_EQUAL(check_open_descriptors(), descriptors);
}

TEST(full_first, "so does one whose file system is full, with its lock") {
  begin();
  int descriptors = check_open_descriptors();
  full = 1;
  kg_writer *writer = open_writer(NULL, 16);
  check_writer_in(writer, 1);
  CHECK_EQUAL(full, 0);
  CHECK_EQUAL(write_events(writer, 3), 3);
  kg_writer_close(writer);
  CHECK_EQUAL(check_open_descriptors(), descriptors);
}

TEST(poor_first, "so does one whose file system cannot do what a ring needs") {
  char path[KG_PATH_BYTES];
  kg_failure failure = {0};
  begin();
  int descriptors = check_open_descriptors();
  lockless = 1;
  kg_writer *writer = open_writer(NULL, 16);
  check_writer_in(writer, 1);
  CHECK_EQUAL(lockless, 0);
  kg_writer_close(writer);
  lockless = 1;
  CHECK_RESULT(kg_default_directory(path, &failure), KG_OK, &failure);
  CHECK(strcmp(path, candidates[1]) == 0);
  CHECK_EQUAL(lockless, 0);
  /* Where all are so, the failure says which the best one is. */
  lockless = CANDIDATES;
  CHECK_RESULT(kg_default_directory(path, &failure), KG_E_SHM_UNAVAILABLE,
               &failure);
  CHECK(strstr(failure.detail, candidates[0]) != NULL);
  CHECK(strstr(failure.detail, "no locks here") != NULL);
  for (int i = 0; i < CANDIDATES; i++) {
    CHECK_EQUAL(count_unnamed(candidates[i]), 0);
  }
  /* Whether there is space a writer asks, and not this. */
  full = 1;
  CHECK_RESULT(kg_default_directory(path, &failure), KG_OK, &failure);
  CHECK(strcmp(path, candidates[0]) == 0);
  CHECK_EQUAL(check_open_descriptors(), descriptors);
}

TEST(none, "where none can be used, the first failure is told") {
  begin();
  int descriptors = check_open_descriptors();
  /* An empty one is none, and has no failure. */
  candidates[0][0] = '\0';
  spoil(1);
  make_dir(candidates[2]);
  CHECK(system_open_to_others(candidates[2]));
  spoil(3);
  kg_failure failure = refuse_writer(NULL, KG_E_UNSAFE_PATH);
  CHECK_CONTAINS(failure.detail, candidates[1]);
  failure = refuse_reader(NULL, KG_E_UNSAFE_PATH);
  CHECK_CONTAINS(failure.detail, candidates[1]);
  CHECK_EQUAL(check_open_descriptors(), descriptors);
  for (int i = 0; i < CANDIDATES; i++) {
    candidates[i][0] = '\0';
  }
  refuse_writer(NULL, KG_E_NO_RING);
  refuse_reader(NULL, KG_E_NO_RING);
}

TEST(absent, "one is absent, one unsafe: a reader waits for who comes") {
  begin();
  spoil(0);
  kg_failure failure = refuse_reader(NULL, KG_E_NO_RING);
  CHECK_CONTAINS(failure.detail, candidates[0]);
  CHECK_CONTAINS(failure.detail, "none in the others");
}

TEST(damaged, "what is no ring is an error, whatever is in the others") {
  begin();
  make_dir(candidates[0]);
  make_dir(check_path(candidates[0], RING_FILE));
  leave_ring(1, 1);
  int descriptors = check_open_descriptors();
  /* Unsafe gives way. */
  kg_reader_close(open_reader(NULL));
  CHECK_EQUAL(check_open_descriptors(), descriptors);
}

TEST(living, "readers take the ring of a living writer, newer or not") {
  begin();
  for (int i = 0; i < 2; i++) {
    kg_writer *writer = open_writer(candidates[1], 16);
    kg__sleep(1000000);
    leave_ring(0, 3);
    kg_reader *reader = open_reader(NULL);
    kg_ring_info info = reader_info(reader);
    check_in(&info, 1);
    kg_reader_close(reader);
    kg_writer_close(writer);
    swap(0, 1);
  }
}

TEST(newest, "else the newest ring, and the others stay closed") {
  begin();
  leave_ring(0, 1);
  leave_ring(1, 2);
  leave_ring(2, 3);
  int descriptors = check_open_descriptors();
  for (int i = 2; i >= 0; i--) {
    kg_reader *reader = open_reader(NULL);
    kg_ring_info info = reader_info(reader);
    check_in(&info, i);
    kg_reader_close(reader);
    CHECK_EQUAL(check_open_descriptors(), descriptors);
    if (i > 0) {
      swap(i, i - 1);
    }
  }
}

TEST(zero, "a ring whose start is zero is newer than what is none") {
  begin();
  make_dir(candidates[0]);
  put_file(check_path(candidates[0], RING_FILE), "no ring", 7);
  leave_ring(1, 1);
  const uint64_t start = 0;
  poke_ring(candidates[1], offsetof(kg_ring_header, writer_start_us), &start,
            sizeof start);
  kg_reader *reader = open_reader(NULL);
  kg_ring_info info = reader_info(reader);
  check_in(&info, 1);
  kg_reader_close(reader);
}

/* --- The stream that goes on ------------------------------------------------
 */

TEST(follows, "F70 a writer goes on from the ring in another directory") {
  begin();
  leave_ring(1, 5);
  kg_ring_info before;
  kg_reader *reader = open_reader(NULL);
  before = reader_info(reader);
  kg_reader_close(reader);
  kg_writer *writer = open_writer(NULL, 16);
  check_writer_in(writer, 0);
  kg_ring_info info = writer_info(writer);
  CHECK_EQUAL(info.predecessor_generation, before.generation);
  CHECK_EQUAL(info.predecessor_sequence, 5);
  CHECK_EQUAL(info.predecessor_priority, 0);
  kg_writer_close(writer);
}

TEST(said, "F60 what is said of the stream before goes before what is found") {
  begin();
  leave_ring(1, 5);
  const kg_ring_options options = {.max_events = 16,
                                   .predecessor_generation = 77,
                                   .predecessor_sequence = 9};
  kg_writer *writer = NULL;
  CHECK_RESULT(kg_writer_open(&options, &writer, NULL), KG_OK, NULL);
  CHECK_EQUAL(writer_info(writer).predecessor_generation, 77);
  CHECK_EQUAL(writer_info(writer).predecessor_sequence, 9);
  kg_writer_close(writer);
}

TEST(unknown, "F60 a stream whose end is not known has none") {
  for (int kind = 0; kind < 2; kind++) {
    begin();
    kg_writer *writer = open_writer(candidates[1], 16);
    uint64_t generation = writer_info(writer).generation;
    write_events(writer, 5);
    if (kind == 0) {
      /* More of it was published elsewhere. */
      kg_writer_skip_to(writer, 9, 0);
    }
    kg_writer_close(writer);
    if (kind == 1) {
      const uint64_t last = 4;
      poke_ring(candidates[1], offsetof(kg_ring_header, last_sequence), &last,
                sizeof last);
    }
    writer = open_writer(NULL, 16);
    CHECK_EQUAL(writer_info(writer).predecessor_generation, generation);
    CHECK(writer_info(writer).predecessor_sequence > KG_SEQUENCE_MAX);
    CHECK(writer_info(writer).predecessor_priority == KG_PRIORITY_UNKNOWN);
    kg_writer_close(writer);
  }
}

/* --- The locks
 * ----------------------------------------------------------------
 */

TEST(locks, "F74 who is not in the best one holds the locks of the others") {
  begin();
  int descriptors = check_open_descriptors();
  spoil(0);
  kg_writer *writer = open_writer(NULL, 16);
  check_writer_in(writer, 1);
  kg_failure failure = refuse_writer(candidates[2], KG_E_RING_LOCKED);
  CHECK_CONTAINS(failure.detail, candidates[2]);
  kg_writer_close(writer);
  CHECK_EQUAL(check_open_descriptors(), descriptors);
  kg_writer_close(open_writer(candidates[2], 16));
}

TEST(best, "F74 who is in the best one makes and locks nothing elsewhere") {
  begin();
  kg_writer *writer = open_writer(NULL, 16);
  CHECK(!system_exists(candidates[1]));
  kg_writer_close(open_writer(candidates[2], 16));
  kg_writer_close(writer);
}

TEST(elsewhere, "F74 a lock that is held elsewhere keeps it out, and no more") {
  begin();
  kg_writer *other = open_writer(candidates[2], 16);
  int descriptors = check_open_descriptors();
  for (int is_best = 1; is_best >= 0; is_best--) {
    kg_failure failure = refuse_writer(NULL, KG_E_RING_LOCKED);
    CHECK_CONTAINS(failure.detail, candidates[2]);
    CHECK_CONTAINS(failure.detail, "process");
    CHECK_EQUAL(check_open_descriptors(), descriptors);
    /* None of the others is kept. */
    kg_writer_close(open_writer(candidates[1], 16));
    if (is_best) {
      remove_file(candidates[0], LOCK_FILE);
      remove_dir(candidates[0]);
      spoil(0);
    }
  }
  kg_writer_close(other);
}

#if SYSTEM_HAS_SYMLINKS
TEST(two_paths, "F74 two paths to one directory: its lock is its own") {
  begin();
  char real[KG_PATH_BYTES];
  char linked[KG_PATH_BYTES];
  snprintf(real, sizeof real, "%.200s/real", root);
  snprintf(linked, sizeof linked, "%.200s/linked", root);
  make_dir(real);
  CHECK(symlink(real, linked) == 0);
  spoil(0);
  snprintf(candidates[1], KG_PATH_BYTES, "%.400s/x", real);
  snprintf(candidates[2], KG_PATH_BYTES, "%.400s/x", linked);
  kg_writer *writer = open_writer(NULL, 16);
  check_writer_in(writer, 1);
  CHECK_EQUAL(write_events(writer, 2), 2);
  kg_writer_close(writer);
}
#endif

TEST(lock_alone, "F33 F74 the lock alone is held in all of them") {
  begin();
  spoil(0);
  const kg_ring_options options = {0};
  kg_failure failure;
  kg_lock *lock = NULL;
  kg_lock *other = NULL;
  int descriptors = check_open_descriptors();
  CHECK_RESULT(kg_lock_take(&options, &lock, &failure), KG_OK, &failure);
  CHECK_RESULT(kg_lock_take(&options, &other, &failure), KG_E_RING_LOCKED,
               &failure);
  refuse_writer(candidates[2], KG_E_RING_LOCKED);
  kg_lock_free(lock);
  CHECK_EQUAL(check_open_descriptors(), descriptors);
  kg_writer_close(open_writer(candidates[2], 16));
}

TEST(dead_elsewhere,
     "F39 a ring that nobody writes elsewhere is no successor") {
  begin();
  leave_ring(0, 1);
  leave_ring(1, 1);
  kg_reader *reader = open_reader(NULL);
  enum kg_writer_life life;
  CHECK_RESULT(kg_reader_check(reader, &life), KG_OK, NULL);
  CHECK_EQUAL(life, KG_WRITER_GONE);
  kg_writer *writer = open_writer(candidates[0], 16);
  CHECK_RESULT(kg_reader_check(reader, &life), KG_E_NO_RING, NULL);
  kg_writer_close(writer);
  CHECK_RESULT(kg_reader_check(reader, &life), KG_OK, NULL);
  kg_reader_close(reader);
}

TEST(lock_elsewhere,
     "F33 F74 the lock alone elsewhere keeps out, and no more") {
  begin();
  const kg_ring_options last = {.dir = candidates[3]};
  const kg_ring_options any = {0};
  kg_failure failure;
  kg_lock *held = NULL;
  kg_lock *lock = NULL;
  CHECK_RESULT(kg_lock_take(&last, &held, &failure), KG_OK, &failure);
  int descriptors = check_open_descriptors();
  for (int is_best = 1; is_best >= 0; is_best--) {
    refuse_writer(NULL, KG_E_RING_LOCKED);
    CHECK_RESULT(kg_lock_take(&any, &lock, &failure), KG_E_RING_LOCKED,
                 &failure);
    CHECK_EQUAL(check_open_descriptors(), descriptors);
    /* Those that were locked on the way are free. */
    kg_writer_close(open_writer(candidates[1], 16));
    kg_writer_close(open_writer(candidates[2], 16));
    if (is_best) {
      remove_file(candidates[0], LOCK_FILE);
      remove_dir(candidates[0]);
      spoil(0);
    }
  }
  kg_lock_free(held);
}
