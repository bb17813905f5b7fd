#include "segment.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../base/atomic.h"
#include "../base/step.h"

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
  snprintf(names->ring, sizeof names->ring, "%s.shm", name);
  snprintf(names->lock, sizeof names->lock, "%s.lock", name);
  snprintf(names->wake_file, sizeof names->wake_file, "%s.chime", name);
  snprintf(names->readers, sizeof names->readers, "%s.readers", name);
  snprintf(names->space_file, sizeof names->space_file, "%s.room", name);
  snprintf(names->temporary_prefix, sizeof names->temporary_prefix, "%s.shm.",
           name);
  return KG_OK;
}

int kg__capacity_of(const kg_ring_options *options, uint32_t *capacity,
                    kg_failure *failure) {
  uint32_t wanted =
      options->max_events == 0 ? KG_DEFAULT_EVENTS : options->max_events;
  if (wanted > KG_MAX_CAPACITY) {
    return kg__fail(failure, KG_E_INVALID_OPTION, 0,
                    "maxEvents is %" PRIu32 ", 1 to %" PRIu32 " will do",
                    wanted, KG_MAX_CAPACITY);
  }
  *capacity = KG_MIN_CAPACITY;
  while (*capacity < wanted) {
    *capacity *= 2;
  }
  uint64_t bytes = kg__ring_bytes(*capacity);
  if (options->max_bytes != 0 && bytes > options->max_bytes) {
    return kg__fail(failure, KG_E_INVALID_OPTION, 0,
                    "bufferSize is %" PRIu64 " bytes, but %" PRIu32
                    " events need %" PRIu64,
                    options->max_bytes, wanted, bytes);
  }
  return KG_OK;
}

/* Maps and guards the file. */
static int map(const kg__file *file, size_t length, size_t writable_offset,
               size_t writable_length, kg__segment *segment,
               kg_failure *failure) {
  void *base;
  int result =
      kg__map(file, length, writable_offset, writable_length, &base, failure);
  if (result != KG_OK) {
    return result;
  }
  *segment = (kg__segment){.file = *file, .base = base, .length = length};
  result = kg__guard_add(base, length, &segment->guard, failure);
  if (result != KG_OK) {
    kg__unmap(base, length);
  }
  return result;
}

static void unmap(kg__segment *segment) {
  kg__guard_remove(segment->guard);
  kg__unmap(segment->base, segment->length);
}

/* The bell is the low half of head: little-endian, so at its address. */
static void open_bell(kg__segment *segment) {
  kg__bell_open(&segment->bell, (const uint32_t *)&segment->ring.header->head,
                segment->ring.generation);
}

int kg__segment_map(const kg__file *file, bool writable, kg__segment *segment,
                    kg_failure *failure) {
  uint64_t size;
  int result = kg__file_size(file, &size, failure);
  if (result != KG_OK) {
    return result;
  }
  if (size < sizeof(kg_ring_header)) {
    return kg__fail(failure, KG_E_RING_INVALID, 0,
                    "it has %" PRIu64 " bytes, fewer than a header", size);
  }
  /* A file longer than any ring is mapped no further than one can reach; the
   * doorbell is writable only where there is one. */
  uint64_t most = kg__ring_bytes(KG_MAX_CAPACITY);
  size_t length = (size_t)(size < most ? size : most);
  bool has_doorbell = length >= KG_SLOTS_OFFSET;
  size_t doorbell_length = KG_SLOTS_OFFSET - KG_DOORBELL_OFFSET;
  result = writable ? map(file, length, 0, length, segment, failure)
                    : map(file, length, KG_DOORBELL_OFFSET,
                          has_doorbell ? doorbell_length : 0, segment, failure);
  if (result != KG_OK) {
    return result;
  }
  result = kg__ring_attach(segment->base, length, &segment->ring, failure);
  if (result == KG_OK && kg__file_has_holes(file, segment->ring.file_bytes)) {
    result = kg__fail(failure, KG_E_RING_INVALID, 0,
                      "it lacks some of its %" PRIu64 " bytes, which every "
                      "writer allocates",
                      segment->ring.file_bytes);
  }
  if (result == KG_OK && kg__guard_is_broken(segment->guard)) {
    result = kg__fail(failure, KG_E_RING_TRUNCATED, 0,
                      "it was cut short while it was opened");
  }
  if (result == KG_OK) {
    open_bell(segment);
  } else {
    unmap(segment);
  }
  return result;
}

uint64_t kg__segment_written_since(const kg__file *file) {
  kg__segment segment;
  uint64_t since = 0;
  if (kg__segment_map(file, false, &segment, NULL) == KG_OK) {
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
  return kg__fail(failure, KG_E_SYSTEM, 0, "%s/%s changes all the time",
                  dir->path, name);
}

#define TEMPORARY_SUFFIX ".tmp"

void kg__segment_sweep(kg__dir *dir, const kg__names *names) {
  kg__dir_sweep(dir, names->temporary_prefix, 16, TEMPORARY_SUFFIX);
}

int kg__segment_make(kg__dir *dir, const kg__names *names,
                     const kg__ring_setup *setup, kg__segment *segment,
                     kg_failure *failure) {
  char temporary[sizeof segment->temporary];
  uint64_t length = kg__ring_bytes(setup->capacity);
  kg__file file;
  snprintf(temporary, sizeof temporary, "%s%016" PRIx64 TEMPORARY_SUFFIX,
           names->temporary_prefix, setup->generation);
  int result = kg__file_create(dir, temporary, length, &file, failure);
  if (result != KG_OK) {
    return result;
  }
  result = map(&file, (size_t)length, 0, (size_t)length, segment, failure);
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
                         .file_bytes = ring->file_bytes,
                         .capacity = ring->capacity,
                         .checksums = ring->checksums};
  snprintf(info->path, sizeof info->path, "%s/%s", dir->path, names->ring);
}
