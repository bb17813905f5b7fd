/* Mappings. */
#include "win32.h"

/* A view that was made for reading cannot be given more later, so one is made
 * for writing, and what is not to be written loses that. */
static bool protect(char *view, size_t length, size_t writable_offset,
                    size_t writable_length) {
  size_t end = writable_offset + writable_length;
  DWORD before;
  return (writable_offset == 0 ||
          VirtualProtect(view, writable_offset, PAGE_READONLY, &before)) &&
         (end >= length ||
          VirtualProtect(view + end, length - end, PAGE_READONLY, &before));
}

int kg__map(const kg__file *file, size_t length, size_t writable_offset,
            size_t writable_length, void **base, kg_failure *failure) {
  HANDLE section = CreateFileMappingW((HANDLE)file->handle, NULL,
                                      PAGE_READWRITE, 0, 0, NULL);
  if (section == NULL) {
    return kg__win32_fail_lacking(failure, GetLastError(), "CreateFileMapping",
                                  "maps no files");
  }
  DWORD access = writable_length > 0 ? FILE_MAP_WRITE : FILE_MAP_READ;
  char *view = MapViewOfFile(section, access, 0, 0, length);
  int result = view == NULL
                   ? kg__win32_fail(failure, "MapViewOfFile", "the ring", "")
                   : KG_OK;
  /* The view holds it. */
  CloseHandle(section);
  if (result == KG_OK && writable_length > 0 &&
      !protect(view, length, writable_offset, writable_length)) {
    result = kg__win32_fail(failure, "VirtualProtect", "the ring", "");
    UnmapViewOfFile(view);
  }
  if (result == KG_OK) {
    *base = view;
  }
  return result;
}

void kg__prefault(void *base, size_t length, bool writable) {
  /* PrefetchVirtualMemory reads files, and leaves the places as they are. */
  (void)base;
  (void)length;
  (void)writable;
}

void kg__unmap(void *base, size_t length) {
  (void)length;
  UnmapViewOfFile(base);
}

uint32_t kg__page_bytes(void) {
  SYSTEM_INFO info;
  GetSystemInfo(&info);
  return info.dwPageSize;
}

/* --- Guard ---------------------------------------------------------------- */

/* The system lets nobody cut short a file that is mapped (its error 1224), so
 * no mapping has a hole. */
struct kg__guard {
  char nothing;
};

static struct kg__guard never_broken;

int kg__guard_add(void *base, size_t length, uint64_t page_bytes,
                  kg__guard **guard, kg_failure *failure) {
  (void)base;
  (void)length;
  (void)page_bytes;
  (void)failure;
  *guard = &never_broken;
  return KG_OK;
}

void kg__guard_remove(kg__guard *guard) {
  (void)guard;
}

bool kg__guard_is_broken(const kg__guard *guard) {
  (void)guard;
  return false;
}

void kg__guard_keep(void) {}

void kg__guard_keep_often(uint64_t now_ns) {
  (void)now_ns;
}

void kg__guard_keep_early(uint64_t now_ns) {
  (void)now_ns;
}
