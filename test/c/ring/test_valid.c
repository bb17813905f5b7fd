/* Which slots validate by themselves, and which slots are an event: each field
 * at its limit, and just past it. */
#include <string.h>

#include "../fixture.h"

#define CAPACITY 32
#define POSITION 100

enum field { POS, SEQUENCE, SPAN, PLACE, SOURCE, DETAILS, TAIL };

static void set(kg_slot *slot, enum field field, uint64_t value) {
  switch (field) {
  case POS:
    slot->position = value;
    break;
  case SEQUENCE:
    slot->sequence = value;
    break;
  case SPAN:
    slot->span = (uint16_t)value;
    break;
  case PLACE:
    slot->place = (uint16_t)value;
    break;
  case SOURCE:
    slot->source_used = (uint16_t)value;
    break;
  case DETAILS:
    slot->details_used = (uint16_t)value;
    break;
  case TAIL:
    slot->tail_bytes = (uint32_t)value;
    break;
  }
}

/* A slot of the middle of an event of the most slots that one may have. */
static kg_slot longest(void) {
  return (kg_slot){.position = POSITION,
                   .sequence = 5,
                   .span = CAPACITY / 4,
                   .place = 3,
                   .tail_bytes = (CAPACITY / 4 - 1) * KG_EVENT_BYTES};
}

TEST(fields, "F11 each field of a slot at its limit, and just past it") {
  static const struct {
    enum field field;
    uint64_t value;
    bool is_valid;
  } cases[] = {
      {POS, POSITION, true},
      {POS, POSITION + CAPACITY, false},
      {POS, POSITION - 1, false},
      {SEQUENCE, 0, false},
      {SEQUENCE, 1, true},
      {SEQUENCE, KG_SEQUENCE_MAX, true},
      {SEQUENCE, KG_SEQUENCE_MAX + 1, false},
      {SPAN, CAPACITY / 4 - 1, false},
      {SPAN, CAPACITY / 4 + 1, false},
      {PLACE, CAPACITY / 4 - 1, true},
      {PLACE, CAPACITY / 4, false},
      {PLACE, 0, true},
      {SOURCE, KG_SOURCE_BYTES, true},
      {SOURCE, KG_SOURCE_BYTES + 1, false},
      {DETAILS, KG_DETAILS_BYTES, true},
      {DETAILS, KG_DETAILS_BYTES + 1, false},
      {TAIL, (CAPACITY / 4 - 2) * KG_EVENT_BYTES, false},
      {TAIL, (CAPACITY / 4 - 2) * KG_EVENT_BYTES + 1, true},
      {TAIL, (CAPACITY / 4 - 1) * KG_EVENT_BYTES + 1, false},
      {TAIL, UINT32_MAX, false},
  };
  for (int checksums = 0; checksums < 2; checksums++) {
    memory_ring memory;
    memory_ring_make(&memory, CAPACITY, checksums != 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
      kg_slot slot = longest();
      set(&slot, cases[i].field, cases[i].value);
      kg__slot_seal(&slot);
      CHECK_EQUAL(kg__slot_is_valid(&memory.ring, &slot, POSITION),
                  cases[i].is_valid);
      slot.body.tail[7] ^= 1;
      CHECK_EQUAL(kg__slot_is_valid(&memory.ring, &slot, POSITION),
                  cases[i].is_valid && !checksums);
    }
    memory_ring_free(&memory);
  }
}

TEST(single, "F11 an event of one slot has one place, and nothing behind it") {
  static const struct {
    enum field field;
    uint64_t value;
    bool is_valid;
  } cases[] = {
      {PLACE, 0, true}, {PLACE, 1, false}, {PLACE, UINT16_MAX, false},
      {TAIL, 0, true},  {TAIL, 1, false},  {TAIL, KG_EVENT_BYTES, false},
      {SPAN, 0, false}, {SPAN, 2, false},
  };
  memory_ring memory;
  memory_ring_make(&memory, CAPACITY, true);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    kg_slot slot = {.position = POSITION, .sequence = 5, .span = 1};
    set(&slot, cases[i].field, cases[i].value);
    kg__slot_seal(&slot);
    CHECK_EQUAL(kg__slot_is_valid(&memory.ring, &slot, POSITION),
                cases[i].is_valid);
  }
  memory_ring_free(&memory);
}

TEST(most_slots, "F11 an event takes no more than a quarter of the ring") {
  memory_ring memory;
  memory_ring_make(&memory, CAPACITY, true);
  for (uint16_t span = 1; span <= CAPACITY; span++) {
    kg_slot slot = {.position = POSITION,
                    .sequence = 5,
                    .span = span,
                    .tail_bytes = (span - 1U) * KG_EVENT_BYTES};
    kg__slot_seal(&slot);
    CHECK_EQUAL(kg__slot_is_valid(&memory.ring, &slot, POSITION),
                span <= CAPACITY / 4);
  }
  memory_ring_free(&memory);
}

/* Slots of one event, each sealed. */
static void make_event(kg_slot *slots, uint16_t span) {
  for (uint16_t place = 0; place < span; place++) {
    slots[place] = (kg_slot){.position = POSITION + place,
                             .sequence = 5,
                             .span = span,
                             .place = place,
                             .tail_bytes = (span - 1U) * KG_EVENT_BYTES};
    kg__slot_seal(&slots[place]);
  }
}

TEST(whole, "F11 an event: all of its slots, below head, in the buffer") {
  memory_ring memory;
  kg_slot slots[CAPACITY / 4];
  memory_ring_make(&memory, CAPACITY, true);
  for (uint16_t span = 1; span <= CAPACITY / 4; span++) {
    make_event(slots, span);
    for (uint32_t count = 1; count <= CAPACITY / 4; count++) {
      for (uint64_t below = 1; below <= CAPACITY / 4; below++) {
        int32_t found = kg__ring_examine(&memory.ring, slots, count, POSITION,
                                         POSITION + below);
        CHECK_EQUAL(found, span > below   ? 0
                           : span > count ? -(int32_t)span
                                          : span);
      }
    }
  }
  memory_ring_free(&memory);
}

TEST(parts, "F11 no slot of an event may be of another, or in another place") {
  memory_ring memory;
  memory_ring_make(&memory, CAPACITY, true);
  for (uint16_t place = 0; place < 3; place++) {
    for (int kind = 0; kind < 7; kind++) {
      kg_slot slots[3];
      make_event(slots, 3);
      kg_slot *slot = &slots[place];
      if (kind == 1) {
        slot->sequence = 6;
      } else if (kind == 2) {
        slot->span = 4;
        slot->tail_bytes = 3 * KG_EVENT_BYTES;
      } else if (kind == 3) {
        slot->place = (place + 1) % 3;
      } else if (kind == 4) {
        slot->flags = KG_EVENT_PRIORITY;
      } else if (kind == 5) {
        slot->tail_bytes--;
      } else if (kind == 6) {
        slot->position++;
      }
      kg__slot_seal(slot);
      CHECK_EQUAL(
          kg__ring_examine(&memory.ring, slots, 3, POSITION, POSITION + 3),
          kind == 0 ? 3 : 0);
    }
  }
  memory_ring_free(&memory);
}
