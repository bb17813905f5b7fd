/* What errno means here. */
#include <errno.h>
#include <string.h>

#include "posix.h"

static int from_errno(int number) {
  static const int meanings[][2] = {
      {ENOENT, KG_E_NO_RING},        {ELOOP, KG_E_UNSAFE_PATH},
      {ENOTDIR, KG_E_UNSAFE_PATH},   {ENXIO, KG_E_UNSAFE_PATH},
      {ENOSPC, KG_E_NO_SPACE},       {EDQUOT, KG_E_NO_SPACE},
      {EFBIG, KG_E_NO_SPACE},        {EACCES, KG_E_ACCESS},
      {EPERM, KG_E_ACCESS},          {EROFS, KG_E_READ_ONLY},
      {EMFILE, KG_E_TOO_MANY_FILES}, {ENFILE, KG_E_TOO_MANY_FILES},
      {ENOMEM, KG_E_NO_MEMORY}};
  for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++) {
    if (meanings[i][0] == number) {
      return meanings[i][1];
    }
  }
  return KG_E_SYSTEM;
}

int kg__posix_fail(kg_failure *failure, const char *call, const char *dir,
                   const char *name) {
  int number = errno;
  return kg__fail(failure, from_errno(number), number, "%s%s%s: %s: %s", dir,
                  *name ? "/" : "", name, call, strerror(number));
}

int kg__posix_fail_unsupported(kg_failure *failure, const char *what) {
  int number = errno;
  return kg__fail(failure, KG_E_SHM_UNAVAILABLE, number,
                  "its file system %s (%s), choose a dir on a local disk or in "
                  "memory",
                  what, strerror(number));
}
