/* Paths: UTF-8 outside, UTF-16 for the system. */
#include "win32.h"

#include <stdio.h>
#include <string.h>

bool kg__win32_widen(const char *text, wchar_t *wide, int units) {
  return MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text, -1, wide,
                             units) > 0;
}

bool kg__win32_narrow(const wchar_t *wide, char *text, int bytes) {
  return WideCharToMultiByte(CP_UTF8, 0, wide, -1, text, bytes, NULL, NULL) > 0;
}

/* In front of a path, these make the system take all that follows as it is:
 * of any length, and "con" in it is a file like another. */
#define AS_IT_IS L"\\\\?\\"
#define AS_IT_IS_ELSEWHERE L"\\\\?\\UNC\\"

static bool begins_with(const wchar_t *path, const wchar_t *prefix) {
  return wcsncmp(path, prefix, wcslen(prefix)) == 0;
}

int kg__win32_normalize(const wchar_t *path, char normal[KG_PATH_BYTES],
                        kg_failure *failure) {
  wchar_t full[KG__WIDE_UNITS];
  wchar_t *from = full;
  DWORD length = GetFullPathNameW(path, KG__WIDE_UNITS, full, NULL);
  if (length == 0 || length >= KG__WIDE_UNITS) {
    return kg__fail(failure, KG_E_INVALID_OPTION, 0,
                    "dir is empty or too long, up to %d bytes will do",
                    KG_PATH_BYTES - 1);
  }
  if (begins_with(full, AS_IT_IS_ELSEWHERE)) {
    /* \\?\UNC\server\share is \\server\share. */
    from += wcslen(AS_IT_IS_ELSEWHERE) - 2;
    *from = L'\\';
  } else if (begins_with(full, AS_IT_IS)) {
    from += wcslen(AS_IT_IS);
  } else if (begins_with(full, L"\\\\.\\")) {
    return kg__fail(failure, KG_E_INVALID_OPTION, 0, "dir names a device");
  }
  length = (DWORD)wcslen(from);
  /* That of a drive's top belongs to it: "C:" is where one was last. */
  while (length > 3 && from[length - 1] == L'\\') {
    from[--length] = L'\0';
  }
  if (!kg__win32_narrow(from, normal, KG_PATH_BYTES)) {
    return kg__fail(failure, KG_E_INVALID_OPTION, 0,
                    "dir is too long, up to %d bytes will do",
                    KG_PATH_BYTES - 1);
  }
  return KG_OK;
}

void kg__win32_path(const char *dir, const char *name,
                    wchar_t path[KG__WIDE_UNITS]) {
  char text[KG__WIDE_UNITS - 8];
  bool is_elsewhere = strncmp(dir, "\\\\", 2) == 0;
  const wchar_t *prefix = is_elsewhere ? AS_IT_IS_ELSEWHERE : AS_IT_IS;
  size_t length = wcslen(prefix);
  size_t end = strlen(dir);
  bool is_separate = end == 0 || dir[end - 1] == '\\' || *name == '\0';
  snprintf(text, sizeof text, "%s%s%s", dir + (is_elsewhere ? 2 : 0),
           is_separate ? "" : "\\", name);
  wcscpy(path, prefix);
  /* It was UTF-16 before, so it fits; empty, it names nothing. */
  if (!kg__win32_widen(text, path + length, KG__WIDE_UNITS - (int)length)) {
    *path = L'\0';
  }
}
