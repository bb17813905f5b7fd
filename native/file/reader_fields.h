/* The fields of a kg_reader, for those files that it is made of: reader.c
 * reads, reader_wait.c waits for something to read. */
#ifndef KG_READER_FIELDS_H
#define KG_READER_FIELDS_H

#include "../base/atomic.h"
#include "../base/nap.h"
#include "../base/thread.h"
#include "../ring/ring_reader.h"
#include "directories.h"
#include "registration.h"

/* An account of what was read. */
typedef struct kg__totals {
  uint64_t received;
  uint64_t lost;
  uint64_t rescued;
  uint64_t corrupt;
  uint64_t bytes;
} kg__totals;

struct kg_reader {
  kg__dir dir;
  kg__names names;
  kg__segment segment;
  kg__ring_reader ring;
  kg__listener listener;
  /* Of a reliable reader; `shared` is NULL otherwise. */
  kg__registration registration;
  /* Which file the cell's lock is in, for any thread; 0: there is no cell. */
  uint64_t registered_device;
  uint64_t registered_inode;
  uint32_t is_displaced; /* 1: that file has lost its name */
  uint32_t is_cut;       /* 1: a read found the file cut short; any thread */
  uint32_t is_retirement_told; /* 1: to who sleeps; any thread */
  uint32_t last_page_slots;    /* that reach into the file's last page */
  bool last_page_has_lane;     /* slots of the lane do */
  bool is_reliable;
  kg__placement placement; /* of its pages */
  uint32_t reads_unregistered;
  uint32_t gathers;      /* looks that kg_reader_spin leaves out */
  uint64_t spun_through; /* events received when it was called last */
  kg__clock clock;       /* of one that spins */
  uint64_t spun_at_ns;   /* its last look at that clock; 0: it never spun */
  kg__nap nap;           /* of one that waits */
  uint32_t fork_count;
  uint64_t boot_id;
  bool is_default_dir; /* none was asked for */
  kg__dir_list dirs;   /* then those where the next writer may be */

  /* From here on of the reader, and not of the ring that it has: see
   * kg_reader_reopen. */
  uint32_t is_waiting;     /* 1: a thread is in kg_reader_wait */
  uint32_t is_interrupted; /* 1: the next wait ends at once; any thread */
  kg__totals earlier;      /* of the rings before this one */
  kg_failure failure;      /* of the last call that failed */
#ifdef KG_DEBUG
  uint64_t owner; /* kg__thread of the one that it belongs to */
#endif
};

/* The head of a ring that was cut short: it has one no more. */
#define KG__NO_HEAD UINT64_MAX

/* In a forked child the mapping does not exist. */
static inline bool kg__reader_is_forked(const kg_reader *reader) {
  return reader->fork_count != kg__fork_count();
}

/* Whether a handle is used by the thread that it belongs to is looked at where
 * KG_DEBUG is defined; elsewhere this is nothing, and so it is of writers.
 * Relaxed, all of it: who hands a handle over to another thread orders that by
 * other means, and who does not is who is to be found. */
static inline void kg__reader_own(kg_reader *reader) {
#ifdef KG_DEBUG
  kg__store64_relaxed(&reader->owner, kg__thread());
#else
  (void)reader;
#endif
}

static inline bool kg__reader_is_owned(const kg_reader *reader) {
#ifdef KG_DEBUG
  /* A forked child is told that it is one, whichever thread forked. */
  return kg__reader_is_forked(reader) ||
         kg__load64_relaxed(&reader->owner) == kg__thread();
#else
  (void)reader;
  return true;
#endif
}

static inline bool kg__reader_is_broken(const kg_reader *reader) {
  /* Relaxed: a thread that misses it sees it at the next look. */
  return kg__guard_is_broken(reader->segment.guard) ||
         kg__load32_relaxed(&reader->is_cut) != 0;
}

/* KG_OK, or why a function of the reader, which may be NULL, does nothing. */
int kg__reader_usable(kg_reader *reader);

/* Keeps why a function fails; returns `error`. */
int kg__reader_fail(kg_reader *reader, int error, const char *detail);

#endif
