/* What the system says, and what is made of it. The linker puts __wrap_
 * functions in the place of calls that are to fail. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "../../../native/platform/platform.h"
#include "../../../native/platform/posix.h"
#include "../file_fixture.h"

int __real_openat(int dir, const char *path, int flags, ...);
int __wrap_openat(int dir, const char *path, int flags, ...);
int __real_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...);
int __real_mprotect(void *at, size_t length, int protection);
int __wrap_mprotect(void *at, size_t length, int protection);
int __real_inotify_add_watch(int fd, const char *path, uint32_t mask);
int __wrap_inotify_add_watch(int fd, const char *path, uint32_t mask);
long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
void __real_kg__sleep(uint64_t ns);
void __wrap_kg__sleep(uint64_t ns);
void __real_kg__posix_read_text(const char *path, char *text, size_t bytes);
void __wrap_kg__posix_read_text(const char *path, char *text, size_t bytes);

/* The errno with which each fails; 0: it does not. */
static int opening;
static int locking;
static int protecting;
static int watching;

static uint64_t randoms[4];
static int random_count;
static uint64_t slept;
static const char *boot;

int __wrap_openat(int dir, const char *path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  if (opening != 0) {
    errno = opening;
    return -1;
  }
  return __real_openat(dir, path, flags, mode);
}

int __wrap_fcntl(int fd, int command, ...) {
  va_list arguments;
  va_start(arguments, command);
  void *argument = va_arg(arguments, void *);
  va_end(arguments);
  if (locking != 0) {
    errno = locking;
    return -1;
  }
  return __real_fcntl(fd, command, argument);
}

int __wrap_mprotect(void *at, size_t length, int protection) {
  if (protecting != 0) {
    errno = protecting;
    return -1;
  }
  return __real_mprotect(at, length, protection);
}

int __wrap_inotify_add_watch(int fd, const char *path, uint32_t mask) {
  if (watching != 0) {
    errno = watching;
    return -1;
  }
  return __real_inotify_add_watch(fd, path, mask);
}

long __wrap_syscall(long number, ...) {
  va_list list;
  long given[6];
  va_start(list, number);
  for (int i = 0; i < 6; i++) {
    given[i] = va_arg(list, long);
  }
  va_end(list);
  if (number != SYS_getrandom) {
    return __real_syscall(number, given[0], given[1], given[2], given[3],
                          given[4], given[5]);
  }
  CHECK_EQUAL(given[1], sizeof *randoms);
  CHECK_EQUAL(given[2], 0);
  if (random_count == 0) {
    errno = ENOSYS;
    return -1;
  }
  memcpy((void *)given[0], &randoms[--random_count], sizeof *randoms);
  return (long)sizeof *randoms;
}

void __wrap_kg__sleep(uint64_t ns) {
  slept = ns;
}

void __wrap_kg__posix_read_text(const char *path, char *text, size_t bytes) {
  if (boot == NULL) {
    __real_kg__posix_read_text(path, text, bytes);
  } else {
    snprintf(text, bytes, "%s", boot);
  }
}

static void open_dir(kg__dir *dir) {
  kg_failure failure;
  CHECK_RESULT(kg__dir_open(check_temp_dir(), false, dir, &failure), KG_OK,
               &failure);
}

TEST(errors, "F31 every errno has the error that it means, and is kept") {
  static const struct {
    int number;
    int error;
  } cases[] = {{ENOENT, KG_E_NO_RING},
               {ELOOP, KG_E_UNSAFE_PATH},
               {EISDIR, KG_E_UNSAFE_PATH},
               {ENOTDIR, KG_E_UNSAFE_PATH},
               {ENXIO, KG_E_UNSAFE_PATH},
               {ENOSPC, KG_E_NO_SPACE},
               {EDQUOT, KG_E_NO_SPACE},
               {EFBIG, KG_E_NO_SPACE},
               {EACCES, KG_E_ACCESS},
               {EPERM, KG_E_ACCESS},
               {EROFS, KG_E_READ_ONLY},
               {EMFILE, KG_E_TOO_MANY_FILES},
               {ENFILE, KG_E_TOO_MANY_FILES},
               {ENOMEM, KG_E_NO_MEMORY},
               {EIO, KG_E_SYSTEM},
               {EBADF, KG_E_SYSTEM}};
  kg__dir dir;
  kg__file file;
  kg_failure failure;
  open_dir(&dir);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    opening = cases[i].number;
    CHECK_RESULT(kg__file_open(&dir, "file", &file, &failure), cases[i].error,
                 &failure);
    CHECK_EQUAL(failure.system_error, cases[i].number);
    CHECK_CONTAINS(failure.detail, "/file");
    CHECK(file.handle < 0);
  }
  opening = 0;
  kg__dir_close(&dir);
}

TEST(owners, "F26 what belongs to another user is refused") {
  kg__dir dir;
  kg__file file;
  kg_failure failure;
  if (geteuid() != 0) {
    CHECK_RESULT(kg__dir_open("/", false, &dir, &failure), KG_E_UNSAFE_PATH,
                 &failure);
    CHECK_CONTAINS(failure.detail, "belongs to user 0");
    return;
  }
  open_dir(&dir);
  int descriptors = check_open_descriptors();
  const char *path = check_path(dir.path, "file");
  put_file(path, "", 0);
  CHECK(chown(path, 65534, 65534) == 0);
  CHECK_RESULT(kg__file_open(&dir, "file", &file, &failure), KG_E_UNSAFE_PATH,
               &failure);
  CHECK_CONTAINS(failure.detail, "another user");
  CHECK_EQUAL(check_open_descriptors(), descriptors);
  kg__dir_close(&dir);
  CHECK(chown(dir.path, 65534, 65534) == 0);
  kg__dir again;
  CHECK_RESULT(kg__dir_open(dir.path, false, &again, &failure),
               KG_E_UNSAFE_PATH, &failure);
  CHECK_CONTAINS(failure.detail, "belongs to user 65534");
}

TEST(paths, "the longest path, one that is longer, and none") {
  char path[KG_PATH_BYTES + 1];
  kg__dir dir;
  kg_failure failure;
  memset(path, 'x', sizeof path);
  for (size_t i = 0; i < sizeof path; i += 100) {
    path[i] = '/';
  }
  path[KG_PATH_BYTES] = '\0';
  CHECK_RESULT(kg__dir_open(path, false, &dir, &failure), KG_E_INVALID_OPTION,
               &failure);
  CHECK_CONTAINS(failure.detail, "dir has 512 bytes, 1 to 511 will do");
  /* Slashes at its end do not count. */
  path[KG_PATH_BYTES - 1] = '/';
  CHECK_RESULT(kg__dir_open(path, false, &dir, &failure), KG_E_NO_RING,
               &failure);
  path[KG_PATH_BYTES - 1] = '\0';
  CHECK_RESULT(kg__dir_open(path, false, &dir, &failure), KG_E_NO_RING,
               &failure);
  CHECK(strcmp(dir.path, path) == 0);
  CHECK_RESULT(kg__dir_open("", false, &dir, &failure), KG_E_INVALID_OPTION,
               &failure);
}

TEST(locks, "F31 locks fail with what the system says; no lock is not held") {
  kg__dir dir;
  kg__file file;
  kg_failure failure;
  open_dir(&dir);
  CHECK_RESULT(kg__file_open_or_create(&dir, "file", &file, &failure), KG_OK,
               &failure);
  const int numbers[] = {EIO, ENOLCK, EAGAIN, EACCES};
  const int errors[] = {KG_E_SYSTEM, KG_E_SHM_UNAVAILABLE, KG_E_RING_LOCKED,
                        KG_E_RING_LOCKED};
  for (int i = 0; i < 4; i++) {
    locking = numbers[i];
    CHECK_RESULT(kg__file_lock(&file, 0, &failure), errors[i], &failure);
    CHECK_EQUAL(failure.system_error, numbers[i]);
  }
  /* Who cannot ask is told that nobody has it. */
  CHECK(!kg__file_is_locked(&file, 0));
  locking = 0;
  CHECK(!kg__file_is_locked(&file, 0));
  kg__file_close(&file);
  kg__dir_close(&dir);
}

TEST(protects, "F31 a mapping that cannot be written to is given back") {
  kg__dir dir;
  kg__file file;
  kg_failure failure;
  void *base;
  open_dir(&dir);
  CHECK_RESULT(kg__file_create(&dir, "mapped-file", 8192, &file, &failure),
               KG_OK, &failure);
  protecting = ENOMEM;
  CHECK_RESULT(kg__map(&file, 8192, 0, 4096, &base, &failure), KG_E_NO_MEMORY,
               &failure);
  CHECK_EQUAL(check_count_mappings("mapped-file"), 0);
  protecting = 0;
  CHECK_RESULT(kg__map(&file, 8192, 0, 4096, &base, &failure), KG_OK, &failure);
  CHECK_EQUAL(check_count_mappings("mapped-file"), 2);
  kg__unmap(base, 8192);
  CHECK_EQUAL(check_count_mappings("mapped-file"), 0);
  kg__file_close(&file);
  kg__dir_close(&dir);
}

TEST(closes, "no mapping of a ring is left when it is closed") {
  const char *dir = check_temp_dir();
  random_count = 4;
  for (int i = 0; i < 4; i++) {
    randoms[i] = 1000 + (uint64_t)i;
  }
  kg_writer *writer = open_writer(dir, 16);
  kg_reader *reader = open_reader(dir);
  CHECK(check_count_mappings(RING_FILE) > 0);
  kg_reader_close(reader);
  kg_writer_close(writer);
  CHECK_EQUAL(check_count_mappings("kindly-guard"), 0);
}

TEST(watches, "F31 a wake file that cannot be watched is not listened to") {
  kg__dir dir;
  kg__wake_file file = KG__WAKE_FILE_NONE;
  kg__listener listener = KG__LISTENER_NONE;
  open_dir(&dir);
  randoms[0] = 5;
  random_count = 1;
  kg__wake_file_keep(&dir, "wake", &file);
  CHECK_EQUAL(file.id, 5);
  int descriptors = check_open_descriptors();
  watching = ENOSPC;
  CHECK(kg__listener_open(&dir, "wake", 5, &listener) < 0);
  CHECK(listener.descriptor < 0 && listener.id == 0);
  CHECK_EQUAL(check_open_descriptors(), descriptors);
  watching = 0;
  CHECK(kg__listener_open(&dir, "wake", 5, &listener) >= 0);
  CHECK_EQUAL(listener.id, 5);
  kg__listener_close(&listener);
  /* Without randomness there is no new one. */
  kg__wake_file_close(&file);
  CHECK(unlink(check_path(dir.path, "wake")) == 0);
  kg__wake_file_keep(&dir, "wake", &file);
  CHECK(file.handle < 0 && file.id == 0);
  CHECK(kg__wake_file_signal(&file));
  kg__dir_close(&dir);
}

TEST(bells, "who sleeps on a page that is not there sleeps, a millisecond") {
  void *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(page != MAP_FAILED && munmap(page, 4096) == 0);
  const uint64_t timeouts[] = {500000, 1000000, 5000000};
  for (int i = 0; i < 3; i++) {
    kg__bell bell;
    slept = 0;
    kg__bell_open(&bell, page, 1);
    kg__bell_wait(&bell, 0, timeouts[i]);
    kg__bell_close(&bell);
    CHECK_EQUAL(slept, timeouts[i] < 1000000 ? timeouts[i] : 1000000);
  }
  /* One that is another number by now ends it at once. */
  uint32_t word = 7;
  kg__bell bell;
  slept = 0;
  kg__bell_open(&bell, &word, 1);
  kg__bell_wait(&bell, 6, UINT64_C(60000000000));
  CHECK_EQUAL(slept, 0);
}

TEST(boots, "each boot has an id, by all of what the system says") {
  CHECK(kg__boot_id() != 0);
  CHECK_EQUAL(kg__boot_id(), kg__boot_id());
  boot = "0f0e-1";
  uint64_t first = kg__boot_id();
  boot = "0f0e-2";
  CHECK(kg__boot_id() != first);
  boot = "1f0e-1";
  CHECK(kg__boot_id() != first);
  boot = "0f0e-1";
  CHECK_EQUAL(kg__boot_id(), first);
}

TEST(randomness, "F31 a random number is never 0, or there is an error") {
  uint64_t value = 0;
  kg_failure failure;
  randoms[0] = 9;
  randoms[1] = randoms[2] = 0;
  random_count = 3;
  CHECK_RESULT(kg__random(&value, &failure), KG_OK, &failure);
  CHECK_EQUAL(value, 9);
  CHECK_RESULT(kg__random(&value, &failure), KG_E_SYSTEM, &failure);
  CHECK_EQUAL(failure.system_error, ENOSYS);
}

TEST(inherits, "no program that is started inherits anything of a ring") {
  const char *dir = check_temp_dir();
  bool was_open[256];
  for (int fd = 0; fd < 256; fd++) {
    was_open[fd] = __real_fcntl(fd, F_GETFD) >= 0;
  }
  for (int i = 0; i < 4; i++) {
    randoms[i] = 1000 + (uint64_t)i;
  }
  random_count = 4;
  const kg_ring_options writing = {
      .dir = dir, .max_events = 16, .rejects = true};
  const kg_ring_options reading = {.dir = dir, .reliable = true};
  kg_writer *writer = NULL;
  kg_reader *reader = NULL;
  CHECK_RESULT(kg_writer_open(&writing, &writer, NULL), KG_OK, NULL);
  CHECK_RESULT(kg_reader_open(&reading, &reader, NULL), KG_OK, NULL);
  int opened = 0;
  for (int fd = 0; fd < 256; fd++) {
    int flags = __real_fcntl(fd, F_GETFD);
    if (flags >= 0 && !was_open[fd]) {
      opened++;
      CHECK((flags & FD_CLOEXEC) != 0);
    }
  }
  CHECK(opened >= 7);
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(clocks, "the wall clock counts microseconds, the others nanoseconds") {
  struct timespec before;
  struct timespec after;
  CHECK(clock_gettime(CLOCK_REALTIME, &before) == 0);
  uint64_t wall = kg__clock_wall_us();
  CHECK(clock_gettime(CLOCK_REALTIME, &after) == 0);
  CHECK(wall >=
        (uint64_t)before.tv_sec * 1000000 + (uint64_t)before.tv_nsec / 1000);
  CHECK(wall <=
        (uint64_t)after.tv_sec * 1000000 + (uint64_t)after.tv_nsec / 1000);
  CHECK(clock_gettime(CLOCK_BOOTTIME, &before) == 0);
  uint64_t boot_ns = kg__clock_boot_ns();
  CHECK(clock_gettime(CLOCK_BOOTTIME, &after) == 0);
  CHECK(boot_ns >=
        (uint64_t)before.tv_sec * 1000000000 + (uint64_t)before.tv_nsec);
  CHECK(boot_ns <=
        (uint64_t)after.tv_sec * 1000000000 + (uint64_t)after.tv_nsec);
}

TEST(texts, "a file that is not there, or is empty, is an empty text") {
  char text[8] = "before";
  kg__posix_read_text("/not/there", text, sizeof text);
  CHECK(text[0] == '\0');
  const char *path = check_path(check_temp_dir(), "text");
  put_file(path, "0123456789", 10);
  kg__posix_read_text(path, text, sizeof text);
  CHECK(strcmp(text, "0123456") == 0);
  put_file(path, "", 0);
  kg__posix_read_text(path, text, sizeof text);
  CHECK(text[0] == '\0');
  /* What can be opened, and not read. */
  kg__posix_read_text("/", text, sizeof text);
  CHECK(text[0] == '\0');
}
