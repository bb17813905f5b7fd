/* kg_lock: the lock of a ring without the ring. */
#include <stdlib.h>

#include "directories.h"
#include "lock_file.h"
#include "options.h"

struct kg_lock {
  kg__names names;
  kg__file file;
  kg__other_locks others;
  bool is_default; /* no directory was asked for */
  uint32_t fork_count;
};

static int take_in(void *context, const kg__dir *opened, kg_failure *failure) {
  kg_lock *lock = context;
  kg__dir dir = *opened;
  int result = kg__directories_lock(&dir, &lock->names, lock->is_default,
                                    &lock->file, &lock->others, failure);
  if (result == KG_OK && kg__ring_is_held(&dir, &lock->names)) {
    result = kg__lock_name_holder(&dir, &lock->names, failure);
    kg__other_locks_free(&lock->others);
    kg__file_close(&lock->file);
  }
  if (result == KG_OK) {
    kg__dir_close(&dir);
  }
  return result;
}

int kg_lock_take(const kg_ring_options *given, kg_lock **taken,
                 kg_failure *failure) {
  kg_ring_options options;
  int result = kg__options_copy(given, &options, failure);
  if (result == KG_OK && taken == NULL) {
    result = kg__fail(failure, KG_E_INVALID_ARGUMENT, 0, "lock is NULL");
  }
  if (result != KG_OK) {
    return result;
  }
  kg_lock *lock = calloc(1, sizeof *lock);
  if (lock == NULL) {
    return kg__fail(failure, KG_E_NO_MEMORY, 0, "no memory for a lock");
  }
  lock->fork_count = kg__fork_count();
  lock->is_default = options.dir == NULL;
  result = kg__names_make(options.name, &lock->names, failure);
  if (result == KG_OK) {
    result = kg__directories_use(&options, take_in, lock, failure);
  }
  if (result == KG_OK) {
    *taken = lock;
  } else {
    free(lock);
  }
  return result;
}

void kg_lock_free(kg_lock *lock) {
  if (lock == NULL) {
    return;
  }
  /* In a forked child the files were closed already. */
  if (lock->fork_count == kg__fork_count()) {
    kg__other_locks_free(&lock->others);
    kg__file_close(&lock->file);
  }
  free(lock);
}
