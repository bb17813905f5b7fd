/* Huge pages on Linux: those of a hugetlbfs, which are all that it has, and
 * transparent ones, which a tmpfs gives to what is advised to have them. What
 * came of it is read from /proc/self/smaps. */
#include <errno.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "linux_numa.h"
#include "posix.h"

#define THP "/sys/kernel/mm/transparent_hugepage/"

/* Since Linux 5.14. */
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

/* --- What there is ------------------------------------------------------- */

static uint64_t page_bytes_of(intptr_t handle) {
  struct statfs system;
  return fstatfs((int)handle, &system) == 0 && system.f_type == HUGETLBFS_MAGIC
             ? (uint64_t)system.f_bsize
             : kg__page_bytes();
}

uint64_t kg__dir_page_bytes(const kg__dir *dir) {
  return page_bytes_of(dir->handle);
}

uint64_t kg__file_page_bytes(const kg__file *file) {
  return page_bytes_of(file->handle);
}

uint64_t kg__huge_page_bytes(void) {
  char text[32];
  kg__posix_read_text(THP "hpage_pmd_size", text, sizeof text);
  return strtoull(text, NULL, 10);
}

/* --- How they are wanted -------------------------------------------------- */

/* The kernel says no where there is nothing to advise: a file system of other
 * files, or one that has only huge pages. */
static void advise(void *base, size_t length, uint32_t huge_pages) {
  madvise(base, length,
          huge_pages == KG_HUGE_OFF ? MADV_NOHUGEPAGE : MADV_HUGEPAGE);
}

int kg__placement_check(const kg__placement *placement, kg_failure *failure) {
  return kg__numa_check(placement->numa_node, failure);
}

int kg__place_pages(void *base, size_t length, const kg__placement *placement,
                    kg_failure *failure) {
  advise(base, length, placement->huge_pages);
  if (placement->numa_node != 0) {
    /* Of a ring that is there, the kernel moves what this process has mapped
     * already. */
    madvise(base, length, MADV_POPULATE_READ);
  }
  return kg__numa_bind(base, length, placement->numa_node, failure);
}

/* Whether one touch of a file without pages gave it a whole huge one: asked of
 * the kernel by doing it, because none of its settings alone tells. */
static bool gives_huge_pages(int fd, char *base, uint64_t size) {
  uint64_t huge = kg__huge_page_bytes();
  struct stat info;
  if (huge == 0 || size < 2 * huge) {
    return false;
  }
  /* The first place at which a huge page can begin. */
  size_t at = (size_t)(-(uintptr_t)base & (huge - 1));
  return madvise(base + at, kg__page_bytes(), MADV_POPULATE_WRITE) == 0 &&
         fstat(fd, &info) == 0 && (uint64_t)info.st_blocks * 512 >= huge;
}

int kg__posix_allocate_placed(int fd, uint64_t size,
                              const kg__placement *placement) {
  if (ftruncate(fd, (off_t)size) != 0) {
    return errno;
  }
  /* Through a mapping, which is what is advised, and which a file in memory
   * keeps the node of. Nothing is reserved: what there is not is no error here,
   * but below. */
  void *base = mmap(NULL, size, PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_NORESERVE, fd, 0);
  if (base != MAP_FAILED) {
    advise(base, size, placement->huge_pages);
    /* An error comes again when the ring is mapped, and is told then. */
    (void)kg__numa_bind(base, size, placement->numa_node, NULL);
    if (placement->huge_pages != KG_HUGE_OFF &&
        gives_huge_pages(fd, base, size)) {
      madvise(base, size, MADV_POPULATE_WRITE);
    }
    munmap(base, size);
  }
  return kg__posix_allocate(fd, size);
}

/* --- What came of it ------------------------------------------------------ */

/* The number behind `name` in a line, in bytes; 0 when that is another one. */
static uint64_t kib_of(const char *line, const char *name) {
  size_t length = strlen(name);
  return strncmp(line, name, length) == 0
             ? strtoull(line + length, NULL, 10) * 1024
             : 0;
}

static const char *const huge_names[] = {
    "ShmemPmdMapped:", "FilePmdMapped:", "Shared_Hugetlb:", "Private_Hugetlb:"};
#define HUGE_NAMES (sizeof huge_names / sizeof huge_names[0])

static void add_line(const char *line, kg_memory *memory) {
  uint64_t page = kib_of(line, "KernelPageSize:");
  /* Pages of a hugetlbfs are counted apart from all others. */
  memory->resident += kib_of(line, "Rss:") + kib_of(line, "Shared_Hugetlb:") +
                      kib_of(line, "Private_Hugetlb:");
  memory->page_bytes = page == 0 ? memory->page_bytes : page;
  for (size_t i = 0; i < HUGE_NAMES; i++) {
    memory->huge += kib_of(line, huge_names[i]);
  }
}

/* Whether a line begins what is told of a mapping; then `*is_ours` says whether
 * that lies between `from` and `to`. */
static bool is_mapping(const char *line, uint64_t from, uint64_t to,
                       bool *is_ours) {
  uint64_t begin;
  uint64_t end;
  /* In whole lines: a path, which others choose, has no line of its own. */
  if (sscanf(line, "%" SCNx64 "-%" SCNx64 " ", &begin, &end) != 2) {
    return false;
  }
  *is_ours = begin >= from && end <= to;
  return true;
}

int kg__memory_look(const void *base, size_t length, kg_memory *memory,
                    kg_failure *failure) {
  uint64_t from = (uint64_t)(uintptr_t)base;
  bool is_ours = false;
  char *line = NULL;
  size_t room = 0;
  FILE *file = fopen("/proc/self/smaps", "re");
  *memory = (kg_memory){0};
  if (file == NULL) {
    return kg__posix_fail(failure, "open", "/proc/self/smaps", "");
  }
  while (getline(&line, &room, file) > 0) {
    if (!is_mapping(line, from, from + length, &is_ours) && is_ours) {
      add_line(line, memory);
    }
  }
  free(line);
  fclose(file);
  kg__numa_look(from, from + length, memory);
  return KG_OK;
}

int kg__require_huge_pages(const kg__file *file, const void *base,
                           size_t length, kg_failure *failure) {
  struct statfs system;
  kg_memory memory;
  int result = kg__memory_look(base, length, &memory, failure);
  if (result != KG_OK || memory.huge >= length) {
    return result;
  }
  if (fstatfs((int)file->handle, &system) == 0 &&
      system.f_type != TMPFS_MAGIC) {
    return kg__fail(failure, KG_E_HUGE_PAGES, 0,
                    "its file system has none: give a dir on a hugetlbfs, or "
                    "on a tmpfs that is mounted with huge=advise");
  }
  char allowed[128];
  kg__posix_read_text(THP "shmem_enabled", allowed, sizeof allowed);
  bool is_denied = strstr(allowed, "[deny]") != NULL;
  /* Short: the ring's path is put in front of it. */
  return kg__fail(failure, KG_E_HUGE_PAGES, 0,
                  "%" PRIu64 " of %zu bytes are in huge pages: %s, give the "
                  "writer hugePages 'require', or take a dir on a hugetlbfs",
                  memory.huge, length,
                  is_denied ? "take deny out of " THP "shmem_enabled"
                            : "mount its tmpfs with huge=advise");
}
