/* The chime on Linux: a FIFO, and an epoll instance for each listener.
 *
 * The listener watches for edges, so a byte that stays in the pipe wakes
 * nobody twice and nobody has to take it out: what one listener read, the
 * others would not hear. An event loop that knows levels only, as libuv does,
 * watches the epoll instance, whose level is "an edge has come". The wake-up
 * is a pipe's, which tells the scheduler that the writer goes on running. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "platform.h"

/* What a pipe holds unless somebody changed it. */
#define PIPE_BYTES 65536

/* Whether a descriptor is a pipe of this user that is closed to others. */
static bool is_chime(int fd, uint64_t *id) {
  struct stat info;
  if (fstat(fd, &info) != 0 || !S_ISFIFO(info.st_mode) ||
      info.st_uid != geteuid() || info.st_nlink != 1 ||
      (info.st_mode & 077) != 0) {
    return false;
  }
  *id = (uint64_t)info.st_ino;
  return true;
}

static int open_chime(const kg__dir *dir, const char *name, int access,
                      uint64_t *id) {
  int fd = openat((int)dir->handle, name,
                  access | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);
  if (fd >= 0 && !is_chime(fd, id)) {
    close(fd);
    errno = EEXIST;
    return -1;
  }
  return fd;
}

int kg__chime_hang(kg__dir *dir, const char *name, kg__chime *chime) {
  *chime = KG__CHIME_NONE;
  /* Open for reading as well: then it has a reader at all times, and a stroke
   * that nobody hears is no broken pipe. */
  int fd = open_chime(dir, name, O_RDWR, &chime->id);
  if (fd < 0) {
    unlinkat((int)dir->handle, name, 0);
    /* The umask may have taken bits away. */
    if (mkfifoat((int)dir->handle, name, 0600) != 0 ||
        fchmodat((int)dir->handle, name, 0600, AT_SYMLINK_NOFOLLOW) != 0) {
      return KG_E_SYSTEM;
    }
    fd = open_chime(dir, name, O_RDWR, &chime->id);
  }
  /* Root opens what has lost its permissions, and others then cannot. */
  if (fd < 0 || fchmod(fd, 0600) != 0) {
    if (fd >= 0) {
      close(fd);
    }
    *chime = KG__CHIME_NONE;
    return KG_E_SYSTEM;
  }
  chime->handle = fd;
  return KG_OK;
}

bool kg__chime_is_named(const kg__dir *dir, const char *name,
                        const kg__chime *chime) {
  struct stat info;
  return chime->id != 0 &&
         fstatat((int)dir->handle, name, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
         S_ISFIFO(info.st_mode) && (uint64_t)info.st_ino == chime->id;
}

void kg__chime_ring(const kg__chime *chime) {
  char bytes[4096];
  if (chime->id == 0) {
    return;
  }
  /* Emptied first: some kernels wake for the first byte in a pipe only, and
   * what a stranger put there must not keep ours out. */
  for (int i = 0; i < PIPE_BYTES / (int)sizeof bytes; i++) {
    if (read((int)chime->handle, bytes, sizeof bytes) < (ssize_t)sizeof bytes) {
      break;
    }
  }
  if (write((int)chime->handle, "", 1) < 0) {
    /* Full again: whoever listens looks at head by a clock, too. */
    return;
  }
}

void kg__chime_close(kg__chime *chime) {
  if (chime->handle >= 0) {
    close((int)chime->handle);
  }
  *chime = KG__CHIME_NONE;
}

static int watch(const kg__listener *listener) {
  struct epoll_event event = {.events = EPOLLIN | EPOLLET};
  return epoll_ctl((int)listener->descriptor, EPOLL_CTL_ADD,
                   (int)listener->handle, &event);
}

int kg__listener_open(const kg__dir *dir, const char *name, uint64_t id,
                      kg__listener *listener) {
  uint64_t found = 0;
  *listener = KG__LISTENER_NONE;
  if (id == 0) {
    return KG_E_NO_RING;
  }
  listener->handle = open_chime(dir, name, O_RDONLY, &found);
  if (listener->handle < 0) {
    return KG_E_NO_RING;
  }
  listener->id = found;
  listener->descriptor = epoll_create1(EPOLL_CLOEXEC);
  if (found != id || listener->descriptor < 0 || watch(listener) != 0) {
    kg__listener_close(listener);
    return KG_E_SYSTEM;
  }
  return KG_OK;
}

void kg__listener_heard(const kg__listener *listener) {
  struct epoll_event event;
  epoll_wait((int)listener->descriptor, &event, 1, 0);
}

void kg__listener_deafen(const kg__listener *listener, bool deaf) {
  if (deaf) {
    epoll_ctl((int)listener->descriptor, EPOLL_CTL_DEL, (int)listener->handle,
              NULL);
  } else {
    watch(listener);
  }
}

void kg__listener_close(kg__listener *listener) {
  if (listener->descriptor >= 0) {
    close((int)listener->descriptor);
  }
  if (listener->handle >= 0) {
    close((int)listener->handle);
  }
  *listener = KG__LISTENER_NONE;
}
