/* What is forged for a moment does not keep a reader from what comes later, nor
 * make it take or tell of an event twice. What fuzzing found. */
#include <string.h>

#include "../fixture.h"

#define CAPACITY 16

typedef struct world {
  memory_ring memory;
  kg__ring_writer writer;
  kg__ring_reader reader;
  account account;
} world;

static void world_make(world *w, uint32_t events) {
  memory_ring_make(&w->memory, CAPACITY, true);
  CHECK_RESULT(kg__ring_writer_begin(&w->writer, &w->memory.ring, NULL), KG_OK,
               NULL);
  kg__ring_reader_begin(&w->reader, &w->memory.ring);
  w->account = (account){.next = 1};
  for (uint32_t i = 0; i < events; i++) {
    write_span(&w->writer, 1);
  }
}

static void world_free(world *w) {
  kg__ring_writer_end(&w->writer);
  memory_ring_free(&w->memory);
}

static void read_all(world *w) {
  drain(&w->reader, &w->account, CAPACITY, 64);
}

static void put_head(world *w, uint64_t head) {
  w->memory.ring.header->claim = head;
  w->memory.ring.header->head = head;
}

/* An event of anybody's, with the right checksum, that ends at `head`. */
static void forge(world *w, uint64_t head, uint64_t sequence) {
  kg_slot slot = {.position = head - 1, .sequence = sequence, .span = 1};
  kg__slot_seal(&slot);
  *kg__ring_slot(&w->memory.ring, head - 1) = slot;
  put_head(w, head);
  w->memory.ring.header->last_sequence = sequence;
}

/* Reads what was forged, which is no threat of ours. */
static void read_forged(world *w) {
  static kg_slot buffer[CAPACITY];
  kg_batch batch;
  do {
    CHECK_RESULT(kg__ring_reader_read(&w->reader, buffer, CAPACITY, &batch),
                 KG_OK, NULL);
  } while (batch.more);
}

/* The newest events come again after two laps at the most, each of them. */
static void check_sees_again(world *w) {
  uint64_t received = w->reader.received;
  for (int i = 0; i < 2 * CAPACITY; i++) {
    write_span(&w->writer, 1);
    read_forged(w);
  }
  CHECK(w->reader.received > received);
  CHECK(w->reader.lost <= KG_SEQUENCE_MAX);
  CHECK_EQUAL(w->reader.next, w->writer.sequence + 1);
  w->account = (account){.next = w->reader.next};
  for (int i = 0; i < 40; i++) {
    write_span(&w->writer, 1);
    read_all(w);
  }
  CHECK_EQUAL(w->account.received, 40);
}

TEST(low_sequence, "F61 a forged event of an old sequence blinds no reader") {
  /* Of any distance: what follows it never catches up with single slots. */
  for (uint64_t back = 1; back <= 400; back += 3) {
    world w;
    world_make(&w, 500);
    read_all(&w);
    forge(&w, w.writer.head - 40, w.writer.sequence - back);
    read_forged(&w);
    check_sees_again(&w);
    world_free(&w);
  }
}

TEST(joined, "F61 nor one who came while it stood there, of any sequence") {
  static const uint64_t sequences[] = {1, 5, 600, 100000, KG_SEQUENCE_MAX};
  for (size_t i = 0; i < sizeof sequences / sizeof *sequences; i++) {
    world w;
    world_make(&w, 500);
    forge(&w, w.writer.head, sequences[i]);
    kg__ring_reader_begin(&w.reader, &w.memory.ring);
    check_sees_again(&w);
    world_free(&w);
  }
}

TEST(damaged_last,
     "F13 head is forged while the last event is damaged: exact afterwards") {
  for (uint64_t ahead = 1; ahead < 3 * CAPACITY; ahead++) {
    world w;
    world_make(&w, 20);
    read_all(&w);
    write_span(&w.writer, 1);
    uint64_t head = w.writer.head;
    kg__ring_slot(&w.memory.ring, head - 1)->body.tail[5] ^= 1;
    put_head(&w, head + ahead);
    read_all(&w);
    for (int i = 0; i < 4 * CAPACITY; i++) {
      write_span(&w.writer, 1);
      read_all(&w);
    }
    CHECK_EQUAL(w.account.received + w.account.lost, w.writer.sequence);
    CHECK_EQUAL(w.account.next, w.writer.sequence + 1);
    world_free(&w);
  }
}

TEST(twice, "F13 a head that leaps and falls back: no event is told of twice") {
  for (uint64_t back = 0; back < CAPACITY; back++) {
    world w;
    world_make(&w, 20);
    uint64_t head = w.writer.head;
    put_head(&w, head + 69);
    read_all(&w);
    put_head(&w, head - back);
    read_all(&w);
    /* The account checks that sequences follow each other. */
    for (int i = 0; i < CAPACITY; i++) {
      write_span(&w.writer, 1);
      read_all(&w);
    }
    CHECK_EQUAL(w.account.received + w.account.lost, w.writer.sequence);
    world_free(&w);
  }
}

TEST(within, "F13 a head that falls back into an event: nothing is left out") {
  world w;
  world_make(&w, 1);
  put_head(&w, UINT64_MAX - 43);
  read_all(&w);
  for (uint32_t span = 1; span <= 4; span++) {
    write_span(&w.writer, span);
  }
  for (uint64_t back = 1; back < 10; back++) {
    put_head(&w, w.writer.head - back);
    read_all(&w);
  }
  write_span(&w.writer, 1);
  read_all(&w);
  CHECK_EQUAL(w.account.received + w.account.lost, w.writer.sequence);
  world_free(&w);
}

TEST(zeroed, "F61 the oldest slot is zero: what was overwritten has a number") {
  world w;
  world_make(&w, 5);
  memset(w.memory.ring.slots, 0, sizeof(kg_slot));
  CHECK(kg__ring_writer_overwritten(&w.writer) <= w.writer.sequence);
  world_free(&w);
}

TEST(wraps, "F13 the next writer does not go on where positions wrap") {
  world w;
  kg__ring_writer next;
  world_make(&w, 5);
  forge(&w, UINT64_MAX - 3, 5);
  CHECK_RESULT(kg__ring_writer_begin(&next, &w.memory.ring, NULL),
               KG_E_RING_CORRUPT, NULL);
  world_free(&w);
}
