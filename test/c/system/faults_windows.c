/* Calls of Windows that fail. What a program calls of a library it calls by a
 * pointer, __imp_ and the call's name; the linker puts those from here in the
 * place of the core's. */
#include <windows.h>

#include "../file_fixture.h"
#include "faults.h"

enum call {
  CREATE_FILE,
  CREATE_DIRECTORY,
  CREATE_MAPPING,
  MAP_VIEW,
  SET_END,
  WRITE,
  LOCK,
  INFORMATION,
  MALLOC
};

static bool fails(enum call call) {
  int number = system_fault_next(call);
  if (number != 0) {
    SetLastError((DWORD)number);
  }
  return number != 0;
}

/* REFUSE(result, call, name, failed, (parameters), (arguments)): in the place
 * of a call of that name there is one that may return `failed`. */
#define REFUSE(result, call, name, failed, parameters, arguments)  \
  typedef result WINAPI name##_function parameters;                \
  extern name##_function *__real___imp_##name;                     \
  static result WINAPI refuse_##name parameters {                  \
    return fails(call) ? (failed) : __real___imp_##name arguments; \
  }                                                                \
  extern name##_function *__wrap___imp_##name;                     \
  name##_function *__wrap___imp_##name = refuse_##name

REFUSE(HANDLE, CREATE_FILE, CreateFileW, INVALID_HANDLE_VALUE,
       (LPCWSTR path, DWORD access, DWORD share, LPSECURITY_ATTRIBUTES who,
        DWORD how, DWORD flags, HANDLE model),
       (path, access, share, who, how, flags, model));
REFUSE(BOOL, CREATE_DIRECTORY, CreateDirectoryW, FALSE,
       (LPCWSTR path, LPSECURITY_ATTRIBUTES who), (path, who));
REFUSE(HANDLE, CREATE_MAPPING, CreateFileMappingW, NULL,
       (HANDLE file, LPSECURITY_ATTRIBUTES who, DWORD protection, DWORD high,
        DWORD low, LPCWSTR name),
       (file, who, protection, high, low, name));
REFUSE(LPVOID, MAP_VIEW, MapViewOfFile, NULL,
       (HANDLE mapping, DWORD access, DWORD high, DWORD low, SIZE_T bytes),
       (mapping, access, high, low, bytes));
REFUSE(BOOL, SET_END, SetEndOfFile, FALSE, (HANDLE file), (file));
REFUSE(BOOL, WRITE, WriteFile, FALSE,
       (HANDLE file, LPCVOID bytes, DWORD length, LPDWORD done,
        LPOVERLAPPED at),
       (file, bytes, length, done, at));
REFUSE(BOOL, LOCK, LockFileEx, FALSE,
       (HANDLE file, DWORD how, DWORD reserved, DWORD low, DWORD high,
        LPOVERLAPPED at),
       (file, how, reserved, low, high, at));
REFUSE(BOOL, INFORMATION, GetFileInformationByHandle, FALSE,
       (HANDLE file, LPBY_HANDLE_FILE_INFORMATION info), (file, info));

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);

void *__wrap_malloc(size_t size) {
  return fails(MALLOC) ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size) {
  return fails(MALLOC) ? NULL : __real_calloc(count, size);
}

const system_fault system_faults[] = {
    {"open", CREATE_FILE, ERROR_TOO_MANY_OPEN_FILES, KG_E_TOO_MANY_FILES},
    {"open", CREATE_FILE, ERROR_NOT_ENOUGH_MEMORY, KG_E_NO_MEMORY},
    {"open", CREATE_FILE, ERROR_ACCESS_DENIED, KG_E_ACCESS},
    {"open", CREATE_FILE, ERROR_WRITE_PROTECT, KG_E_READ_ONLY},
    {"open", CREATE_FILE, ERROR_DISK_FULL, KG_E_NO_SPACE},
    {"open", CREATE_FILE, ERROR_IO_DEVICE, KG_E_SYSTEM},
    {"mkdir", CREATE_DIRECTORY, ERROR_ACCESS_DENIED, KG_E_ACCESS},
    {"mkdir", CREATE_DIRECTORY, ERROR_WRITE_PROTECT, KG_E_READ_ONLY},
    {"mkdir", CREATE_DIRECTORY, ERROR_DISK_FULL, KG_E_NO_SPACE},
    {"mapping", CREATE_MAPPING, ERROR_NOT_ENOUGH_MEMORY, KG_E_NO_MEMORY},
    {"mapping", CREATE_MAPPING, ERROR_COMMITMENT_LIMIT, KG_E_NO_MEMORY},
    {"view", MAP_VIEW, ERROR_NOT_ENOUGH_MEMORY, KG_E_NO_MEMORY},
    {"allocate", SET_END, ERROR_DISK_FULL, KG_E_NO_SPACE},
    {"allocate", SET_END, ERROR_WRITE_PROTECT, KG_E_READ_ONLY},
    {"rename", WRITE, ERROR_DISK_FULL, KG_E_NO_SPACE},
    {"rename", WRITE, ERROR_ACCESS_DENIED, KG_E_ACCESS},
    {"mapping", CREATE_MAPPING, ERROR_INVALID_FUNCTION, KG_E_SHM_UNAVAILABLE},
    {"lock", LOCK, ERROR_NOT_SUPPORTED, KG_E_SHM_UNAVAILABLE},
    {"lock", LOCK, ERROR_NOT_ENOUGH_MEMORY, KG_E_NO_MEMORY},
    {"information", INFORMATION, ERROR_NOT_ENOUGH_MEMORY, KG_E_NO_MEMORY},
    {"malloc", MALLOC, ERROR_NOT_ENOUGH_MEMORY, KG_E_NO_MEMORY},
};

const size_t system_fault_count = sizeof system_faults / sizeof *system_faults;
