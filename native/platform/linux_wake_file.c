/* The wake file on Linux: each listener watches it by inotify, and the writer
 * signals by reading a byte of it.
 *
 * Each listener has a queue of its own, in which equal events become one, so no
 * listener can take an event from another, or fill a buffer that the writer
 * would have to wait for. Reading a file in memory takes no lock either: a
 * process that has a pipe's end open can hold it for ever, and the writer with
 * it. */
#include <stdio.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "platform.h"

bool kg__wake_file_signal(const kg__wake_file *file) {
  char byte;
  return file->id == 0 || pread((int)file->handle, &byte, 1, 0) == 1;
}

intptr_t kg__listener_open(const kg__dir *dir, const char *name, uint64_t id,
                           kg__listener *listener) {
  kg__wake_file file;
  char path[64];
  kg__listener_close(listener);
  if (kg__wake_file_open(dir, name, id, &file) != KG_OK) {
    return -1;
  }
  /* By the descriptor's link in /proc: it is this very file that is watched,
   * and not whatever has its name by now. */
  snprintf(path, sizeof path, "/proc/self/fd/%d", (int)file.handle);
  listener->id = id;
  listener->descriptor = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (listener->descriptor < 0 ||
      inotify_add_watch((int)listener->descriptor, path, IN_ACCESS) < 0) {
    kg__listener_close(listener);
  }
  kg__wake_file_close(&file);
  return listener->descriptor;
}

intptr_t kg__listener_poll(kg__listener *listener) {
  return listener->descriptor;
}

void kg__listener_drain(const kg__listener *listener) {
  char events[4096];
  while (read((int)listener->descriptor, events, sizeof events) > 0) {
  }
}

void kg__listener_close(kg__listener *listener) {
  if (listener->descriptor >= 0) {
    close((int)listener->descriptor);
  }
  *listener = KG__LISTENER_NONE;
}
