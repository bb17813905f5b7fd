/* Which directory a ring is in: the one that its options name or, without one,
 * one of the system's default directories. The best of them may be full, taken
 * by another user or not there, for one process and not for the next; so a
 * writer makes sure that there is none in any of them, and readers look in
 * all. */
#ifndef KG_DIRECTORIES_H
#define KG_DIRECTORIES_H

#include "segment.h"

/* What is done in a directory; it keeps `dir` when it succeeds. */
typedef int (*kg__in_dir)(void *context, const kg__dir *dir,
                          kg_failure *failure);

/* Makes the directory and calls `use` with it; without one in the options, for
 * one default directory after the other until one does not give way. The error
 * of the best one is told. */
int kg__directories_use(const kg_ring_options *options, kg__in_dir use,
                        void *context, kg_failure *failure);

/* Opens the directory that has the ring, and the ring's file in it: of several
 * default ones, that whose writer lives, or the newest ring. */
int kg__directories_find(const kg_ring_options *options, const kg__names *names,
                         kg__dir *dir, kg__file *file, kg_failure *failure);

/* The default directories as they were when they were listed. */
typedef struct kg__dir_list {
  char paths[KG__DIR_CANDIDATES][KG_PATH_BYTES];
  uint32_t count;
} kg__dir_list;

void kg__directories_list(kg__dir_list *list);

/* Whether a ring in another one of them than `dir` has a living writer. Any
 * thread: the list is why it need not look at the environment, which another
 * thread may be changing. */
bool kg__directories_have_writer(const kg__dir_list *list, const kg__dir *dir,
                                 const kg__names *names);

/* The end of the stream that the newest ring in the default directories has. */
typedef struct kg__last_stream {
  uint64_t generation; /* 0: there is none */
  uint64_t sequence;   /* UINT64_MAX: unknown */
  uint64_t priority;   /* the priority events; KG_PRIORITY_UNKNOWN */
  char dir[KG_PATH_BYTES];
} kg__last_stream;

void kg__directories_find_stream(const kg__names *names,
                                 kg__last_stream *stream);

/* The locks that a Shield holds in default directories that it does not use. */
typedef struct kg__other_locks {
  kg__file files[KG__DIR_CANDIDATES];
  uint32_t count;
} kg__other_locks;

/* Takes the lock `own` in `dir`. Where that is a default directory, makes sure
 * that nobody holds one in another of them, and where it is not the best of
 * them takes the locks of the others, too, since the next Shield may find
 * another one the best: `others`, in the place of those that it has.
 * KG_E_RING_LOCKED, with who has it in `failure`. */
int kg__directories_lock(kg__dir *dir, const kg__names *names, bool is_default,
                         kg__file *own, kg__other_locks *others,
                         kg_failure *failure);

void kg__other_locks_free(kg__other_locks *locks);

#endif
