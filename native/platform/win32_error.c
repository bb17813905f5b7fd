/* What the system's errors mean here. */
#include "win32.h"

#include <stdio.h>
#include <string.h>

/* Not every compiler's headers have it. */
#ifndef ERROR_DISK_QUOTA_EXCEEDED
#define ERROR_DISK_QUOTA_EXCEEDED 1295L
#endif

static int from_system(DWORD error) {
  static const struct {
    DWORD system;
    int ours;
  } meanings[] = {{ERROR_FILE_NOT_FOUND, KG_E_NO_RING},
                  {ERROR_PATH_NOT_FOUND, KG_E_NO_RING},
                  {ERROR_INVALID_DRIVE, KG_E_NO_RING},
                  {ERROR_NOT_READY, KG_E_NO_RING},
                  {ERROR_BAD_NETPATH, KG_E_NO_RING},
                  {ERROR_BAD_NET_NAME, KG_E_NO_RING},
                  {ERROR_DELETE_PENDING, KG_E_NO_RING},
                  {ERROR_INVALID_NAME, KG_E_INVALID_OPTION},
                  {ERROR_BAD_PATHNAME, KG_E_INVALID_OPTION},
                  {ERROR_FILENAME_EXCED_RANGE, KG_E_INVALID_OPTION},
                  {ERROR_DIRECTORY, KG_E_UNSAFE_PATH},
                  {ERROR_CANT_ACCESS_FILE, KG_E_UNSAFE_PATH},
                  {ERROR_DISK_FULL, KG_E_NO_SPACE},
                  {ERROR_HANDLE_DISK_FULL, KG_E_NO_SPACE},
                  {ERROR_DISK_QUOTA_EXCEEDED, KG_E_NO_SPACE},
                  {ERROR_FILE_TOO_LARGE, KG_E_NO_SPACE},
                  {ERROR_ACCESS_DENIED, KG_E_ACCESS},
                  {ERROR_SHARING_VIOLATION, KG_E_ACCESS},
                  {ERROR_PRIVILEGE_NOT_HELD, KG_E_ACCESS},
                  {ERROR_WRITE_PROTECT, KG_E_READ_ONLY},
                  {ERROR_TOO_MANY_OPEN_FILES, KG_E_TOO_MANY_FILES},
                  {ERROR_NOT_ENOUGH_MEMORY, KG_E_NO_MEMORY},
                  {ERROR_OUTOFMEMORY, KG_E_NO_MEMORY},
                  {ERROR_COMMITMENT_LIMIT, KG_E_NO_MEMORY},
                  {ERROR_NO_SYSTEM_RESOURCES, KG_E_NO_MEMORY},
                  {ERROR_WORKING_SET_QUOTA, KG_E_NO_MEMORY}};
  for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++) {
    if (meanings[i].system == error) {
      return meanings[i].ours;
    }
  }
  return KG_E_SYSTEM;
}

#define TEXT_BYTES 256

/* What the system says of an error, in one sentence without a full stop. */
static void describe(DWORD error, char text[TEXT_BYTES]) {
  wchar_t wide[TEXT_BYTES];
  DWORD length =
      FormatMessageW(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS,
                     NULL, error, 0, wide, TEXT_BYTES, NULL);
  while (length > 0 && wcschr(L"\r\n. ", wide[length - 1]) != NULL) {
    length--;
  }
  if (length == TEXT_BYTES) {
    length--;
  }
  wide[length] = L'\0';
  if (length == 0 || !kg__win32_narrow(wide, text, TEXT_BYTES)) {
    snprintf(text, TEXT_BYTES, "error %u", (unsigned)error);
  }
}

int kg__win32_fail_as(kg_failure *failure, DWORD error, const char *call,
                      const char *dir, const char *name) {
  char text[TEXT_BYTES];
  if (failure != NULL) {
    describe(error, text);
    kg__fail(failure, KG_E_SYSTEM, (int)error, "%s%s%s: %s: %s", dir,
             *name ? KG__SEPARATOR : "", name, call, text);
    failure->error = from_system(error);
  }
  return from_system(error);
}

int kg__win32_fail(kg_failure *failure, const char *call, const char *dir,
                   const char *name) {
  return kg__win32_fail_as(failure, GetLastError(), call, dir, name);
}

int kg__win32_fail_lacking(kg_failure *failure, DWORD error, const char *call,
                           const char *lack) {
  char text[TEXT_BYTES];
  if (error != ERROR_INVALID_FUNCTION && error != ERROR_NOT_SUPPORTED) {
    return kg__win32_fail_as(failure, error, call, "the ring", "");
  }
  describe(error, text);
  return kg__fail(failure, KG_E_SHM_UNAVAILABLE, (int)error,
                  "its file system %s (%s), choose a dir on a local disk", lack,
                  text);
}
