/* Systems that refuse: every call that can fail does, at every place, and
 * the error has its name; once it is mended, all works. The linker puts the
 * __wrap_ functions between the core and the C library. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../file_fixture.h"

enum call { OPENAT, OPEN, MMAP, ALLOCATE, MKDIR, MALLOC, RENAME, FCHMOD, LOCK };

static const char *const call_names[] = {"openat",   "open",   "mmap",
                                         "allocate", "mkdir",  "malloc",
                                         "rename",   "fchmod", "lock"};

static struct {
  enum call call;
  int number;      /* the errno that it fails with; 0: nothing fails */
  uint32_t at;     /* which call of them */
  uint32_t until;  /* up to which call of them all do */
  uint32_t called; /* so far */
} fault;

static bool fails(enum call call) {
  if (fault.number == 0 || fault.call != call) {
    return false;
  }
  fault.called++;
  if (fault.called != fault.at && fault.called > fault.until) {
    return false;
  }
  errno = fault.number;
  return true;
}

int __real_openat(int dir, const char *path, int flags, ...);
int __wrap_openat(int dir, const char *path, int flags, ...);
int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
void *__real_mmap(void *at, size_t length, int protection, int flags, int fd,
                  off_t offset);
void *__wrap_mmap(void *at, size_t length, int protection, int flags, int fd,
                  off_t offset);
int __real_posix_fallocate(int fd, off_t offset, off_t length);
int __wrap_posix_fallocate(int fd, off_t offset, off_t length);
int __real_mkdir(const char *path, mode_t mode);
int __wrap_mkdir(const char *path, mode_t mode);
void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
int __real_renameat(int from_dir, const char *from, int to_dir, const char *to);
int __wrap_renameat(int from_dir, const char *from, int to_dir, const char *to);
int __real_fchmod(int fd, mode_t mode);
int __wrap_fchmod(int fd, mode_t mode);

static mode_t mode_argument(int flags, va_list arguments) {
  return (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
}

int __wrap_openat(int dir, const char *path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  mode_t mode = mode_argument(flags, arguments);
  va_end(arguments);
  return fails(OPENAT) ? -1 : __real_openat(dir, path, flags, mode);
}

int __wrap_open(const char *path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  mode_t mode = mode_argument(flags, arguments);
  va_end(arguments);
  return fails(OPEN) ? -1 : __real_open(path, flags, mode);
}

void *__wrap_mmap(void *at, size_t length, int protection, int flags, int fd,
                  off_t offset) {
  return fails(MMAP) ? MAP_FAILED
                     : __real_mmap(at, length, protection, flags, fd, offset);
}

int __wrap_posix_fallocate(int fd, off_t offset, off_t length) {
  return fails(ALLOCATE) ? fault.number
                         : __real_posix_fallocate(fd, offset, length);
}

int __wrap_mkdir(const char *path, mode_t mode) {
  return fails(MKDIR) ? -1 : __real_mkdir(path, mode);
}

void *__wrap_malloc(size_t size) {
  return fails(MALLOC) ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size) {
  return fails(MALLOC) ? NULL : __real_calloc(count, size);
}

/* A ring that gets its name tells all that readers decide by. */
static void check_signed(int from_dir, const char *from) {
  kg_ring_header header;
  int fd = __real_openat(from_dir, from, O_RDONLY);
  CHECK(fd >= 0 && read(fd, &header, sizeof header) == sizeof header);
  close(fd);
  CHECK(header.heartbeat_ns != 0);
  CHECK_EQUAL(header.state, KG_STATE_LIVE);
  CHECK_EQUAL(header.writer_pid, getpid());
}

int __wrap_renameat(int from_dir, const char *from, int to_dir,
                    const char *to) {
  check_signed(from_dir, from);
  return fails(RENAME) ? -1 : __real_renameat(from_dir, from, to_dir, to);
}

int __wrap_fchmod(int fd, mode_t mode) {
  return fails(FCHMOD) ? -1 : __real_fchmod(fd, mode);
}

int __real_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...);

/* Of what it does, only locking is made to fail. */
int __wrap_fcntl(int fd, int command, ...) {
  va_list arguments;
  va_start(arguments, command);
  void *argument = va_arg(arguments, void *);
  va_end(arguments);
  bool is_lock =
      command == F_OFD_SETLK && ((struct flock *)argument)->l_type == F_WRLCK;
  return is_lock && fails(LOCK) ? -1 : __real_fcntl(fd, command, argument);
}

static const struct {
  enum call call;
  int number;
  int error;
} faults[] = {
    {OPENAT, EMFILE, KG_E_TOO_MANY_FILES},
    {OPENAT, ENFILE, KG_E_TOO_MANY_FILES},
    {OPENAT, ENOMEM, KG_E_NO_MEMORY},
    {OPENAT, EACCES, KG_E_ACCESS},
    {OPENAT, EROFS, KG_E_READ_ONLY},
    {OPENAT, ENOSPC, KG_E_NO_SPACE},
    {OPENAT, EIO, KG_E_SYSTEM},
    {OPEN, EMFILE, KG_E_TOO_MANY_FILES},
    {OPEN, ENFILE, KG_E_TOO_MANY_FILES},
    {OPEN, ENOMEM, KG_E_NO_MEMORY},
    {OPEN, EACCES, KG_E_ACCESS},
    {MMAP, ENOMEM, KG_E_NO_MEMORY},
    {MMAP, EACCES, KG_E_ACCESS},
    {MMAP, ENFILE, KG_E_TOO_MANY_FILES},
    {MMAP, ENODEV, KG_E_SHM_UNAVAILABLE},
    {MMAP, EOPNOTSUPP, KG_E_SHM_UNAVAILABLE},
    {LOCK, ENOLCK, KG_E_SHM_UNAVAILABLE},
    {LOCK, EOPNOTSUPP, KG_E_SHM_UNAVAILABLE},
    {LOCK, ENOSYS, KG_E_SHM_UNAVAILABLE},
    {LOCK, EINVAL, KG_E_SHM_UNAVAILABLE},
    {LOCK, EIO, KG_E_SYSTEM},
    {ALLOCATE, ENOSPC, KG_E_NO_SPACE},
    {ALLOCATE, EFBIG, KG_E_NO_SPACE},
    {ALLOCATE, EDQUOT, KG_E_NO_SPACE},
    {ALLOCATE, EROFS, KG_E_READ_ONLY},
    {MKDIR, EACCES, KG_E_ACCESS},
    {MKDIR, EROFS, KG_E_READ_ONLY},
    {MKDIR, ENOSPC, KG_E_NO_SPACE},
    {MALLOC, ENOMEM, KG_E_NO_MEMORY},
    {RENAME, ENOSPC, KG_E_NO_SPACE},
    {RENAME, EACCES, KG_E_ACCESS},
    {RENAME, EROFS, KG_E_READ_ONLY},
    {FCHMOD, EACCES, KG_E_ACCESS},
};

#define FAULTS (sizeof faults / sizeof *faults)

static const char *dir;
static int descriptors;

static void begin(size_t which, uint32_t at) {
  descriptors = check_open_descriptors();
  fault.call = faults[which].call;
  fault.at = at;
  fault.called = 0;
  fault.number = faults[which].number;
}

/* Whether the fault came to pass at all. */
static bool end(void) {
  fault.number = 0;
  return fault.called >= fault.at;
}

static void check_failed(size_t which, int result, const kg_failure *failure) {
  if (result != faults[which].error) {
    fprintf(stderr, "%s number %u fails with errno %d\n",
            call_names[faults[which].call], (unsigned)fault.at,
            faults[which].number);
  }
  CHECK_RESULT(result, faults[which].error, failure);
  CHECK_EQUAL(failure->error, faults[which].error);
  CHECK(strlen(failure->detail) > 0);
  CHECK_EQUAL(check_open_descriptors(), descriptors);
  CHECK_EQUAL(check_count_files(dir, ".tmp"), 0);
}

static int try_writer(size_t which, uint32_t at, const char *where,
                      uint32_t max_events, kg_writer **writer,
                      kg_failure *failure, bool *happened) {
  const kg_ring_options options = {.dir = where, .max_events = max_events};
  *writer = NULL;
  *failure = (kg_failure){.error = 0};
  begin(which, at);
  int result = kg_writer_open(&options, writer, failure);
  *happened = end();
  return result;
}

TEST(new_ring, "F31 a writer that makes a ring: each failure has its name") {
  uint32_t failed = 0;
  for (size_t which = 0; which < FAULTS; which++) {
    bool happened = true;
    uint32_t before = failed;
    for (uint32_t at = 1; happened; at++) {
      kg_failure failure;
      kg_writer *writer;
      dir = check_temp_dir();
      const char *made = check_path(dir, "made");
      int result =
          try_writer(which, at, made, 16, &writer, &failure, &happened);
      if (result != KG_OK) {
        CHECK(happened);
        failed++;
        check_failed(which, result, &failure);
        CHECK(access(made, F_OK) != 0 || check_count_files(made, ".tmp") == 0);
        CHECK(result != KG_E_SHM_UNAVAILABLE ||
              strstr(failure.detail, made) != NULL);
        CHECK_EQUAL(check_count_mappings(RING_FILE), 0);
        writer = open_writer(made, 16);
      }
      CHECK_EQUAL(write_events(writer, 2), 2);
      CHECK_EQUAL(check_count_files(made, ".tmp"), 0);
      kg_writer_close(writer);
      CHECK_EQUAL(check_open_descriptors(), descriptors);
      check_remove_dirs();
    }
    /* Each of these calls is made. */
    CHECK(failed > before);
  }
}

TEST(old_ring, "F31 a writer that continues a ring: it stays that ring") {
  uint32_t failed = 0;
  dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  uint64_t generation = writer_info(writer).generation;
  uint64_t sequence = write_events(writer, 3);
  kg_writer_close(writer);
  for (size_t which = 0; which < FAULTS; which++) {
    bool happened = true;
    for (uint32_t at = 1; happened; at++) {
      kg_failure failure;
      int result = try_writer(which, at, dir, 16, &writer, &failure, &happened);
      if (result != KG_OK) {
        CHECK(happened);
        failed++;
        check_failed(which, result, &failure);
        writer = open_writer(dir, 16);
      }
      CHECK_EQUAL(writer_info(writer).generation, generation);
      CHECK_EQUAL(sequence_of(writer), sequence);
      sequence = write_events(writer, 1);
      kg_writer_close(writer);
      CHECK_EQUAL(check_open_descriptors(), descriptors);
    }
  }
  CHECK(failed > 20);
}

TEST(other_ring,
     "F31 a writer that replaces a ring: the old one stays till then") {
  uint32_t failed = 0;
  dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  uint64_t generation = writer_info(writer).generation;
  uint64_t sequence = write_events(writer, 3);
  uint32_t capacity = 16;
  kg_writer_close(writer);
  for (size_t which = 0; which < FAULTS; which++) {
    bool happened = true;
    for (uint32_t at = 1; happened; at++) {
      kg_failure failure;
      capacity = capacity == 16 ? 64 : 16;
      int result =
          try_writer(which, at, dir, capacity, &writer, &failure, &happened);
      if (result != KG_OK) {
        CHECK(happened);
        failed++;
        check_failed(which, result, &failure);
        writer = open_writer(dir, capacity);
      }
      CHECK_EQUAL(writer_info(writer).predecessor_generation, generation);
      CHECK_EQUAL(writer_info(writer).predecessor_sequence, sequence);
      generation = writer_info(writer).generation;
      sequence = write_events(writer, 1 + (uint32_t)sequence % 3);
      kg_writer_close(writer);
      CHECK_EQUAL(check_open_descriptors(), descriptors);
    }
  }
  CHECK(failed > 20);
}

TEST(reader, "F31 a reader: each failure has its name") {
  uint32_t failed = 0;
  dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  write_events(writer, 3);
  for (size_t which = 0; which < FAULTS; which++) {
    bool happened = true;
    for (uint32_t at = 1; happened; at++) {
      const kg_ring_options options = {.dir = dir};
      kg_failure failure = {.error = 0};
      kg_reader *reader = NULL;
      begin(which, at);
      int result = kg_reader_open(&options, &reader, &failure);
      happened = end();
      if (result != KG_OK) {
        CHECK(happened);
        failed++;
        check_failed(which, result, &failure);
        reader = open_reader(dir);
      }
      kg_reader_close(reader);
      CHECK_EQUAL(check_open_descriptors(), descriptors);
      CHECK_EQUAL(check_ring_from(dir, 1), 3);
    }
  }
  CHECK(failed > 10);
  kg_writer_close(writer);
}

TEST(beat, "F31 F24 a ring that cannot be made anew is, once it is mended") {
  uint32_t failed = 0;
  dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  for (size_t which = 0; which < FAULTS; which++) {
    bool happened = true;
    for (uint32_t at = 1; happened; at++) {
      kg_failure failure = {.error = 0};
      uint64_t generation = writer_info(writer).generation;
      uint64_t sequence = write_events(writer, 2);
      remove_file(dir, RING_FILE);
      remove_file(dir, LOCK_FILE);
      begin(which, at);
      int result = kg_writer_beat(writer, &failure);
      happened = end();
      if (result != KG_OK) {
        CHECK(happened);
        failed++;
        CHECK_RESULT(result, faults[which].error, &failure);
        CHECK_EQUAL(check_count_files(dir, ".tmp"), 0);
        CHECK_RESULT(kg_writer_beat(writer, &failure), KG_OK, &failure);
      }
      CHECK_EQUAL(check_open_descriptors(), descriptors);
      CHECK_EQUAL(writer_info(writer).predecessor_generation, generation);
      CHECK_EQUAL(writer_info(writer).predecessor_sequence, sequence);
      CHECK_EQUAL(write_events(writer, 1), 1);
      CHECK_EQUAL(check_ring_from(dir, 1), 1);
    }
  }
  CHECK(failed > 20);
  kg_writer_close(writer);
}

TEST(elsewhere,
     "F31 F60 what was published elsewhere is known after a failure") {
  dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  kg_failure failure;
  write_events(writer, 3);
  uint64_t generation = writer_info(writer).generation;
  kg_writer_skip_to(writer, 9, 4);
  fault.call = RENAME;
  fault.number = EACCES;
  for (int i = 0; i < 2; i++) {
    fault.called = 0;
    fault.at = 1;
    CHECK_RESULT(kg_writer_beat(writer, &failure), KG_E_ACCESS, &failure);
    CHECK_EQUAL(writer_info(writer).generation, generation);
  }
  fault.number = 0;
  CHECK_RESULT(kg_writer_beat(writer, &failure), KG_OK, &failure);
  CHECK_EQUAL(writer_info(writer).predecessor_generation, generation);
  CHECK_EQUAL(writer_info(writer).predecessor_sequence, 9);
  CHECK_EQUAL(writer_info(writer).predecessor_priority, 4);
  kg_writer_close(writer);
}

TEST(swept, "F38 a ring that is swept away before it has its name: again") {
  dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  kg_failure failure;
  for (uint32_t sweeps = 1; sweeps <= 17; sweeps++) {
    remove_file(dir, RING_FILE);
    fault.call = RENAME;
    fault.number = ENOENT;
    fault.called = 0;
    fault.at = 0;
    fault.until = sweeps;
    int result = kg_writer_beat(writer, &failure);
    fault.number = 0;
    fault.until = 0;
    /* It tries once, and sixteen times more. */
    CHECK_RESULT(result, sweeps <= 16 ? KG_OK : KG_E_NO_RING, &failure);
    CHECK_EQUAL(check_count_files(dir, ".tmp"), 0);
  }
  CHECK_RESULT(kg_writer_beat(writer, &failure), KG_OK, &failure);
  kg_writer_close(writer);
}

TEST(first, "F31 no memory for the first ring of a process, wherever") {
  bool happened = true;
  for (uint32_t at = 1; happened; at++) {
    dir = check_temp_dir();
    pid_t child = check_fork();
    if (child == 0) {
      kg_failure failure;
      kg_writer *writer;
      size_t malloc_fault = 0;
      while (faults[malloc_fault].call != MALLOC) {
        malloc_fault++;
      }
      int result =
          try_writer(malloc_fault, at, dir, 16, &writer, &failure, &happened);
      CHECK_RESULT(result, happened ? KG_E_NO_MEMORY : KG_OK, &failure);
      CHECK_EQUAL(check_count_mappings(RING_FILE), happened ? 0 : 1);
      kg_writer_close(writer);
      if (!happened) {
        put_file(check_path(dir, "all"), "", 0);
      }
      check_done();
    }
    CHECK_EXIT(child);
    happened = access(check_path(dir, "all"), F_OK) != 0;
  }
}
