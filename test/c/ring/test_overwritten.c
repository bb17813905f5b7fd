/* How many events a ring no longer holds. */
#include "../fixture.h"

#define CAPACITY 16

typedef struct full {
  memory_ring memory;
  kg__ring_writer writer;
} full;

static void full_make(full *f) {
  memory_ring_make(&f->memory, CAPACITY, true);
  CHECK_RESULT(kg__ring_writer_begin(&f->writer, &f->memory.ring, NULL), KG_OK,
               NULL);
}

static void full_free(full *f) {
  kg__ring_writer_end(&f->writer);
  memory_ring_free(&f->memory);
}

TEST(singles, "events that were overwritten are counted, one by one") {
  full f;
  full_make(&f);
  for (uint64_t events = 0; events < 3 * CAPACITY; events++) {
    CHECK_EQUAL(kg__ring_writer_overwritten(&f.writer),
                events > CAPACITY ? events - CAPACITY : 0);
    write_span(&f.writer, 1);
  }
  full_free(&f);
}

TEST(claimed, "what is claimed is held no longer") {
  full f;
  made_threat made;
  full_make(&f);
  for (int i = 0; i < 20; i++) {
    write_span(&f.writer, 1);
  }
  for (int i = 0; i < 2; i++) {
    make_threat(&made, 21, 1);
    CHECK_RESULT(kg__ring_writer_stage(&f.writer, &made.threat, &batch_time),
                 KG_OK, NULL);
  }
  kg__ring_writer_copy(&f.writer);
  CHECK_EQUAL(kg__ring_writer_overwritten(&f.writer), 20 - CAPACITY + 2);
  /* A writer before may have claimed without copying anything. */
  f.writer.claim++;
  CHECK_EQUAL(kg__ring_writer_overwritten(&f.writer), 20 - CAPACITY + 3);
  full_free(&f);
}

TEST(beginning, "an event whose beginning is overwritten is held no longer") {
  for (uint32_t ahead = 0; ahead < 6; ahead++) {
    full f;
    full_make(&f);
    for (int i = 0; i < 5; i++) {
      write_span(&f.writer, 3);
    }
    for (uint32_t i = 0; i <= ahead; i++) {
      write_span(&f.writer, 1);
    }
    /* The first of them fills the ring. */
    CHECK_EQUAL(kg__ring_writer_overwritten(&f.writer), (ahead + 2) / 3);
    full_free(&f);
  }
}
