/* What Linux does in the place of macOS. */
#include <errno.h>
#include <linux/futex.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/syscall.h>

#include "include/sys/event.h"
#include "include/sys/sysctl.h"
#include "shim.h"

#undef confstr
#undef fcntl
#undef dlsym

size_t kg_shim_confstr(int name, char *text, size_t bytes) {
  const char *given = getenv("KG_DARWIN_CACHE");
  if (name != _CS_DARWIN_USER_CACHE_DIR) {
    return 0;
  }
  return (size_t)snprintf(text, bytes, "%s/",
                          given == NULL ? "/dev/shm" : given) +
         1;
}

int kg_shim_fcntl(int fd, int command, void *argument) {
  if (command == F_PREALLOCATE) {
    const fstore_t *store = argument;
    int number = posix_fallocate(fd, 0, store->fst_length);
    errno = number;
    return number == 0 ? 0 : -1;
  }
  return fcntl(fd, command, argument);
}

static int wait_on_address(void *address, uint64_t value, size_t size,
                           uint32_t flags, uint32_t clock,
                           uint64_t timeout_ns) {
  struct timespec timeout = {.tv_sec = (time_t)(timeout_ns / 1000000000),
                             .tv_nsec = (long)(timeout_ns % 1000000000)};
  if (size != 4 || flags != 1 || clock != 32) {
    errno = EINVAL;
    return -1;
  }
  long result = syscall(SYS_futex, address, FUTEX_WAIT, (uint32_t)value,
                        &timeout, NULL, 0);
  return result == 0 || errno == EAGAIN ? 0 : -1;
}

static int wake_all(void *address, size_t size, uint32_t flags) {
  if (size != 4 || flags != 1) {
    errno = EINVAL;
    return -1;
  }
  return (int)syscall(SYS_futex, address, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

void *kg_shim_dlsym(void *handle, const char *name) {
  (void)handle;
  if (getenv("KG_DARWIN_OLD") != NULL) {
    return NULL; /* as before 14.4 */
  }
  if (strcmp(name, "os_sync_wait_on_address_with_timeout") == 0) {
    return (void *)(uintptr_t)wait_on_address;
  }
  return strcmp(name, "os_sync_wake_by_address_all") == 0
             ? (void *)(uintptr_t)wake_all
             : NULL;
}

int kqueue(void) {
  return inotify_init1(IN_NONBLOCK);
}

/* Equal events that wait become one, as with EV_CLEAR. */
int kevent(int queue, const struct kevent *changes, int change_count,
           struct kevent *events, int event_count,
           const struct timespec *timeout) {
  char path[64];
  char waiting[4096];
  if (change_count == 1 && changes->filter == EVFILT_VNODE &&
      changes->flags == (EV_ADD | EV_CLEAR) && changes->fflags == NOTE_ATTRIB) {
    snprintf(path, sizeof path, "/proc/self/fd/%d", (int)changes->ident);
    return inotify_add_watch(queue, path, IN_ATTRIB) < 0 ? -1 : 0;
  }
  if (change_count != 0 || event_count != 1 || timeout == NULL ||
      timeout->tv_sec != 0 || timeout->tv_nsec != 0) {
    errno = EINVAL;
    return -1;
  }
  *events = (struct kevent){.filter = EVFILT_VNODE, .fflags = NOTE_ATTRIB};
  return read(queue, waiting, sizeof waiting) > 0 ? 1 : 0;
}

int sysctlbyname(const char *name, void *old, size_t *old_bytes,
                 void *new_value, size_t new_bytes) {
  (void)new_value;
  (void)new_bytes;
  if (strcmp(name, "kern.bootsessionuuid") != 0) {
    errno = ENOENT;
    return -1;
  }
  FILE *file = fopen("/proc/sys/kernel/random/boot_id", "r");
  size_t read = file == NULL ? 0 : fread(old, 1, *old_bytes, file);
  if (file != NULL) {
    fclose(file);
  }
  *old_bytes = read;
  return 0;
}
