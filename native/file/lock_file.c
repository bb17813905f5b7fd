#include "lock_file.h"

#include <inttypes.h>

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
    if (kg__segment_map(&file, false, NULL, &segment, NULL) == KG_OK) {
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
    return kg__fail(failure, KG_E_RING_LOCKED, 0,
                    "%s" KG__SEPARATOR "%s is held", dir->path, names->ring);
  }
  return kg__fail(failure, KG_E_RING_LOCKED, 0,
                  "%s" KG__SEPARATOR "%s is held, by process %" PRIu32
                  " if its header is right",
                  dir->path, names->ring, pid);
}

bool kg__ring_is_held(kg__dir *dir, const kg__names *names) {
  kg__file file;
  if (kg__file_open(dir, names->ring, &file, NULL) != KG_OK) {
    return false;
  }
  bool held = kg__file_is_locked(&file, 0);
  kg__file_close(&file);
  return held;
}
