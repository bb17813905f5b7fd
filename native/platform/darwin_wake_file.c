/* The wake file on macOS: each listener has it watched by its event loop's own
 * kqueue, for a change of its attributes, and the writer signals by giving it
 * the permissions that it has. A kqueue forgets what comes before it is asked,
 * so nothing waits in the file: see loop/watch.h. Who has no such loop gets a
 * kqueue of the listener's own, which is asked once and poll() waits for. */
#include <fcntl.h>
#include <sys/event.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "platform.h"

bool kg__wake_file_signal(const kg__wake_file *file) {
  return file->id == 0 || fchmod((int)file->handle, 0600) == 0;
}

intptr_t kg__listener_open(const kg__dir *dir, const char *name, uint64_t id,
                           kg__listener *listener) {
  kg__wake_file file;
  kg__listener_close(listener);
  if (kg__wake_file_open(dir, name, id, &file) == KG_OK) {
    listener->descriptor = file.handle;
    listener->id = id;
  }
  return listener->descriptor;
}

/* No forked child has it; what has its number there is another file. */
static bool has_queue(const kg__listener *listener) {
  return listener->queue >= 0 && listener->queue_forks == kg__fork_count();
}

intptr_t kg__listener_poll(kg__listener *listener) {
  struct kevent change;
  if (listener->descriptor < 0 || has_queue(listener)) {
    return listener->queue;
  }
  int queue = kqueue();
  EV_SET(&change, (uintptr_t)listener->descriptor, EVFILT_VNODE,
         EV_ADD | EV_CLEAR, NOTE_ATTRIB, 0, NULL);
  if (queue >= 0 && (fcntl(queue, F_SETFD, FD_CLOEXEC) != 0 ||
                     kevent(queue, &change, 1, NULL, 0, NULL) != 0)) {
    close(queue);
    queue = -1;
  }
  listener->queue = queue;
  listener->queue_forks = kg__fork_count();
  return queue;
}

void kg__listener_drain(const kg__listener *listener) {
  const struct timespec at_once = {0, 0};
  struct kevent event;
  while (has_queue(listener) &&
         kevent((int)listener->queue, NULL, 0, &event, 1, &at_once) > 0) {
  }
}

void kg__listener_close(kg__listener *listener) {
  if (has_queue(listener)) {
    close((int)listener->queue);
  }
  if (listener->descriptor >= 0) {
    close((int)listener->descriptor);
  }
  *listener = KG__LISTENER_NONE;
}
