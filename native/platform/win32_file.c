/* Files. They are opened without FILE_SHARE_DELETE, so what somebody has open
 * keeps its name; and by path, in a directory that the caller has open. */
#include "win32.h"

#include <string.h>

#include "../base/step.h"

/* --- Which file it is ----------------------------------------------------- */

/* Odd, and its bits look random: two halves of an id become one. */
#define FOLD UINT64_C(0x9E3779B97F4A7C15)

bool kg__win32_identify(HANDLE handle, uint64_t *device, uint64_t *inode) {
  FILE_ID_INFO id;
  BY_HANDLE_FILE_INFORMATION info;
  uint64_t halves[2];
  if (GetFileInformationByHandleEx(handle, FileIdInfo, &id, sizeof id)) {
    /* ReFS needs all of its 128 bits; on NTFS the upper half is zero. */
    memcpy(halves, &id.FileId, sizeof halves);
    *device = id.VolumeSerialNumber;
    *inode = halves[0] ^ halves[1] * FOLD;
    return true;
  }
  /* Some file systems have only the shorter one. */
  if (GetFileInformationByHandle(handle, &info)) {
    *device = info.dwVolumeSerialNumber;
    *inode = (uint64_t)info.nFileIndexHigh << 32 | info.nFileIndexLow;
    return true;
  }
  return false;
}

bool kg__win32_identify_path(const wchar_t *path, uint64_t *device,
                             uint64_t *inode) {
  /* Who asks for attributes alone is in nobody's way. */
  HANDLE handle = CreateFileW(
      path, FILE_READ_ATTRIBUTES,
      FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
      OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT,
      NULL);
  if (handle == INVALID_HANDLE_VALUE) {
    return false;
  }
  bool is_known = kg__win32_identify(handle, device, inode);
  CloseHandle(handle);
  return is_known;
}

/* --- Opening -------------------------------------------------------------- */

/* Programs that look at every new file have it open for themselves, for a
 * moment. */
#define ATTEMPTS 10
#define PAUSE_MS 5

static HANDLE open_patiently(const wchar_t *path, DWORD disposition,
                             SECURITY_ATTRIBUTES *attributes) {
  HANDLE handle = INVALID_HANDLE_VALUE;
  for (int i = 0; i < ATTEMPTS; i++) {
    handle = CreateFileW(
        path, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE,
        attributes, disposition,
        FILE_ATTRIBUTE_NOT_CONTENT_INDEXED | FILE_FLAG_OPEN_REPARSE_POINT,
        NULL);
    if (handle != INVALID_HANDLE_VALUE ||
        GetLastError() != ERROR_SHARING_VIOLATION) {
      break;
    }
    Sleep(PAUSE_MS);
  }
  return handle;
}

/* What is wrong with a file that was opened, or NULL. */
static const char *wrong_with(const BY_HANDLE_FILE_INFORMATION *info) {
  const DWORD special = FILE_ATTRIBUTE_DIRECTORY | FILE_ATTRIBUTE_REPARSE_POINT;
  if ((info->dwFileAttributes & special) != 0) {
    return "is not a regular file";
  }
  return info->nNumberOfLinks > 1 ? "has a second name (hard link)" : NULL;
}

int kg__win32_check_file(HANDLE handle, const kg__dir *dir, const char *name,
                         kg_failure *failure) {
  BY_HANDLE_FILE_INFORMATION info;
  const char *wrong = "is not a regular file";
  if (GetFileType(handle) == FILE_TYPE_DISK) {
    if (!GetFileInformationByHandle(handle, &info)) {
      return kg__win32_fail(failure, "GetFileInformationByHandle", dir->path,
                            name);
    }
    wrong = wrong_with(&info);
  }
  return wrong == NULL
             ? kg__win32_check_owner(handle, dir->path, name, failure)
             : kg__fail(failure, KG_E_UNSAFE_PATH, 0,
                        "%s" KG__SEPARATOR "%s %s", dir->path, name, wrong);
}

/* Fills `file` if it may be used. */
static int adopt_file(HANDLE handle, const kg__dir *dir, const char *name,
                      kg__file *file, kg_failure *failure) {
  kg__file found = {.handle = (intptr_t)handle};
  int result = kg__win32_check_file(handle, dir, name, failure);
  if (result != KG_OK) {
    return result;
  }
  if (!kg__win32_identify(handle, &found.device, &found.inode)) {
    return kg__win32_fail(failure, "GetFileInformationByHandle", dir->path,
                          name);
  }
  *file = found;
  return KG_OK;
}

int kg__win32_fail_open(kg_failure *failure, const wchar_t *path,
                        const char *dir, const char *name) {
  DWORD error = GetLastError();
  DWORD there = GetFileAttributesW(path);
  if (error == ERROR_ACCESS_DENIED && there != INVALID_FILE_ATTRIBUTES &&
      (there & FILE_ATTRIBUTE_DIRECTORY) != 0) {
    return kg__fail(failure, KG_E_UNSAFE_PATH, (int)error,
                    "%s" KG__SEPARATOR "%s is a directory", dir, name);
  }
  return kg__win32_fail_as(failure, error, "open", dir, name);
}

int kg__win32_open(const kg__dir *dir, const char *name, DWORD disposition,
                   kg__file *file, kg_failure *failure) {
  wchar_t path[KG__WIDE_UNITS];
  SECURITY_ATTRIBUTES *attributes = kg__win32_owner_only();
  *file = KG__FILE_NONE;
  if (attributes == NULL) {
    return kg__win32_fail(failure, "GetTokenInformation", dir->path, name);
  }
  kg__win32_path(dir->path, name, path);
  HANDLE handle = open_patiently(path, disposition, attributes);
  if (handle == INVALID_HANDLE_VALUE) {
    return kg__win32_fail_open(failure, path, dir->path, name);
  }
  int result = adopt_file(handle, dir, name, file, failure);
  if (result != KG_OK) {
    CloseHandle(handle);
    if (disposition == CREATE_NEW) {
      DeleteFileW(path);
    }
  }
  return result;
}

/* A ring that is replaced between the two steps is looked for so often. */
#define REPLACEMENTS 16

int kg__file_open(kg__dir *dir, const char *name, kg__file *file,
                  kg_failure *failure) {
  char target[KG__NAME_BYTES];
  int result = KG_E_NO_RING;
  if (!kg__win32_is_pointer(name)) {
    return kg__win32_open(dir, name, OPEN_EXISTING, file, failure);
  }
  *file = KG__FILE_NONE;
  for (int i = 0; result == KG_E_NO_RING && i < REPLACEMENTS; i++) {
    result = kg__win32_follow(dir, name, target, failure);
    if (result != KG_OK) {
      return result;
    }
    result = kg__win32_open(dir, target, OPEN_EXISTING, file, failure);
  }
  return result;
}

int kg__file_open_or_create(kg__dir *dir, const char *name, kg__file *file,
                            kg_failure *failure) {
  return kg__win32_open(dir, name, OPEN_ALWAYS, file, failure);
}

int kg__file_create(kg__dir *dir, const char *name, uint64_t size,
                    kg__file *file, kg_failure *failure) {
  LARGE_INTEGER end = {.QuadPart = (LONGLONG)size};
  int result = kg__win32_open(dir, name, CREATE_NEW, file, failure);
  if (result != KG_OK) {
    return result;
  }
  KG__STEP("file created");
  /* The system allocates what it makes the file's, and reads it as zeros. */
  if (!SetFilePointerEx((HANDLE)file->handle, end, NULL, FILE_BEGIN) ||
      !SetEndOfFile((HANDLE)file->handle)) {
    result = kg__win32_fail(failure, "SetEndOfFile", dir->path, name);
    kg__file_close(file);
    kg__file_remove(dir, name);
    return result;
  }
  KG__STEP("file allocated");
  return KG_OK;
}

void kg__file_remove(kg__dir *dir, const char *name) {
  wchar_t path[KG__WIDE_UNITS];
  kg__win32_path(dir->path, name, path);
  DeleteFileW(path);
}

void kg__file_close(kg__file *file) {
  if (file->handle != -1) {
    CloseHandle((HANDLE)file->handle);
    *file = KG__FILE_NONE;
  }
}

/* --- Asking --------------------------------------------------------------- */

int kg__file_size(const kg__file *file, uint64_t *size, kg_failure *failure) {
  LARGE_INTEGER bytes;
  if (!GetFileSizeEx((HANDLE)file->handle, &bytes)) {
    return kg__win32_fail(failure, "GetFileSizeEx", "the ring", "");
  }
  *size = (uint64_t)bytes.QuadPart;
  return KG_OK;
}

bool kg__file_has_holes(const kg__file *file, uint64_t length) {
  /* Nothing here lies in memory alone: a hole is read from nowhere. */
  (void)file;
  (void)length;
  return false;
}

bool kg__file_is_named(const kg__dir *dir, const char *name,
                       const kg__file *file) {
  char target[KG__NAME_BYTES];
  wchar_t path[KG__WIDE_UNITS];
  uint64_t device;
  uint64_t inode;
  if (kg__win32_is_pointer(name)) {
    if (kg__win32_follow(dir, name, target, NULL) != KG_OK) {
      return false;
    }
    name = target;
  }
  kg__win32_path(dir->path, name, path);
  return kg__win32_identify_path(path, &device, &inode) &&
         device == file->device && inode == file->inode;
}
