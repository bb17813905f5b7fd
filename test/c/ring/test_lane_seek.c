/* Where reading begins in a ring with a lane, and what is told of the priority
 * of what is gone. */
#include "../lane_fixture.h"

TEST(from_n, "from n: the lane fills what is gone of it, and no more") {
  critical_every = 5;
  for (uint64_t n = 1; n <= 110; n++) {
    laned l;
    laned_make(&l, 64);
    write_many(&l, 100, 1);
    l.account.next = n;
    CHECK_RESULT(kg__ring_reader_seek(&l.reader, KG_FROM_SEQUENCE, n), KG_OK,
                 NULL);
    read_all(&l);
    uint64_t gone = 100 - CAPACITY;
    uint64_t rescued = n <= gone ? count_critical(n, gone) : 0;
    CHECK_EQUAL(l.reader.rescued, rescued);
    CHECK_EQUAL(l.account.received + l.account.lost, n <= 100 ? 101 - n : 0);
    /* Nobody said how many there were before n. */
    CHECK(l.account.unknown <= (n > 1 && n <= gone && !is_critical(n) ? 1 : 0));
    laned_free(&l);
  }
}

TEST(after, "behind a saved position the loss is known with its number alone") {
  critical_every = 5;
  for (uint64_t n = 0; n <= 100; n++) {
    for (int counted = 0; counted < 2; counted++) {
      laned l;
      laned_make(&l, 2);
      write_many(&l, 100, 1);
      l.account.next = n + 1;
      CHECK_RESULT(kg__ring_reader_seek_after(&l.reader, n,
                                              counted ? count_critical(1, n)
                                                      : KG_PRIORITY_UNKNOWN),
                   KG_OK, NULL);
      read_all(&l);
      CHECK_EQUAL(l.account.received + l.account.lost, 100 - n);
      if (counted || n == 0) {
        CHECK_EQUAL(l.account.unknown, 0);
      } else if (n < 100 - CAPACITY && l.account.lost > 0 &&
                 !is_critical(n + 1)) {
        CHECK_EQUAL(l.account.unknown, 1);
      }
      kg_reader_stats stats;
      kg__ring_reader_stats(&l.reader, &stats);
      CHECK_EQUAL(stats.priority, count_critical(1, 100));
      CHECK_EQUAL(stats.rescued, l.reader.rescued);
      laned_free(&l);
    }
  }
}

TEST(after_wrong, "behind 2^53-1 nothing comes, further is refused") {
  laned l;
  laned_make(&l, 8);
  write_many(&l, 3, 1);
  CHECK_RESULT(kg__ring_reader_seek_after(&l.reader, KG_SEQUENCE_MAX + 1, 0),
               KG_E_INVALID_ARGUMENT, NULL);
  CHECK_RESULT(kg__ring_reader_seek_after(&l.reader, KG_SEQUENCE_MAX, 0), KG_OK,
               NULL);
  l.account.next = KG_SEQUENCE_MAX + 1;
  read_all(&l);
  CHECK_EQUAL(l.account.received + l.account.lost, 0);
  laned_free(&l);
}

TEST(oldest, "from oldest: what is before it is told with its priority") {
  critical_every = 5;
  for (uint64_t last = 1; last < 60; last++) {
    laned l;
    laned_make(&l, 64);
    write_many(&l, last, 1);
    CHECK_RESULT(kg__ring_reader_seek(&l.reader, KG_FROM_OLDEST, 0), KG_OK,
                 NULL);
    read_all(&l);
    CHECK_EQUAL(l.reader.rescued, 0);
    CHECK_EQUAL(l.account.lost, 0);
    CHECK_EQUAL(l.account.unknown, 0);
    CHECK_EQUAL(l.account.received, last < CAPACITY ? last : CAPACITY);
    laned_free(&l);
  }
}

TEST(oldest_forged, "F61 no more than all of what is before it had priority") {
  for (int is_damaged = 0; is_damaged < 2; is_damaged++) {
    laned l;
    kg_batch batch;
    kg_slot buffer[CAPACITY];
    laned_make(&l, 8);
    write_many(&l, 40, 1);
    for (uint32_t at = 0; at < CAPACITY; at++) {
      l.memory.ring.slots[at].priority_count = UINT32_MAX;
      kg__slot_seal(&l.memory.ring.slots[at]);
    }
    if (is_damaged) {
      /* Then reading finds the oldest one. */
      kg__ring_slot(&l.memory.ring, 40 - CAPACITY)->position = 0;
    }
    CHECK_RESULT(kg__ring_reader_seek(&l.reader, KG_FROM_OLDEST, 0), KG_OK,
                 NULL);
    CHECK_RESULT(kg__ring_reader_read(&l.reader, buffer, CAPACITY, &batch),
                 KG_OK, NULL);
    CHECK_EQUAL(batch.loss_reason, KG_LOSS_BEFORE_JOIN);
    CHECK_EQUAL(batch.lost, 40 - CAPACITY + (uint64_t)is_damaged);
    CHECK(batch.lost_priority == KG_PRIORITY_UNKNOWN);
    laned_free(&l);
  }
}

TEST(latest,
     "from latest: the count is known, whatever the last event's span") {
  critical_every = 2;
  for (uint64_t last = 0; last < 40; last++) {
    laned l;
    laned_make(&l, 2);
    write_many(&l, last, 4);
    kg__ring_reader_begin(&l.reader, &l.memory.ring);
    l.account.next = last + 1;
    write_many(&l, last + 40, 4);
    read_all(&l);
    CHECK_EQUAL(l.account.received + l.account.lost, 40);
    CHECK_EQUAL(l.account.unknown, 0);
    laned_free(&l);
  }
}

TEST(wrapped, "the count passes 2^32 without a seam") {
  laned l;
  kg_slot *first;
  critical_every = 2;
  laned_make(&l, 4);
  memory_ring_jump(&l.memory, 50);
  first = kg__ring_slot(&l.memory.ring, 49);
  first->priority_count = UINT32_MAX - 3;
  kg__slot_seal(first);
  kg__ring_writer_end(&l.writer);
  CHECK_RESULT(kg__ring_writer_begin(&l.writer, &l.memory.ring, NULL), KG_OK,
               NULL);
  kg__ring_reader_begin(&l.reader, &l.memory.ring);
  l.account.next = 51;
  write_many(&l, 150, 1);
  CHECK(l.writer.priority < 100);
  read_all(&l);
  CHECK_EQUAL(l.account.received + l.account.lost, 100);
  CHECK_EQUAL(l.account.unknown, 0);
  laned_free(&l);
}
