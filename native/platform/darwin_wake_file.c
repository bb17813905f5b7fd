/* The wake file on macOS: each listener has it watched by its event loop's own
 * kqueue, for a change of its attributes, and the writer signals by giving it
 * the permissions that it has. A kqueue forgets what comes before it is asked,
 * so nothing waits in the file: see loop/watch.h. */
#include <sys/stat.h>
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
    *listener = (kg__listener){.descriptor = file.handle, .id = id};
  }
  return listener->descriptor;
}

void kg__listener_drain(const kg__listener *listener) {
  (void)listener;
}

void kg__listener_close(kg__listener *listener) {
  if (listener->descriptor >= 0) {
    close((int)listener->descriptor);
  }
  *listener = KG__LISTENER_NONE;
}
