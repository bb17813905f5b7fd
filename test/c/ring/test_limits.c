/* Numbers in the file at, past and far from what they can be. */
#include <string.h>

#include "../fixture.h"

#define CAPACITY 16

static const uint64_t positions[] = {
    40,
    UINT64_C(1) << 32,
    KG_SEQUENCE_MAX,
    KG_POSITION_MAX,
    UINT64_MAX / 2,
    UINT64_MAX - CAPACITY,
    UINT64_MAX - 1,
    UINT64_MAX,
};
static const uint64_t sequences[] = {
    0,
    1,
    40,
    KG_SEQUENCE_MAX - 1,
    KG_SEQUENCE_MAX,
    KG_SEQUENCE_MAX + 1,
    UINT64_MAX / 2,
    UINT64_MAX - 1,
    UINT64_MAX,
};
#define POSITIONS (sizeof positions / sizeof *positions)
#define SEQUENCES (sizeof sequences / sizeof *sequences)

/* Reads all there is and checks that each number could be one of a stream. */
static uint64_t read_all(kg__ring_reader *reader) {
  kg_slot buffer[CAPACITY];
  kg_batch batch;
  kg_reader_stats stats;
  uint64_t received = 0;
  int reads = 0;
  do {
    CHECK_RESULT(kg__ring_reader_read(reader, buffer, CAPACITY, &batch), KG_OK,
                 NULL);
    CHECK(batch.lost <= KG_SEQUENCE_MAX);
    CHECK(batch.lost_to <= KG_SEQUENCE_MAX);
    CHECK(batch.lost == 0 || batch.lost == batch.lost_to - batch.lost_from + 1);
    received += batch.events;
  } while (batch.more && ++reads < 64);
  CHECK(reads < 64);
  kg__ring_reader_stats(reader, &stats);
  CHECK(stats.lost <= KG_SEQUENCE_MAX);
  CHECK(stats.published <= KG_SEQUENCE_MAX);
  CHECK(stats.sequence <= KG_SEQUENCE_MAX);
  CHECK(stats.expected <= KG_SEQUENCE_MAX + 1);
  return received;
}

typedef struct limits_ring {
  memory_ring memory;
  kg__ring_writer writer;
  kg__ring_reader reader;
} limits_ring;

static void make(limits_ring *limits) {
  memory_ring_make(&limits->memory, CAPACITY, true);
  CHECK_RESULT(
      kg__ring_writer_begin(&limits->writer, &limits->memory.ring, NULL), KG_OK,
      NULL);
  kg__ring_reader_begin(&limits->reader, &limits->memory.ring);
  for (int i = 0; i < 5; i++) {
    write_span(&limits->writer, 1);
  }
  CHECK_EQUAL(read_all(&limits->reader), 5);
}

/* The writer knows better, and the account goes on. */
static void check_goes_on(limits_ring *limits) {
  uint64_t received = 0;
  for (int i = 0; i < 2 * CAPACITY; i++) {
    write_span(&limits->writer, 1);
    received += read_all(&limits->reader);
  }
  CHECK(received > 0);
  CHECK_EQUAL(limits->reader.next, limits->writer.sequence + 1);
  kg__ring_writer_end(&limits->writer);
  memory_ring_free(&limits->memory);
}

TEST(last_sequence, "F61 a last sequence that no stream has, under any head") {
  for (size_t p = 0; p < POSITIONS; p++) {
    for (size_t s = 0; s < SEQUENCES; s++) {
      limits_ring limits;
      make(&limits);
      kg_ring_header *header = limits.memory.ring.header;
      header->claim = positions[p];
      header->last_sequence = sequences[s];
      header->head = positions[p];
      CHECK_EQUAL(read_all(&limits.reader), 0);
      check_goes_on(&limits);
    }
  }
}

TEST(slots, "F61 a slot whose position and sequence are at their limits") {
  for (size_t p = 0; p < POSITIONS; p++) {
    for (size_t s = 1; s < SEQUENCES; s++) {
      for (enum kg_from from = KG_FROM_LATEST; from <= KG_FROM_SEQUENCE;
           from++) {
        limits_ring limits;
        make(&limits);
        kg_ring_header *header = limits.memory.ring.header;
        kg_slot slot = {
            .position = positions[p] - 1, .sequence = sequences[s], .span = 1};
        kg__slot_seal(&slot);
        *kg__ring_slot(&limits.memory.ring, positions[p] - 1) = slot;
        header->claim = positions[p];
        header->last_sequence = sequences[s];
        header->head = positions[p];
        kg__ring_reader reader;
        kg__ring_reader_begin(&reader, &limits.memory.ring);
        CHECK_RESULT(kg__ring_reader_seek(&reader, from, 2), KG_OK, NULL);
        CHECK(read_all(&reader) <= 1);
        CHECK(read_all(&limits.reader) <= 1);
        check_goes_on(&limits);
      }
    }
  }
}

TEST(writer, "F61 no writer goes on behind a position that no stream reaches") {
  for (size_t p = 0; p < POSITIONS; p++) {
    memory_ring memory;
    kg__ring_writer writer;
    kg_failure failure;
    memory_ring_make(&memory, CAPACITY, true);
    kg_slot slot = {.position = positions[p] - 1, .sequence = 40, .span = 1};
    kg__slot_seal(&slot);
    *kg__ring_slot(&memory.ring, positions[p] - 1) = slot;
    memory.ring.header->claim = positions[p];
    memory.ring.header->last_sequence = 40;
    memory.ring.header->head = positions[p];
    bool is_possible = positions[p] <= KG_POSITION_MAX;
    CHECK_RESULT(kg__ring_writer_begin(&writer, &memory.ring, &failure),
                 is_possible ? KG_OK : KG_E_RING_CORRUPT, &failure);
    if (is_possible) {
      CHECK_EQUAL(kg__ring_writer_overwritten(&writer), 39);
      kg__ring_writer_end(&writer);
    }
    memory_ring_free(&memory);
  }
}

TEST(lane, "F61 nor behind such a position in the lane") {
  lane_events = 8;
  for (size_t p = 0; p < POSITIONS; p++) {
    memory_ring memory;
    kg__ring_writer writer;
    kg_failure failure;
    memory_ring_make(&memory, CAPACITY, true);
    CHECK_RESULT(kg__ring_writer_begin(&writer, &memory.ring, NULL), KG_OK,
                 NULL);
    write_span(&writer, 1);
    kg__ring_writer_end(&writer);
    kg_slot slot = {.position = positions[p] - 1, .sequence = 1, .span = 1};
    kg__slot_seal(&slot);
    *kg__lane_slot(&memory.ring, positions[p] - 1) = slot;
    memory.ring.header->lane_claim = positions[p];
    memory.ring.header->lane_head = positions[p];
    bool is_possible = positions[p] <= KG_POSITION_MAX;
    CHECK_RESULT(kg__ring_writer_begin(&writer, &memory.ring, &failure),
                 is_possible ? KG_OK : KG_E_RING_CORRUPT, &failure);
    if (is_possible) {
      kg__ring_writer_end(&writer);
    }
    memory_ring_free(&memory);
  }
}
