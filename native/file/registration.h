/* The cell of a reliable reader: its cursor for the writer to see, and the
 * lock that says that it lives. */
#ifndef KG_READER_CELL_H
#define KG_READER_CELL_H

#include "../platform/platform.h"
#include "../ring/ring.h"
#include "segment.h"

typedef struct kg__cell {
  kg__file file;  /* <name>.readers, with the lock on byte `index` */
  kg__chime room; /* rung when there is room and the writer waits for it */
  kg_reader_cell *shared;
  uint32_t index;
  bool was_evicted; /* and has not been told what it missed */
} kg__cell;

#define KG__CELL_NONE \
  ((kg__cell){.file = {.handle = -1}, .room = {.handle = -1}})

/* Takes a cell that stands at `cursor`. KG_E_TOO_MANY_READERS when all are
 * taken, KG_E_NO_RING when the writer has made none. */
int kg__cell_take(kg__cell *cell, kg__dir *dir, const kg__names *names,
                  const kg__ring *ring, uint64_t cursor, kg_failure *failure);

/* Says that everything below `cursor` was copied, and makes the writer hear it
 * if that waits. One that was evicted is attached again. */
void kg__cell_move(kg__cell *cell, kg__dir *dir, const kg__names *names,
                   const kg__ring *ring, uint64_t cursor);

void kg__cell_free(kg__cell *cell);

/* The same in a forked child, which has neither lock nor mapping. */
void kg__cell_forget(kg__cell *cell);

#endif
