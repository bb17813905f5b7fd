/* What reading and seeking share: looking at a ring that is being written. */
#ifndef KG_RING_CURSOR_H
#define KG_RING_CURSOR_H

#include "ring_reader.h"

/* How many slots that tell nothing one read looks at before it returns, so that
 * a ring full of garbage never holds up an event loop. */
#define KG__SCAN_LIMIT 16384

/* Copies `count` slots from `position` on into private memory (R2). */
void kg__cursor_copy(const kg__ring *ring, kg_slot *buffer, uint64_t position,
                     uint32_t count);

/* The oldest position that was not overwritten while slots from `position` on,
 * below `head`, were copied (R3 to R5); 0 when none of these was. Call it after
 * the copy. */
uint64_t kg__cursor_oldest(kg__ring_reader *reader, uint64_t head,
                           uint64_t position);

/* Counts a head or claim that makes no sense, once for each value. */
void kg__cursor_note_garbage(kg__ring_reader *reader, uint64_t value);

/* How many of the `lost` events before this lead slot had priority, with
 * `before` of them earlier still: KG_PRIORITY_UNKNOWN when nobody knows, or
 * what stands there cannot be. */
uint64_t kg__cursor_lost_priority(uint64_t before, const kg_slot *behind,
                                  uint64_t lost);

/* Goes on from `cursor`, where the event `next` is expected (0: any). */
void kg__cursor_set(kg__ring_reader *reader, uint64_t cursor, uint64_t next);

#endif
