/* A slot that is put together in registers of 64 bytes is the one that is put
 * together in memory, and so is the one that is put together in the ring. Where
 * the CPU has no such registers, all are those of memory. */
#include <string.h>

#include "../fixture.h"
#include "../system/system.h"

#define CAPACITY 16
/* A position, and nearly the sequence there, of many different bytes. */
#define FAR UINT64_C(0x0012345678ABCDE0)

#define PRIORITY UINT32_C(0xFEDCBA98)

typedef struct side {
  memory_ring memory;
  kg__ring_writer writer;
} side;

static void side_make(side *side, bool checksums) {
  memory_ring_make(&side->memory, CAPACITY, checksums);
  memory_ring_jump(&side->memory, FAR);
  CHECK_RESULT(kg__ring_writer_begin(&side->writer, &side->memory.ring, NULL),
               KG_OK, NULL);
  side->writer.priority = PRIORITY;
}

static void side_free(side *side) {
  kg__ring_writer_end(&side->writer);
  memory_ring_free(&side->memory);
}

static const kg_slot *stage(side *side, const kg_threat *threat,
                            const kg__batch_time *time) {
  kg__ring_writer_discard(&side->writer);
  memset(side->writer.staged, 0xA5, sizeof *side->writer.staged);
  CHECK_RESULT(kg__ring_writer_stage(&side->writer, threat, time), KG_OK, NULL);
  CHECK_EQUAL(side->writer.staged_slots, 1);
  return side->writer.staged;
}

static bool can_defer(const side *side) {
  return side->writer.ring.is_wide && !KG__THREAD_SANITIZER;
}

/* What stands in the ring of the only event of a batch. */
static const kg_slot *put(side *side, const kg_threat *threat,
                          const kg__batch_time *time) {
  kg_slot *slot = kg__ring_slot(&side->memory.ring, FAR);
  kg__ring_writer_discard(&side->writer);
  memset(slot, 0x5A, sizeof *slot);
  if (!kg__ring_writer_defer(&side->writer, threat, time)) {
    CHECK(!can_defer(side) || threat->severity >= KG_SEVERITY_CRITICAL);
    CHECK_RESULT(kg__ring_writer_stage(&side->writer, threat, time), KG_OK,
                 NULL);
  }
  CHECK_EQUAL(side->writer.staged_slots, 1);
  CHECK_EQUAL(side->writer.staged_events, 1);
  kg__ring_writer_copy(&side->writer);
  return slot;
}

/* Where texts stand: at one end of pages behind which there is none. What is
 * beside a text is not zero. */
typedef struct place {
  unsigned char *bytes;
  size_t length;
} place;

static void place_make(place *place, uint64_t *seed) {
  place->bytes = system_allocate_alone(KG_DETAILS_BYTES, &place->length);
  CHECK(place->bytes != NULL);
  for (size_t i = 0; i < place->length; i++) {
    place->bytes[i] = (unsigned char)(check_random(seed) | 1);
  }
}

static kg_text text_in(const place *place, size_t length, bool at_end) {
  size_t from = at_end ? place->length - length : 0;
  return (kg_text){(const char *)place->bytes + from, length};
}

/* What a slot has beside its texts, whoever put it together. */
static void check_facts(const kg_slot *slot, const kg_threat *threat,
                        const kg__batch_time *time) {
  const kg_threat_event *event = &slot->body.event;
  bool is_priority = threat->severity >= KG_SEVERITY_CRITICAL;
  CHECK_EQUAL(slot->position, FAR);
  CHECK_EQUAL(slot->sequence, FAR + 1);
  CHECK_EQUAL(slot->publish_ns, time->publish_ns);
  CHECK_EQUAL(slot->flags, is_priority ? KG_EVENT_PRIORITY : 0);
  CHECK_EQUAL(slot->priority_count, PRIORITY + (is_priority ? 1 : 0));
  CHECK_EQUAL(event->timestamp_us,
              threat->timestamp_us != 0 ? threat->timestamp_us : time->wall_us);
  CHECK_EQUAL(event->blocked, threat->blocked ? 1 : 0);
}

static void check_lengths(bool checksums) {
  uint64_t seed = 11;
  place sources;
  place details;
  side wide;
  side narrow;
  place_make(&sources, &seed);
  place_make(&details, &seed);
  side_make(&wide, checksums);
  side_make(&narrow, checksums);
  narrow.writer.ring.is_wide = false;
  for (size_t source = 0; source <= KG_SOURCE_BYTES; source++) {
    for (size_t length = 0; length <= KG_DETAILS_BYTES; length++) {
      uint64_t random = check_random(&seed);
      kg__batch_time time = {.publish_ns = check_random(&seed),
                             .wall_us = check_random(&seed)};
      kg_threat threat = {
          .timestamp_us = random & 1 ? check_random(&seed) : 0,
          .threat_type = (uint32_t)check_random(&seed),
          .severity = (uint8_t)(random >> 8),
          .blocked = (random & 2) != 0,
          .source = text_in(&sources, source, (random & 4) != 0),
          .details = text_in(&details, length, (random & 8) != 0)};
      const kg_slot *one = stage(&wide, &threat, &time);
      const kg_slot *other = stage(&narrow, &threat, &time);
      CHECK_EQUAL(memcmp(one, other, sizeof *one), 0);
      check_facts(one, &threat, &time);
      CHECK(kg__slot_is_valid(&wide.memory.ring, one, FAR));
      CHECK_EQUAL(memcmp(put(&wide, &threat, &time), other, sizeof *other), 0);
    }
  }
  side_free(&wide);
  side_free(&narrow);
  system_free_alone(sources.bytes, sources.length);
  system_free_alone(details.bytes, details.length);
}

TEST(sealed, "a slot of wide registers is that of memory, for each length") {
  check_lengths(true);
}

TEST(plain, "a slot of wide registers is that of memory, without checksums") {
  check_lengths(false);
}

TEST(none, "texts that are not there are empty ones") {
  side wide;
  side narrow;
  kg__batch_time time = {.publish_ns = 1, .wall_us = 2};
  kg_threat threat = {.threat_type = KG_THREAT_PATH_TRAVERSAL,
                      .severity = KG_SEVERITY_LOW};
  side_make(&wide, true);
  side_make(&narrow, true);
  narrow.writer.ring.is_wide = false;
  const kg_slot *slot = stage(&wide, &threat, &time);
  const kg_slot *other = stage(&narrow, &threat, &time);
  CHECK_EQUAL(memcmp(slot, other, sizeof *slot), 0);
  CHECK(kg__slot_is_valid(&wide.memory.ring, slot, FAR));
  CHECK_EQUAL(slot->source_used, 0);
  CHECK_EQUAL(slot->details_used, 0);
  CHECK_EQUAL(memcmp(put(&wide, &threat, &time), other, sizeof *other), 0);
  side_free(&wide);
  side_free(&narrow);
}

TEST(staged, "what is no event of one slot, or has priority, is not deferred") {
  static char bytes[KG_DETAILS_BYTES + 1];
  side wide;
  side narrow;
  kg__batch_time time = {.publish_ns = 1, .wall_us = 2};
  kg_threat threat = {.severity = KG_SEVERITY_LOW};
  side_make(&wide, true);
  side_make(&narrow, true);
  narrow.writer.ring.is_wide = false;
  CHECK(kg__ring_writer_defer(&wide.writer, &threat, &time) ==
        can_defer(&wide));
  kg__ring_writer_discard(&wide.writer);
  CHECK(!kg__ring_writer_defer(&narrow.writer, &threat, &time));
  threat.severity = KG_SEVERITY_CRITICAL;
  CHECK(!kg__ring_writer_defer(&wide.writer, &threat, &time));
  threat.severity = KG_SEVERITY_LOW;
  threat.details = (kg_text){bytes, sizeof bytes};
  CHECK(!kg__ring_writer_defer(&wide.writer, &threat, &time));
  CHECK_EQUAL(wide.writer.staged_slots, 0);
  CHECK(wide.writer.deferred == NULL);
  side_free(&wide);
  side_free(&narrow);
}

TEST(dropped, "a deferred event that is dropped is not in the next batch") {
  side wide;
  kg__batch_time time = {.publish_ns = 1, .wall_us = 2};
  kg_threat first = {.severity = KG_SEVERITY_LOW, .details = {"first", 5}};
  kg_threat second = {.severity = KG_SEVERITY_LOW, .details = {"second", 6}};
  side_make(&wide, true);
  CHECK(kg__ring_writer_defer(&wide.writer, &first, &time) == can_defer(&wide));
  kg__ring_writer_discard(&wide.writer);
  CHECK_RESULT(kg__ring_writer_stage(&wide.writer, &second, &time), KG_OK,
               NULL);
  kg__ring_writer_copy(&wide.writer);
  const kg_slot *slot = kg__ring_slot(&wide.memory.ring, FAR);
  CHECK_EQUAL(slot->details_used, 6);
  CHECK_EQUAL(memcmp(slot->body.event.details, "second", 6), 0);
  side_free(&wide);
}
