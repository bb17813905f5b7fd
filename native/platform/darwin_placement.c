/* Where pages are: on macOS nothing is to be chosen for a file's, and nothing
 * is told. */
#include "posix.h"

uint64_t kg__dir_page_bytes(const kg__dir *dir) {
  (void)dir;
  return kg__page_bytes();
}

uint64_t kg__file_page_bytes(const kg__file *file) {
  (void)file;
  return kg__page_bytes();
}

uint64_t kg__huge_page_bytes(void) {
  return 0;
}

int kg__placement_check(const kg__placement *placement, kg_failure *failure) {
  if (placement->huge_pages == KG_HUGE_REQUIRE) {
    return kg__fail(failure, KG_E_HUGE_PAGES, 0,
                    "macOS has none for files; leave hugePages at 'auto'");
  }
  if (placement->numa_node != 0) {
    return kg__fail(failure, KG_E_NUMA_NODE, 0,
                    "macOS lets nobody choose it; leave numaNode out");
  }
  return KG_OK;
}

int kg__place_pages(void *base, size_t length, const kg__placement *placement,
                    kg_failure *failure) {
  (void)base;
  (void)length;
  return kg__placement_check(placement, failure);
}

int kg__require_huge_pages(const kg__file *file, const void *base,
                           size_t length, kg_failure *failure) {
  const kg__placement required = {.huge_pages = KG_HUGE_REQUIRE};
  (void)file;
  (void)base;
  (void)length;
  return kg__placement_check(&required, failure);
}

int kg__memory_look(const void *base, size_t length, kg_memory *memory,
                    kg_failure *failure) {
  (void)base;
  (void)length;
  *memory = (kg_memory){0};
  return kg__fail(failure, KG_E_SYSTEM, 0,
                  "macOS does not tell in which pages a mapping is");
}
