/* What a writer that continues a ring believes of what it finds, and what one
 * that drops or takes back a batch leaves. */
#include <string.h>

#include "../fixture.h"

#define CAPACITY 16

typedef struct left {
  memory_ring memory;
  kg__ring_writer writer;
} left;

/* Five single events, one of three slots. */
static void left_make(left *l) {
  memory_ring_make(&l->memory, CAPACITY, true);
  CHECK_RESULT(kg__ring_writer_begin(&l->writer, &l->memory.ring, NULL), KG_OK,
               NULL);
  for (int i = 0; i < 5; i++) {
    write_span(&l->writer, 1);
  }
  write_span(&l->writer, 3);
}

static void left_free(left *l) {
  kg__ring_writer_end(&l->writer);
  memory_ring_free(&l->memory);
}

static kg_slot *slot_at(left *l, uint64_t position) {
  return kg__ring_slot(&l->memory.ring, position);
}

/* Another writer finds this. */
static void check_next(left *l, int result) {
  kg__ring_writer next;
  kg_failure failure;
  CHECK_RESULT(kg__ring_writer_begin(&next, &l->memory.ring, &failure), result,
               &failure);
  if (result == KG_OK) {
    kg__ring_writer_end(&next);
  }
}

static void stage(kg__ring_writer *writer, uint32_t events) {
  made_threat made;
  for (uint32_t i = 0; i < events; i++) {
    make_threat(&made, writer->sequence + writer->staged_events + 1, 1);
    CHECK_RESULT(kg__ring_writer_stage(writer, &made.threat, &batch_time),
                 KG_OK, NULL);
  }
}

TEST(lead, "F13 the first slot of the last event is none of that event") {
  for (int kind = 0; kind < 5; kind++) {
    left l;
    left_make(&l);
    kg_slot *lead = slot_at(&l, 5);
    if (kind == 1) {
      lead->body.tail[9] ^= 1;
    } else if (kind == 2) {
      /* Of another event, which the header names, too. */
      lead->sequence = 5;
      l.memory.ring.header->last_sequence = 5;
      kg__slot_seal(lead);
    } else if (kind == 3) {
      lead->place = 1;
      kg__slot_seal(lead);
    } else if (kind == 4) {
      /* Head is within it, with another first slot in front. */
      kg_slot *before = slot_at(&l, 4);
      *before = *lead;
      before->position = 4;
      kg__slot_seal(before);
      l.memory.ring.header->head = 7;
    }
    check_next(&l, kind == 0 ? KG_OK : KG_E_RING_CORRUPT);
    left_free(&l);
  }
}

/* An event of one slot where the next one is to stand. */
static void put_next(left *l, uint64_t sequence, uint64_t claim) {
  kg_slot slot = {.position = 8, .sequence = sequence, .span = 1};
  kg__slot_seal(&slot);
  *slot_at(l, 8) = slot;
  l->memory.ring.header->claim = claim;
  l->memory.ring.header->last_sequence = sequence;
}

TEST(behind_head, "F13 only what was claimed can have been left behind head") {
  left l;
  left_make(&l);
  put_next(&l, 7, 9);
  check_next(&l, KG_OK);
  left_free(&l);
  left_make(&l);
  put_next(&l, 7, 8);
  check_next(&l, KG_E_RING_CORRUPT);
  left_free(&l);
}

TEST(next_sequence, "F13 and it has the sequence that follows") {
  for (uint64_t sequence = 6; sequence < 10; sequence++) {
    left l;
    left_make(&l);
    put_next(&l, sequence, 9);
    /* With 6 there is nothing behind the last one. */
    check_next(&l, sequence < 8 ? KG_OK : KG_E_RING_CORRUPT);
    left_free(&l);
  }
}

TEST(last_sequence, "F13 a last sequence that is none of the last event") {
  for (uint64_t sequence = 4; sequence < 9; sequence++) {
    left l;
    left_make(&l);
    l.memory.ring.header->last_sequence = sequence;
    check_next(&l, sequence == 6 ? KG_OK : KG_E_RING_CORRUPT);
    left_free(&l);
  }
}

TEST(claims, "F13 a claim is a quarter of a ring ahead at the most") {
  for (uint64_t ahead = 0; ahead <= CAPACITY / 4 + 1; ahead++) {
    left l;
    left_make(&l);
    l.memory.ring.header->claim += ahead;
    check_next(&l, ahead <= CAPACITY / 4 ? KG_OK : KG_E_RING_CORRUPT);
    left_free(&l);
  }
}

TEST(taken_back, "a batch that is taken back was never there") {
  left l;
  critical_every = 2;
  left_make(&l);
  kg__ring_writer before = l.writer;
  stage(&l.writer, 3);
  kg__ring_writer_copy(&l.writer);
  kg__ring_writer_publish(&l.writer);
  CHECK_EQUAL(l.writer.sequence, before.sequence + 3);
  kg__ring_writer_take_back(&l.writer);
  CHECK_EQUAL(l.writer.head, before.head);
  CHECK_EQUAL(l.writer.sequence, before.sequence);
  CHECK_EQUAL(l.writer.priority, before.priority);
  CHECK_EQUAL(l.writer.staged_slots, 0);
  CHECK_EQUAL(l.writer.staged_events, 0);
  CHECK_EQUAL(l.writer.staged_priority, 0);
  CHECK_EQUAL(l.writer.claim, before.claim + 3);
  left_free(&l);
}

TEST(claim_stays, "the claim stays when a batch that was copied is dropped") {
  left l;
  critical_every = 1;
  left_make(&l);
  stage(&l.writer, 3);
  CHECK_EQUAL(l.writer.priority, 9);
  kg__ring_writer_copy(&l.writer);
  CHECK_EQUAL(l.memory.ring.header->claim, 11);
  kg__ring_writer_discard(&l.writer);
  CHECK_EQUAL(l.writer.priority, 6);
  stage(&l.writer, 1);
  kg__ring_writer_copy(&l.writer);
  CHECK_EQUAL(l.memory.ring.header->claim, 11);
  kg__ring_writer_publish(&l.writer);
  kg__ring_writer_finish(&l.writer);
  CHECK_EQUAL(l.memory.ring.header->head, 9);
  left_free(&l);
}

TEST(turn, "F90 the turn goes on, without the bits of those who waited") {
  left l;
  left_make(&l);
  uint32_t *waiters = &l.memory.ring.doorbell->waiters;
  uint32_t all = KG_WAITS_ON_HEAD | KG_WAITS_FOR_WAKE_FILE;
  *waiters = 5 * KG_WAITS_TURN | all;
  kg__ring_writer_end(&l.writer);
  CHECK_RESULT(kg__ring_writer_begin(&l.writer, &l.memory.ring, NULL), KG_OK,
               NULL);
  CHECK_EQUAL(kg__ring_writer_waiters(&l.writer), all);
  CHECK_EQUAL(*waiters, 6 * KG_WAITS_TURN);
  CHECK_EQUAL(kg__ring_writer_waiters(&l.writer), 0);
  CHECK_EQUAL(*waiters, 6 * KG_WAITS_TURN);
  left_free(&l);
}

/* --- The lane ----------------------------------------------------------------
 */

static void restart(left *l) {
  kg__ring_writer_end(&l->writer);
  CHECK_RESULT(kg__ring_writer_begin(&l->writer, &l->memory.ring, NULL), KG_OK,
               NULL);
}

TEST(count, "F91 the count of priority events goes on behind a long event") {
  left l;
  critical_every = 1;
  left_make(&l);
  restart(&l);
  CHECK_EQUAL(l.writer.sequence, 6);
  CHECK_EQUAL(l.writer.priority, 6);
  left_free(&l);
}

TEST(lane_claim, "F91 the claim of the lane stays, too") {
  left l;
  critical_every = 1;
  left_make(&l);
  kg_ring_header *header = l.memory.ring.header;
  uint64_t head = header->lane_head;
  header->lane_claim = head + 2;
  restart(&l);
  write_span(&l.writer, 1);
  CHECK_EQUAL(header->lane_head, head + 1);
  CHECK_EQUAL(header->lane_claim, head + 2);
  left_free(&l);
}

TEST(lane_within, "F91 a lane within whose last event its head is") {
  left l;
  critical_every = 1;
  left_make(&l);
  kg_slot *last = kg__lane_slot(&l.memory.ring, l.writer.lane_head - 1);
  last->span = 2;
  last->tail_bytes = 1;
  kg__slot_seal(last);
  check_next(&l, KG_E_RING_CORRUPT);
  left_free(&l);
}

TEST(lane_to_come, "F91 a lane to come: its last event is none of the ring's") {
  for (uint64_t ahead = 0; ahead < 2; ahead++) {
    left l;
    critical_every = 1;
    left_make(&l);
    kg_slot *last = kg__lane_slot(&l.memory.ring, l.writer.lane_head - 1);
    last->sequence = l.writer.sequence + ahead;
    kg__slot_seal(last);
    check_next(&l, ahead == 0 ? KG_OK : KG_E_RING_CORRUPT);
    left_free(&l);
  }
}

TEST(lane_damage, "F91 an event damaged behind its first slot is not mended") {
  for (int is_damaged = 0; is_damaged < 2; is_damaged++) {
    left l;
    made_threat made;
    lane_events = 16;
    critical_every = 0;
    left_make(&l);
    critical_every = 1;
    make_threat(&made, 7, 3);
    CHECK_RESULT(kg__ring_writer_stage(&l.writer, &made.threat, &batch_time),
                 KG_OK, NULL);
    /* Its writer dies before the lane has it. */
    kg__ring_writer_copy(&l.writer);
    kg__ring_writer_publish(&l.writer);
    slot_at(&l, 9)->body.tail[7] ^= is_damaged ? 1 : 0;
    restart(&l);
    CHECK_EQUAL(l.writer.lane_head, is_damaged ? 0 : 3);
    left_free(&l);
  }
}
