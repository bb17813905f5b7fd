#include "lock_file.h"

#include <inttypes.h>
#include <stdlib.h>

#include "../base/atomic.h"

int kg__lock_take(kg__dir *dir, const kg__names *names, kg__file *lock,
                  kg_failure *failure) {
  int result = kg__file_open_locked(dir, names->lock, true, lock, failure);
  if (result == KG_OK) {
    kg__segment_sweep(dir, names);
  }
  return result;
}

int kg__lock_name_holder(kg__dir *dir, const kg__names *names,
                         kg_failure *failure) {
  kg__file file;
  kg__segment segment;
  uint32_t pid = 0;
  bool is_named = false;
  if (kg__file_open(dir, names->ring, &file, NULL) == KG_OK) {
    if (kg__segment_map(&file, false, &segment, NULL) == KG_OK) {
      /* A ring whose own lock is free is that of a writer before. Relaxed: for
       * people only. */
      is_named = kg__file_is_locked(&segment.file, 0);
      pid = kg__load32_relaxed(&segment.ring.header->writer_pid);
      kg__segment_close(&segment);
    } else {
      kg__file_close(&file);
    }
  }
  if (!is_named) {
    return kg__fail(failure, KG_E_RING_LOCKED, 0, "%s/%s is held", dir->path,
                    names->ring);
  }
  return kg__fail(failure, KG_E_RING_LOCKED, 0,
                  "%s/%s is held, by process %" PRIu32
                  " if its header is right",
                  dir->path, names->ring, pid);
}

/* --- The lock alone ----------------------------------------------------- */

struct kg_lock {
  kg__file file;
  uint32_t fork_count;
};

/* Whether the ring has a writer whose lock file was unlinked. */
static bool ring_is_held(kg__dir *dir, const kg__names *names) {
  kg__file file;
  if (kg__file_open(dir, names->ring, &file, NULL) != KG_OK) {
    return false;
  }
  bool held = kg__file_is_locked(&file, 0);
  kg__file_close(&file);
  return held;
}

int kg_lock_take(const kg_ring_options *options, kg_lock **taken,
                 kg_failure *failure) {
  kg__dir dir;
  kg__names names;
  kg_lock *lock = calloc(1, sizeof *lock);
  if (lock == NULL) {
    return kg__fail(failure, KG_E_NO_MEMORY, 0, "no memory for a lock");
  }
  lock->fork_count = kg__fork_count();
  int result = kg__names_make(options->name, &names, failure);
  if (result == KG_OK) {
    result = kg__segment_find(options, NULL, &dir, NULL, failure);
  }
  if (result == KG_OK) {
    result = kg__lock_take(&dir, &names, &lock->file, failure);
    if (result == KG_OK && ring_is_held(&dir, &names)) {
      kg__file_close(&lock->file);
      result = KG_E_RING_LOCKED;
    }
    if (result == KG_E_RING_LOCKED) {
      result = kg__lock_name_holder(&dir, &names, failure);
    }
    kg__dir_close(&dir);
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
  /* In a forked child the file was closed already. */
  if (lock->fork_count == kg__fork_count()) {
    kg__file_close(&lock->file);
  }
  free(lock);
}
