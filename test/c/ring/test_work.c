/* How much of a ring is looked at, whatever stands in it. The calls by which
 * slots are looked at are wrapped (see the Makefile) and counted. */
#include <string.h>

#include "../../../native/ring/ring_cursor.h"
#include "../fixture.h"

#define CAPACITY (UINT32_C(1) << 15)

/* Of 32,768 slots. The largest ring has 128 times as many, and takes seven more
 * looks, each with its neighbours. */
#define FEW 1000

static uint64_t looks;

void __real_kg__cursor_copy(const kg__ring *ring, kg_slot *buffer,
                            uint64_t position, uint32_t count);
bool __real_kg__slot_is_valid(const kg__ring *ring, const kg_slot *slot,
                              uint64_t position);
void __wrap_kg__cursor_copy(const kg__ring *ring, kg_slot *buffer,
                            uint64_t position, uint32_t count);
bool __wrap_kg__slot_is_valid(const kg__ring *ring, const kg_slot *slot,
                              uint64_t position);

void __wrap_kg__cursor_copy(const kg__ring *ring, kg_slot *buffer,
                            uint64_t position, uint32_t count) {
  looks += count;
  __real_kg__cursor_copy(ring, buffer, position, count);
}

bool __wrap_kg__slot_is_valid(const kg__ring *ring, const kg_slot *slot,
                              uint64_t position) {
  looks++;
  return __real_kg__slot_is_valid(ring, slot, position);
}

typedef struct large_ring {
  memory_ring memory;
  kg__ring_writer writer;
  kg__ring_reader reader;
  account account;
} large_ring;

/* One and a half laps of events of up to `span` slots. */
static void make(large_ring *large, uint32_t span) {
  *large = (large_ring){.account = {.most = span}};
  memory_ring_make(&large->memory, CAPACITY, true);
  CHECK_RESULT(kg__ring_writer_begin(&large->writer, &large->memory.ring, NULL),
               KG_OK, NULL);
  while (large->writer.head < CAPACITY + CAPACITY / 2) {
    write_span(&large->writer, span_of(large->writer.sequence + 1, span));
  }
  kg__ring_reader_begin(&large->reader, &large->memory.ring);
}

static void done(large_ring *large) {
  kg__ring_writer_end(&large->writer);
  memory_ring_free(&large->memory);
}

static void seek(large_ring *large, enum kg_from from, uint64_t sequence) {
  looks = 0;
  CHECK_RESULT(kg__ring_reader_seek(&large->reader, from, sequence), KG_OK,
               NULL);
  CHECK(looks <= FEW);
}

/* The sequence of the oldest event that stands whole. */
static uint64_t oldest_of(const large_ring *large) {
  uint64_t at = large->writer.head - CAPACITY;
  while (kg__ring_slot(&large->memory.ring, at)->place != 0) {
    at++;
  }
  return kg__ring_slot(&large->memory.ring, at)->sequence;
}

TEST(honest, "F64 seeking in a large ring looks at a few slots, and is exact") {
  for (uint32_t span = 1; span <= 16; span *= 4) {
    large_ring large;
    make(&large, span);
    uint64_t last = large.writer.sequence;
    uint64_t oldest = oldest_of(&large);
    large.account.next = 1;
    seek(&large, KG_FROM_OLDEST, 0);
    drain(&large.reader, &large.account, 1024, 1024);
    CHECK_EQUAL(large.account.reasons[KG_LOSS_BEFORE_JOIN], oldest - 1);
    CHECK_EQUAL(large.account.received, last - oldest + 1);
    CHECK_EQUAL(large.account.lost, 0);
    const uint64_t wanted[] = {1,        oldest - 1,   oldest,   oldest + 1,
                               last / 2, last * 3 / 4, last - 1, last,
                               last + 1, last + 100000};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
      large.account = (account){.next = wanted[i], .most = span};
      seek(&large, KG_FROM_SEQUENCE, wanted[i]);
      looks = 0;
      drain(&large.reader, &large.account, 1024, 1024);
      uint64_t first = wanted[i] > oldest ? wanted[i] : oldest;
      uint64_t there = last >= first ? last - first + 1 : 0;
      CHECK_EQUAL(large.account.received, there);
      CHECK_EQUAL(large.account.lost,
                  wanted[i] < oldest ? oldest - wanted[i] : 0);
      CHECK_EQUAL(large.account.lost,
                  large.account.reasons[KG_LOSS_OVERWRITTEN]);
      CHECK_EQUAL(large.reader.corrupt, 0);
      /* Each slot is copied and validated, and one more when it ends. */
      CHECK(looks <= 3 * span * (there + 1024));
    }
    done(&large);
  }
}

/* A head of more than a ring, and nothing that validates. */
static void make_empty(large_ring *large) {
  memory_ring_make(&large->memory, CAPACITY, true);
  large->memory.ring.header->head = 5 * CAPACITY;
  large->memory.ring.header->claim = 5 * CAPACITY;
  large->memory.ring.header->last_sequence = 5 * CAPACITY;
  kg__ring_reader_begin(&large->reader, &large->memory.ring);
}

TEST(garbage, "F64 seeking in a large ring of garbage, and reading it") {
  for (enum kg_from from = KG_FROM_LATEST; from <= KG_FROM_SEQUENCE; from++) {
    large_ring large = {0};
    kg_slot buffer[64];
    kg_batch batch;
    make_empty(&large);
    seek(&large, from, 4 * CAPACITY + 7);
    uint64_t reads = 0;
    do {
      looks = 0;
      CHECK_RESULT(kg__ring_reader_read(&large.reader, buffer, 64, &batch),
                   KG_OK, NULL);
      CHECK_EQUAL(batch.events, 0);
      /* As much as one read may copy; what is seen at once to be none is not
       * validated by a call that is counted. */
      CHECK(looks <= 16384 + 64);
    } while (batch.more && ++reads < 100);
    CHECK(reads <= 8);
    memory_ring_free(&large.memory);
  }
}

TEST(lane, "F64 a large lane that tells nothing is looked at in parts") {
  for (int is_garbage = 0; is_garbage < 2; is_garbage++) {
    large_ring large = {0};
    kg_slot buffer[64];
    kg_batch batch;
    lane_events = KG_MAX_PRIORITY_EVENTS;
    memory_ring_make(&large.memory, 16, true);
    CHECK_RESULT(kg__ring_writer_begin(&large.writer, &large.memory.ring, NULL),
                 KG_OK, NULL);
    critical_every = 1;
    while (large.writer.sequence < KG_MAX_PRIORITY_EVENTS) {
      write_span(&large.writer, 1);
    }
    kg__ring_reader_begin(&large.reader, &large.memory.ring);
    critical_every = 0;
    while (large.writer.sequence < KG_MAX_PRIORITY_EVENTS + 40) {
      write_span(&large.writer, 1);
    }
    for (uint32_t i = 0; is_garbage && i < KG_MAX_PRIORITY_EVENTS; i++) {
      large.memory.ring.lane[i].position = 0;
    }
    uint64_t reads = 0;
    uint64_t lost = 0;
    uint64_t events = 0;
    do {
      looks = 0;
      CHECK_RESULT(kg__ring_reader_read(&large.reader, buffer, 64, &batch),
                   KG_OK, NULL);
      CHECK(looks <= 16384 + FEW);
      lost += batch.lost;
      events += batch.events;
    } while (batch.more && ++reads < 100);
    CHECK_EQUAL(lost, 40 - 16);
    CHECK_EQUAL(events, 16);
    CHECK(reads <= 8);
    kg__ring_writer_end(&large.writer);
    memory_ring_free(&large.memory);
  }
}

TEST(contradiction, "F64 slots that contradict each other lead nowhere") {
  const uint64_t wanted = CAPACITY + CAPACITY / 4 + 1000;
  for (int i = 0; i < 6; i++) {
    large_ring large;
    make(&large, 1);
    uint64_t last = large.writer.sequence;
    /* Where a binary search looks first, and where it ends. */
    bool is_wanted = i % 2 == 1;
    uint64_t at = is_wanted ? wanted - 1 : large.writer.head - CAPACITY / 2;
    const uint64_t forged[] = {1, last + 5, KG_SEQUENCE_MAX};
    kg_slot *slot = kg__ring_slot(&large.memory.ring, at);
    slot->sequence = forged[i / 2];
    kg__slot_seal(slot);
    large.account = (account){.next = wanted};
    seek(&large, KG_FROM_SEQUENCE, wanted);
    drain(&large.reader, &large.account, 1024, 1024);
    CHECK_EQUAL(large.account.lost, is_wanted ? 1 : 0);
    CHECK_EQUAL(large.account.received + large.account.lost, last - wanted + 1);
    done(&large);
  }
}

TEST(damaged_begin, "F64 the oldest part is damaged: the rest comes, exactly") {
  large_ring large;
  make(&large, 4);
  uint64_t head = large.writer.head;
  uint64_t last = large.writer.sequence;
  uint64_t sound = head - CAPACITY / 4;
  while (kg__ring_slot(&large.memory.ring, sound)->place != 0) {
    sound++;
  }
  uint64_t first = kg__ring_slot(&large.memory.ring, sound)->sequence;
  for (uint64_t at = head - CAPACITY; at < sound; at++) {
    kg__ring_slot(&large.memory.ring, at)->publish_ns ^= 1;
  }
  large.account.next = 1;
  seek(&large, KG_FROM_OLDEST, 0);
  drain(&large.reader, &large.account, 1024, 4096);
  CHECK_EQUAL(large.account.received, last - first + 1);
  CHECK_EQUAL(large.account.reasons[KG_LOSS_BEFORE_JOIN], first - 1);
  CHECK_EQUAL(large.account.lost, 0);
  CHECK_EQUAL(large.reader.lost, 0);
  /* What the writer no longer has, it finds as quickly. */
  looks = 0;
  CHECK_EQUAL(kg__ring_writer_overwritten(&large.writer), first - 1);
  CHECK(looks <= FEW);
  done(&large);
}

TEST(overwritten, "F64 counting what was overwritten looks at a few slots") {
  for (uint32_t span = 1; span <= 16; span *= 4) {
    large_ring large;
    make(&large, span);
    looks = 0;
    CHECK_EQUAL(kg__ring_writer_overwritten(&large.writer),
                oldest_of(&large) - 1);
    CHECK(looks <= FEW);
    /* A writer that found only the last event to be sound. */
    for (uint64_t at = large.writer.head - CAPACITY;
         at < large.writer.head - span; at++) {
      kg__ring_slot(&large.memory.ring, at)->position = 0;
    }
    looks = 0;
    CHECK(kg__ring_writer_overwritten(&large.writer) + span >=
          large.writer.sequence);
    CHECK(looks <= FEW);
    done(&large);
  }
}
