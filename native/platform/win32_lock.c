/* Locks. Those of Windows keep others from reading and writing what they cover,
 * so they lie far behind the data, where no file has any. */
#include "win32.h"

/* More than any ring has, and less than the system's own limit. */
#define FAR_BEHIND 0x7F000000

static OVERLAPPED place_of(uint32_t byte) {
  OVERLAPPED place = {0};
  place.Offset = byte;
  place.OffsetHigh = FAR_BEHIND;
  return place;
}

static bool lock(const kg__file *file, uint32_t byte, DWORD how) {
  OVERLAPPED place = place_of(byte);
  return LockFileEx((HANDLE)file->handle, how | LOCKFILE_FAIL_IMMEDIATELY, 0, 1,
                    0, &place) != 0;
}

static bool is_held(DWORD error) {
  return error == ERROR_LOCK_VIOLATION || error == ERROR_IO_PENDING;
}

bool kg__file_is_locked(const kg__file *file, uint32_t byte) {
  OVERLAPPED place = place_of(byte);
  /* Shared, so that two who ask do not see each other. */
  if (!lock(file, byte, 0)) {
    return is_held(GetLastError());
  }
  UnlockFileEx((HANDLE)file->handle, 0, 1, 0, &place);
  return false;
}

/* A process that was ended has its locks for a moment more. */
#define HELD_ATTEMPTS 4
/* Who asks has it for a moment, with others who ask, and may lose the CPU just
 * then: that is waited for, since whoever waits in vain has no ring. */
#define ASKED_ATTEMPTS 200
#define PAUSE_MS 1

int kg__file_lock(kg__file *file, uint32_t byte, kg_failure *failure) {
  DWORD error = ERROR_SUCCESS;
  int held = 0;
  for (int i = 0; held < HELD_ATTEMPTS && i < ASKED_ATTEMPTS; i++) {
    if (i > 0) {
      Sleep(PAUSE_MS);
    }
    if (lock(file, byte, LOCKFILE_EXCLUSIVE_LOCK)) {
      return KG_OK;
    }
    error = GetLastError();
    if (!is_held(error)) {
      return kg__win32_fail_lacking(failure, error, "LockFileEx",
                                    "locks no files");
    }
    held += kg__file_is_locked(file, byte);
  }
  return kg__fail(failure, KG_E_RING_LOCKED, (int)error, "its lock is held");
}

/* Nothing forks here. */
uint32_t kg__fork_count(void) {
  return 0;
}
