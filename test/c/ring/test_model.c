/* Random lives of a ring against a model: a list of what was written. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../fixture.h"

#define READERS 3
#define STEPS 3000

/* A run can be repeated with KG_TEST_SEED. */
static uint64_t first_seed(void) {
  const char *given = getenv("KG_TEST_SEED");
  return given == NULL ? 20240701 : strtoull(given, NULL, 0);
}

static uint32_t below(uint64_t *seed, uint32_t limit) {
  return (uint32_t)(check_random(seed) % limit);
}

static void stage_some(kg__ring_writer *writer, uint64_t *seed) {
  uint32_t most = kg__ring_batch_slots(&writer->ring);
  uint32_t events = 1 + below(seed, 5);
  made_threat made;
  for (uint32_t i = 0; i < events; i++) {
    uint64_t sequence = writer->sequence + writer->staged_events + 1;
    uint32_t span = span_of(sequence, most);
    make_threat(&made, sequence, span);
    if (writer->staged_slots + span > most) {
      if (below(seed, 2) == 0) {
        CHECK_RESULT(kg__ring_writer_stage(writer, &made.threat, &batch_time),
                     KG_E_BATCH_TOO_LARGE, NULL);
      }
      break;
    }
    CHECK_RESULT(kg__ring_writer_stage(writer, &made.threat, &batch_time),
                 KG_OK, NULL);
  }
}

/* The sequence of the oldest event that stands whole in the lane, or one that
 * no event has. */
static uint64_t oldest_in_lane(const memory_ring *memory) {
  const kg__ring *ring = &memory->ring;
  uint64_t claim = ring->header->lane_claim;
  uint64_t at = claim > lane_events ? claim - lane_events : 0;
  for (; at < ring->header->lane_head; at++) {
    const kg_slot *slot = kg__lane_slot(ring, at);
    CHECK(kg__slot_is_valid(ring, slot, at));
    if (slot->place == 0) {
      return slot->sequence;
    }
  }
  return UINT64_MAX;
}

/* The next writer takes the ring over from one that died where `stage`
 * says: 0 at rest, 1 after claiming, 2 after copying a part. */
static void take_over(memory_ring *memory, kg__ring_writer *writer,
                      uint64_t *seed) {
  uint32_t most = memory->ring.capacity / 4;
  uint32_t slots = 1 + below(seed, most);
  if (below(seed, 3) == 0) {
    /* One that died between W5 and L1. */
    stage_some(writer, seed);
    kg__ring_writer_copy(writer);
    kg__ring_writer_publish(writer);
  }
  uint64_t head = writer->head;
  if (below(seed, 2) == 0) {
    uint64_t claim = head + slots;
    if (claim > writer->claim) {
      memory->ring.header->claim = claim;
    }
    for (uint32_t i = 0; i < slots && below(seed, 4) != 0; i++) {
      memset(kg__ring_slot(&memory->ring, head + i), (int)below(seed, 256),
             sizeof(kg_slot) / 2);
    }
  }
  kg__ring_writer_end(writer);
  uint64_t sequence = writer->sequence;
  CHECK_RESULT(kg__ring_writer_begin(writer, &memory->ring, NULL), KG_OK, NULL);
  CHECK_EQUAL(writer->sequence, sequence);
  CHECK_EQUAL(writer->head, head);
}

static void write_some(kg__ring_writer *writer, uint64_t *seed) {
  stage_some(writer, seed);
  if (below(seed, 20) == 0) {
    kg__ring_writer_discard(writer);
  }
  commit_staged(writer);
}

static void live(uint64_t seed, bool checksums, bool deaths) {
  uint32_t capacity = 16U << below(&seed, 4);
  memory_ring memory;
  kg__ring_writer writer;
  kg__ring_reader readers[READERS];
  account accounts[READERS];
  uint64_t joined[READERS];
  memory_ring_make(&memory, capacity, checksums);
  CHECK_RESULT(kg__ring_writer_begin(&writer, &memory.ring, NULL), KG_OK, NULL);
  for (int r = 0; r < READERS; r++) {
    joined[r] = 1;
    accounts[r] = (account){.next = 1, .most = capacity / 4};
    kg__ring_reader_begin(&readers[r], &memory.ring);
  }
  for (int step = 0; step < STEPS; step++) {
    uint32_t what = below(&seed, 100);
    uint32_t r = below(&seed, READERS);
    if (what < 50) {
      write_some(&writer, &seed);
    } else if (what < 55 && deaths) {
      take_over(&memory, &writer, &seed);
    } else if (what < 57) {
      uint64_t n = 1 + below(&seed, (uint32_t)writer.sequence + 5);
      joined[r] = n;
      accounts[r] = (account){.next = n, .most = capacity / 4};
      kg__ring_reader_begin(&readers[r], &memory.ring);
      CHECK_RESULT(kg__ring_reader_seek(&readers[r], KG_FROM_SEQUENCE, n),
                   KG_OK, NULL);
    } else {
      uint32_t slots = capacity / 4 + below(&seed, capacity);
      drain(&readers[r], &accounts[r], slots, 1000);
      uint64_t published =
          writer.sequence >= joined[r] ? writer.sequence - joined[r] + 1 : 0;
      CHECK_EQUAL(accounts[r].received + accounts[r].lost, published);
      CHECK_EQUAL(readers[r].received, accounts[r].received);
      CHECK_EQUAL(readers[r].lost, accounts[r].lost);
      CHECK_EQUAL(readers[r].corrupt, 0);
      CHECK(accounts[r].unknown <= (joined[r] > 1 ? 1 : 0));
      CHECK(accounts[r].gone < oldest_in_lane(&memory));
      if (!deaths && readers[r].lost == 0 && joined[r] == 1) {
        CHECK_EQUAL(readers[r].cursor, writer.head);
      }
    }
    if (step % 100 == 0) {
      memory_ring_check(&memory);
    }
  }
  kg__ring_writer_end(&writer);
  memory_ring_free(&memory);
}

static void live_often(bool checksums, bool deaths) {
  static const uint32_t lanes[] = {8, 2, 0, 4, 64};
  for (uint64_t i = 0; i < 25; i++) {
    uint64_t seed = first_seed() + i;
    lane_events = lanes[i % 5];
    critical_every = (uint32_t)(i % 4) * 3;
    /* Shown only when the test fails. */
    fprintf(stderr, "seed %llu\n", (unsigned long long)seed);
    live(seed, checksums, deaths);
  }
}

TEST(lives, "F5 random lives of a ring: received + lost = published") {
  live_often(true, false);
}

TEST(lives_plain, "F5 the same without checksums") {
  live_often(false, false);
}

TEST(lives_deaths, "F34 the same with writers that die amid a batch") {
  live_often(true, true);
}
