/* A ring in a file: where it is, who may have it, how it is made. */
#ifndef KG_SEGMENT_H
#define KG_SEGMENT_H

#include "../include/kg_ipc.h"
#include "../platform/platform.h"
#include "../ring/ring.h"

#define KG_NAME_BYTES 65
#define KG_FILE_NAME_BYTES (KG_NAME_BYTES + 32)

/* The names of a ring's files, from its options. */
/* A name with a generation and an ending behind it. */
#define KG__TEMPORARY_BYTES (KG_FILE_NAME_BYTES + 32)

typedef struct kg__names {
  char ring[KG_FILE_NAME_BYTES];
  char lock[KG_FILE_NAME_BYTES];
  char wake_file[KG_FILE_NAME_BYTES];
  char readers[KG_FILE_NAME_BYTES];
  char space_file[KG_FILE_NAME_BYTES];
  char temporary_prefix[KG_FILE_NAME_BYTES];
} kg__names;

/* One ring file, mapped. */
typedef struct kg__segment {
  kg__file file;
  void *base;
  size_t length;
  bool is_placed; /* how its pages are wanted was told to the system */
  kg__ring ring;
  kg__bell bell;
  kg__guard *guard;
  char temporary[KG__TEMPORARY_BYTES]; /* its name until it is complete */
} kg__segment;

/* KG_E_INVALID_OPTION when the name would not do as a file's name. */
int kg__names_make(const char *name, kg__names *names, kg_failure *failure);

/* Puts the slots that `options` ask for into `setup`, those of the ring and of
 * its lane; KG_E_INVALID_OPTION when max_bytes cannot hold them or they are too
 * many. */
int kg__geometry_of(const kg_ring_options *options, kg__ring_setup *setup,
                    kg_failure *failure);

/* How the options want the pages; KG_E_INVALID_OPTION, and KG_E_HUGE_PAGES or
 * KG_E_NUMA_NODE for what can be had nowhere on this machine. */
int kg__placement_of(const kg_ring_options *options, kg__placement *placement,
                     kg_failure *failure);

/* What the regions of a new ring in a directory are multiples of, so that each
 * of its pages can be protected. KG_E_INVALID_OPTION where huge pages are not
 * wanted and there are no others, KG_E_HUGE_PAGES where there are none. */
int kg__segment_region(const kg__dir *dir, const kg__placement *placement,
                       uint64_t *region_bytes, kg_failure *failure);

/* Maps and verifies an opened file. On an error `segment` keeps nothing, and
 * `file` stays the caller's. `placement`: NULL for the system's own. */
int kg__segment_map(const kg__file *file, bool writable,
                    const kg__placement *placement, kg__segment *segment,
                    kg_failure *failure);

/* KG_E_HUGE_PAGES when they are required and the kernel says that not all of
 * the ring is in such. */
int kg__segment_require(const kg__segment *segment,
                        const kg__placement *placement, kg_failure *failure);

/* Since when the ring in an opened file has its last writer, in microseconds of
 * the wall clock; 0 for what is no ring. */
uint64_t kg__segment_written_since(const kg__file *file);

/* Opens a file, or makes it with `create`, takes its lock and makes sure that
 * it still has its name. KG_E_RING_LOCKED, KG_E_NO_RING without `create`. */
int kg__file_open_locked(kg__dir *dir, const char *name, bool create,
                         kg__file *file, kg_failure *failure);

/* Removes what others left half-made; hold the lock. */
void kg__segment_sweep(kg__dir *dir, const kg__names *names);

/* Whether a directory's file system does what a ring needs, tried with a file
 * that is removed again: KG_E_SHM_UNAVAILABLE where it does not. */
int kg__segment_try(kg__dir *dir, kg_failure *failure);

/* Makes a new ring and locks it; hold the lock. No reader finds it before it is
 * renamed from `temporary`: what readers decide by is to be put into it first.
 */
int kg__segment_make(kg__dir *dir, const kg__names *names,
                     const kg__ring_setup *setup,
                     const kg__placement *placement, kg__segment *segment,
                     kg_failure *failure);

/* Removes and closes one that has no name yet. */
void kg__segment_unmake(kg__dir *dir, kg__segment *segment);

void kg__segment_close(kg__segment *segment);

/* Fills what people may want to know. */
void kg__segment_info(const kg__segment *segment, const kg__dir *dir,
                      const kg__names *names, kg_ring_info *info);

#endif
