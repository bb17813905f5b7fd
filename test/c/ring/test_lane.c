/* The priority lane: what a flood does not hide. */
#include "../lane_fixture.h"

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
    laned_make(&l, lane);
    write_many(&l, 400, 1);
    read_all(&l);
    uint64_t in_ring = count_critical(400 - CAPACITY + 1, 400);
    uint64_t rescued = lane > in_ring ? lane - in_ring : 0;
    CHECK_EQUAL(l.reader.rescued, rescued);
    CHECK_EQUAL(l.account.received, CAPACITY + rescued);
    CHECK_EQUAL(l.account.received + l.account.lost, 400);
    CHECK_EQUAL(l.account.unknown, 0);
    laned_free(&l);
  }
}

TEST(no_lane, "without a lane the priority of what is lost is counted still") {
  /* All of them, some, none. */
  const uint32_t rates[] = {1, 3, 0};
  for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
    laned l;
    critical_every = rates[i];
    laned_make(&l, 0);
    write_many(&l, 400, 1);
    read_all(&l);
    CHECK_EQUAL(l.account.received, CAPACITY);
    CHECK_EQUAL(l.account.lost, 400 - CAPACITY);
    CHECK_EQUAL(l.reader.rescued, 0);
    CHECK_EQUAL(l.account.unknown, 0);
    laned_free(&l);
  }
}

TEST(all, "where all have priority, the lane has what the ring has not") {
  laned l;
  critical_every = 1;
  laned_make(&l, 64);
  write_many(&l, 5, 1);
  read_all(&l);
  write_many(&l, 45, 1);
  read_all(&l);
  /* Those that were read, and those that the ring has, come from there. */
  CHECK_EQUAL(l.reader.rescued, 45 - 5 - CAPACITY);
  CHECK_EQUAL(l.account.received, 45);
  CHECK_EQUAL(l.reader.corrupt, 0);
  laned_free(&l);
}

TEST(quarter, "an event of just a quarter of the lane comes whole") {
  for (uint32_t lane = 2; lane <= 16; lane *= 2) {
    for (uint32_t span = 1; span <= CAPACITY / 4; span++) {
      laned l;
      critical_every = 1;
      laned_make(&l, lane);
      write_span(&l.writer, span);
      uint32_t most = lane < 4 ? 1 : lane / 4;
      CHECK_EQUAL(l.writer.lane_head, span <= most ? span : 1);
      CHECK_EQUAL(l.memory.ring.lane[0].flags & KG_EVENT_CUT,
                  span <= most ? 0 : KG_EVENT_CUT);
      laned_free(&l);
    }
  }
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
    laned_make(&l, 8);
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
    laned_free(&l);
  }
}

TEST(long_events,
     "an event over a quarter of the lane comes cut, others whole") {
  uint64_t cut = 0;
  critical_every = 4;
  for (uint32_t lane = 2; lane <= 64; lane *= 2) {
    laned l;
    laned_make(&l, lane);
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
    laned_free(&l);
  }
  CHECK(cut > 0);
}

TEST(small_buffer, "a long event in the lane says what buffer it needs") {
  laned l;
  kg_batch batch;
  kg_slot buffer[CAPACITY];
  critical_every = 1;
  laned_make(&l, 16);
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
  laned_free(&l);
}

TEST(deflated, "a deflated event over a quarter of the lane comes cut") {
  static char text[2 * KG_EVENT_BYTES + 1];
  laned l;
  laned_make(&l, 8);
  const kg_threat threat = {.severity = KG_SEVERITY_CRITICAL,
                            .context = {text, sizeof text},
                            .deflated = {text, 2 * KG_EVENT_BYTES}};
  CHECK_RESULT(kg__ring_writer_stage(&l.writer, &threat, &batch_time), KG_OK,
               NULL);
  commit_staged(&l.writer);
  CHECK_EQUAL(l.memory.ring.slots[0].span, 3);
  CHECK_EQUAL(l.memory.ring.slots[0].flags,
              KG_EVENT_PRIORITY | KG_EVENT_DEFLATED);
  CHECK_EQUAL(l.writer.lane_head, 1);
  CHECK_EQUAL(l.memory.ring.lane[0].span, 1);
  CHECK_EQUAL(l.memory.ring.lane[0].flags, KG_EVENT_PRIORITY | KG_EVENT_CUT);
  CHECK_EQUAL(l.memory.ring.lane[0].tail_bytes, 0);
  laned_free(&l);
}

TEST(batch, "of a batch, those with priority come into the lane") {
  laned l;
  laned_make(&l, 8);
  const uint8_t severities[] = {1, 4, 2, 4};
  for (size_t i = 0; i < sizeof severities; i++) {
    const kg_threat threat = {.severity = severities[i]};
    CHECK_RESULT(kg__ring_writer_stage(&l.writer, &threat, &batch_time), KG_OK,
                 NULL);
  }
  commit_staged(&l.writer);
  CHECK_EQUAL(l.writer.lane_head, 2);
  CHECK_EQUAL(l.memory.ring.lane[0].sequence, 2);
  CHECK_EQUAL(l.memory.ring.lane[1].sequence, 4);
  CHECK_EQUAL(l.memory.ring.lane[1].priority_count, 2);
  laned_free(&l);
}
