/* What most tests start with: a ring in memory, threats whose content follows
 * from their sequence, and a model that a reader's account is held against. */
#ifndef FIXTURE_H
#define FIXTURE_H

#include "../../native/include/kg_ipc.h"
#include "../../native/ring/ring.h"
#include "../../native/ring/ring_reader.h"
#include "../../native/ring/ring_writer.h"
#include "../../native/ring/threat.h"
#include "check.h"

/* A ring in malloc'ed memory, with bytes around it that nobody may touch. */
typedef struct memory_ring {
  unsigned char *block;
  unsigned char *base;
  size_t length;
  kg__ring ring;
} memory_ring;

void memory_ring_make(memory_ring *memory, uint32_t capacity, bool checksums);

/* The slots of its lane. */
extern uint32_t lane_events;

/* How many threats make one critical one on the average; 0: there are none. */
extern uint32_t critical_every;

bool is_critical(uint64_t sequence);

/* How many from `from` to `to` are. */
uint64_t count_critical(uint64_t from, uint64_t to);

/* Checks that nothing outside the ring's changing fields was written to. */
void memory_ring_check(const memory_ring *memory);

void memory_ring_free(memory_ring *memory);

/* Puts the ring where position and sequence are `at`, as if so many
 * single-slot events had gone through it. */
void memory_ring_jump(memory_ring *memory, uint64_t at);

/* The most slots that a made threat takes. */
#define MOST_SPAN 64

/* A threat and the text that it points to. */
typedef struct made_threat {
  kg_threat threat;
  char source[KG_SOURCE_BYTES * 2];
  char text[MOST_SPAN * KG_EVENT_BYTES + KG_DETAILS_BYTES];
} made_threat;

/* The threat that belongs to `sequence`, of exactly `span` slots. */
void make_threat(made_threat *made, uint64_t sequence, uint32_t span);

/* The span that belongs to `sequence`, from 1 to `most`. */
uint32_t span_of(uint64_t sequence, uint32_t most);

/* Checks that a decoded threat is the one of its sequence and span. */
void check_threat(const kg_threat *got, uint32_t span);

/* When everything is written to a ring in memory. */
extern const kg__batch_time batch_time;

/* Publishes what is staged; returns who waits. */
uint32_t commit_staged(kg__ring_writer *writer);

/* Stages and commits the threat of the writer's next sequence. */
void write_span(kg__ring_writer *writer, uint32_t span);

/* What a reader was told, added up and checked against itself: events in
 * order and exact in content, losses that fill exactly the gaps. */
typedef struct account {
  uint64_t next; /* the sequence that must come next; 0: whatever comes */
  uint64_t received;
  uint64_t lost;
  uint64_t reasons[5]; /* lost, by enum kg_loss_reason */
  uint64_t critical;   /* received */
  uint64_t gone;       /* the last critical one that was lost */
  uint64_t unknown;    /* losses of which it was not known how many were */
  uint32_t most;       /* spans follow span_of(sequence, most); 0: any */
} account;

/* Enters one batch into the account. `buffer` is what was read into. */
void account_batch(account *account, const void *buffer, const kg_batch *batch);

/* Reads until nothing is left, into a buffer of `slots`, at most `limit`
 * times; every batch is entered into the account. */
void drain(kg__ring_reader *reader, account *account, uint32_t slots,
           uint32_t limit);

/* Events of one slot to four go through a ring with checksums and come whole.
 */
void check_spans_come_whole(void);

/* The checksum of many slots is that of their words. */
void check_slot_checksums(void);

#endif
