/* The priority lane: what a flood does not hide. */
#include <string.h>

#include "../fixture.h"

#define CAPACITY 16

typedef struct laned {
  memory_ring memory;
  kg__ring_writer writer;
  kg__ring_reader reader;
  account account;
} laned;

static void make(laned *l, uint32_t events) {
  lane_events = events;
  memory_ring_make(&l->memory, CAPACITY, true);
  CHECK_RESULT(kg__ring_writer_begin(&l->writer, &l->memory.ring, NULL), KG_OK,
               NULL);
  kg__ring_reader_begin(&l->reader, &l->memory.ring);
  l->account = (account){.next = 1, .most = 1};
}

static void done(laned *l) {
  kg__ring_writer_end(&l->writer);
  memory_ring_free(&l->memory);
}

static void write_many(laned *l, uint64_t to, uint32_t most) {
  l->account.most = most;
  while (l->writer.sequence < to) {
    write_span(&l->writer, span_of(l->writer.sequence + 1, most));
  }
}

static void read_all(laned *l) {
  drain(&l->reader, &l->account, CAPACITY, 4096);
}

/* --- A flood ---------------------------------------------------------------
 */

#define FLOOD 1000000
#define BURIED 20

static bool is_buried(uint64_t sequence) {
  return sequence % (FLOOD / BURIED) == 777;
}

TEST(flood, "F88 20 Critical in 1,000,000 Low, a slow reader: all 20 arrive") {
  static kg_slot buffer[256];
  memory_ring memory;
  kg__ring_writer writer;
  kg__ring_reader reader;
  kg_batch batch;
  kg_threat threat = {.details = {.bytes = "flood", .length = 5}};
  uint64_t next = 1;
  uint64_t critical = 0;
  lane_events = KG_DEFAULT_PRIORITY_EVENTS;
  memory_ring_make(&memory, 1024, true);
  CHECK_RESULT(kg__ring_writer_begin(&writer, &memory.ring, NULL), KG_OK, NULL);
  kg__ring_reader_begin(&reader, &memory.ring);
  while (next <= FLOOD) {
    for (int i = 0; i < 100000; i++) {
      threat.severity = is_buried(writer.sequence + 1) ? KG_SEVERITY_CRITICAL
                                                       : KG_SEVERITY_LOW;
      CHECK_RESULT(kg__ring_writer_stage(&writer, &threat, &batch_time), KG_OK,
                   NULL);
      commit_staged(&writer);
    }
    do {
      CHECK_RESULT(kg__ring_reader_read(&reader, buffer, 256, &batch), KG_OK,
                   NULL);
      if (batch.lost > 0) {
        CHECK_EQUAL(batch.lost_from, next);
        CHECK_EQUAL(batch.lost_priority, 0);
        next = batch.lost_to + 1;
      }
      for (uint32_t i = 0; i < batch.events; i++) {
        CHECK_EQUAL(buffer[i].sequence, next);
        CHECK_EQUAL(buffer[i].body.event.severity == KG_SEVERITY_CRITICAL,
                    is_buried(next));
        critical += is_buried(next++) ? 1 : 0;
      }
    } while (batch.more);
  }
  CHECK_EQUAL(critical, BURIED);
  CHECK_EQUAL(reader.received + reader.lost, FLOOD);
  CHECK(reader.lost > FLOOD / 2 && reader.rescued > BURIED / 2);
  kg__ring_writer_end(&writer);
  memory_ring_free(&memory);
}

TEST(overwritten, "F88 what the lane no longer has is counted, by priority") {
  critical_every = 3;
  for (uint32_t lane = 2; lane <= 16; lane *= 2) {
    laned l;
    make(&l, lane);
    write_many(&l, 400, 1);
    read_all(&l);
    uint64_t in_ring = count_critical(400 - CAPACITY + 1, 400);
    uint64_t rescued = lane > in_ring ? lane - in_ring : 0;
    CHECK_EQUAL(l.reader.rescued, rescued);
    CHECK_EQUAL(l.account.received, CAPACITY + rescued);
    CHECK_EQUAL(l.account.received + l.account.lost, 400);
    CHECK_EQUAL(l.account.unknown, 0);
    done(&l);
  }
}

TEST(no_lane, "without a lane the priority of what is lost is counted still") {
  laned l;
  critical_every = 3;
  make(&l, 0);
  write_many(&l, 400, 1);
  read_all(&l);
  CHECK_EQUAL(l.account.received, CAPACITY);
  CHECK_EQUAL(l.account.lost, 400 - CAPACITY);
  CHECK_EQUAL(l.reader.rescued, 0);
  CHECK_EQUAL(l.account.unknown, 0);
  done(&l);
}

TEST(severities, "what counts is the writer's to say, unknown numbers too") {
  static const struct {
    uint32_t least;
    uint32_t rescued;
  } cases[] = {{KG_SEVERITY_LOW, 5},
               {KG_SEVERITY_HIGH, 3},
               {KG_SEVERITY_CRITICAL, 2},
               {5, 1},
               {KG_PRIORITY_NONE, 0}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    static const uint8_t severities[] = {0, 1, 2, 3, 4, 255};
    laned l;
    kg_batch batch;
    kg_slot buffer[CAPACITY];
    make(&l, 8);
    l.writer.priority_severity = cases[i].least;
    for (uint32_t n = 0; n < 6 + CAPACITY; n++) {
      kg_threat threat = {.severity = n < 6 ? severities[n] : 0};
      CHECK_RESULT(kg__ring_writer_stage(&l.writer, &threat, &batch_time),
                   KG_OK, NULL);
      commit_staged(&l.writer);
    }
    do {
      CHECK_RESULT(kg__ring_reader_read(&l.reader, buffer, CAPACITY, &batch),
                   KG_OK, NULL);
    } while (batch.more);
    CHECK_EQUAL(l.reader.rescued, cases[i].rescued);
    CHECK_EQUAL(l.reader.received, CAPACITY + cases[i].rescued);
    CHECK_EQUAL(l.writer.priority, cases[i].rescued);
    done(&l);
  }
}

TEST(long_events,
     "an event over a quarter of the lane comes cut, others whole") {
  uint64_t cut = 0;
  critical_every = 4;
  for (uint32_t lane = 2; lane <= 64; lane *= 2) {
    laned l;
    make(&l, lane);
    write_many(&l, 100, 4);
    read_all(&l);
    CHECK_EQUAL(l.account.received + l.account.lost, 100);
    CHECK(l.reader.rescued > 0 || lane == 2);
    CHECK_EQUAL(l.reader.corrupt, 0);
    CHECK_EQUAL(l.account.unknown, 0);
    for (uint32_t i = 0; i < lane && i < l.writer.lane_head; i++) {
      cut += (l.memory.ring.lane[i].flags & KG_EVENT_CUT) != 0 ? 1 : 0;
      CHECK(l.memory.ring.lane[i].span <= (lane < 8 ? 1 : lane / 4));
    }
    done(&l);
  }
  CHECK(cut > 0);
}

TEST(small_buffer, "a long event in the lane says what buffer it needs") {
  laned l;
  kg_batch batch;
  kg_slot buffer[CAPACITY];
  critical_every = 1;
  make(&l, 16);
  write_span(&l.writer, 3);
  critical_every = 0;
  write_many(&l, 1 + 4 * CAPACITY, 1);
  critical_every = 1;
  CHECK_RESULT(kg__ring_reader_read(&l.reader, buffer, 2, &batch), KG_OK, NULL);
  CHECK_EQUAL(batch.slots_needed, 3);
  CHECK_EQUAL(batch.events, 0);
  CHECK_EQUAL(batch.lost, 0);
  CHECK(batch.more);
  CHECK_RESULT(kg__ring_reader_read(&l.reader, buffer, 3, &batch), KG_OK, NULL);
  CHECK_EQUAL(batch.events, 1);
  CHECK_EQUAL(batch.slots, 3);
  l.account.most = 0;
  account_batch(&l.account, buffer, &batch);
  CHECK_EQUAL(l.account.received, 1);
  done(&l);
}

/* --- Where reading begins --------------------------------------------------
 */

TEST(from_n, "from n: the lane fills what is gone of it, and no more") {
  critical_every = 5;
  for (uint64_t n = 1; n <= 110; n++) {
    laned l;
    make(&l, 64);
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
    done(&l);
  }
}

TEST(after, "behind a saved position the loss is known with its number alone") {
  critical_every = 5;
  for (uint64_t n = 0; n <= 100; n++) {
    for (int counted = 0; counted < 2; counted++) {
      laned l;
      make(&l, 2);
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
      done(&l);
    }
  }
}

TEST(after_wrong, "behind 2^53-1 nothing comes, further is refused") {
  laned l;
  make(&l, 8);
  write_many(&l, 3, 1);
  CHECK_RESULT(kg__ring_reader_seek_after(&l.reader, KG_SEQUENCE_MAX + 1, 0),
               KG_E_INVALID_ARGUMENT, NULL);
  CHECK_RESULT(kg__ring_reader_seek_after(&l.reader, KG_SEQUENCE_MAX, 0), KG_OK,
               NULL);
  l.account.next = KG_SEQUENCE_MAX + 1;
  read_all(&l);
  CHECK_EQUAL(l.account.received + l.account.lost, 0);
  done(&l);
}

TEST(oldest, "from oldest: what is before it is told with its priority") {
  critical_every = 5;
  for (uint64_t last = 1; last < 60; last++) {
    laned l;
    make(&l, 64);
    write_many(&l, last, 1);
    CHECK_RESULT(kg__ring_reader_seek(&l.reader, KG_FROM_OLDEST, 0), KG_OK,
                 NULL);
    read_all(&l);
    CHECK_EQUAL(l.reader.rescued, 0);
    CHECK_EQUAL(l.account.lost, 0);
    CHECK_EQUAL(l.account.unknown, 0);
    CHECK_EQUAL(l.account.received, last < CAPACITY ? last : CAPACITY);
    done(&l);
  }
}

TEST(oldest_forged, "F61 no more than all of what is before it had priority") {
  for (int is_damaged = 0; is_damaged < 2; is_damaged++) {
    laned l;
    kg_batch batch;
    kg_slot buffer[CAPACITY];
    make(&l, 8);
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
    done(&l);
  }
}

TEST(latest,
     "from latest: the count is known, whatever the last event's span") {
  critical_every = 2;
  for (uint64_t last = 0; last < 40; last++) {
    laned l;
    make(&l, 2);
    write_many(&l, last, 4);
    kg__ring_reader_begin(&l.reader, &l.memory.ring);
    l.account.next = last + 1;
    write_many(&l, last + 40, 4);
    read_all(&l);
    CHECK_EQUAL(l.account.received + l.account.lost, 40);
    CHECK_EQUAL(l.account.unknown, 0);
    done(&l);
  }
}

TEST(wrapped, "the count passes 2^32 without a seam") {
  laned l;
  kg_slot *first;
  critical_every = 2;
  make(&l, 4);
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
  done(&l);
}

/* --- Damage -----------------------------------------------------------------
 */

static void flip(kg_slot *slot, uint32_t bit) {
  ((unsigned char *)slot)[bit / 8] ^= (unsigned char)(1U << (bit % 8));
}

TEST(priority_event, "F91 a damaged priority event comes from the lane") {
  critical_every = 4;
  for (uint64_t victim = 1; victim <= 12; victim++) {
    laned l;
    make(&l, 8);
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
    done(&l);
  }
}

TEST(lane_slot, "F91 damage in the lane: what was there is lost, and counted") {
  critical_every = 3;
  for (uint32_t at = 0; at < 16; at++) {
    laned l;
    make(&l, 16);
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
    done(&l);
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
    make(&l, 8);
    write_many(&l, 50, 1);
    flip(kg__lane_slot(&l.memory.ring, l.writer.lane_head - 1), bit);
    memcpy(before, l.memory.base, l.memory.length);
    CHECK_RESULT(kg__ring_writer_begin(&next, &l.memory.ring, &failure),
                 KG_E_RING_CORRUPT, &failure);
    CHECK_BYTES(l.memory.base, before, l.memory.length);
    done(&l);
  }
}

TEST(forged_words, "F91 a forged head or claim of the lane misleads nobody") {
  critical_every = 3;
  for (int which = 0; which < 2; which++) {
    for (int i = 0; i < 12; i++) {
      laned l;
      kg__ring_writer next;
      make(&l, 8);
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
      done(&l);
    }
  }
}

TEST(foreign, "F91 what the lane says of another gap is not taken") {
  laned l;
  critical_every = 3;
  make(&l, 8);
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
  done(&l);
}

/* --- Deaths -----------------------------------------------------------------
 */

TEST(died, "F91 what the dead had not put into the lane, its successor does") {
  critical_every = 2;
  for (uint32_t stage = 0; stage < 2; stage++) {
    laned l;
    made_threat made;
    make(&l, 16);
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
    done(&l);
  }
}

TEST(never, "F91 what no writer published does not come into the lane") {
  critical_every = 0;
  for (uint64_t at = 16; at < 19; at++) {
    laned l;
    make(&l, 16);
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
    done(&l);
  }
}
