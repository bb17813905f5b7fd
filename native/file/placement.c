#include "placement.h"

#include <inttypes.h>

#include "segment.h"

/* Four huge pages where they have 2 MiB. In a smaller ring the last page, and
 * the first, of which a reader protects a part, are most of it; and a client is
 * not to take megabytes for some hundred events. */
#define AUTO_FROM ((uint64_t)8 << 20)

/* What is put in its place at once. Of a larger ring it would take longer than
 * an editor should wait, and the rest comes lap by lap. */
#define MOST_PREFAULT ((size_t)16 << 20)

int kg__placement_of(const kg_ring_options *options, kg__placement *placement,
                     kg_failure *failure) {
  *placement = (kg__placement){.huge_pages = options->huge_pages,
                               .numa_node = options->numa_node};
  if (options->huge_pages > KG_HUGE_OFF) {
    return kg__fail(failure, KG_E_INVALID_OPTION, 0,
                    "huge_pages is %" PRIu32 ": KG_HUGE_AUTO, KG_HUGE_REQUIRE "
                    "or KG_HUGE_OFF will do",
                    options->huge_pages);
  }
  return kg__placement_check(placement, failure);
}

int kg__segment_region(const kg__dir *dir, const kg__placement *placement,
                       uint64_t *region_bytes, kg_failure *failure) {
  uint64_t page = kg__dir_page_bytes(dir);
  *region_bytes = KG_REGION_ALIGNMENT;
  if (page > kg__page_bytes() && placement->huge_pages == KG_HUGE_OFF) {
    return kg__fail(failure, KG_E_INVALID_OPTION, 0,
                    "hugePages is off, but dir %s is on a hugetlbfs, which has "
                    "no other pages: choose another dir",
                    dir->path);
  }
  if (page <= kg__page_bytes() && placement->huge_pages == KG_HUGE_REQUIRE) {
    page = kg__huge_page_bytes();
    if (page == 0) {
      return kg__fail(failure, KG_E_HUGE_PAGES, 0,
                      "this kernel has no transparent ones: give a dir on a "
                      "hugetlbfs");
    }
  }
  if (page > *region_bytes) {
    *region_bytes = page;
  }
  return KG_OK;
}

static bool is_placed(uint64_t length, uint64_t page_bytes,
                      const kg__placement *placement) {
  return placement->huge_pages != KG_HUGE_AUTO || placement->numa_node != 0 ||
         length >= AUTO_FROM || page_bytes > kg__page_bytes();
}

bool kg__is_placed(const kg__file *file, uint64_t length,
                   const kg__placement *placement) {
  return placement != NULL &&
         is_placed(length, kg__file_page_bytes(file), placement);
}

size_t kg__prefault_bytes(size_t length, const kg__placement *placement) {
  /* The kernel tells of what is in its place, and all of it is asked for. */
  bool is_whole = placement != NULL && placement->huge_pages == KG_HUGE_REQUIRE;
  return is_whole || length < MOST_PREFAULT ? length : MOST_PREFAULT;
}

/* Whether small pages of memory say nothing about what is missing. */
static bool lacks_huge_pages(const kg__dir *dir, int error) {
  return (error == KG_E_NO_SPACE || error == KG_E_NO_MEMORY) &&
         kg__dir_page_bytes(dir) > kg__page_bytes();
}

int kg__create_placed(kg__dir *dir, const char *name,
                      const kg__ring_setup *setup,
                      const kg__placement *placement, kg__file *file,
                      kg_failure *failure) {
  uint64_t length = kg__setup_bytes(setup);
  uint64_t most = setup->max_bytes == 0 ? KG_MAX_FILE_BYTES : setup->max_bytes;
  uint64_t page = kg__dir_page_bytes(dir);
  if (length > most) {
    return kg__fail(failure, KG_E_INVALID_OPTION, 0,
                    "max_bytes is %" PRIu64 " bytes, but in whole huge pages "
                    "%" PRIu32 " events and %" PRIu32
                    " priority events need %" PRIu64,
                    most, setup->capacity, setup->priority_events, length);
  }
  int result =
      is_placed(length, page, placement)
          ? kg__file_create_placed(dir, name, length, placement, file, failure)
          : kg__file_create(dir, name, length, file, failure);
  if (lacks_huge_pages(dir, result)) {
    return kg__fail(failure, KG_E_HUGE_PAGES, 0,
                    "%s has too few free pages for %" PRIu64 " of %" PRIu64
                    " KiB: reserve more (sysctl vm.nr_hugepages, "
                    "HugePages_Free in /proc/meminfo), raise the size of its "
                    "mount, or choose another dir",
                    dir->path, length / page, page / 1024);
  }
  return result;
}

int kg__segment_require(const kg__segment *segment,
                        const kg__placement *placement, kg_failure *failure) {
  return placement->huge_pages == KG_HUGE_REQUIRE
             ? kg__require_huge_pages(&segment->file, segment->base,
                                      segment->length, failure)
             : KG_OK;
}
