#include "directories.h"

#include <string.h>

#include "../base/atomic.h"
#include "../ring/ring_reader.h"
#include "lock_file.h"

/* Whether a default directory that cannot be used gives way to the next. */
static bool gives_way(int error) {
  return error == KG_E_NO_RING || error == KG_E_UNSAFE_PATH ||
         error == KG_E_ACCESS || error == KG_E_READ_ONLY ||
         error == KG_E_NO_SPACE || error == KG_E_INVALID_OPTION ||
         error == KG_E_SHM_UNAVAILABLE;
}

/* Writes the next path that there is from `*index` on, and moves `*index`
 * behind it. */
static bool next_path(unsigned *index, char path[KG_PATH_BYTES]) {
  while (kg__dir_candidate((*index)++, path)) {
    if (path[0] != '\0') {
      return true;
    }
  }
  return false;
}

static int use_dir(const char *path, bool is_default, kg__in_dir use,
                   void *context, kg_failure *failure) {
  kg__dir dir;
  int result = is_default ? kg__dir_open_candidate(path, true, &dir, failure)
                          : kg__dir_open(path, true, &dir, failure);
  if (result == KG_OK) {
    kg_failure inside = {0};
    result = use(context, &dir, &inside);
    if (result == KG_E_SHM_UNAVAILABLE) {
      /* What a file system lacks is told here, where it is known whose. */
      kg__fail(failure, result, inside.system_error, "%.250s: %.300s", dir.path,
               inside.detail);
    } else if (result != KG_OK) {
      kg__fail_as(failure, &inside);
    }
    if (result != KG_OK) {
      kg__dir_close(&dir);
    }
  }
  return result;
}

int kg__directories_use(const kg_ring_options *options, kg__in_dir use,
                        void *context, kg_failure *failure) {
  char path[KG_PATH_BYTES];
  kg_failure first = {0};
  if (options->dir != NULL) {
    return use_dir(options->dir, false, use, context, failure);
  }
  for (unsigned i = 0; next_path(&i, path);) {
    kg_failure tried = {0};
    int result = use_dir(path, true, use, context, &tried);
    if (!gives_way(result)) {
      return result == KG_OK ? KG_OK : kg__fail_as(failure, &tried);
    }
    /* The first one is the one that is meant to work, so its failure is the one
     * to report. */
    first = first.error != KG_OK ? first : tried;
  }
  return first.error != KG_OK
             ? kg__fail_as(failure, &first)
             : kg__fail(failure, KG_E_NO_RING, 0, "no directory");
}

/* --- Readers ------------------------------------------------------------- */

static int open_ring(const char *path, bool is_default, const kg__names *names,
                     kg__dir *dir, kg__file *file, kg_failure *failure) {
  int result = is_default ? kg__dir_open_candidate(path, false, dir, failure)
                          : kg__dir_open(path, false, dir, failure);
  if (result == KG_OK) {
    result = kg__file_open(dir, names->ring, file, failure);
    if (result != KG_OK) {
      kg__dir_close(dir);
    }
  }
  return result;
}

typedef struct place {
  kg__dir dir;
  kg__file file;
} place;

static void close_place(place *place) {
  kg__file_close(&place->file);
  kg__dir_close(&place->dir);
}

/* The one of `count` rings, one at least, that is the best to read. */
static uint32_t best_of(const place *places, uint32_t count) {
  uint32_t best = 0;
  uint64_t newest = 0;
  for (uint32_t i = 0; i < count; i++) {
    if (kg__file_is_locked(&places[i].file, 0)) {
      return i;
    }
  }
  for (uint32_t i = 0; count > 1 && i < count; i++) {
    uint64_t since = kg__segment_written_since(&places[i].file);
    if (since > newest) {
      newest = since;
      best = i;
    }
  }
  return best;
}

int kg__directories_find(const kg_ring_options *options, const kg__names *names,
                         kg__dir *dir, kg__file *file, kg_failure *failure) {
  char path[KG_PATH_BYTES];
  place places[KG__DIR_CANDIDATES];
  uint32_t count = 0;
  kg_failure first = {0};
  kg_failure wrong = {0};
  kg_failure damaged = {0};
  bool is_absent = false;
  if (options->dir != NULL) {
    return open_ring(options->dir, false, names, dir, file, failure);
  }
  for (unsigned i = 0; wrong.error == KG_OK && count < KG__DIR_CANDIDATES &&
                       next_path(&i, path);) {
    kg_failure tried = {0};
    int result = open_ring(path, true, names, &places[count].dir,
                           &places[count].file, &tried);
    if (result == KG_OK) {
      count++;
    } else if (result == KG_E_RING_INVALID) {
      /* Its name leads to no ring, which any ring is better than. */
      damaged = tried;
    } else if (!gives_way(result)) {
      wrong = tried;
    } else {
      is_absent = is_absent || result == KG_E_NO_RING;
      first = first.error != KG_OK ? first : tried;
    }
  }
  uint32_t best = count;
  if (count > 0 && wrong.error == KG_OK) {
    best = best_of(places, count);
    *dir = places[best].dir;
    *file = places[best].file;
  }
  for (uint32_t i = 0; i < count; i++) {
    if (i != best) {
      close_place(&places[i]);
    }
  }
  if (best < count) {
    return KG_OK;
  }
  if (wrong.error != KG_OK) {
    return kg__fail_as(failure, &wrong);
  }
  if (damaged.error != KG_OK) {
    return kg__fail_as(failure, &damaged);
  }
  /* A writer that comes takes one of those where none is. */
  if (first.error == KG_OK || first.error == KG_E_NO_RING || !is_absent) {
    return first.error != KG_OK
               ? kg__fail_as(failure, &first)
               : kg__fail(failure, KG_E_NO_RING, 0, "no directory");
  }
  return kg__fail(failure, KG_E_NO_RING, 0, "%.200s, and none in the others",
                  first.detail);
}

void kg__directories_list(kg__dir_list *list) {
  unsigned index = 0;
  list->count = 0;
  while (list->count < KG__DIR_CANDIDATES &&
         next_path(&index, list->paths[list->count])) {
    list->count++;
  }
}

bool kg__directories_have_writer(const kg__dir_list *list, const kg__dir *dir,
                                 const kg__names *names) {
  bool has_writer = false;
  for (uint32_t i = 0; !has_writer && i < list->count; i++) {
    const char *path = list->paths[i];
    place place;
    if (strcmp(path, dir->path) != 0 &&
        open_ring(path, true, names, &place.dir, &place.file, NULL) == KG_OK) {
      has_writer = kg__file_is_locked(&place.file, 0);
      close_place(&place);
    }
  }
  return has_writer;
}

/* --- Writers ------------------------------------------------------------- */

/* Where a ring's stream ended, as far as that can be known. */
static void find_end_of(const kg__ring *ring, kg__last_stream *stream) {
  kg__ring_reader reader;
  kg_reader_stats stats;
  kg__ring_reader_begin(&reader, ring);
  kg__ring_reader_stats(&reader, &stats);
  /* Relaxed: what a writer that died has left, or is there to be refused. Of a
   * retired ring's stream, more was published elsewhere. */
  bool is_retired =
      kg__load32_relaxed(&ring->header->state) == KG_STATE_RETIRED;
  bool is_known =
      !is_retired && reader.next != 0 && stats.sequence == stats.published;
  stream->generation = ring->generation;
  stream->sequence = is_known ? stats.sequence : UINT64_MAX;
  stream->priority = is_known ? stats.priority : KG_PRIORITY_UNKNOWN;
}

void kg__directories_find_stream(const kg__names *names,
                                 kg__last_stream *stream) {
  const kg_ring_options anywhere = {0};
  kg__segment segment;
  place place;
  *stream = (kg__last_stream){0};
  if (kg__directories_find(&anywhere, names, &place.dir, &place.file, NULL) !=
      KG_OK) {
    return;
  }
  if (kg__segment_map(&place.file, false, NULL, &segment, NULL) != KG_OK) {
    close_place(&place);
    return;
  }
  find_end_of(&segment.ring, stream);
  memcpy(stream->dir, place.dir.path, sizeof stream->dir);
  kg__segment_close(&segment);
  kg__dir_close(&place.dir);
}

static bool is_same_file(const kg__file *a, const kg__file *b) {
  return a->device == b->device && a->inode == b->inode;
}

/* Whether a lock file is one of our own: two paths may lead to one directory.
 */
static bool is_ours(const kg__other_locks *locks, const kg__file *own,
                    const kg__file *file) {
  bool found = is_same_file(own, file);
  for (uint32_t i = 0; i < locks->count; i++) {
    found = found || is_same_file(&locks->files[i], file);
  }
  return found;
}

/* Looks whether another one holds the ring `names` in `dir`; with `takes`, sees
 * to it that no other one will. */
static int look_in(kg__other_locks *locks, kg__dir *dir, const kg__names *names,
                   const kg__file *own, bool takes, kg_failure *failure) {
  kg__file file;
  int result = takes ? kg__file_open_or_create(dir, names->lock, &file, NULL)
                     : kg__file_open(dir, names->lock, &file, NULL);
  bool is_held = false;
  if (result == KG_OK) {
    bool is_known = is_ours(locks, own, &file);
    is_held = !is_known && kg__file_is_locked(&file, 0);
    kg__file_close(&file);
    if (is_known) {
      return KG_OK;
    }
  }
  if (result == KG_OK && takes && !is_held) {
    result = kg__file_open_locked(dir, names->lock, true, &file, NULL);
    is_held = result == KG_E_RING_LOCKED;
    if (result == KG_OK) {
      locks->files[locks->count++] = file;
    }
  }
  return is_held || kg__ring_is_held(dir, names)
             ? kg__lock_name_holder(dir, names, failure)
             : KG_OK;
}

static int take_others(kg__other_locks *locks, const kg__dir *dir,
                       const kg__names *names, const kg__file *own,
                       kg_failure *failure) {
  char path[KG_PATH_BYTES];
  bool is_best = kg__dir_candidate(0, path) && strcmp(path, dir->path) == 0;
  int result = KG_OK;
  for (unsigned i = 0; result == KG_OK && next_path(&i, path);) {
    kg__dir other;
    if (strcmp(path, dir->path) != 0 &&
        kg__dir_open_candidate(path, !is_best, &other, NULL) == KG_OK) {
      result = look_in(locks, &other, names, own, !is_best, failure);
      kg__dir_close(&other);
    }
  }
  if (result != KG_OK) {
    kg__other_locks_free(locks);
  }
  return result;
}

void kg__other_locks_free(kg__other_locks *locks) {
  while (locks->count > 0) {
    kg__file_close(&locks->files[--locks->count]);
  }
}

int kg__directories_lock(kg__dir *dir, const kg__names *names, bool is_default,
                         kg__file *own, kg__other_locks *others,
                         kg_failure *failure) {
  int result = kg__lock_take(dir, names, own, failure);
  if (result == KG_E_RING_LOCKED) {
    return kg__lock_name_holder(dir, names, failure);
  }
  if (result == KG_OK && is_default) {
    kg__other_locks_free(others);
    result = take_others(others, dir, names, own, failure);
    if (result != KG_OK) {
      kg__file_close(own);
    }
  }
  return result;
}

/* --- For people ---------------------------------------------------------- */

static int tell_path(void *context, const kg__dir *dir, kg_failure *failure) {
  kg__dir opened = *dir;
  /* All else is for a writer to find out, which tries the next one. */
  if (kg__segment_try(&opened, failure) == KG_E_SHM_UNAVAILABLE) {
    return KG_E_SHM_UNAVAILABLE;
  }
  memcpy(context, dir->path, sizeof dir->path);
  kg__dir_close(&opened);
  return KG_OK;
}

int kg_default_directory(char *path, kg_failure *failure) {
  const kg_ring_options none = {0};
  return kg__directories_use(&none, tell_path, path, failure);
}
