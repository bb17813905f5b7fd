/* Where reading begins, and buffers of every size. */
#include <string.h>

#include "../fixture.h"

#define CAPACITY 16

typedef struct seek_ring {
  memory_ring memory;
  kg__ring_writer writer;
  kg__ring_reader reader;
  account account;
} seek_ring;

static void make(seek_ring *s, uint32_t events) {
  memory_ring_make(&s->memory, CAPACITY, true);
  CHECK_RESULT(kg__ring_writer_begin(&s->writer, &s->memory.ring, NULL), KG_OK,
               NULL);
  for (uint32_t i = 0; i < events; i++) {
    write_span(&s->writer, 1);
  }
  kg__ring_reader_begin(&s->reader, &s->memory.ring);
}

static void done(seek_ring *s) {
  kg__ring_writer_end(&s->writer);
  memory_ring_free(&s->memory);
}

TEST(latest, "from latest: nothing of before, everything of after") {
  for (uint32_t events = 0; events < 40; events++) {
    seek_ring s = {.account = {.next = events + 1}};
    make(&s, events);
    CHECK_RESULT(kg__ring_reader_seek(&s.reader, KG_FROM_LATEST, 0), KG_OK,
                 NULL);
    CHECK_EQUAL(s.reader.next, events + 1);
    drain(&s.reader, &s.account, CAPACITY, 2);
    CHECK_EQUAL(s.account.received, 0);
    write_span(&s.writer, 3);
    write_span(&s.writer, 1);
    drain(&s.reader, &s.account, CAPACITY, 2);
    CHECK_EQUAL(s.account.received, 2);
    CHECK_EQUAL(s.account.lost, 0);
    done(&s);
  }
}

TEST(oldest, "from oldest: what still stands; what is gone is before-join") {
  for (uint32_t events = 0; events < 40; events++) {
    seek_ring s = {.account = {.next = 1}};
    uint32_t gone = events > CAPACITY ? events - CAPACITY : 0;
    make(&s, events);
    CHECK_RESULT(kg__ring_reader_seek(&s.reader, KG_FROM_OLDEST, 0), KG_OK,
                 NULL);
    drain(&s.reader, &s.account, CAPACITY, 4);
    CHECK_EQUAL(s.account.received, events - gone);
    CHECK_EQUAL(s.account.reasons[KG_LOSS_BEFORE_JOIN], gone);
    CHECK_EQUAL(s.account.lost, 0);
    CHECK_EQUAL(s.reader.lost, 0);
    done(&s);
  }
}

TEST(sequence, "from n: n first, or an exact loss of what is gone of it") {
  for (uint32_t events = 0; events < 40; events += 3) {
    uint32_t gone = events > CAPACITY ? events - CAPACITY : 0;
    for (uint64_t n = 1; n < 60; n++) {
      seek_ring s = {.account = {.next = n}};
      make(&s, events);
      CHECK_RESULT(kg__ring_reader_seek(&s.reader, KG_FROM_SEQUENCE, n), KG_OK,
                   NULL);
      drain(&s.reader, &s.account, 5, 16);
      uint64_t lost = n <= gone ? gone - n + 1 : 0;
      uint64_t from = n + lost;
      uint64_t wanted = from <= events ? events - from + 1 : 0;
      CHECK_EQUAL(s.account.lost, lost);
      CHECK_EQUAL(s.account.reasons[KG_LOSS_OVERWRITTEN], lost);
      CHECK_EQUAL(s.account.received, wanted);
      CHECK_EQUAL(s.reader.received, wanted);
      CHECK_EQUAL(s.reader.lost, lost);
      /* What is not there yet is waited for. */
      while (s.writer.sequence < 60) {
        write_span(&s.writer, 1);
        drain(&s.reader, &s.account, 5, 4);
      }
      CHECK_EQUAL(s.account.received + lost, 60 - n + 1);
      done(&s);
    }
  }
}

TEST(sequence_found, "from n is at n at once, where an event has more slots") {
  enum { EVENTS = 200 };
  uint64_t leads[EVENTS + 1];
  seek_ring s = {.account = {.next = 1}};
  make(&s, 0);
  for (uint32_t events = 1; events <= EVENTS; events++) {
    leads[events] = s.writer.head;
    write_span(&s.writer, span_of(events, CAPACITY / 4));
    for (uint32_t n = events; n > 0 && leads[n] + CAPACITY >= s.writer.head;
         n--) {
      CHECK_RESULT(kg__ring_reader_seek(&s.reader, KG_FROM_SEQUENCE, n), KG_OK,
                   NULL);
      CHECK_EQUAL(s.reader.next, n);
      CHECK_EQUAL(s.reader.cursor, leads[n]);
    }
  }
  done(&s);
}

TEST(future_lapped, "from n in the future, then laps without a read: exact") {
  for (uint64_t n = 1; n < 120; n += 7) {
    seek_ring s = {.account = {.next = n}};
    make(&s, 3);
    CHECK_RESULT(kg__ring_reader_seek(&s.reader, KG_FROM_SEQUENCE, n), KG_OK,
                 NULL);
    for (int i = 0; i < 97; i++) {
      write_span(&s.writer, 1);
    }
    drain(&s.reader, &s.account, CAPACITY, 32);
    uint64_t wanted = n <= 100 ? 100 - n + 1 : 0;
    CHECK_EQUAL(s.account.received + s.account.lost, wanted);
    CHECK_EQUAL(s.account.received, wanted < 16 ? wanted : 16);
    done(&s);
  }
}

TEST(wrong, "from 0 and from 2^53 are refused") {
  seek_ring s = {.account = {.next = 4}};
  make(&s, 3);
  CHECK_RESULT(kg__ring_reader_seek(&s.reader, KG_FROM_SEQUENCE, 0),
               KG_E_INVALID_ARGUMENT, NULL);
  CHECK_RESULT(
      kg__ring_reader_seek(&s.reader, KG_FROM_SEQUENCE, KG_SEQUENCE_MAX + 1),
      KG_E_INVALID_ARGUMENT, NULL);
  CHECK_RESULT(
      kg__ring_reader_seek(&s.reader, KG_FROM_SEQUENCE, KG_SEQUENCE_MAX), KG_OK,
      NULL);
  drain(&s.reader, &s.account, CAPACITY, 4);
  CHECK_EQUAL(s.account.received, 0);
  done(&s);
}

TEST(wrapped, "from oldest in a ring wrapped amid a long event") {
  for (uint32_t shift = 0; shift < CAPACITY; shift++) {
    seek_ring s = {.account = {.next = 1}};
    make(&s, shift);
    for (int i = 0; i < 12; i++) {
      write_span(&s.writer, 3);
    }
    CHECK_RESULT(kg__ring_reader_seek(&s.reader, KG_FROM_OLDEST, 0), KG_OK,
                 NULL);
    /* It is known at once where that is, and what was before it. */
    CHECK_EQUAL(s.reader.next, s.writer.sequence - 4);
    CHECK_EQUAL(s.reader.cursor, s.writer.head - 15);
    CHECK_EQUAL(s.reader.pending.lost, s.writer.sequence - 5);
    drain(&s.reader, &s.account, CAPACITY, 4);
    /* Five events of three slots fit in sixteen. */
    CHECK_EQUAL(s.account.received, 5);
    CHECK_EQUAL(s.account.reasons[KG_LOSS_BEFORE_JOIN], s.writer.sequence - 5);
    CHECK_EQUAL(s.reader.corrupt, 0);
    done(&s);
  }
}

TEST(needed, "an event too long for the buffer says what it needs") {
  for (uint32_t span = 2; span <= 4; span++) {
    for (uint32_t slots = 1; slots < span; slots++) {
      for (uint32_t ahead = 0; ahead < 3; ahead++) {
        seek_ring s = {.account = {.next = 1}};
        kg_slot buffer[4];
        kg_batch batch;
        make(&s, 0);
        for (uint32_t i = 0; i < ahead; i++) {
          write_span(&s.writer, 1);
        }
        write_span(&s.writer, span);
        uint32_t reads = 0;
        do {
          CHECK(++reads < 8);
          CHECK_RESULT(kg__ring_reader_read(&s.reader, buffer, slots, &batch),
                       KG_OK, NULL);
          account_batch(&s.account, buffer, &batch);
        } while (batch.slots_needed == 0 && batch.more);
        CHECK_EQUAL(batch.slots_needed, span);
        CHECK(batch.more);
        CHECK_EQUAL(batch.events, 0);
        CHECK_EQUAL(s.account.received, ahead);
        drain(&s.reader, &s.account, span, 2);
        CHECK_EQUAL(s.account.received, ahead + 1);
        CHECK_EQUAL(s.account.lost, 0);
        CHECK_EQUAL(s.reader.corrupt, 0);
        done(&s);
      }
    }
  }
}

TEST(no_buffer, "a buffer of no slots is refused") {
  seek_ring s = {.account = {.next = 1}};
  kg_batch batch;
  kg_slot slot;
  make(&s, 1);
  CHECK_RESULT(kg__ring_reader_read(&s.reader, &slot, 0, &batch),
               KG_E_INVALID_ARGUMENT, NULL);
  CHECK_EQUAL(batch.events, 0);
  done(&s);
}

static bool waits(seek_ring *s) {
  uint32_t word;
  return kg__ring_reader_waits(&s->reader, KG_WAITS_ON_HEAD, s->reader.seen,
                               &word);
}

TEST(asleep, "who sought to what is there does not sleep before reading it") {
  seek_ring s = {.account = {.next = 1}};
  make(&s, 5);
  drain(&s.reader, &(account){.next = 6}, CAPACITY, 2);
  CHECK(waits(&s));
  CHECK_RESULT(kg__ring_reader_seek(&s.reader, KG_FROM_OLDEST, 0), KG_OK, NULL);
  CHECK(!waits(&s));
  drain(&s.reader, &s.account, CAPACITY, 2);
  CHECK_EQUAL(s.account.received, 5);
  CHECK(waits(&s));
  CHECK_RESULT(kg__ring_reader_seek(&s.reader, KG_FROM_SEQUENCE, 4), KG_OK,
               NULL);
  CHECK(!waits(&s));
  memset(s.memory.ring.doorbell, 0, 4);
  done(&s);
}

TEST(seeks_again, "what one seek found to be gone is not told after another") {
  for (enum kg_from from = KG_FROM_LATEST; from <= KG_FROM_SEQUENCE; from++) {
    kg_slot buffer[CAPACITY];
    kg_batch batch;
    seek_ring s = {.account = {.next = 1}};
    make(&s, 3 * CAPACITY);
    CHECK_RESULT(kg__ring_reader_seek(&s.reader, KG_FROM_OLDEST, 0), KG_OK,
                 NULL);
    CHECK_EQUAL(s.reader.pending.lost, 2 * CAPACITY);
    CHECK_RESULT(kg__ring_reader_seek(&s.reader, from, 3 * CAPACITY), KG_OK,
                 NULL);
    CHECK_RESULT(kg__ring_reader_read(&s.reader, buffer, CAPACITY, &batch),
                 KG_OK, NULL);
    CHECK_EQUAL(batch.lost, from == KG_FROM_OLDEST ? 2 * CAPACITY : 0);
    CHECK_EQUAL(batch.events, from == KG_FROM_SEQUENCE ? 1 : 0);
    done(&s);
  }
}

TEST(neighbours, "from n looks past 15 slots that do not validate, not 16") {
  for (uint64_t damaged = 15; damaged <= 16; damaged++) {
    memory_ring memory;
    kg__ring_writer writer;
    kg__ring_reader reader;
    memory_ring_make(&memory, 64, true);
    CHECK_RESULT(kg__ring_writer_begin(&writer, &memory.ring, NULL), KG_OK,
                 NULL);
    for (int i = 0; i < 64; i++) {
      write_span(&writer, 1);
    }
    /* From the middle, where it looks first. */
    for (uint64_t at = 32; at < 32 + damaged; at++) {
      kg__ring_slot(&memory.ring, at)->body.tail[1] ^= 1;
    }
    kg__ring_reader_begin(&reader, &memory.ring);
    CHECK_RESULT(kg__ring_reader_seek(&reader, KG_FROM_SEQUENCE, 60), KG_OK,
                 NULL);
    CHECK_EQUAL(reader.cursor, damaged == 15 ? 59 : 31);
    kg__ring_writer_end(&writer);
    memory_ring_free(&memory);
  }
}

TEST(lapped, "from n, and n is overwritten before it is read: all is known") {
  critical_every = 2;
  for (uint64_t n = 25; n <= 40; n++) {
    seek_ring s = {.account = {.next = n}};
    lane_events = 0;
    make(&s, 40);
    CHECK_RESULT(kg__ring_reader_seek(&s.reader, KG_FROM_SEQUENCE, n), KG_OK,
                 NULL);
    while (s.writer.sequence < 100) {
      write_span(&s.writer, 1);
    }
    drain(&s.reader, &s.account, CAPACITY, 8);
    CHECK_EQUAL(s.account.lost, 100 - CAPACITY - n + 1);
    CHECK_EQUAL(s.account.unknown, 0);
    done(&s);
  }
}
