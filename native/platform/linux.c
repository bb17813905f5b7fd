/* What Linux has of its own: open file description locks, shared futexes,
 * /dev/shm, the boot clock. */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "cpu.h"
#include "posix.h"

/* --- Directories -------------------------------------------------------- */

/* An absolute path from the environment. */
static const char *path_in(const char *variable, const char *otherwise) {
  const char *value = getenv(variable);
  return value != NULL && value[0] == '/' ? value : otherwise;
}

bool kg__dir_candidate(unsigned index, char path[KG_PATH_BYTES]) {
  char user[32] = "";
  const char *bases[] = {"/dev/shm", path_in("XDG_RUNTIME_DIR", NULL),
                         path_in("TMPDIR", "/tmp")};
  if (index >= sizeof bases / sizeof *bases) {
    return false;
  }
  /* XDG_RUNTIME_DIR is a directory of this user's alone. */
  if (index != 1) {
    snprintf(user, sizeof user, "-%ld", (long)geteuid());
  }
  if (bases[index] == NULL || snprintf(path, KG_PATH_BYTES, "%s/kindly-guard%s",
                                       bases[index], user) >= KG_PATH_BYTES) {
    path[0] = '\0';
  }
  return true;
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

static struct flock lock_of(uint32_t byte) {
  return (struct flock){.l_type = F_WRLCK,
                        .l_whence = SEEK_SET,
                        .l_start = (off_t)byte,
                        .l_len = 1};
}

int kg__posix_lock(int fd, uint32_t byte) {
  struct flock range = lock_of(byte);
  return fcntl(fd, F_OFD_SETLK, &range) == 0 ? 0 : errno;
}

void kg__posix_unlock(int fd) {
  struct flock range = {.l_type = F_UNLCK, .l_whence = SEEK_SET};
  fcntl(fd, F_OFD_SETLK, &range);
}

bool kg__file_is_locked(const kg__file *file, uint32_t byte) {
  struct flock range = lock_of(byte);
  return fcntl((int)file->handle, F_OFD_GETLK, &range) == 0 &&
         range.l_type != F_UNLCK;
}

void kg__posix_forbid_inheritance(void *base, size_t length) {
  madvise(base, length, MADV_DONTFORK);
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

static uint64_t clock_ns(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

uint64_t kg__clock_monotonic_ns(void) {
  return clock_ns(CLOCK_MONOTONIC);
}

uint64_t kg__clock_boot_ns(void) {
  return clock_ns(CLOCK_BOOTTIME);
}

uint64_t kg__boot_id(void) {
  char text[64];
  uint64_t id = 0;
  kg__posix_read_text("/proc/sys/kernel/random/boot_id", text, sizeof text);
  for (size_t i = 0; text[i] != '\0'; i++) {
    /* FNV's step: the text is random already, it only has to be folded. */
    id = (id ^ (unsigned char)text[i]) * UINT64_C(0x100000001B3);
  }
  return id;
}

int kg__random(uint64_t *value, kg_failure *failure) {
  do {
    if (getrandom(value, sizeof *value, 0) != (ssize_t)sizeof *value) {
      return kg__fail(failure, KG_E_SYSTEM, errno, "getrandom: %s",
                      strerror(errno));
    }
  } while (*value == 0);
  return KG_OK;
}

bool kg__cpu_has_crc32c(void) {
#if defined(__x86_64__)
  return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul");
#elif defined(__aarch64__)
  return (getauxval(AT_HWCAP) & (1UL << 7)) != 0; /* HWCAP_CRC32 */
#else
  return false;
#endif
}
