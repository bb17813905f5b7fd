/* A reader that verifies all it gets and keeps an account of it, and a writer
 * that writes the list of common.h. What is wrong ends the process. */
#ifndef KG_BENCH_READING_H
#define KG_BENCH_READING_H

#include "common.h"

#define READ_SLOTS 256

struct reading {
  kg_reader *reader;
  uint64_t next; /* the sequence that must come next, from 1 */
  uint64_t received;
  uint64_t lost; /* received + lost = next - 1 */
  /* May be NULL. Is told of each event behind its verification. */
  void (*on_event)(struct reading *reading, uint64_t index);
  kg_batch batch;
  _Alignas(128) unsigned char buffer[READ_SLOTS * KG_SLOT_BYTES];
  unsigned char scratch[READ_SLOTS * KG_SLOT_BYTES];
};

/* Waits until there is a ring, and stands at its first event. */
void reading_open(struct reading *reading, const kg_ring_options *options);

/* Reads once. Each event must be that of its sequence, and a loss must begin
 * where the last one ended: true when there was an event or a loss. */
bool reading_take(struct reading *reading);

kg_writer *writing_open(const kg_ring_options *options);

/* Writes number `index` of the list, with one bit wrong if `is_damaged`. */
void writing_send(kg_writer *writer, uint64_t index, bool is_damaged);

#endif
