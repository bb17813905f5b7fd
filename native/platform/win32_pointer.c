/* The file that has a ring's name. Windows lets nobody rename or remove a file
 * that is mapped, so each ring keeps the name that it was made with, and a
 * small file, which is never mapped, says which of them is the ring:
 *
 *   kindly-guard.shm                         "kindly-guard ring ..."
 *   kindly-guard.shm.0123456789abcdef.ring   the ring with this generation
 *
 * It is written in its place, in one call: to exchange it for another one would
 * fail while anybody looks at it. Its checksum tells a half that was written
 * when the power went. */
#include "win32.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../base/step.h"

#define MAGIC "kindly-guard ring "
#define MAGIC_BYTES (sizeof MAGIC - 1)
/* What a ring's file has behind the name: a dot, its generation, the suffix. */
#define GENERATION_DIGITS 16
#define TARGET_BYTES (1 + GENERATION_DIGITS + sizeof KG__UNNAMED_SUFFIX - 1)
#define POINTER_BYTES (MAGIC_BYTES + TARGET_BYTES + 1 + 16 + 1)

bool kg__win32_is_pointer(const char *name) {
  size_t length = strlen(name);
  size_t suffix = strlen(KG__RING_SUFFIX);
  return length > suffix &&
         _stricmp(name + length - suffix, KG__RING_SUFFIX) == 0;
}

/* FNV's: the file is not there to withstand anybody. */
static uint64_t checksum(const char *text, size_t length) {
  uint64_t sum = UINT64_C(0xCBF29CE484222325);
  for (size_t i = 0; i < length; i++) {
    sum = (sum ^ (unsigned char)text[i]) * UINT64_C(0x100000001B3);
  }
  return sum;
}

/* `behind` is what the ring's file has behind the name. */
static void compose(const char *behind, char text[POINTER_BYTES + 1]) {
  char head[MAGIC_BYTES + TARGET_BYTES + 1];
  snprintf(head, sizeof head, MAGIC "%s", behind);
  snprintf(text, POINTER_BYTES + 1, "%s %016" PRIx64 "\n", head,
           checksum(head, strlen(head)));
}

/* Nothing but a generation's file: what stands there leads nowhere else. */
static bool is_target(const char *behind) {
  return strlen(behind) == TARGET_BYTES && behind[0] == '.' &&
         strspn(behind + 1, "0123456789abcdef") == GENERATION_DIGITS &&
         strcmp(behind + 1 + GENERATION_DIGITS, KG__UNNAMED_SUFFIX) == 0;
}

/* Whether `text` says which file is the ring; what that has behind the name. */
static bool parse(const char *text, size_t length, char *behind) {
  char wanted[POINTER_BYTES + 1];
  if (length != POINTER_BYTES || memcmp(text, MAGIC, MAGIC_BYTES) != 0) {
    return false;
  }
  memcpy(behind, text + MAGIC_BYTES, TARGET_BYTES);
  behind[TARGET_BYTES] = '\0';
  if (!is_target(behind)) {
    return false;
  }
  compose(behind, wanted);
  return memcmp(text, wanted, POINTER_BYTES) == 0;
}

/* It may be read while it is written. */
#define ATTEMPTS 3
#define PAUSE_MS 1

static int read_pointer(HANDLE handle, const kg__dir *dir, const char *name,
                        char *behind, kg_failure *failure) {
  DWORD length = 0;
  for (int i = 0; i < ATTEMPTS; i++) {
    char text[POINTER_BYTES + 1];
    OVERLAPPED at_start = {0};
    if (!ReadFile(handle, text, sizeof text, &length, &at_start) &&
        GetLastError() != ERROR_HANDLE_EOF) {
      return kg__win32_fail(failure, "ReadFile", dir->path, name);
    }
    if (parse(text, length, behind)) {
      return KG_OK;
    }
    Sleep(PAUSE_MS);
  }
  if (length == 0) {
    /* Its writer was interrupted, or ended, before it could say anything. */
    return kg__fail(failure, KG_E_NO_RING, 0,
                    "%s" KG__SEPARATOR "%s leads to no ring yet", dir->path,
                    name);
  }
  return kg__fail(failure, KG_E_RING_INVALID, 0,
                  "%s" KG__SEPARATOR "%s does not say which file is the ring",
                  dir->path, name);
}

int kg__win32_follow(const kg__dir *dir, const char *name,
                     char target[KG__NAME_BYTES], kg_failure *failure) {
  char behind[TARGET_BYTES + 1];
  wchar_t path[KG__WIDE_UNITS];
  kg__win32_path(dir->path, name, path);
  /* It may be removed while it is looked at, and a link in its place is not
   * followed: a directory or a link then says nothing of a ring. */
  HANDLE handle =
      CreateFileW(path, GENERIC_READ,
                  FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                  OPEN_EXISTING, FILE_FLAG_OPEN_REPARSE_POINT, NULL);
  if (handle == INVALID_HANDLE_VALUE) {
    return kg__win32_fail_open(failure, path, dir->path, name);
  }
  int result = kg__win32_check_file(handle, dir, name, failure);
  if (result == KG_OK) {
    result = read_pointer(handle, dir, name, behind, failure);
  }
  CloseHandle(handle);
  if (result == KG_OK) {
    snprintf(target, KG__NAME_BYTES, "%s%s", name, behind);
  }
  return result;
}

static int write_pointer(const kg__file *file, kg__dir *dir, const char *name,
                         const char *behind, kg_failure *failure) {
  char text[POINTER_BYTES + 1];
  DWORD written = 0;
  OVERLAPPED at_start = {0};
  compose(behind, text);
  /* What is longer was something else before. Cut before it is written: what
   * fails must not have made another ring of it. */
  LARGE_INTEGER size;
  LARGE_INTEGER end = {.QuadPart = POINTER_BYTES};
  HANDLE handle = (HANDLE)file->handle;
  if (!GetFileSizeEx(handle, &size) ||
      (size.QuadPart > (LONGLONG)POINTER_BYTES &&
       (!SetFilePointerEx(handle, end, NULL, FILE_BEGIN) ||
        !SetEndOfFile(handle))) ||
      !WriteFile(handle, text, POINTER_BYTES, &written, &at_start) ||
      written != POINTER_BYTES) {
    return kg__win32_fail(failure, "WriteFile", dir->path, name);
  }
  return KG_OK;
}

int kg__file_rename(kg__dir *dir, const char *from, const char *to,
                    kg_failure *failure) {
  char prefix[KG__NAME_BYTES];
  kg__file pointer;
  size_t length = strlen(to);
  if (!kg__win32_is_pointer(to) || strncmp(from, to, length) != 0 ||
      !is_target(from + length)) {
    return kg__fail(failure, KG_E_SYSTEM, 0, "%s cannot become %s", from, to);
  }
  int result = kg__win32_open(dir, to, OPEN_ALWAYS, &pointer, failure);
  if (result != KG_OK) {
    return result;
  }
  KG__STEP("ring's name opened");
  result = write_pointer(&pointer, dir, to, from + length, failure);
  kg__file_close(&pointer);
  if (result == KG_OK) {
    /* Rings of before that nobody has open any more. */
    snprintf(prefix, sizeof prefix, "%s.", to);
    kg__dir_sweep(dir, prefix, GENERATION_DIGITS, KG__UNNAMED_SUFFIX);
  }
  return result;
}
