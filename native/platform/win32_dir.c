/* Directories. What is open here can be neither removed nor renamed, nor can
 * anything above it, so files are reached by path and nobody exchanges the
 * directory between two steps. */
#include "win32.h"

#include <stdio.h>
#include <string.h>
#include <userenv.h>

#include "../base/step.h"

/* --- Default directories -------------------------------------------------- */

#define OWN_DIRECTORY L"\\KindlyGuard"
#define IN_OWN_DIRECTORY OWN_DIRECTORY L"\\shm"
#define LOCAL_DATA L"\\AppData\\Local"

/* The path of what this product has in a user's local data, if those exist. */
static bool write_path(const wchar_t *local, char path[KG_PATH_BYTES]) {
  wchar_t wide[KG__WIDE_UNITS];
  DWORD attributes = GetFileAttributesW(local);
  if (attributes == INVALID_FILE_ATTRIBUTES ||
      (attributes & FILE_ATTRIBUTE_DIRECTORY) == 0 ||
      swprintf(wide, KG__WIDE_UNITS, L"%ls" IN_OWN_DIRECTORY, local) < 0) {
    return false;
  }
  return kg__win32_normalize(wide, path, NULL) == KG_OK;
}

static bool write_named(char path[KG_PATH_BYTES]) {
  wchar_t local[KG_PATH_BYTES];
  DWORD length = GetEnvironmentVariableW(L"LOCALAPPDATA", local, KG_PATH_BYTES);
  /* A relative one would be another place for each process. */
  return length > 2 && length < KG_PATH_BYTES &&
         (local[1] == L':' || local[0] == L'\\') && write_path(local, path);
}

/* Where the system keeps this user's files, whatever the environment says. */
static bool write_profile(char path[KG_PATH_BYTES]) {
  wchar_t local[KG_PATH_BYTES];
  DWORD length = KG_PATH_BYTES - sizeof LOCAL_DATA / sizeof(wchar_t);
  HANDLE token;
  if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token)) {
    return false;
  }
  bool is_known = GetUserProfileDirectoryW(token, local, &length) != 0;
  CloseHandle(token);
  if (!is_known) {
    return false;
  }
  wcscat(local, LOCAL_DATA);
  return write_path(local, path);
}

bool kg__dir_candidate(unsigned index, char path[KG_PATH_BYTES]) {
  char named[KG_PATH_BYTES];
  bool is_written = false;
  if (index > 1) {
    return false;
  }
  if (index == 0) {
    is_written = write_named(path);
  } else {
    /* Case makes no other path of it. */
    is_written = write_profile(path) &&
                 !(write_named(named) && _stricmp(named, path) == 0);
  }
  if (!is_written) {
    path[0] = '\0';
  }
  return true;
}

int kg__dir_open_candidate(const char *path, bool create, kg__dir *dir,
                           kg_failure *failure) {
  char above[KG_PATH_BYTES];
  const char *last = strrchr(path, '\\');
  snprintf(above, sizeof above, "%.*s", (int)(last - path), path);
  int result = kg__dir_open(above, create, dir, failure);
  if (result != KG_OK) {
    return result;
  }
  kg__dir_close(dir);
  return kg__dir_open(path, create, dir, failure);
}

/* --- Any directory -------------------------------------------------------- */

static int make(const wchar_t *wide, const char *path, bool *made,
                kg_failure *failure) {
  SECURITY_ATTRIBUTES *attributes = kg__win32_owner_only();
  *made = attributes != NULL && CreateDirectoryW(wide, attributes);
  if (*made) {
    KG__STEP("directory made");
    return KG_OK;
  }
  DWORD error = GetLastError();
  if (error == ERROR_ALREADY_EXISTS) {
    return KG_OK;
  }
  /* The folder or the drive. */
  if (kg__win32_fail_as(NULL, error, "", "", "") == KG_E_NO_RING) {
    return kg__fail(failure, KG_E_INVALID_OPTION, (int)error,
                    "dir %s: the directory above it does not exist", path);
  }
  return kg__win32_fail_as(failure, error, "CreateDirectory", path, "");
}

static int check_dir(HANDLE handle, const char *path, kg_failure *failure) {
  BY_HANDLE_FILE_INFORMATION info;
  if (!GetFileInformationByHandle(handle, &info)) {
    return kg__win32_fail(failure, "GetFileInformationByHandle", path, "");
  }
  if ((info.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) == 0 ||
      (info.dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0) {
    return kg__fail(failure, KG_E_UNSAFE_PATH, 0,
                    "%s is no directory, or a link to one", path);
  }
  return kg__win32_check_owner(handle, path, "", failure);
}

int kg__dir_open(const char *path, bool create, kg__dir *dir,
                 kg_failure *failure) {
  wchar_t wide[KG__WIDE_UNITS];
  bool made = false;
  dir->handle = -1;
  if (!kg__win32_widen(path, wide, KG__WIDE_UNITS)) {
    return kg__fail(failure, KG_E_INVALID_OPTION, 0,
                    "dir has %zu bytes, or is no text; up to %d bytes will do",
                    strlen(path), KG_PATH_BYTES - 1);
  }
  /* Absolute from here on: a process that changes its directory, as daemons
   * do, must not take the ring along. */
  int result = kg__win32_normalize(wide, dir->path, failure);
  kg__win32_path(dir->path, "", wide);
  if (result == KG_OK && create) {
    result = make(wide, dir->path, &made, failure);
  }
  if (result != KG_OK) {
    return result;
  }
  HANDLE handle = CreateFileW(
      wide, FILE_LIST_DIRECTORY | FILE_READ_ATTRIBUTES | READ_CONTROL,
      FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING,
      FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT, NULL);
  if (handle == INVALID_HANDLE_VALUE) {
    return kg__win32_fail(failure, "open", dir->path, "");
  }
  result = check_dir(handle, dir->path, failure);
  if (result == KG_E_UNSAFE_PATH && made) {
    result = kg__fail(failure, result, 0,
                      "%s was made for its owner alone and is not: its file "
                      "system keeps no access lists",
                      dir->path);
  }
  if (result != KG_OK) {
    CloseHandle(handle);
    return result;
  }
  dir->handle = (intptr_t)handle;
  return KG_OK;
}

void kg__dir_close(kg__dir *dir) {
  if (dir->handle != -1) {
    CloseHandle((HANDLE)dir->handle);
    dir->handle = -1;
  }
}

bool kg__dir_is_named(const kg__dir *dir) {
  /* A path may lead through links, and to another directory by now. */
  wchar_t path[KG__WIDE_UNITS];
  uint64_t device[2];
  uint64_t inode[2];
  kg__win32_path(dir->path, "", path);
  return kg__win32_identify_path(path, &device[0], &inode[0]) &&
         kg__win32_identify((HANDLE)dir->handle, &device[1], &inode[1]) &&
         device[0] == device[1] && inode[0] == inode[1];
}

/* --- What is left in one -------------------------------------------------- */

/* The name of the file that must stay among those with this prefix, empty
 * when there is none; false when that is not known. */
static bool find_used(const kg__dir *dir, const char *prefix,
                      char used[KG__NAME_BYTES]) {
  char name[KG__NAME_BYTES];
  size_t length = strlen(prefix);
  used[0] = '\0';
  if (length == 0 || length >= sizeof name || prefix[length - 1] != '.') {
    return true;
  }
  snprintf(name, sizeof name, "%.*s", (int)length - 1, prefix);
  if (!kg__win32_is_pointer(name)) {
    return true;
  }
  int result = kg__win32_follow(dir, name, used, NULL);
  return result == KG_OK || result == KG_E_NO_RING ||
         result == KG_E_RING_INVALID;
}

void kg__dir_sweep(kg__dir *dir, const char *prefix, size_t between,
                   const char *suffix) {
  char pattern[KG__NAME_BYTES];
  char used[KG__NAME_BYTES];
  char name[KG__NAME_BYTES];
  wchar_t path[KG__WIDE_UNITS];
  WIN32_FIND_DATAW found;
  if (!find_used(dir, prefix, used)) {
    return;
  }
  snprintf(pattern, sizeof pattern, "%s*%s", prefix, suffix);
  kg__win32_path(dir->path, pattern, path);
  HANDLE search = FindFirstFileW(path, &found);
  if (search == INVALID_HANDLE_VALUE) {
    return;
  }
  size_t length = strlen(prefix) + between + strlen(suffix);
  do {
    if (kg__win32_narrow(found.cFileName, name, sizeof name) &&
        strlen(name) == length && _stricmp(name, used) != 0) {
      /* Refused while anybody has it open, and tried again next time. */
      kg__win32_path(dir->path, name, path);
      DeleteFileW(path);
    }
  } while (FindNextFileW(search, &found));
  FindClose(search);
}
