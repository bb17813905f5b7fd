/* Calls of POSIX that fail. The linker puts the __wrap_ functions between the
 * core and the C library. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../file_fixture.h"
#include "faults.h"

enum call { OPENAT, OPEN, MMAP, ALLOCATE, MKDIR, MALLOC, RENAME, FCHMOD, LOCK };

static bool fails(enum call call) {
  int number = system_fault_next(call);
  if (number != 0) {
    errno = number;
  }
  return number != 0;
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
  return fails(ALLOCATE) ? errno : __real_posix_fallocate(fd, offset, length);
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

const system_fault system_faults[] = {
    {"openat", OPENAT, EMFILE, KG_E_TOO_MANY_FILES},
    {"openat", OPENAT, ENFILE, KG_E_TOO_MANY_FILES},
    {"openat", OPENAT, ENOMEM, KG_E_NO_MEMORY},
    {"openat", OPENAT, EACCES, KG_E_ACCESS},
    {"openat", OPENAT, EROFS, KG_E_READ_ONLY},
    {"openat", OPENAT, ENOSPC, KG_E_NO_SPACE},
    {"openat", OPENAT, EIO, KG_E_SYSTEM},
    {"open", OPEN, EMFILE, KG_E_TOO_MANY_FILES},
    {"open", OPEN, ENFILE, KG_E_TOO_MANY_FILES},
    {"open", OPEN, ENOMEM, KG_E_NO_MEMORY},
    {"open", OPEN, EACCES, KG_E_ACCESS},
    {"mmap", MMAP, ENOMEM, KG_E_NO_MEMORY},
    {"mmap", MMAP, EACCES, KG_E_ACCESS},
    {"mmap", MMAP, ENFILE, KG_E_TOO_MANY_FILES},
    {"mmap", MMAP, ENODEV, KG_E_SHM_UNAVAILABLE},
    {"mmap", MMAP, EOPNOTSUPP, KG_E_SHM_UNAVAILABLE},
    {"lock", LOCK, ENOLCK, KG_E_SHM_UNAVAILABLE},
    {"lock", LOCK, EOPNOTSUPP, KG_E_SHM_UNAVAILABLE},
    {"lock", LOCK, ENOSYS, KG_E_SHM_UNAVAILABLE},
    {"lock", LOCK, EINVAL, KG_E_SHM_UNAVAILABLE},
    {"lock", LOCK, EIO, KG_E_SYSTEM},
    {"allocate", ALLOCATE, ENOSPC, KG_E_NO_SPACE},
    {"allocate", ALLOCATE, EFBIG, KG_E_NO_SPACE},
    {"allocate", ALLOCATE, EDQUOT, KG_E_NO_SPACE},
    {"allocate", ALLOCATE, EROFS, KG_E_READ_ONLY},
    {"mkdir", MKDIR, EACCES, KG_E_ACCESS},
    {"mkdir", MKDIR, EROFS, KG_E_READ_ONLY},
    {"mkdir", MKDIR, ENOSPC, KG_E_NO_SPACE},
    {"malloc", MALLOC, ENOMEM, KG_E_NO_MEMORY},
    {"rename", RENAME, ENOSPC, KG_E_NO_SPACE},
    {"rename", RENAME, EACCES, KG_E_ACCESS},
    {"rename", RENAME, EROFS, KG_E_READ_ONLY},
    {"fchmod", FCHMOD, EACCES, KG_E_ACCESS},
};

const size_t system_fault_count = sizeof system_faults / sizeof *system_faults;
