/* head and claim that make no sense, and sequences near their limits. */
#include <stdio.h>
#include <string.h>

#include "../fixture.h"

#define CAPACITY 16
#define FAR (UINT64_C(1) << 60)

typedef struct forged {
  memory_ring memory;
  kg__ring_writer writer;
  kg__ring_reader reader;
  account account;
} forged;

/* A ring with `events`, a reader that has read all but `unread` of them. */
static void forged_make(forged *f, uint32_t events, uint32_t unread) {
  memory_ring_make(&f->memory, CAPACITY, true);
  CHECK_RESULT(kg__ring_writer_begin(&f->writer, &f->memory.ring, NULL), KG_OK,
               NULL);
  f->account = (account){.next = 1};
  kg__ring_reader_begin(&f->reader, &f->memory.ring);
  for (uint32_t i = 0; i < events; i++) {
    if (i + unread == events) {
      drain(&f->reader, &f->account, CAPACITY, 64);
    }
    write_span(&f->writer, 1);
  }
  if (unread == 0) {
    drain(&f->reader, &f->account, CAPACITY, 64);
  }
}

static void forged_free(forged *f) {
  kg__ring_writer_end(&f->writer);
  memory_ring_free(&f->memory);
}

/* Values for a ring whose head is `head`. */
static size_t nonsense(uint64_t head, uint64_t *values) {
  const uint64_t all[] = {0,
                          1,
                          head - 3,
                          head - 1,
                          head,
                          head + 1,
                          head + CAPACITY / 4,
                          head + CAPACITY / 4 + 1,
                          head + CAPACITY,
                          head + CAPACITY + 1,
                          head + 1000,
                          FAR,
                          FAR + 1,
                          UINT64_MAX / 2,
                          UINT64_MAX - 1,
                          UINT64_MAX};
  memcpy(values, all, sizeof all);
  return sizeof all / sizeof *all;
}

static void check_found_by_reader(uint32_t events, uint32_t unread) {
  uint64_t values[32];
  size_t count = nonsense(events, values);
  for (size_t h = 0; h < count; h++) {
    for (size_t c = 0; c < count; c++) {
      forged f;
      forged_make(&f, events, unread);
      kg_ring_header *header = f.memory.ring.header;
      header->head = values[h];
      header->claim = values[c];
      /* Bounded: the ring's slots are looked at a few times at the most. */
      for (int i = 0; i < 3; i++) {
        drain(&f.reader, &f.account, CAPACITY, 64);
      }
      CHECK(f.reader.corrupt < 256);
      /* Every event takes one slot, so the sequence is the position. */
      bool is_possible = values[h] >= f.account.next - 1 && values[h] <= events;
      bool has_claim =
          values[c] >= values[h] && values[c] - values[h] <= CAPACITY / 4;
      bool is_claim_read =
          values[h] > events - unread + (CAPACITY - CAPACITY / 4);
      if (!is_possible || (is_claim_read && !has_claim)) {
        CHECK(f.reader.corrupt > 0);
      } else if (values[h] == events) {
        CHECK_EQUAL(f.reader.corrupt, 0);
      }
      /* The writer goes on from what it knows, and all is well again. */
      write_span(&f.writer, 1);
      drain(&f.reader, &f.account, CAPACITY, 64);
      write_span(&f.writer, 3);
      drain(&f.reader, &f.account, CAPACITY, 64);
      if (f.account.received + f.account.lost != f.writer.sequence ||
          f.account.next != f.writer.sequence + 1) {
        fprintf(stderr, "%u events, %u unread, head %llx, claim %llx\n",
                (unsigned)events, (unsigned)unread,
                (unsigned long long)values[h], (unsigned long long)values[c]);
      }
      CHECK_EQUAL(f.account.received + f.account.lost, f.writer.sequence);
      CHECK_EQUAL(f.account.next, f.writer.sequence + 1);
      forged_free(&f);
    }
  }
}

TEST(reader_up, "F13 head and claim forged, the reader is up to date") {
  check_found_by_reader(8, 0);
  check_found_by_reader(40, 0);
}

TEST(reader_behind, "F13 head and claim forged, the reader is behind") {
  check_found_by_reader(8, 3);
  check_found_by_reader(40, 5);
  check_found_by_reader(40, 14);
}

TEST(reader_lapped, "F13 head and claim forged, the reader is laps behind") {
  check_found_by_reader(40, 30);
}

TEST(seeking, "F13 seeking in a ring with a forged head comes back") {
  uint64_t values[32];
  size_t count = nonsense(8, values);
  for (size_t h = 0; h < count; h++) {
    for (size_t c = 0; c < count; c++) {
      forged f;
      forged_make(&f, 8, 0);
      f.memory.ring.header->head = values[h];
      f.memory.ring.header->claim = values[c];
      for (enum kg_from from = KG_FROM_LATEST; from <= KG_FROM_SEQUENCE;
           from++) {
        kg__ring_reader reader;
        account account = {0};
        kg__ring_reader_begin(&reader, &f.memory.ring);
        CHECK_RESULT(kg__ring_reader_seek(&reader, from, 2), KG_OK, NULL);
        drain(&reader, &account, CAPACITY, 64);
        CHECK(account.received <= 8);
      }
      forged_free(&f);
    }
  }
}

TEST(next_writer, "F13 the next writer finds a forged head or claim") {
  for (uint32_t events = 8; events <= 40; events += 32) {
    uint64_t values[32];
    size_t count = nonsense(events, values);
    for (size_t h = 0; h < count; h++) {
      for (size_t c = 0; c < count; c++) {
        forged f;
        kg__ring_writer next;
        kg_failure failure;
        static unsigned char before[1 << 18];
        forged_make(&f, events, 0);
        f.memory.ring.header->head = values[h];
        f.memory.ring.header->claim = values[c];
        memcpy(before, f.memory.base, f.memory.length);
        int result = kg__ring_writer_begin(&next, &f.memory.ring, &failure);
        if (result == KG_OK) {
          /* Then it knows where the ring really ends. */
          if (next.sequence != events || next.head != events) {
            fprintf(stderr, "%u events, head %llx, claim %llx\n",
                    (unsigned)events, (unsigned long long)values[h],
                    (unsigned long long)values[c]);
          }
          CHECK_EQUAL(next.sequence, events);
          CHECK_EQUAL(next.head, events);
          write_span(&next, 1);
          drain(&f.reader, &f.account, CAPACITY, 64);
          CHECK_EQUAL(f.account.received + f.account.lost, events + 1);
          kg__ring_writer_end(&next);
        } else {
          CHECK_RESULT(result, KG_E_RING_CORRUPT, &failure);
          CHECK_BYTES(f.memory.base, before, f.memory.length);
        }
        if (values[h] == events && values[c] - events <= CAPACITY / 4) {
          CHECK_RESULT(result, KG_OK, &failure);
        }
        forged_free(&f);
      }
    }
  }
}

TEST(last_slot, "F13 the next writer finds a damaged slot before head") {
  forged f;
  kg__ring_writer next;
  forged_make(&f, 20, 0);
  unsigned char *bytes = (unsigned char *)kg__ring_slot(&f.memory.ring, 19);
  for (uint32_t bit = 0; bit < KG_SLOT_BYTES * 8; bit++) {
    unsigned char flipped = (unsigned char)(1U << (bit % 8));
    bytes[bit / 8] ^= flipped;
    CHECK_RESULT(kg__ring_writer_begin(&next, &f.memory.ring, NULL),
                 KG_E_RING_CORRUPT, NULL);
    bytes[bit / 8] ^= flipped;
  }
  CHECK_RESULT(kg__ring_writer_begin(&next, &f.memory.ring, NULL), KG_OK, NULL);
  kg__ring_writer_end(&next);
  forged_free(&f);
}

/* --- Sequences ---------------------------------------------------------- */

TEST(beyond_32_bits, "F6 sequences and positions pass 2^32 without a seam") {
  for (uint32_t unread = 0; unread < 2; unread++) {
    memory_ring memory;
    kg__ring_writer writer;
    kg__ring_reader reader;
    uint64_t start = (UINT64_C(1) << 32) - 20;
    memory_ring_make(&memory, CAPACITY, true);
    memory_ring_jump(&memory, start);
    CHECK_RESULT(kg__ring_writer_begin(&writer, &memory.ring, NULL), KG_OK,
                 NULL);
    CHECK_EQUAL(writer.sequence, start);
    kg__ring_reader_begin(&reader, &memory.ring);
    account account = {.next = start + 1};
    for (int i = 0; i < 60; i++) {
      write_span(&writer, 1 + (uint32_t)i % 4);
      if (unread == 0) {
        drain(&reader, &account, CAPACITY, 4);
      }
    }
    drain(&reader, &account, CAPACITY, 64);
    CHECK_EQUAL(account.received + account.lost, 60);
    CHECK_EQUAL(account.next, start + 61);
    CHECK_EQUAL(account.lost == 0, unread == 0);
    CHECK_EQUAL(reader.corrupt, 0);
    kg__ring_writer_end(&writer);
    memory_ring_free(&memory);
  }
}

TEST(exhausted, "F6 after sequence 2^53-1 there is a clear error") {
  memory_ring memory;
  kg__ring_writer writer;
  kg__ring_reader reader;
  made_threat made;
  memory_ring_make(&memory, CAPACITY, true);
  memory_ring_jump(&memory, KG_SEQUENCE_MAX - 6);
  CHECK_RESULT(kg__ring_writer_begin(&writer, &memory.ring, NULL), KG_OK, NULL);
  kg__ring_reader_begin(&reader, &memory.ring);
  account account = {.next = KG_SEQUENCE_MAX - 5};
  for (int i = 0; i < 3; i++) {
    write_span(&writer, 1);
  }
  /* A batch that would pass the limit is dropped whole. */
  make_threat(&made, 1, 1);
  for (int i = 0; i < 3; i++) {
    CHECK_RESULT(kg__ring_writer_stage(&writer, &made.threat, &batch_time),
                 KG_OK, NULL);
  }
  CHECK_RESULT(kg__ring_writer_stage(&writer, &made.threat, &batch_time),
               KG_E_SEQUENCE_EXHAUSTED, NULL);
  CHECK_EQUAL(writer.staged_slots, 0);
  for (int i = 0; i < 3; i++) {
    write_span(&writer, 1);
  }
  CHECK_EQUAL(writer.sequence, KG_SEQUENCE_MAX);
  CHECK_RESULT(kg__ring_writer_stage(&writer, &made.threat, &batch_time),
               KG_E_SEQUENCE_EXHAUSTED, NULL);
  CHECK(!kg__ring_writer_defer(&writer, &made.threat, &batch_time));
  CHECK(!commit_staged(&writer));
  CHECK_EQUAL(memory.ring.header->last_sequence, KG_SEQUENCE_MAX);
  drain(&reader, &account, CAPACITY, 4);
  CHECK_EQUAL(account.received, 6);
  CHECK_EQUAL(account.lost, 0);
  kg__ring_writer_end(&writer);

  /* The next writer is told the same. */
  CHECK_RESULT(kg__ring_writer_begin(&writer, &memory.ring, NULL), KG_OK, NULL);
  CHECK_RESULT(kg__ring_writer_stage(&writer, &made.threat, &batch_time),
               KG_E_SEQUENCE_EXHAUSTED, NULL);
  kg__ring_writer_end(&writer);
  memory_ring_free(&memory);
}

TEST(lapped_far, "F6 a reader laps behind near 2^53 has an exact account") {
  memory_ring memory;
  kg__ring_writer writer;
  kg__ring_reader reader;
  uint64_t start = KG_SEQUENCE_MAX - 200;
  memory_ring_make(&memory, CAPACITY, true);
  memory_ring_jump(&memory, start);
  CHECK_RESULT(kg__ring_writer_begin(&writer, &memory.ring, NULL), KG_OK, NULL);
  kg__ring_reader_begin(&reader, &memory.ring);
  account account = {.next = start + 1};
  for (int i = 0; i < 200; i++) {
    write_span(&writer, 1);
  }
  drain(&reader, &account, CAPACITY, 64);
  CHECK_EQUAL(account.received, CAPACITY);
  CHECK_EQUAL(account.reasons[KG_LOSS_OVERWRITTEN], 200 - CAPACITY);
  kg__ring_writer_end(&writer);
  memory_ring_free(&memory);
}

TEST(forged_far, "F61 a stream that is forged again and again loses no more") {
  forged f;
  kg_reader_stats stats;
  kg_batch batch;
  kg_slot buffer[CAPACITY];
  forged_make(&f, 20, 0);
  for (uint64_t round = 1; round <= 5; round++) {
    kg_ring_header *header = f.memory.ring.header;
    const kg_slot slot = {
        .position = FAR - 1, .sequence = KG_SEQUENCE_MAX - round, .span = 1};
    kg_slot sealed = slot;
    kg__slot_seal(&sealed);
    *kg__ring_slot(&f.memory.ring, slot.position) = sealed;
    header->last_sequence = slot.sequence;
    header->claim = FAR;
    header->head = FAR;
    do {
      CHECK_RESULT(kg__ring_reader_read(&f.reader, buffer, CAPACITY, &batch),
                   KG_OK, NULL);
    } while (batch.more);
    /* It was believed: nothing else tells it from a stream. */
    CHECK(f.reader.lost > KG_SEQUENCE_MAX / 2);
    kg__ring_reader_stats(&f.reader, &stats);
    CHECK(stats.lost <= KG_SEQUENCE_MAX);
    for (int i = 0; i < 2 * CAPACITY; i++) {
      write_span(&f.writer, 1);
      do {
        CHECK_RESULT(kg__ring_reader_read(&f.reader, buffer, CAPACITY, &batch),
                     KG_OK, NULL);
      } while (batch.more);
    }
    CHECK_EQUAL(f.reader.next, f.writer.sequence + 1);
    CHECK(f.reader.lost <= f.writer.sequence);
  }
  forged_free(&f);
}
