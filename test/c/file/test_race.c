/* Files that change between two steps of an opening. The linker puts
 * __wrap_kg__file_open and its like between two steps of the core, which do
 * what another process might have done in just that moment. */
#include <stdio.h>
#include <string.h>

#include "../file_fixture.h"

#if SYSTEM_REMOVES_OPENED
#include <fcntl.h>
#include <stdarg.h>
#endif

typedef int opening(kg__dir *dir, const char *name, kg__file *file,
                    kg_failure *failure);
opening __real_kg__file_open;
opening __wrap_kg__file_open;
opening __real_kg__file_open_or_create;
opening __wrap_kg__file_open_or_create;

static const char *dir;
static const char *victim; /* whose opening is followed by `act` */
static int times;
static void (*act)(void);

static int follow(int result, const char *name) {
  if (result == KG_OK && act != NULL && times > 0 &&
      strcmp(name, victim) == 0) {
    times--;
    act();
  }
  return result;
}

int __wrap_kg__file_open(kg__dir *at, const char *name, kg__file *file,
                         kg_failure *failure) {
  return follow(__real_kg__file_open(at, name, file, failure), name);
}

int __wrap_kg__file_open_or_create(kg__dir *at, const char *name,
                                   kg__file *file, kg_failure *failure) {
  return follow(__real_kg__file_open_or_create(at, name, file, failure), name);
}

static void unlink_victim(void) {
  remove_file(dir, victim);
}

static void replace_ring(void) {
  kg__file file = replace_ring_file(dir);
  kg__file_close(&file);
}

/* The writer must come out with the files that have the names now. */
static void check_opens(const char *name, void (*action)(void), int count) {
  dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  write_events(writer, 3);
  kg_writer_close(writer);
  int descriptors = check_open_descriptors();
  victim = name;
  times = count;
  act = action;
  writer = open_writer(dir, 16);
  CHECK_EQUAL(times, 0);
  act = NULL;
  refuse_writer(dir, KG_E_RING_LOCKED);
  kg_reader *reader = open_reader(dir);
  CHECK_EQUAL(reader_info(reader).generation, writer_info(writer).generation);
  kg_reader_close(reader);
  uint64_t sequence = write_events(writer, 2);
  CHECK_EQUAL(sequence, strcmp(name, LOCK_FILE) == 0 ? 5 : 2);
  CHECK_EQUAL(check_ring_from(dir, 1), sequence);
  kg_writer_close(writer);
  CHECK_EQUAL(check_open_descriptors(), descriptors);
}

#if SYSTEM_REMOVES_OPENED

static void replace_lock(void) {
  put_file(check_path(dir, "new"), "", 0);
  rename_file(dir, "new", LOCK_FILE);
}

TEST(lock_goes, "F38 the lock file goes between its opening and its locking") {
  check_opens(LOCK_FILE, unlink_victim, 1);
  check_opens(LOCK_FILE, unlink_victim, 5);
}

TEST(lock_changes, "F38 another lock file takes its place in that moment") {
  check_opens(LOCK_FILE, replace_lock, 1);
  check_opens(LOCK_FILE, replace_lock, 5);
}

#endif

TEST(ring_goes, "F38 the ring goes between its opening and its locking") {
  check_opens(RING_FILE, unlink_victim, 1);
}

TEST(ring_changes, "F38 another ring takes its place in that moment") {
  check_opens(RING_FILE, replace_ring, 1);
  check_opens(RING_FILE, replace_ring, 5);
}

static void check_never_rests(const char *name, void (*action)(void)) {
  dir = check_temp_dir();
  kg_writer_close(open_writer(dir, 16));
  int descriptors = check_open_descriptors();
  victim = name;
  times = 1000000;
  act = action;
  kg_failure failure = refuse_writer(dir, KG_E_SYSTEM);
  act = NULL;
  CHECK_CONTAINS(failure.detail, "changes all the time");
  CHECK_EQUAL(check_open_descriptors(), descriptors);
  kg_writer_close(open_writer(dir, 16));
}

TEST(never_rests, "F38 a file that changes for ever is an error, no hang") {
#if SYSTEM_REMOVES_OPENED
  check_never_rests(LOCK_FILE, replace_lock);
#endif
  check_never_rests(RING_FILE, replace_ring);
}

TEST(rests, "F38 one that changes fifteen times is had, sixteen are too many") {
  check_opens(RING_FILE, replace_ring, 15);
  dir = check_temp_dir();
  kg_writer_close(open_writer(dir, 16));
  victim = RING_FILE;
  times = 16;
  act = replace_ring;
  refuse_writer(dir, KG_E_SYSTEM);
  act = NULL;
  CHECK_EQUAL(times, 0);
}

#if SYSTEM_REMOVES_OPENED

/* Another one makes it just before it is made; once. */
static bool is_made_first;

int __real_openat(int at, const char *path, int flags, ...);
int __wrap_openat(int at, const char *path, int flags, ...);

int __wrap_openat(int at, const char *path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  if (is_made_first && (flags & O_EXCL) != 0 && strcmp(path, LOCK_FILE) == 0) {
    is_made_first = false;
    put_file(check_path(dir, LOCK_FILE), "", 0);
  }
  return __real_openat(at, path, flags, mode);
}

TEST(made_first, "F37 another one makes the lock file at the same time") {
  dir = check_temp_dir();
  is_made_first = true;
  kg_writer *writer = open_writer(dir, 16);
  CHECK(!is_made_first);
  CHECK_EQUAL(check_count_files(dir, ".lock"), 1);
  refuse_writer(dir, KG_E_RING_LOCKED);
  kg_writer_close(writer);
}

#endif
