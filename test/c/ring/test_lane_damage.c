/* A lane that is damaged, forged, or left behind by a death. */
#include <string.h>

#include "../lane_fixture.h"

static void flip(kg_slot *slot, uint32_t bit) {
  ((unsigned char *)slot)[bit / 8] ^= (unsigned char)(1U << (bit % 8));
}

TEST(priority_event, "F91 a damaged priority event comes from the lane") {
  critical_every = 4;
  for (uint64_t victim = 1; victim <= 12; victim++) {
    laned l;
    laned_make(&l, 8);
    write_many(&l, 12, 1);
    flip(kg__ring_slot(&l.memory.ring, victim - 1), 1000);
    read_all(&l);
    CHECK_EQUAL(l.reader.corrupt, 1);
    CHECK_EQUAL(l.reader.rescued, is_critical(victim) ? 1 : 0);
    CHECK_EQUAL(l.account.lost, is_critical(victim) ? 0 : 1);
    CHECK_EQUAL(l.account.received + l.account.lost, 12);
    /* The last one's slot had the count. */
    CHECK_EQUAL(l.account.unknown, victim == 12 && !is_critical(12) ? 1 : 0);
    write_many(&l, 40, 1);
    read_all(&l);
    CHECK_EQUAL(l.account.received + l.account.lost, 40);
    CHECK_EQUAL(l.reader.corrupt, 1);
    laned_free(&l);
  }
}

TEST(lane_slot, "F91 damage in the lane: what was there is lost, and counted") {
  critical_every = 3;
  for (uint32_t at = 0; at < 16; at++) {
    laned l;
    laned_make(&l, 16);
    write_many(&l, 100, 1);
    uint64_t whole = count_critical(101 - CAPACITY, 100);
    uint64_t position = l.writer.lane_head - 16 + at;
    flip(kg__lane_slot(&l.memory.ring, position), 1000 + at);
    read_all(&l);
    CHECK_EQUAL(l.account.received + l.account.lost, 100);
    CHECK_EQUAL(l.account.unknown, 0);
    bool is_wanted = at < 16 - whole;
    CHECK_EQUAL(l.reader.rescued, 16 - whole - (is_wanted ? 1 : 0));
    /* The first that is not wanted is looked at, too. */
    CHECK(l.reader.corrupt == 1 || at >= 16 - whole);
    laned_free(&l);
  }
}

TEST(before_lane_head,
     "F91 a successor refuses a lane that does not validate") {
  kg__ring_writer next;
  kg_failure failure;
  static unsigned char before[1 << 18];
  critical_every = 3;
  for (uint32_t bit = 0; bit < KG_SLOT_BYTES * 8; bit += 5) {
    laned l;
    laned_make(&l, 8);
    write_many(&l, 50, 1);
    flip(kg__lane_slot(&l.memory.ring, l.writer.lane_head - 1), bit);
    memcpy(before, l.memory.base, l.memory.length);
    CHECK_RESULT(kg__ring_writer_begin(&next, &l.memory.ring, &failure),
                 KG_E_RING_CORRUPT, &failure);
    CHECK_BYTES(l.memory.base, before, l.memory.length);
    laned_free(&l);
  }
}

TEST(forged_words, "F91 a forged head or claim of the lane misleads nobody") {
  critical_every = 3;
  for (int which = 0; which < 2; which++) {
    for (int i = 0; i < 12; i++) {
      laned l;
      kg__ring_writer next;
      laned_make(&l, 8);
      write_many(&l, 50, 1);
      uint64_t head = l.writer.lane_head;
      const uint64_t values[] = {0,
                                 1,
                                 head - 1,
                                 head,
                                 head + 1,
                                 head + 2,
                                 head + 3,
                                 head + 8,
                                 head + 9,
                                 UINT64_C(1) << 60,
                                 UINT64_MAX - 3,
                                 UINT64_MAX};
      kg_ring_header *header = l.memory.ring.header;
      *(which == 0 ? &header->lane_head : &header->lane_claim) = values[i];
      read_all(&l);
      CHECK_EQUAL(l.account.received + l.account.lost, 50);
      CHECK_EQUAL(l.account.unknown, 0);
      int result = kg__ring_writer_begin(&next, &l.memory.ring, NULL);
      /* Less than a quarter of the lane apart, a writer may have died there. */
      uint64_t apart = which == 0 ? head - values[i] : values[i] - head;
      bool is_fine = apart <= kg__lane_event_slots(&l.memory.ring);
      CHECK_RESULT(result, is_fine ? KG_OK : KG_E_RING_CORRUPT, NULL);
      if (result == KG_OK) {
        kg__ring_writer_end(&next);
      }
      /* The writer goes on from what it knows, and all is well again. */
      write_many(&l, 100, 1);
      read_all(&l);
      CHECK_EQUAL(l.account.received + l.account.lost, 100);
      CHECK_EQUAL(l.account.unknown, 0);
      laned_free(&l);
    }
  }
}

TEST(foreign, "F91 what the lane says of another gap is not taken") {
  laned l;
  critical_every = 3;
  laned_make(&l, 8);
  write_many(&l, 50, 1);
  /* Sealed, but of events that were delivered, are to come, or never were. */
  for (uint32_t i = 0; i < 8; i++) {
    kg_slot *slot = &l.memory.ring.lane[i];
    slot->sequence = i % 3 == 0 ? 48 : i % 3 == 1 ? 51 : KG_SEQUENCE_MAX;
    kg__slot_seal(slot);
  }
  read_all(&l);
  CHECK_EQUAL(l.reader.rescued, 0);
  CHECK_EQUAL(l.account.received, CAPACITY);
  CHECK_EQUAL(l.account.received + l.account.lost, 50);
  laned_free(&l);
}

TEST(died, "F91 what the dead had not put into the lane, its successor does") {
  critical_every = 2;
  for (uint32_t stage = 0; stage < 2; stage++) {
    laned l;
    made_threat made;
    laned_make(&l, 16);
    write_many(&l, 20, 1);
    read_all(&l);
    for (uint64_t n = 21; n <= 24; n++) {
      make_threat(&made, n, 1);
      CHECK_RESULT(kg__ring_writer_stage(&l.writer, &made.threat, &batch_time),
                   KG_OK, NULL);
    }
    kg__ring_writer_copy(&l.writer);
    if (stage == 0) {
      /* Before head: last_sequence alone names them. */
      l.memory.ring.header->last_sequence = 24;
    } else {
      kg__ring_writer_publish(&l.writer);
    }
    kg__ring_writer_end(&l.writer);
    CHECK_RESULT(kg__ring_writer_begin(&l.writer, &l.memory.ring, NULL), KG_OK,
                 NULL);
    CHECK_EQUAL(l.writer.sequence, 24);
    CHECK_EQUAL(l.writer.priority, count_critical(1, 24));
    CHECK_EQUAL(l.writer.lane_head, count_critical(1, 24));
    /* A third finds nothing left to do. */
    kg__ring_writer_end(&l.writer);
    CHECK_RESULT(kg__ring_writer_begin(&l.writer, &l.memory.ring, NULL), KG_OK,
                 NULL);
    CHECK_EQUAL(l.writer.lane_head, count_critical(1, 24));
    critical_every = 0;
    while (l.writer.sequence < 60) {
      write_span(&l.writer, 1);
    }
    critical_every = 2;
    kg_batch batch;
    kg_slot buffer[CAPACITY];
    CHECK_RESULT(kg__ring_reader_read(&l.reader, buffer, CAPACITY, &batch),
                 KG_OK, NULL);
    CHECK(batch.events > 0 && batch.more);
    CHECK_EQUAL(buffer[0].sequence, is_critical(21)   ? 21
                                    : is_critical(22) ? 22
                                    : is_critical(23) ? 23
                                                      : 24);
    laned_free(&l);
  }
}

TEST(never, "F91 what no writer published does not come into the lane") {
  critical_every = 0;
  for (uint64_t at = 16; at < 19; at++) {
    laned l;
    laned_make(&l, 16);
    write_many(&l, 20, 1);
    kg_slot *slot = kg__ring_slot(&l.memory.ring, at);
    slot->sequence = 21 + at;
    slot->flags |= KG_EVENT_PRIORITY;
    kg__slot_seal(slot);
    for (int i = 0; i < 2; i++) {
      kg__ring_writer_end(&l.writer);
      CHECK_RESULT(kg__ring_writer_begin(&l.writer, &l.memory.ring, NULL),
                   KG_OK, NULL);
      CHECK_EQUAL(l.writer.lane_head, 0);
    }
    laned_free(&l);
  }
}
