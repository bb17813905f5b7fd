/* The reading end of a ring in memory: private cursor, exact account. */
#ifndef KG_RING_READER_H
#define KG_RING_READER_H

#include "../include/kg_ipc.h"
#include "ring.h"

typedef struct kg__ring_reader {
  kg__ring ring;
  uint64_t cursor;      /* the next position to deliver from */
  uint64_t next;        /* the sequence expected there; 0: whatever comes */
  uint64_t join;        /* events below this one are passed over in silence */
  uint64_t scan;        /* from cursor to here nothing validated */
  uint32_t scan_reason; /* enum kg_loss_reason */
  uint64_t seen;        /* the head that was read to its end */
  uint64_t lane;        /* the lane below has nothing that is still wanted */
  /* Priority events before the one expected next, and before `join`;
   * KG_PRIORITY_UNKNOWN. */
  uint64_t priority;
  uint64_t join_priority;
  uint64_t noted; /* the last head or claim that made no sense */
  bool has_noted;
  bool is_joining;  /* what lies before the first event is to be told, as
                       KG_LOSS_BEFORE_JOIN */
  kg_batch pending; /* a loss that seeking found */
  uint64_t received;
  uint64_t lost;
  uint64_t rescued;
  uint64_t corrupt;
  uint64_t bytes;
} kg__ring_reader;

/* A reader that stands behind the newest event. */
void kg__ring_reader_begin(kg__ring_reader *reader, const kg__ring *ring);

/* See kg_reader_seek, kg_reader_seek_after and kg_reader_read, whose work these
 * do. */
int kg__ring_reader_seek(kg__ring_reader *reader, enum kg_from from,
                         uint64_t sequence);
int kg__ring_reader_seek_after(kg__ring_reader *reader, uint64_t sequence,
                               uint64_t priority);
int kg__ring_reader_read(kg__ring_reader *reader, void *buffer, uint32_t slots,
                         kg_batch *batch);

/* Asks for the cache lines of the next event, once head tells of it. */
void kg__ring_reader_prefetch(const kg__ring_reader *reader);

/* Says that this reader is about to wait, KG_WAITS_..., until head differs
 * from `seen`. False when it differs already; else `*word` is what the bell's
 * word must still be when it falls asleep. Any thread. */
bool kg__ring_reader_waits(kg__ring_reader *reader, uint32_t how, uint64_t seen,
                           uint32_t *word);

void kg__ring_reader_stats(const kg__ring_reader *reader,
                           kg_reader_stats *stats);

#endif
