/* There is no wake file: no event loop of Windows' can wait for one without a
 * thread, and then the thread can as well wait for the bell. */
#include "platform.h"

int kg__wake_file_open(const kg__dir *dir, const char *name, uint64_t id,
                       kg__wake_file *file) {
  (void)dir;
  (void)name;
  (void)id;
  *file = KG__WAKE_FILE_NONE;
  return KG_E_NO_RING;
}

void kg__wake_file_keep(kg__dir *dir, const char *name, kg__wake_file *file) {
  (void)dir;
  (void)name;
  *file = KG__WAKE_FILE_NONE;
}

bool kg__wake_file_signal(const kg__wake_file *file) {
  /* Nobody listens, so nobody was missed. */
  return file->id == 0;
}

void kg__wake_file_close(kg__wake_file *file) {
  *file = KG__WAKE_FILE_NONE;
}

intptr_t kg__listener_open(const kg__dir *dir, const char *name, uint64_t id,
                           kg__listener *listener) {
  (void)dir;
  (void)name;
  (void)id;
  *listener = KG__LISTENER_NONE;
  return -1;
}

intptr_t kg__listener_poll(kg__listener *listener) {
  (void)listener;
  return -1;
}

void kg__listener_drain(const kg__listener *listener) {
  (void)listener;
}

void kg__listener_close(kg__listener *listener) {
  *listener = KG__LISTENER_NONE;
}
