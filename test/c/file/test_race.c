/* Files that change between two steps of an opening. The linker puts
 * __wrap_openat between the core and the C library, which does what another
 * process might have done in just that moment. */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../file_fixture.h"

int __real_openat(int dir, const char *path, int flags, ...);
int __wrap_openat(int dir, const char *path, int flags, ...);

static const char *dir;
static const char *victim; /* whose opening is followed by `act` */
static int times;
static void (*act)(void);

/* Another one makes it just before it is made; once. */
static bool is_made_first;

int __wrap_openat(int at, const char *path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  if (is_made_first && (flags & O_EXCL) != 0 && strcmp(path, victim) == 0) {
    is_made_first = false;
    put_file(check_path(dir, victim), "", 0);
  }
  int fd = __real_openat(at, path, flags, mode);
  if (fd >= 0 && act != NULL && times > 0 && strcmp(path, victim) == 0) {
    times--;
    act();
  }
  return fd;
}

static void unlink_victim(void) {
  CHECK(unlink(check_path(dir, victim)) == 0);
}

static void replace_victim(void) {
  put_file(check_path(dir, "new"), "", 0);
  rename_file(dir, "new", victim);
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

TEST(lock_goes, "F38 the lock file goes between its opening and its locking") {
  check_opens(LOCK_FILE, unlink_victim, 1);
  check_opens(LOCK_FILE, unlink_victim, 5);
}

TEST(lock_changes, "F38 another lock file takes its place in that moment") {
  check_opens(LOCK_FILE, replace_victim, 1);
  check_opens(LOCK_FILE, replace_victim, 5);
}

TEST(ring_goes, "F38 the ring goes between its opening and its locking") {
  check_opens(RING_FILE, unlink_victim, 1);
}

TEST(ring_changes, "F38 another ring takes its place in that moment") {
  check_opens(RING_FILE, replace_victim, 1);
  check_opens(RING_FILE, replace_victim, 5);
}

TEST(never_rests, "F38 a file that changes for ever is an error, no hang") {
  static const char *const names[] = {LOCK_FILE, RING_FILE};
  for (int i = 0; i < 2; i++) {
    dir = check_temp_dir();
    kg_writer_close(open_writer(dir, 16));
    int descriptors = check_open_descriptors();
    victim = names[i];
    times = 1000000;
    act = replace_victim;
    kg_failure failure = refuse_writer(dir, KG_E_SYSTEM);
    act = NULL;
    CHECK_CONTAINS(failure.detail, "changes all the time");
    CHECK_EQUAL(check_open_descriptors(), descriptors);
    kg_writer_close(open_writer(dir, 16));
  }
}

TEST(rests, "F38 one that changes fifteen times is had, sixteen are too many") {
  check_opens(LOCK_FILE, replace_victim, 15);
  dir = check_temp_dir();
  kg_writer_close(open_writer(dir, 16));
  victim = LOCK_FILE;
  times = 16;
  act = replace_victim;
  refuse_writer(dir, KG_E_SYSTEM);
  act = NULL;
  CHECK_EQUAL(times, 0);
}

TEST(made_first, "F37 another one makes the lock file at the same time") {
  dir = check_temp_dir();
  victim = LOCK_FILE;
  is_made_first = true;
  kg_writer *writer = open_writer(dir, 16);
  CHECK(!is_made_first);
  CHECK_EQUAL(check_count_files(dir, ".lock"), 1);
  refuse_writer(dir, KG_E_RING_LOCKED);
  kg_writer_close(writer);
}
