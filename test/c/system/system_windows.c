/* What the tests ask of Windows. Paths are plain ASCII. */
#include <windows.h>

#include <fcntl.h>
#include <inttypes.h>
#include <io.h>
#include <malloc.h>
#include <psapi.h>
#include <sddl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "system.h"

/* How a process ends that is killed: a status that no other one has. */
#define KILLED 0x4B494C4C

/* And one that runs for too long. */
#define TOO_LONG 142

/* --- This process --------------------------------------------------------- */

void system_begin(void) {
  /* Lines end as they do elsewhere. */
  _setmode(_fileno(stdout), _O_BINARY);
  _setmode(_fileno(stderr), _O_BINARY);
  /* What fails says so and ends, instead of asking somebody. */
  SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX);
  /* What is opened for good by the first one who needs it must not look like
   * something that was left open: what a thread has of its own takes a
   * semaphore, a thing with a name the place of all such names. */
  static _Thread_local volatile char own;
  own++;
  CloseHandle(CreateEventA(NULL, TRUE, FALSE, "kindly-guard-test"));
}

static VOID CALLBACK end_late(PVOID unused, BOOLEAN fired) {
  (void)unused;
  (void)fired;
  fprintf(stderr, "it ran for too long\n");
  fflush(NULL);
  TerminateProcess(GetCurrentProcess(), TOO_LONG);
}

void system_limit(unsigned seconds) {
  static HANDLE timer;
  if (timer != NULL) {
    DeleteTimerQueueTimer(NULL, timer, INVALID_HANDLE_VALUE);
  }
  if (!CreateTimerQueueTimer(&timer, NULL, end_late, NULL, seconds * 1000, 0,
                             WT_EXECUTEONLYONCE)) {
    timer = NULL;
  }
}

_Noreturn void system_end(int status) {
  /* The handlers of exit() are for who began; threads may hold locks. */
  TerminateProcess(GetCurrentProcess(), (UINT)status);
  abort();
}

_Noreturn void system_die(void) {
  TerminateProcess(GetCurrentProcess(), KILLED);
  abort();
}

void system_sleep_us(uint64_t us) {
  /* To the next tick at least: nothing here waits for an exact time. */
  Sleep((DWORD)((us + 999) / 1000));
}

/* Handles are multiples of this. */
#define HANDLE_STEP 4

/* Their numbers begin at the lowest that is free, so behind so many that are,
 * there is none. */
#define LONGEST_GAP 512

int system_count_handles(void) {
  /* Asked one by one, since wine knows no count. */
  int count = 0;
  DWORD flags;
  int gap = 0;
  for (uintptr_t handle = HANDLE_STEP; gap < LONGEST_GAP;
       handle += HANDLE_STEP) {
    bool is_open = GetHandleInformation((HANDLE)handle, &flags) != 0;
    count += is_open;
    gap = is_open ? 0 : gap + 1;
  }
  return count;
}

int system_find_mappings(const char *name, system_mapping *found, int most) {
  MEMORY_BASIC_INFORMATION info;
  int count = 0;
  for (const char *at = NULL;
       VirtualQuery(at, &info, sizeof info) == sizeof info;
       at = (const char *)info.BaseAddress + info.RegionSize) {
    char path[1024];
    if (info.Type != MEM_MAPPED || info.State != MEM_COMMIT ||
        GetMappedFileNameA(GetCurrentProcess(), info.BaseAddress, path,
                           sizeof path) == 0 ||
        strstr(path, name) == NULL) {
      continue;
    }
    if (count < most) {
      found[count] =
          (system_mapping){.from = (uintptr_t)info.BaseAddress,
                           .bytes = info.RegionSize,
                           .is_writable = (info.Protect & PAGE_READWRITE) != 0};
    }
    count++;
  }
  return count;
}

bool system_change_dir(const char *path) {
  return SetCurrentDirectoryA(path) != 0;
}

void *system_allocate(size_t alignment, size_t bytes) {
  return _aligned_malloc(bytes, alignment);
}

void system_free(void *memory) {
  _aligned_free(memory);
}

static size_t page_bytes(void) {
  SYSTEM_INFO info;
  GetSystemInfo(&info);
  return info.dwPageSize;
}

unsigned char *system_allocate_alone(size_t bytes, size_t *length) {
  size_t page = page_bytes();
  *length = (bytes + page - 1) / page * page;
  unsigned char *around =
      VirtualAlloc(NULL, *length + 2 * page, MEM_RESERVE, PAGE_NOACCESS);
  return around == NULL
             ? NULL
             : VirtualAlloc(around + page, *length, MEM_COMMIT, PAGE_READWRITE);
}

void system_free_alone(unsigned char *memory, size_t length) {
  (void)length;
  VirtualFree(memory - page_bytes(), 0, MEM_RELEASE);
}

/* --- Others --------------------------------------------------------------- */

#define SHARED_VARIABLE "KG_TEST_SHARED"

/* Its handle, which children inherit and find by the environment. */
static HANDLE shared_handle;

void *system_shared(void) {
  static void *shared;
  if (shared != NULL) {
    return shared;
  }
  const char *given = getenv(SHARED_VARIABLE);
  if (given != NULL) {
    shared_handle = (HANDLE)(uintptr_t)strtoull(given, NULL, 10);
  } else {
    SECURITY_ATTRIBUTES inherited = {.nLength = sizeof inherited,
                                     .bInheritHandle = TRUE};
    char text[32];
    shared_handle =
        CreateFileMappingA(INVALID_HANDLE_VALUE, &inherited, PAGE_READWRITE, 0,
                           SYSTEM_SHARED_BYTES, NULL);
    snprintf(text, sizeof text, "%llu",
             (unsigned long long)(uintptr_t)shared_handle);
    SetEnvironmentVariableA(SHARED_VARIABLE, text);
  }
  shared = MapViewOfFile(shared_handle, FILE_MAP_ALL_ACCESS, 0, 0, 0);
  return shared;
}

system_process system_start(const char *name,
                            void (*run)(const char *text, uint64_t number),
                            const char *text, uint64_t number) {
  char program[1024];
  char line[2048];
  STARTUPINFOA startup = {.cb = sizeof startup};
  PROCESS_INFORMATION started;
  (void)run;
  system_shared();
  GetModuleFileNameA(NULL, program, sizeof program);
  snprintf(line, sizeof line, "\"%s\" --child %s \"%s\" %" PRIu64, program,
           name, text, number);
  if (!CreateProcessA(program, line, NULL, NULL, TRUE, 0, NULL, NULL, &startup,
                      &started)) {
    fprintf(stderr, "CreateProcess: error %lu\n", GetLastError());
    return -1;
  }
  CloseHandle(started.hThread);
  return (system_process)started.hProcess;
}

int system_wait(system_process process) {
  DWORD status = 0;
  bool fine = WaitForSingleObject((HANDLE)process, INFINITE) == WAIT_OBJECT_0 &&
              GetExitCodeProcess((HANDLE)process, &status);
  CloseHandle((HANDLE)process);
  if (!fine) {
    return -1;
  }
  if (status == KILLED) {
    return SYSTEM_KILLED;
  }
  /* A fault is a status above all others. */
  return status > 255 ? -2 : (int)status;
}

bool system_has_ended(system_process process) {
  return WaitForSingleObject((HANDLE)process, 0) != WAIT_TIMEOUT;
}

void system_kill(system_process process) {
  TerminateProcess((HANDLE)process, KILLED);
}

/* --- Files ---------------------------------------------------------------- */

/* Calls `make` with what makes a thing this user's alone, also everything that
 * will be in it. */
static bool make_private(bool (*make)(const char *path,
                                      SECURITY_ATTRIBUTES *attributes),
                         const char *path) {
  unsigned char user[256];
  char text[512];
  char *sid = NULL;
  HANDLE token = NULL;
  DWORD length;
  SECURITY_ATTRIBUTES attributes = {.nLength = sizeof attributes};
  bool made = false;
  if (OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token) &&
      GetTokenInformation(token, TokenUser, user, sizeof user, &length) &&
      ConvertSidToStringSidA(((TOKEN_USER *)(void *)user)->User.Sid, &sid)) {
    snprintf(text, sizeof text, "O:%sD:P(A;OICI;FA;;;%s)", sid, sid);
    made = ConvertStringSecurityDescriptorToSecurityDescriptorA(
               text, SDDL_REVISION_1, &attributes.lpSecurityDescriptor, NULL) &&
           make(path, &attributes);
    LocalFree(attributes.lpSecurityDescriptor);
    LocalFree(sid);
  }
  if (token != NULL) {
    CloseHandle(token);
  }
  return made;
}

static bool make_dir(const char *path, SECURITY_ATTRIBUTES *attributes) {
  return CreateDirectoryA(path, attributes) != 0;
}

bool system_make_dir(const char *path) {
  return make_private(make_dir, path);
}

bool system_make_temp_dir(char *path, size_t bytes) {
  static unsigned made;
  char base[MAX_PATH + 1];
  DWORD length = GetTempPathA(sizeof base, base);
  if (length == 0 || length >= sizeof base) {
    return false;
  }
  for (int attempt = 0; attempt < 100; attempt++) {
    int needed = snprintf(path, bytes, "%skg-test-%lx-%llx-%x", base,
                          GetCurrentProcessId(),
                          (unsigned long long)GetTickCount64(), ++made);
    if (needed < 0 || (size_t)needed >= bytes) {
      return false;
    }
    if (system_make_dir(path)) {
      return true;
    }
  }
  return false;
}

bool system_remove_dir(const char *path) {
  return RemoveDirectoryA(path) != 0;
}

bool system_remove_file(const char *path) {
  return DeleteFileA(path) != 0;
}

/* Paths may be longer here than elsewhere, and of any letters. */
#define LONG_UNITS 2048

static void remove_tree(const wchar_t *path) {
  wchar_t inside[LONG_UNITS];
  WIN32_FIND_DATAW entry;
  swprintf(inside, LONG_UNITS, L"%ls\\*", path);
  HANDLE search = FindFirstFileW(inside, &entry);
  bool is_there = search != INVALID_HANDLE_VALUE;
  for (; is_there; is_there = FindNextFileW(search, &entry) != 0) {
    if (wcscmp(entry.cFileName, L".") == 0 ||
        wcscmp(entry.cFileName, L"..") == 0) {
      continue;
    }
    swprintf(inside, LONG_UNITS, L"%ls\\%ls", path, entry.cFileName);
    if ((entry.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0) {
      remove_tree(inside);
    } else {
      DeleteFileW(inside);
    }
  }
  if (search != INVALID_HANDLE_VALUE) {
    FindClose(search);
  }
  RemoveDirectoryW(path);
}

void system_remove_tree(const char *path) {
  wchar_t wide[LONG_UNITS];
  /* This process may stand in it. */
  system_change_dir("\\");
  swprintf(wide, LONG_UNITS, L"\\\\?\\%hs", path);
  remove_tree(wide);
}

bool system_exists(const char *path) {
  return GetFileAttributesA(path) != INVALID_FILE_ATTRIBUTES;
}

bool system_rename(const char *from, const char *to) {
  return MoveFileExA(from, to, MOVEFILE_REPLACE_EXISTING) != 0;
}

bool system_link(const char *from, const char *to) {
  return CreateHardLinkA(to, from, NULL) != 0;
}

static HANDLE open_file(const char *path, DWORD access, DWORD how,
                        SECURITY_ATTRIBUTES *attributes) {
  return CreateFileA(path, access,
                     FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                     attributes, how, FILE_ATTRIBUTE_NORMAL, NULL);
}

bool system_set_length(const char *path, uint64_t length) {
  HANDLE file = open_file(path, GENERIC_WRITE, OPEN_EXISTING, NULL);
  LARGE_INTEGER at = {.QuadPart = (LONGLONG)length};
  bool fine = file != INVALID_HANDLE_VALUE &&
              SetFilePointerEx(file, at, NULL, FILE_BEGIN) &&
              SetEndOfFile(file);
  if (file != INVALID_HANDLE_VALUE) {
    CloseHandle(file);
  }
  return fine;
}

bool system_open_to_others(const char *path) {
  SECURITY_ATTRIBUTES everybody = {.nLength = sizeof everybody};
  bool fine = ConvertStringSecurityDescriptorToSecurityDescriptorA(
                  "D:P(A;OICI;FA;;;WD)", SDDL_REVISION_1,
                  &everybody.lpSecurityDescriptor, NULL) &&
              SetFileSecurityA(path,
                               DACL_SECURITY_INFORMATION |
                                   PROTECTED_DACL_SECURITY_INFORMATION,
                               everybody.lpSecurityDescriptor);
  LocalFree(everybody.lpSecurityDescriptor);
  return fine;
}

static bool make_file(const char *path, SECURITY_ATTRIBUTES *attributes) {
  HANDLE file = open_file(path, GENERIC_WRITE, CREATE_ALWAYS, attributes);
  if (file == INVALID_HANDLE_VALUE) {
    return false;
  }
  CloseHandle(file);
  return true;
}

bool system_put(const char *path, const void *bytes, size_t length) {
  return make_private(make_file, path) &&
         system_write(path, 0, bytes, length) == (int64_t)length;
}

static OVERLAPPED position(uint64_t offset) {
  return (OVERLAPPED){.Offset = (DWORD)offset,
                      .OffsetHigh = (DWORD)(offset >> 32)};
}

int64_t system_read(const char *path, uint64_t offset, void *bytes,
                    size_t length) {
  HANDLE file = open_file(path, GENERIC_READ, OPEN_EXISTING, NULL);
  OVERLAPPED at = position(offset);
  DWORD done = 0;
  if (file == INVALID_HANDLE_VALUE) {
    return -1;
  }
  bool fine = ReadFile(file, bytes, (DWORD)length, &done, &at) ||
              GetLastError() == ERROR_HANDLE_EOF;
  CloseHandle(file);
  return fine ? (int64_t)done : -1;
}

int64_t system_write(const char *path, uint64_t offset, const void *bytes,
                     size_t length) {
  HANDLE file = open_file(path, GENERIC_WRITE, OPEN_EXISTING, NULL);
  OVERLAPPED at = position(offset);
  DWORD done = 0;
  if (file == INVALID_HANDLE_VALUE) {
    return -1;
  }
  bool fine = WriteFile(file, bytes, (DWORD)length, &done, &at);
  CloseHandle(file);
  return fine ? (int64_t)done : -1;
}

bool system_stamp_of(const char *path, system_stamp *stamp) {
  BY_HANDLE_FILE_INFORMATION info;
  HANDLE file = open_file(path, 0, OPEN_EXISTING, NULL);
  if (file == INVALID_HANDLE_VALUE) {
    return false;
  }
  bool fine = GetFileInformationByHandle(file, &info);
  CloseHandle(file);
  stamp->file = (uint64_t)info.nFileIndexHigh << 32 | info.nFileIndexLow;
  stamp->written = (uint64_t)info.ftLastWriteTime.dwHighDateTime << 32 |
                   info.ftLastWriteTime.dwLowDateTime;
  return fine;
}

bool system_list(const char *path, void (*each)(const char *name, void *data),
                 void *data) {
  char pattern[1024];
  WIN32_FIND_DATAA entry;
  snprintf(pattern, sizeof pattern, "%s\\*", path);
  HANDLE search = FindFirstFileA(pattern, &entry);
  if (search == INVALID_HANDLE_VALUE) {
    return false;
  }
  do {
    if (strcmp(entry.cFileName, ".") != 0 &&
        strcmp(entry.cFileName, "..") != 0) {
      each(entry.cFileName, data);
    }
  } while (FindNextFileA(search, &entry));
  FindClose(search);
  return true;
}

/* What the file with a ring's name says before what the ring's file has behind
 * that name, which ends with a space. */
#define POINTER "kindly-guard ring "

bool system_find_ring(const char *path, char *found, size_t bytes) {
  char text[256];
  int64_t length = system_read(path, 0, text, sizeof text - 1);
  if (length < 0) {
    return false;
  }
  text[length] = '\0';
  if (strncmp(text, POINTER, strlen(POINTER)) != 0) {
    return false;
  }
  char *behind = text + strlen(POINTER);
  snprintf(found, bytes, "%s%.*s", path, (int)strcspn(behind, " "), behind);
  return system_exists(found);
}
