/* A small ring in memory with a lane, its writer and a reader. */
#ifndef LANE_FIXTURE_H
#define LANE_FIXTURE_H

#include "fixture.h"

#define CAPACITY 16

typedef struct laned {
  memory_ring memory;
  kg__ring_writer writer;
  kg__ring_reader reader;
  account account;
} laned;

/* With a lane of `events` slots. */
void laned_make(laned *l, uint32_t events);
void laned_free(laned *l);

/* Writes up to the sequence `to`, each event of up to `most` slots. */
void write_many(laned *l, uint64_t to, uint32_t most);

/* Reads everything into the account. */
void read_all(laned *l);

#endif
