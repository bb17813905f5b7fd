/* Locks that belong to one process, forks or no forks, as Linux and macOS
 * share them. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "posix.h"

/* macOS: the kernel has them since 10.11, its headers since 15. */
#ifndef F_OFD_SETLK
#define F_OFD_SETLK 90
#define F_OFD_GETLK 92
#endif

static struct flock lock_of(uint32_t byte) {
  return (struct flock){.l_type = F_WRLCK,
                        .l_whence = SEEK_SET,
                        .l_start = (off_t)byte,
                        .l_len = 1};
}

/* 0 or an errno; EAGAIN: somebody has it. The lock belongs to the open file,
 * not to the process. */
static int lock(int fd, uint32_t byte) {
  struct flock range = lock_of(byte);
  return fcntl(fd, F_OFD_SETLK, &range) == 0 ? 0 : errno;
}

/* Frees every lock that this open file has. */
static void unlock(int fd) {
  struct flock range = {.l_type = F_UNLCK, .l_whence = SEEK_SET};
  fcntl(fd, F_OFD_SETLK, &range);
}

bool kg__file_is_locked(const kg__file *file, uint32_t byte) {
  struct flock range = lock_of(byte);
  return fcntl((int)file->handle, F_OFD_GETLK, &range) == 0 &&
         range.l_type != F_UNLCK;
}

/* The descriptors that hold locks. A forked child closes its copies: the
 * lock belongs to the open file, which would live on in them. */
static pthread_mutex_t held_mutex = PTHREAD_MUTEX_INITIALIZER;
static int *held;
static size_t held_count;
static size_t held_capacity;
static uint32_t fork_count;

static void before_fork(void) {
  pthread_mutex_lock(&held_mutex);
}

static void after_fork_in_parent(void) {
  pthread_mutex_unlock(&held_mutex);
}

static void after_fork_in_child(void) {
  for (size_t i = 0; i < held_count; i++) {
    close(held[i]);
  }
  held_count = 0;
  fork_count++;
  pthread_mutex_unlock(&held_mutex);
}

static void install_fork_handlers(void) {
  kg__posix_stay_loaded();
  pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

void kg__posix_watch_forks(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, install_fork_handlers);
}

/* Where it stands in `held`, or `held_count`. */
static size_t place_of(int fd) {
  size_t i = 0;
  while (i < held_count && held[i] != fd) {
    i++;
  }
  return i;
}

/* Once for each descriptor, however many bytes of it are tried: what is left
 * here when it is closed would cost a child whatever has its number by then. */
static bool hold(int fd) {
  kg__posix_watch_forks();
  pthread_mutex_lock(&held_mutex);
  size_t place = place_of(fd);
  if (place == held_capacity) {
    size_t capacity = held_capacity == 0 ? 8 : held_capacity * 2;
    int *larger = realloc(held, capacity * sizeof *held);
    if (larger != NULL) {
      held = larger;
      held_capacity = capacity;
    }
  }
  bool has_space = place < held_capacity;
  if (place == held_count && has_space) {
    held[held_count++] = fd;
  }
  pthread_mutex_unlock(&held_mutex);
  return has_space;
}

void kg__posix_close(int fd) {
  pthread_mutex_lock(&held_mutex);
  size_t place = place_of(fd);
  if (place < held_count) {
    /* Closing frees the lock only when a child that was just forked has
     * closed its copy too; unlocking frees it now. */
    unlock(fd);
    held[place] = held[--held_count];
  }
  /* Closed under the mutex: a fork sees it both held and open or neither. */
  close(fd);
  pthread_mutex_unlock(&held_mutex);
}

uint32_t kg__fork_count(void) {
  return fork_count;
}

int kg__file_lock(kg__file *file, uint32_t byte, kg_failure *failure) {
  /* Held before it is locked, so that no child can be forked in between. */
  if (!hold((int)file->handle)) {
    return kg__fail(failure, KG_E_NO_MEMORY, 0, "no memory for a lock");
  }
  errno = lock((int)file->handle, byte);
  if (errno == 0) {
    return KG_OK;
  }
  if (errno == EAGAIN || errno == EACCES) {
    return kg__fail(failure, KG_E_RING_LOCKED, errno, "its lock is held");
  }
  /* A network drive without its lock service, a file system of a process's own
   * that has none, a kernel that knows no locks of open files. */
  if (errno == ENOLCK || errno == EOPNOTSUPP || errno == ENOSYS ||
      errno == EINVAL) {
    return kg__posix_fail_unsupported(failure, "locks no files");
  }
  return kg__posix_fail(failure, "lock", "the lock file", "");
}
