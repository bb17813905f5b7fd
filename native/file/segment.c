#include "segment.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../base/atomic.h"
#include "../base/step.h"
#include "placement.h"

#define DEFAULT_NAME "kindly-guard"
#define NAME_CHARACTERS \
  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

int kg__names_make(const char *name, kg__names *names, kg_failure *failure) {
  if (name == NULL) {
    name = DEFAULT_NAME;
  }
  size_t length = strlen(name);
  if (length == 0 || length >= KG_NAME_BYTES || name[0] == '.' ||
      strspn(name, NAME_CHARACTERS) != length) {
    return kg__fail(failure, KG_E_INVALID_OPTION, 0,
                    "name: 1 to %d letters, digits, '.', '_' or '-' will do, "
                    "not beginning with '.'",
                    KG_NAME_BYTES - 1);
  }
  snprintf(names->ring, sizeof names->ring, "%s" KG__RING_SUFFIX, name);
  snprintf(names->lock, sizeof names->lock, "%s.lock", name);
  snprintf(names->wake_file, sizeof names->wake_file, "%s.wake", name);
  snprintf(names->readers, sizeof names->readers, "%s.readers", name);
  snprintf(names->space_file, sizeof names->space_file, "%s.space", name);
  snprintf(names->temporary_prefix, sizeof names->temporary_prefix,
           "%s" KG__RING_SUFFIX ".", name);
  return KG_OK;
}

/* The power of two from `low` on that holds `wanted`. */
static uint32_t power_of_two(uint32_t wanted, uint32_t low) {
  uint32_t power = low;
  while (power < wanted) {
    power *= 2;
  }
  return power;
}

static int too_many(const char *option, uint32_t wanted, uint32_t most,
                    kg_failure *failure) {
  return kg__fail(failure, KG_E_INVALID_OPTION, 0,
                  "%s is %" PRIu32 ", at most %" PRIu32 " will do", option,
                  wanted, most);
}

int kg__geometry_of(const kg_ring_options *options, kg__ring_setup *setup,
                    kg_failure *failure) {
  uint32_t events =
      options->max_events == 0 ? KG_DEFAULT_EVENTS : options->max_events;
  uint32_t priority = options->priority_events == 0 ? KG_DEFAULT_PRIORITY_EVENTS
                                                    : options->priority_events;
  if (events > KG_MAX_CAPACITY) {
    return too_many("max_events", events, KG_MAX_CAPACITY, failure);
  }
  if (priority != KG_PRIORITY_NONE && priority > KG_MAX_PRIORITY_EVENTS) {
    return too_many("priority_events", priority, KG_MAX_PRIORITY_EVENTS,
                    failure);
  }
  setup->capacity = power_of_two(events, KG_MIN_CAPACITY);
  setup->priority_events = priority == KG_PRIORITY_NONE
                               ? 0
                               : power_of_two(priority, KG_MIN_PRIORITY_EVENTS);
  uint64_t bytes = kg__ring_bytes(setup->capacity, setup->priority_events);
  if (options->max_bytes != 0 && bytes > options->max_bytes) {
    return kg__fail(failure, KG_E_INVALID_OPTION, 0,
                    "max_bytes is %" PRIu64 " bytes, but %" PRIu32
                    " events and %" PRIu32 " priority events need %" PRIu64,
                    options->max_bytes, events, setup->priority_events, bytes);
  }
  return KG_OK;
}

/* Maps and guards the file. */
static int map(const kg__file *file, size_t length, size_t writable_offset,
               size_t writable_length, kg__segment *segment,
               kg_failure *failure) {
  void *base = NULL;
  int result =
      kg__map(file, length, writable_offset, writable_length, &base, failure);
  if (result != KG_OK) {
    return result;
  }
  *segment = (kg__segment){.file = *file, .base = base, .length = length};
  result = kg__guard_add(base, length, kg__file_page_bytes(file),
                         &segment->guard, failure);
  if (result != KG_OK) {
    kg__unmap(base, length);
  }
  return result;
}

static void unmap(kg__segment *segment) {
  kg__guard_remove(segment->guard);
  kg__unmap(segment->base, segment->length);
}

static void open_bell(kg__segment *segment) {
  kg__bell_open(&segment->bell, &segment->ring.doorbell->waiters,
                segment->ring.generation);
}

/* Tells the system how the pages are wanted, and has them put in their place.
 */
static int place(kg__segment *segment, bool writable,
                 const kg__placement *placement, kg_failure *failure) {
  int result = KG_OK;
  segment->is_placed =
      kg__is_placed(&segment->file, segment->length, placement);
  if (segment->is_placed) {
    result =
        kg__place_pages(segment->base, segment->length, placement, failure);
  }
  if (result == KG_OK) {
    kg__prefault(segment->base, kg__prefault_bytes(segment->length, placement),
                 writable);
  }
  return result;
}

/* Verifies the header of a file of `size` bytes. */
static int verify(const kg__file *file, uint64_t size,
                  kg_ring_identity *identity, kg_failure *failure) {
  kg__segment header;
  /* A whole page, where that is larger. */
  uint64_t page = kg__file_page_bytes(file);
  uint64_t most = page < KG_REGION_ALIGNMENT ? KG_REGION_ALIGNMENT : page;
  size_t length = (size_t)(size < most ? size : most);
  int result = map(file, length, 0, 0, &header, failure);
  if (result == KG_OK) {
    result = kg__ring_verify(header.base, size, identity, failure);
    if (kg__guard_is_broken(header.guard)) {
      result = kg__fail(failure, KG_E_RING_TRUNCATED, 0,
                        "it was cut short while it was opened");
    }
    unmap(&header);
  }
  return result;
}

/* Whether a mapping can protect the doorbell otherwise than the rest. Only of a
 * hugetlbfs are the pages larger than what every ring is made for. */
static int check_pages(const kg__file *file, const kg_ring_identity *identity,
                       kg_failure *failure) {
  uint64_t page = kg__file_page_bytes(file);
  return (identity->doorbell_offset | identity->slots_offset |
          identity->file_bytes) %
                     page ==
                 0
             ? KG_OK
             : kg__fail(failure, KG_E_RING_INVALID, 0,
                        "its regions do not begin with its pages of %" PRIu64
                        " bytes",
                        page);
}

int kg__segment_map(const kg__file *file, bool writable,
                    const kg__placement *placement, kg__segment *segment,
                    kg_failure *failure) {
  kg_ring_identity identity;
  uint64_t size = 0;
  int result = kg__file_size(file, &size, failure);
  if (result == KG_OK && size < sizeof(kg_ring_header)) {
    result = kg__fail(failure, KG_E_RING_INVALID, 0,
                      "it has %" PRIu64 " bytes, fewer than a header", size);
  }
  /* Only the header says how much there is, and where a reader may write. */
  if (result == KG_OK) {
    result = verify(file, size, &identity, failure);
  }
  if (result == KG_OK && kg__file_has_holes(file, identity.file_bytes)) {
    result = kg__fail(failure, KG_E_RING_INVALID, 0,
                      "it lacks some of its %" PRIu64 " bytes, which every "
                      "writer allocates",
                      identity.file_bytes);
  }
  if (result == KG_OK) {
    result = check_pages(file, &identity, failure);
  }
  if (result == KG_OK) {
    size_t length = (size_t)identity.file_bytes;
    /* All up to the slots, so that a huge page is protected as a whole. */
    size_t offset = (size_t)identity.doorbell_offset;
    size_t window = (size_t)identity.slots_offset - offset;
    result = writable ? map(file, length, 0, length, segment, failure)
                      : map(file, length, offset, window, segment, failure);
  }
  if (result == KG_OK) {
    result = place(segment, writable, placement, failure);
    if (result != KG_OK) {
      unmap(segment);
    }
  }
  if (result == KG_OK) {
    kg__ring_attach(segment->base, &identity, &segment->ring);
    open_bell(segment);
  }
  return result;
}

uint64_t kg__segment_written_since(const kg__file *file) {
  kg__segment segment;
  uint64_t since = 0;
  if (kg__segment_map(file, false, NULL, &segment, NULL) == KG_OK) {
    /* Relaxed: a word that is compared and bound to nothing. */
    since = kg__load64_relaxed(&segment.ring.header->writer_start_us);
    since += since == 0;
    kg__bell_close(&segment.bell);
    unmap(&segment);
  }
  return since;
}

/* How often a file that is exchanged between two steps is opened anew. */
#define ATTEMPTS 16

int kg__file_open_locked(kg__dir *dir, const char *name, bool create,
                         kg__file *file, kg_failure *failure) {
  for (int i = 0; i < ATTEMPTS; i++) {
    int result = create ? kg__file_open_or_create(dir, name, file, failure)
                        : kg__file_open(dir, name, file, failure);
    if (result != KG_OK) {
      return result;
    }
    KG__STEP("file open");
    result = kg__file_lock(file, 0, failure);
    if (result == KG_OK && kg__file_is_named(dir, name, file)) {
      KG__STEP("file locked");
      return KG_OK;
    }
    kg__file_close(file);
    if (result != KG_OK) {
      return result;
    }
  }
  return kg__fail(failure, KG_E_SYSTEM, 0,
                  "%s" KG__SEPARATOR "%s changes all the time", dir->path,
                  name);
}

void kg__segment_sweep(kg__dir *dir, const kg__names *names) {
  kg__dir_sweep(dir, names->temporary_prefix, 16, KG__UNNAMED_SUFFIX);
}

/* What a ring is called until it has its name. */
static void name_temporary(const kg__names *names, uint64_t generation,
                           char name[KG__TEMPORARY_BYTES]) {
  snprintf(name, KG__TEMPORARY_BYTES, "%s%016" PRIx64 KG__UNNAMED_SUFFIX,
           names->temporary_prefix, generation);
}

int kg__segment_make(kg__dir *dir, const kg__names *names,
                     const kg__ring_setup *setup,
                     const kg__placement *placement, kg__segment *segment,
                     kg_failure *failure) {
  char temporary[KG__TEMPORARY_BYTES];
  uint64_t length = kg__setup_bytes(setup);
  kg__file file;
  name_temporary(names, setup->generation, temporary);
  int result =
      kg__create_placed(dir, temporary, setup, placement, &file, failure);
  if (result != KG_OK) {
    return result;
  }
  result = map(&file, (size_t)length, 0, (size_t)length, segment, failure);
  if (result == KG_OK) {
    result = place(segment, true, placement, failure);
    if (result == KG_OK) {
      result = kg__segment_require(segment, placement, failure);
    }
    if (result != KG_OK) {
      unmap(segment);
    }
  }
  if (result != KG_OK) {
    kg__file_close(&file);
    kg__file_remove(dir, temporary);
    return result;
  }
  memcpy(segment->temporary, temporary, sizeof temporary);
  kg__ring_format(segment->base, setup, &segment->ring);
  KG__STEP("ring formatted");
  open_bell(segment);
  result = kg__file_lock(&segment->file, 0, failure);
  if (result != KG_OK) {
    kg__segment_unmake(dir, segment);
    return result;
  }
  KG__STEP("ring locked");
  return KG_OK;
}

int kg__segment_try(kg__dir *dir, kg_failure *failure) {
  char temporary[KG__TEMPORARY_BYTES];
  kg__names names;
  uint64_t number;
  kg__file file;
  void *base;
  int result = kg__names_make(NULL, &names, failure);
  if (result == KG_OK) {
    result = kg__random(&number, failure);
  }
  if (result == KG_OK) {
    name_temporary(&names, number, temporary);
    result =
        kg__file_create(dir, temporary, KG_REGION_ALIGNMENT, &file, failure);
  }
  if (result != KG_OK) {
    return result;
  }
  result = kg__map(&file, KG_REGION_ALIGNMENT, 0, KG_REGION_ALIGNMENT, &base,
                   failure);
  if (result == KG_OK) {
    kg__unmap(base, KG_REGION_ALIGNMENT);
    result = kg__file_lock(&file, 0, failure);
  }
  kg__file_close(&file);
  kg__file_remove(dir, temporary);
  return result;
}

void kg__segment_unmake(kg__dir *dir, kg__segment *segment) {
  kg__segment_close(segment);
  kg__file_remove(dir, segment->temporary);
}

void kg__segment_close(kg__segment *segment) {
  if (segment->base != NULL) {
    kg__bell_close(&segment->bell);
    unmap(segment);
    kg__file_close(&segment->file);
    segment->base = NULL;
  }
}

void kg__segment_info(const kg__segment *segment, const kg__dir *dir,
                      const kg__names *names, kg_ring_info *info) {
  const kg__ring *ring = &segment->ring;
  *info = (kg_ring_info){.generation = ring->generation,
                         .predecessor_generation = ring->predecessor_generation,
                         .predecessor_sequence = ring->predecessor_sequence,
                         .predecessor_priority = ring->predecessor_priority,
                         .file_bytes = ring->file_bytes,
                         .capacity = ring->capacity,
                         .priority_events = ring->priority_events,
                         .checksums = ring->checksums};
  snprintf(info->path, sizeof info->path, "%s" KG__SEPARATOR "%s", dir->path,
           names->ring);
}
