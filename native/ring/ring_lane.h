/* The priority lane: copies of the events that a flood must not hide. Why they
 * are made in that order, ring.h says. */
#ifndef KG_RING_LANE_H
#define KG_RING_LANE_H

#include "ring_reader.h"
#include "ring_writer.h"

/* Finds where a successor goes on with the lane, and the sequence of the last
 * event there (0: none). False when head, claim and the slot before head do not
 * agree. */
bool kg__lane_begin(kg__ring_writer *writer, uint64_t *sequence);

/* Copies the priority events behind `sequence` that the writer before has not
 * copied; `head` is the one that it left. */
void kg__lane_repair(kg__ring_writer *writer, uint64_t head, uint64_t sequence);

/* Copies the priority events of the batch, which is published. Its slots are
 * changed. */
void kg__lane_put_staged(kg__ring_writer *writer);

/* Moves the reader's place in the lane to the first event there with a sequence
 * from `first` to `last`. Returns the lane's head, 0 when there is none, or
 * none so far: then it sets `*more`. */
uint64_t kg__lane_find(kg__ring_reader *reader, uint64_t first, uint64_t last,
                       bool *more);

/* Copies what stands at that place and behind it, below `head`, into a buffer
 * of `slots`: `*count` of them. The result is kg__ring_examine's; what was
 * overwritten meanwhile is no event. */
int32_t kg__lane_copy(kg__ring_reader *reader, uint64_t head, kg_slot *buffer,
                      uint32_t slots, uint32_t *count);

#endif
