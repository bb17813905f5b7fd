/* What errno means here. */
#include <errno.h>
#include <string.h>

#include "posix.h"

static int from_errno(int number) {
  switch (number) {
  case ENOENT:
    return KG_E_NO_RING;
  case ELOOP:
  case ENOTDIR:
  case ENXIO:
    return KG_E_UNSAFE_PATH;
  case ENOSPC:
  case EDQUOT:
  case EFBIG:
    return KG_E_NO_SPACE;
  case EACCES:
  case EPERM:
    return KG_E_ACCESS;
  case EROFS:
    return KG_E_READ_ONLY;
  case EMFILE:
  case ENFILE:
    return KG_E_TOO_MANY_FILES;
  case ENOMEM:
    return KG_E_NO_MEMORY;
  default:
    return KG_E_SYSTEM;
  }
}

int kg__posix_fail(kg_failure *failure, const char *call, const char *dir,
                   const char *name) {
  int number = errno;
  return kg__fail(failure, from_errno(number), number, "%s%s%s: %s: %s", dir,
                  *name ? "/" : "", name, call, strerror(number));
}
