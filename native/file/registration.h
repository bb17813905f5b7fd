/* The cell of a reliable reader: its cursor for the writer to see, and the
 * lock that says that it lives. */
#ifndef KG_REGISTRATION_H
#define KG_REGISTRATION_H

#include "segment.h"

/* Where a reader's ring is; it stays there as long as the registration. */
typedef struct kg__place {
  kg__dir *dir;
  const kg__names *names;
  const kg__ring *ring;
} kg__place;

typedef struct kg__registration {
  kg__place place;
  kg__file file;            /* <name>.readers, with the lock on byte `index` */
  kg__wake_file space_file; /* signalled when there is space and the writer
                               waits for it */
  kg_reader_cell *shared;
  uint32_t index;
  bool was_evicted; /* and has not been told what it missed */
} kg__registration;

#define KG__REGISTRATION_NONE \
  ((kg__registration){.file = {.handle = -1}, .space_file = {.handle = -1}})

/* Takes a cell that stands at `cursor`. KG_E_TOO_MANY_READERS when all are
 * taken, KG_E_NO_RING when the writer has made none. */
int kg__register(kg__registration *registration, kg__place place,
                 uint64_t cursor, kg_failure *failure);

/* Says that everything below `cursor` was copied, and wakes a writer that waits
 * for space. An evicted reader is attached again. */
void kg__registration_update(kg__registration *registration, uint64_t cursor);

void kg__unregister(kg__registration *registration);

/* The same in a forked child, which has neither lock nor mapping. */
void kg__registration_forget(kg__registration *registration);

#endif
