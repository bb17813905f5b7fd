/* What a reader believes: just what can be, and not one more. */
#include <string.h>

#include "../lane_fixture.h"

#define FAR (UINT64_C(1) << 60)

static void put(laned *l, uint64_t position, uint64_t sequence) {
  kg_slot slot = {.position = position, .sequence = sequence, .span = 1};
  kg__slot_seal(&slot);
  *kg__ring_slot(&l->memory.ring, position) = slot;
}

static void put_head(laned *l, uint64_t head) {
  l->memory.ring.header->claim = head;
  l->memory.ring.header->head = head;
}

static kg_batch read_once(laned *l) {
  static kg_slot buffer[CAPACITY];
  kg_batch batch;
  CHECK_RESULT(kg__ring_reader_read(&l->reader, buffer, CAPACITY, &batch),
               KG_OK, NULL);
  return batch;
}

/* A reader that has read `events` of `span` slots each. */
static void make_read(laned *l, uint64_t events, uint32_t span) {
  laned_make(l, 8);
  while (l->writer.sequence < events) {
    write_span(&l->writer, span);
  }
  l->account.most = 0;
  read_all(l);
}

TEST(plausible, "F61 between two events lie as many slots as sequences") {
  for (uint64_t sequence = 21; sequence <= 25; sequence++) {
    laned l;
    make_read(&l, 20, 1);
    /* Two slots that do not validate, then one that does. */
    put(&l, 22, sequence);
    put_head(&l, 23);
    kg_batch batch = read_once(&l);
    CHECK_EQUAL(batch.events, sequence <= 23 ? 1 : 0);
    CHECK_EQUAL(batch.lost, sequence <= 23 ? sequence - 21 : 0);
    CHECK_EQUAL(l.reader.corrupt, sequence <= 23 ? 2 : 3);
    laned_free(&l);
  }
}

TEST(lost_track, "F61 after a whole ring an event is believed, if any has it") {
  /* Positions are twice as far as sequences here. */
  for (uint64_t position = 55; position <= 56; position++) {
    for (uint64_t sequence = position; sequence <= position + 2; sequence++) {
      laned l;
      make_read(&l, 20, 2);
      CHECK_EQUAL(l.reader.cursor, 40);
      put(&l, position, sequence);
      put_head(&l, position + 1);
      kg_batch batch = read_once(&l);
      bool is_taken = position == 56 && sequence <= 57;
      CHECK_EQUAL(batch.events, is_taken ? 1 : 0);
      CHECK_EQUAL(batch.lost, is_taken ? sequence - 21 : 0);
      laned_free(&l);
    }
  }
}

TEST(reasons, "the reason of one loss is not that of the next") {
  laned l;
  make_read(&l, 20, 1);
  while (l.writer.sequence < 60) {
    write_span(&l.writer, 1);
  }
  read_all(&l);
  CHECK_EQUAL(l.account.reasons[KG_LOSS_OVERWRITTEN], 60 - 2 * CAPACITY);
  CHECK_EQUAL(l.reader.corrupt, 0);
  /* The second slot of an event whose first one is nowhere. */
  kg_slot slot = {
      .position = 60, .sequence = 61, .span = 2, .place = 1, .tail_bytes = 1};
  kg__slot_seal(&slot);
  *kg__ring_slot(&l.memory.ring, 60) = slot;
  put(&l, 61, 62);
  put_head(&l, 62);
  kg_batch batch = read_once(&l);
  CHECK_EQUAL(batch.events, 1);
  CHECK_EQUAL(batch.lost, 1);
  CHECK_EQUAL(batch.loss_reason, KG_LOSS_CORRUPT);
  CHECK_EQUAL(l.reader.corrupt, 1);
  laned_free(&l);
}

TEST(unsettled, "F9 damage at the end that is not settled is not counted yet") {
  laned l;
  make_read(&l, 20, 1);
  write_span(&l.writer, 1);
  kg__ring_slot(&l.memory.ring, 20)->body.tail[3] ^= 1;
  /* The writer goes on: the last sequence may be of what follows. */
  l.memory.ring.header->claim = 22;
  for (int reads = 0; reads < 3; reads++) {
    CHECK_EQUAL(read_once(&l).lost, 0);
    CHECK_EQUAL(l.reader.cursor, 20);
    /* Nobody spins on that, nor is it looked at again. */
    CHECK_EQUAL(l.reader.seen, 21);
    CHECK_EQUAL(l.reader.scan, 21);
    CHECK_EQUAL(l.reader.corrupt, 2);
  }
  l.memory.ring.header->claim = 21;
  CHECK_EQUAL(read_once(&l).lost, 1);
  CHECK_EQUAL(read_once(&l).lost, 0);
  laned_free(&l);
}

TEST(end, "F61 a last sequence further than the damaged slots at the end") {
  for (uint64_t last = 20; last <= 24; last++) {
    laned l;
    make_read(&l, 20, 1);
    put_head(&l, 22);
    l.memory.ring.header->last_sequence = last;
    kg_batch batch = read_once(&l);
    CHECK_EQUAL(batch.lost, last == 21 || last == 22 ? last - 20 : 0);
    laned_free(&l);
  }
}

TEST(within, "F13 a forged head that falls back to within an event") {
  laned l;
  make_read(&l, 5, 1);
  write_span(&l.writer, 3);
  put(&l, FAR - 1, 1000);
  put_head(&l, FAR);
  read_once(&l);
  CHECK_EQUAL(l.reader.cursor, FAR);
  put_head(&l, 7);
  read_once(&l);
  CHECK_EQUAL(l.reader.cursor, FAR);
  put_head(&l, 8);
  read_once(&l);
  CHECK_EQUAL(l.reader.cursor, 8);
  laned_free(&l);
}

TEST(noted, "F13 a head that makes no sense is counted once") {
  laned l;
  make_read(&l, 20, 1);
  const uint64_t heads[] = {0, 0, 15, 15, 0};
  const uint64_t counts[] = {1, 1, 2, 2, 3};
  for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
    /* What stands before it was read: it is no head of this ring's. */
    put_head(&l, heads[i]);
    read_once(&l);
    CHECK_EQUAL(l.reader.corrupt, counts[i]);
  }
  put_head(&l, 20);
  read_all(&l);
  CHECK_EQUAL(l.reader.corrupt, 3);
  laned_free(&l);
}

TEST(first_position, "F61 no event begins before the first position") {
  laned l;
  laned_make(&l, 8);
  kg_slot slots[2] = {
      {.position = UINT64_MAX, .sequence = 2, .span = 2, .tail_bytes = 1},
      {.position = 0, .sequence = 2, .span = 2, .place = 1, .tail_bytes = 1}};
  for (int i = 0; i < 2; i++) {
    kg__slot_seal(&slots[i]);
    *kg__ring_slot(&l.memory.ring, slots[i].position) = slots[i];
  }
  put_head(&l, 1);
  CHECK_RESULT(kg__ring_reader_seek(&l.reader, KG_FROM_SEQUENCE, 3), KG_OK,
               NULL);
  CHECK_EQUAL(l.reader.cursor, 0);
  CHECK_EQUAL(l.reader.next, 1);
  laned_free(&l);
}

TEST(joins_again, "what is before the oldest is not told after another seek") {
  laned l;
  make_read(&l, 40, 1);
  kg__ring_slot(&l.memory.ring, 24)->position = 0;
  CHECK_RESULT(kg__ring_reader_seek(&l.reader, KG_FROM_OLDEST, 0), KG_OK, NULL);
  CHECK(l.reader.is_joining);
  CHECK_RESULT(kg__ring_reader_seek(&l.reader, KG_FROM_LATEST, 0), KG_OK, NULL);
  write_span(&l.writer, 1);
  kg_batch batch = read_once(&l);
  CHECK_EQUAL(batch.events, 1);
  CHECK_EQUAL(batch.lost, 0);
  laned_free(&l);
}

TEST(run, "F61 a run of events ends where a sequence is missing") {
  laned l;
  make_read(&l, 20, 1);
  put(&l, 20, 21);
  put(&l, 21, 23);
  put_head(&l, 22);
  kg_batch batch = read_once(&l);
  CHECK_EQUAL(batch.events, 1);
  CHECK_EQUAL(l.reader.next, 22);
  CHECK_EQUAL(l.reader.cursor, 21);
  laned_free(&l);
}

TEST(far_behind, "F2 a reader any number of laps behind reads at once") {
  laned l;
  laned_make(&l, 8);
  uint64_t far = UINT64_C(1) << 40;
  memory_ring_jump(&l.memory, far);
  kg_batch batch = read_once(&l);
  CHECK_EQUAL(batch.events, 1);
  CHECK_EQUAL(batch.lost, far - 1);
  laned_free(&l);
}

TEST(more, "a buffer for one slot: there is more until the last one") {
  laned l;
  laned_make(&l, 8);
  for (int i = 0; i < 3; i++) {
    write_span(&l.writer, 1);
  }
  for (int left = 2; left >= 0; left--) {
    kg_slot buffer;
    kg_batch batch;
    CHECK_RESULT(kg__ring_reader_read(&l.reader, &buffer, 1, &batch), KG_OK,
                 NULL);
    CHECK_EQUAL(batch.events, 1);
    CHECK_EQUAL(batch.more, left > 0);
  }
  CHECK(!read_once(&l).more);
  laned_free(&l);
}

/* --- The lane --------------------------------------------------------------
 */

TEST(lane_again, "who seeks back gets the lane again") {
  laned l;
  critical_every = 3;
  laned_make(&l, 16);
  write_many(&l, 100, 1);
  read_all(&l);
  uint64_t rescued = l.reader.rescued;
  CHECK(rescued > 0);
  CHECK_RESULT(kg__ring_reader_seek(&l.reader, KG_FROM_SEQUENCE, 1), KG_OK,
               NULL);
  l.account.next = 1;
  read_all(&l);
  CHECK_EQUAL(l.reader.rescued, 2 * rescued);
  laned_free(&l);
}

TEST(lane_claimed, "F91 a slot of the overwritten lane is not taken") {
  for (uint64_t ahead = 0; ahead <= 2; ahead++) {
    laned l;
    critical_every = 3;
    laned_make(&l, 16);
    write_many(&l, 100, 1);
    uint64_t whole = 16 - count_critical(101 - CAPACITY, 100);
    l.memory.ring.header->lane_claim = l.memory.ring.header->lane_head + ahead;
    read_all(&l);
    CHECK_EQUAL(l.reader.rescued, whole - ahead);
    CHECK_EQUAL(l.account.received + l.account.lost, 100);
    CHECK_EQUAL(l.reader.corrupt, 0);
    laned_free(&l);
  }
}

TEST(lane_back, "F91 a forged head of the lane went back: it is read again") {
  laned l;
  critical_every = 3;
  laned_make(&l, 64);
  write_many(&l, 40, 1);
  kg_ring_header *header = l.memory.ring.header;
  uint64_t head = header->lane_head;
  header->lane_claim = header->lane_head = 1000;
  read_all(&l);
  CHECK_EQUAL(l.reader.lane, 1000);
  header->lane_claim = header->lane_head = head;
  write_many(&l, 80, 1);
  uint64_t rescued = l.reader.rescued;
  read_all(&l);
  CHECK_EQUAL(l.reader.rescued - rescued, count_critical(41, 80 - CAPACITY));
  laned_free(&l);
}

TEST(lane_damaged, "F91 an event of the lane damaged behind its first slot") {
  laned l;
  laned_make(&l, 16);
  critical_every = 1;
  write_span(&l.writer, 3);
  write_span(&l.writer, 2);
  critical_every = 0;
  while (l.writer.sequence < 40) {
    write_span(&l.writer, 1);
  }
  kg__lane_slot(&l.memory.ring, 1)->body.tail[5] ^= 1;
  /* The second one comes, and what is lost was not critical but for one. */
  uint64_t received = 0;
  uint64_t lost = 0;
  kg_batch batch;
  int reads = 0;
  do {
    batch = read_once(&l);
    received += batch.events;
    lost += batch.lost;
    CHECK(++reads < 64);
  } while (batch.more);
  CHECK_EQUAL(l.reader.rescued, 1);
  CHECK_EQUAL(received, CAPACITY + 1);
  CHECK_EQUAL(received + lost, 40);
  /* Its first slot, and the two behind that are none. */
  CHECK(l.reader.corrupt >= 1 && l.reader.corrupt <= 3);
  laned_free(&l);
}

TEST(lane_words, "what is put into the lane moves its claim and its head") {
  laned l;
  critical_every = 1;
  laned_make(&l, 16);
  const kg_ring_header *header = l.memory.ring.header;
  for (uint64_t n = 1; n <= 40; n++) {
    write_span(&l.writer, 1);
    CHECK_EQUAL(header->lane_claim, n);
    CHECK_EQUAL(header->lane_head, n);
  }
  laned_free(&l);
}
