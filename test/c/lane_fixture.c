#include "lane_fixture.h"

void laned_make(laned *l, uint32_t events) {
  lane_events = events;
  memory_ring_make(&l->memory, CAPACITY, true);
  CHECK_RESULT(kg__ring_writer_begin(&l->writer, &l->memory.ring, NULL), KG_OK,
               NULL);
  kg__ring_reader_begin(&l->reader, &l->memory.ring);
  l->account = (account){.next = 1, .most = 1};
}

void laned_free(laned *l) {
  kg__ring_writer_end(&l->writer);
  memory_ring_free(&l->memory);
}

void write_many(laned *l, uint64_t to, uint32_t most) {
  l->account.most = most;
  while (l->writer.sequence < to) {
    write_span(&l->writer, span_of(l->writer.sequence + 1, most));
  }
}

void read_all(laned *l) {
  drain(&l->reader, &l->account, CAPACITY, 4096);
}
