/* How a writer gets a ring for itself, and how it keeps it: both locks,
 * take-over, replacement. */
#ifndef KG_WRITER_H
#define KG_WRITER_H

#include "../base/atomic.h"
#include "../base/thread.h"
#include "../ring/ring_space.h"
#include "../ring/ring_writer.h"
#include "directories.h"

struct kg_writer {
  kg__dir dir;
  kg__names names;
  kg__file lock; /* <name>.lock, held; handle -1 while it is lost */
  kg__other_locks other_locks;
  kg__wake_file wake_file; /* <name>.wake; none where the system has none */
  kg__segment segment;
  kg__ring_writer ring;
  kg__ring_setup setup;       /* what a new ring is made with */
  bool any_capacity;          /* none was asked for */
  bool any_priority_events;   /* none were asked for */
  bool is_default_dir;        /* none was asked for */
  uint32_t priority_severity; /* or a higher one: priority events */
  kg__placement placement;    /* of its pages */
  uint64_t checks;            /* of the texts of each threat; 0: none */
  uint32_t fork_count;
  uint64_t skipped_to;       /* the last event published by other means */
  uint64_t skipped_priority; /* the priority events up to it */
  int displaced;             /* why the ring has lost its place, or KG_OK */
  kg__clock clock;
  kg__batch_time time;     /* of the batch that is staged */
  uint64_t wall_ns;        /* the wall clock when ... */
  uint64_t wall_at_ns;     /* ... the monotonic one stood here; 0: not known */
  uint64_t boot_offset_ns; /* the boot clock less the monotonic one */
  uint64_t published;
  uint64_t published_at_ns; /* the last of them */
  uint64_t bytes;
  uint64_t bells;
  uint64_t replaced;

  /* Reliable readers. */
  bool rejects;
  kg__space space;
  kg__file readers;         /* <name>.readers */
  kg__file old_readers;     /* the one that had the name before */
  kg__wake_file space_file; /* <name>.space */
  kg__listener space_listener;
  uint64_t rejected;
  uint32_t wanted; /* slots of the last that was rejected */

  bool any_thread;
  uint32_t is_busy;        /* 1: a thread is in one of its functions */
  uint32_t is_interrupted; /* 1: the next wait ends at once; any thread */
  kg_failure failure;      /* of the last call that failed */
#ifdef KG_DEBUG
  uint64_t owner; /* kg__thread of the one that it belongs to */
#endif
};

/* The beginning and the end of every public function. The other thread is the
 * one that beats, twice a second, so one that finds it here sleeps a little
 * instead of asking the system for a lock that it would hardly ever need. */
#define KG__BUSY_NS UINT64_C(20000)

static inline void kg__writer_enter(const kg_writer *writer) {
  uint32_t *is_busy = (uint32_t *)&writer->is_busy;
  /* An acquire: partner of kg__writer_leave. In a forked child the thread that
   * was there does not exist. */
  while (writer->any_thread && writer->fork_count == kg__fork_count() &&
         kg__exchange32_seq_cst(is_busy, 1) != 0) {
    kg__sleep(KG__BUSY_NS);
  }
}

static inline void kg__writer_leave(const kg_writer *writer) {
  if (writer->any_thread) {
    /* Partner of kg__writer_enter. */
    kg__store32_release((uint32_t *)&writer->is_busy, 0);
  }
}

/* In a forked child the locked files were closed already, and the mapping was
 * not inherited. */
static inline bool kg__writer_is_forked(const kg_writer *writer) {
  return writer->fork_count != kg__fork_count();
}

static inline bool kg__writer_is_broken(const kg_writer *writer) {
  return kg__guard_is_broken(writer->segment.guard);
}

/* KG_OK, or why nothing can be written at present. */
static inline int kg__writer_usable(const kg_writer *writer) {
  if (kg__writer_is_forked(writer)) {
    return KG_E_FORKED;
  }
  if (writer->displaced == KG_OK && kg__writer_is_broken(writer)) {
    return KG_E_RING_TRUNCATED;
  }
  return writer->displaced;
}

/* As kg__reader_own and kg__reader_is_owned. */
static inline void kg__writer_own(kg_writer *writer) {
#ifdef KG_DEBUG
  kg__store64_relaxed(&writer->owner, kg__thread());
#else
  (void)writer;
#endif
}

static inline bool kg__writer_is_owned(const kg_writer *writer) {
#ifdef KG_DEBUG
  /* A forked child is told that it is one, whichever thread forked. */
  return writer->any_thread || kg__writer_is_forked(writer) ||
         kg__load64_relaxed(&writer->owner) == kg__thread();
#else
  (void)writer;
  return true;
#endif
}

/* Takes the lock file of the open directory; where that is a default one, makes
 * sure of the others, too. KG_E_RING_LOCKED, with who has it in `failure`. */
int kg__writer_lock(kg_writer *writer, kg_failure *failure);

/* Continues the ring that is there or makes one. The directory is open, and the
 * lock taken. KG_E_RING_LOCKED when another writer has the ring, with who has
 * it in `failure`. */
int kg__writer_acquire(kg_writer *writer, kg_failure *failure);

/* Looks whether the ring and the lock file still have their names, and puts
 * right what can be: `in_place` says whether the ring was where it belongs. */
int kg__writer_keep(kg_writer *writer, bool *in_place, kg_failure *failure);

/* Marks the ring as retired, if it still has a header, and wakes its
 * readers. */
void kg__writer_retire(kg_writer *writer);

/* Wakes those who wait, KG_WAITS_...; any other bit is taken for the first. */
void kg__writer_wake(kg_writer *writer, uint32_t waiters);

/* Stores the heartbeat, and measures how the boot clock differs from the
 * monotonic one, which publishing reads anyway. */
void kg__stamp_heartbeat(kg_writer *writer);

/* --- Reliable readers, in writer_space.c ---------------------------------- */

/* Sets up what the options say; nothing is open yet. */
void kg__writer_space_begin(kg_writer *writer, const kg_ring_options *options);

/* Opens what is missing and says in the header what is there. To be called
 * with each new ring and at each beat. */
void kg__writer_space_keep(kg_writer *writer);

/* Another ring is written from now on. Reliable readers that live are waited
 * for at the beginning of a `fresh` one: they have yet to come to it. */
void kg__writer_space_renew(kg_writer *writer, bool fresh);

void kg__writer_space_end(kg_writer *writer);

/* Whether `slots` more may be written now. */
bool kg__writer_has_space(kg_writer *writer, uint32_t slots);

#endif
