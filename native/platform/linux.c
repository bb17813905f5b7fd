/* What Linux has of its own: open file description locks, shared futexes,
 * /dev/shm, the boot clock. */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/magic.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "cpu.h"
#include "posix.h"

/* --- Directories -------------------------------------------------------- */

#define DEFAULT_TEMPORARY "/tmp"
#define OWN_DIRECTORY ".kindly-guard"
#define IN_OWN_DIRECTORY "/" OWN_DIRECTORY "/shm"

/* A directory that the environment names, or NULL. */
static const char *dir_in(const char *variable, struct stat *info) {
  const char *value = getenv(variable);
  return value != NULL && value[0] == '/' && stat(value, info) == 0 &&
                 S_ISDIR(info->st_mode)
             ? value
             : NULL;
}

/* A directory that the environment names, if it belongs to this user: sudo and
 * the like leave those of somebody else there. */
static const char *own_dir_in(const char *variable) {
  struct stat info;
  const char *value = dir_in(variable, &info);
  return value != NULL && info.st_uid == geteuid() ? value : NULL;
}

/* Where this user may keep what nobody else can exchange, unless that is the
 * usual place. */
static const char *other_temporary(void) {
  struct stat info;
  const char *value = dir_in("TMPDIR", &info);
  bool is_safe = value != NULL && strcmp(value, DEFAULT_TEMPORARY) != 0 &&
                 (info.st_uid == 0 || info.st_uid == geteuid()) &&
                 ((info.st_mode & 022) == 0 || (info.st_mode & S_ISVTX) != 0);
  return is_safe ? value : NULL;
}

static bool write_path(char path[KG_PATH_BYTES], const char *base,
                       const char *name) {
  return base != NULL &&
         snprintf(path, KG_PATH_BYTES, "%s%s", base, name) < KG_PATH_BYTES;
}

/* Without the environment the system's list of users says where the home is. */
static bool write_home(char path[KG_PATH_BYTES]) {
  char text[4096];
  struct passwd entry;
  struct passwd *found = NULL;
  struct stat info;
  const char *home = own_dir_in("HOME");
  if (home == NULL &&
      getpwuid_r(geteuid(), &entry, text, sizeof text, &found) == 0 &&
      found != NULL && found->pw_dir[0] == '/' &&
      stat(found->pw_dir, &info) == 0 && info.st_uid == geteuid()) {
    home = found->pw_dir;
  }
  return write_path(path, home, IN_OWN_DIRECTORY);
}

bool kg__dir_candidate(unsigned index, char path[KG_PATH_BYTES]) {
  char by_user[64];
  char runtime[64];
  bool is_written = false;
  const char *named = own_dir_in("XDG_RUNTIME_DIR");
  snprintf(by_user, sizeof by_user, "/kindly-guard-%ld", (long)geteuid());
  snprintf(runtime, sizeof runtime, "/run/user/%ld", (long)geteuid());
  switch (index) {
  case 0:
    is_written = write_path(path, "/dev/shm", by_user);
    break;
  case 1:
    is_written = write_path(path, named, "/kindly-guard");
    break;
  case 2:
    is_written = (named == NULL || strcmp(named, runtime) != 0) &&
                 write_path(path, runtime, "/kindly-guard");
    break;
  case 3:
    is_written = write_path(path, other_temporary(), by_user);
    break;
  case 4:
    is_written = write_path(path, DEFAULT_TEMPORARY, by_user);
    break;
  case 5:
    is_written = write_home(path);
    break;
  default:
    return false;
  }
  if (!is_written) {
    path[0] = '\0';
  }
  return true;
}

int kg__dir_open_candidate(const char *path, bool create, kg__dir *dir,
                           kg_failure *failure) {
  size_t length = strlen(path);
  size_t own = strlen(IN_OWN_DIRECTORY);
  if (length > own && strcmp(path + length - own, IN_OWN_DIRECTORY) == 0) {
    char above[KG_PATH_BYTES];
    int result;
    snprintf(above, sizeof above, "%.*s/%s", (int)(length - own), path,
             OWN_DIRECTORY);
    result = kg__dir_open(above, create, dir, failure);
    if (result != KG_OK) {
      return result;
    }
    kg__dir_close(dir);
  }
  return kg__dir_open(path, create, dir, failure);
}

int kg__posix_open_dir(const char *path) {
  /* O_PATH needs no permission on the directory itself, which a umask of
   * 0777 would have taken away. */
  return open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

int kg__posix_make_dir_private(int fd) {
  struct stat info;
  char link[64];
  if (fstat(fd, &info) == 0 && (info.st_mode & 07777) == 0700) {
    return 0;
  }
  /* fchmod refuses an O_PATH descriptor; its link in /proc leads to the same
   * directory and not to whatever has its name by now. */
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  return chmod(link, 0700);
}

/* --- Files, locks, memory ----------------------------------------------- */

int kg__posix_allocate(int fd, uint64_t size) {
  int number;
  do {
    number = posix_fallocate(fd, 0, (off_t)size);
  } while (number == EINTR);
  return number;
}

bool kg__file_has_holes(const kg__file *file, uint64_t length) {
  struct stat info;
  struct statfs system;
  /* Elsewhere a hole is read from nowhere, and some systems compress. */
  return fstatfs((int)file->handle, &system) == 0 &&
         (system.f_type == TMPFS_MAGIC || system.f_type == HUGETLBFS_MAGIC) &&
         fstat((int)file->handle, &info) == 0 &&
         (uint64_t)info.st_blocks * 512 < length;
}

void kg__posix_stay_loaded(void) {
  /* The linker has said so: -z nodelete in binding.gyp. */
}

void kg__posix_forbid_inheritance(void *base, size_t length) {
  madvise(base, length, MADV_DONTFORK);
}

/* Since Linux 5.14; older headers lack them, and older kernels refuse them. */
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

void kg__prefault(void *base, size_t length, bool writable) {
  madvise(base, length, writable ? MADV_POPULATE_WRITE : MADV_POPULATE_READ);
}

/* --- Doorbell ----------------------------------------------------------- */

void kg__bell_open(kg__bell *bell, const uint32_t *word, uint64_t generation) {
  (void)generation;
  *bell = (kg__bell){.word = word, .handle = -1};
}

void kg__bell_wait(kg__bell *bell, uint32_t expected, uint64_t timeout_ns) {
  struct timespec timeout = {.tv_sec = (time_t)(timeout_ns / 1000000000),
                             .tv_nsec = (long)(timeout_ns % 1000000000)};
  if (syscall(SYS_futex, bell->word, FUTEX_WAIT, expected, &timeout, NULL, 0) ==
          0 ||
      errno == EAGAIN || errno == EINTR || errno == ETIMEDOUT) {
    return;
  }
  /* A page that was cut off gives EFAULT at once; sleep, do not spin. */
  kg__sleep(timeout_ns < 1000000 ? timeout_ns : 1000000);
}

void kg__bell_ring(kg__bell *bell) {
  syscall(SYS_futex, bell->word, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

void kg__bell_close(kg__bell *bell) {
  bell->word = NULL;
}

/* --- Clocks and the rest ------------------------------------------------ */

uint64_t kg__clock_monotonic_ns(void) {
  return kg__posix_clock_ns(CLOCK_MONOTONIC);
}

uint64_t kg__clock_boot_ns(void) {
  return kg__posix_clock_ns(CLOCK_BOOTTIME);
}

uint64_t kg__boot_id(void) {
  char text[64];
  kg__posix_read_text("/proc/sys/kernel/random/boot_id", text, sizeof text);
  return kg__posix_fold(text);
}

int kg__random(uint64_t *value, kg_failure *failure) {
  do {
    /* The function is younger than the oldest glibc that the addon is for. */
    if (syscall(SYS_getrandom, value, sizeof *value, 0) !=
        (long)sizeof *value) {
      return kg__fail(failure, KG_E_SYSTEM, errno, "getrandom: %s",
                      strerror(errno));
    }
  } while (*value == 0);
  return KG_OK;
}

bool kg__cpu_has_crc32c(void) {
#if defined(__x86_64__)
  return kg__x86_has_crc32c();
#elif defined(__aarch64__)
  return (getauxval(AT_HWCAP) & (1UL << 7)) != 0; /* HWCAP_CRC32 */
#else
  return false;
#endif
}
