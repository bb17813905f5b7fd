/* Slots whose bytes are not what the writer stored. */
#include <stdio.h>
#include <string.h>

#include "../fixture.h"

#define EVENTS 6
#define SLOT_BITS (KG_SLOT_BYTES * 8)

/* A ring with six events, of which the fourth takes three slots. */
typedef struct damaged {
  memory_ring memory;
  kg__ring_writer writer;
  kg_slot whole[16];
} damaged;

static const uint32_t spans[EVENTS] = {1, 2, 1, 3, 1, 1};
static const uint32_t owner_of[] = {1, 2, 2, 3, 4, 4, 4, 5, 6};
#define USED (sizeof owner_of / sizeof *owner_of)

static void damaged_make(damaged *d, bool checksums) {
  memory_ring_make(&d->memory, 16, checksums);
  CHECK_RESULT(kg__ring_writer_begin(&d->writer, &d->memory.ring, NULL), KG_OK,
               NULL);
  for (int i = 0; i < EVENTS; i++) {
    write_span(&d->writer, spans[i]);
  }
  memcpy(d->whole, d->memory.ring.slots, sizeof d->whole);
}

static void damaged_free(damaged *d) {
  kg__ring_writer_end(&d->writer);
  memory_ring_free(&d->memory);
}

/* Reads everything as a new reader does: the event `victim` must be lost and
 * counted, every other one must come. Then the slots are put right again. */
static void check_only_lost(damaged *d, uint32_t victim) {
  kg__ring_reader reader;
  account account = {.next = 1};
  kg__ring_reader_begin(&reader, &d->memory.ring);
  CHECK_RESULT(kg__ring_reader_seek(&reader, KG_FROM_OLDEST, 0), KG_OK, NULL);
  drain(&reader, &account, 16, 8);
  if (account.received != EVENTS - 1 || account.lost != 1) {
    fprintf(stderr, "event %u was damaged\n", (unsigned)victim);
  }
  CHECK_EQUAL(account.received, EVENTS - 1);
  CHECK_EQUAL(account.lost, 1);
  CHECK_EQUAL(account.reasons[KG_LOSS_CORRUPT], 1);
  CHECK(reader.corrupt >= 1);
  memcpy(d->memory.ring.slots, d->whole, sizeof d->whole);
}

static void flip(damaged *d, uint32_t slot, uint32_t bit) {
  unsigned char *bytes = (unsigned char *)&d->memory.ring.slots[slot];
  bytes[bit / 8] ^= (unsigned char)(1U << (bit % 8));
}

TEST(one_bit, "F9 any one flipped bit of any slot: counted, reading goes on") {
  damaged d;
  damaged_make(&d, true);
  for (uint32_t slot = 0; slot < USED; slot++) {
    for (uint32_t bit = 0; bit < SLOT_BITS; bit++) {
      flip(&d, slot, bit);
      check_only_lost(&d, owner_of[slot]);
    }
  }
  damaged_free(&d);
}

TEST(two_bits, "F9 25,000 pairs of flipped bits: counted, reading goes on") {
  uint64_t seed = 9;
  damaged d;
  damaged_make(&d, true);
  for (int i = 0; i < 25000; i++) {
    uint32_t slot = (uint32_t)(check_random(&seed) % USED);
    uint32_t first = (uint32_t)(check_random(&seed) % SLOT_BITS);
    uint32_t second = (uint32_t)(check_random(&seed) % SLOT_BITS);
    if (first != second) {
      flip(&d, slot, first);
      flip(&d, slot, second);
      check_only_lost(&d, owner_of[slot]);
    }
  }
  damaged_free(&d);
}

TEST(two_slots, "F9 two bits in two slots of one event") {
  uint64_t seed = 10;
  damaged d;
  damaged_make(&d, true);
  for (int i = 0; i < 5000; i++) {
    uint32_t first = 4 + (uint32_t)(check_random(&seed) % 3);
    uint32_t second = 4 + (uint32_t)(check_random(&seed) % 3);
    if (first != second) {
      flip(&d, first, (uint32_t)(check_random(&seed) % SLOT_BITS));
      flip(&d, second, (uint32_t)(check_random(&seed) % SLOT_BITS));
      check_only_lost(&d, 4);
    }
  }
  damaged_free(&d);
}

TEST(last_event, "F9 a damaged last event is counted before another comes") {
  damaged d;
  kg__ring_reader reader;
  account account = {.next = 1};
  damaged_make(&d, true);
  kg__ring_reader_begin(&reader, &d.memory.ring);
  CHECK_RESULT(kg__ring_reader_seek(&reader, KG_FROM_OLDEST, 0), KG_OK, NULL);
  flip(&d, USED - 1, 1000);
  drain(&reader, &account, 16, 8);
  CHECK_EQUAL(account.received, EVENTS - 1);
  CHECK_EQUAL(account.lost, 1);
  CHECK_EQUAL(reader.corrupt, 1);
  /* Looking again does not count it again. */
  drain(&reader, &account, 16, 2);
  CHECK_EQUAL(account.lost, 1);
  CHECK_EQUAL(reader.corrupt, 1);
  write_span(&d.writer, 2);
  drain(&reader, &account, 16, 2);
  CHECK_EQUAL(account.received, EVENTS);
  CHECK_EQUAL(account.received + account.lost, d.writer.sequence);
  damaged_free(&d);
}

/* A reader that has read six events, then `events` more of which everything
 * that still stands is damaged. */
static void damage_all(uint32_t events) {
  damaged d;
  kg__ring_reader reader;
  account account = {.next = 1};
  damaged_make(&d, true);
  kg__ring_reader_begin(&reader, &d.memory.ring);
  CHECK_RESULT(kg__ring_reader_seek(&reader, KG_FROM_OLDEST, 0), KG_OK, NULL);
  drain(&reader, &account, 16, 8);
  for (uint32_t i = 0; i < events; i++) {
    write_span(&d.writer, 1);
  }
  for (uint32_t slot = 0; slot < 16; slot++) {
    flip(&d, slot, 400 + slot);
  }
  drain(&reader, &account, 16, 32);
  CHECK_EQUAL(account.received, EVENTS);
  CHECK_EQUAL(account.lost, events);
  write_span(&d.writer, 1);
  drain(&reader, &account, 16, 8);
  CHECK_EQUAL(account.received, EVENTS + 1);
  CHECK_EQUAL(account.received + account.lost, d.writer.sequence);
  damaged_free(&d);
}

TEST(all_damaged,
     "F9 a whole ring of damage: exact, and the next event comes") {
  damage_all(10);
  damage_all(16);
  damage_all(17);
  damage_all(100);
}

TEST(misplaced, "F8 a valid slot copied to any other place is rejected") {
  damaged d;
  for (int checksums = 0; checksums < 2; checksums++) {
    damaged_make(&d, checksums != 0);
    for (uint32_t to = 0; to < USED; to++) {
      for (uint32_t from = 0; from < USED; from++) {
        if (from != to) {
          d.memory.ring.slots[to] = d.whole[from];
          check_only_lost(&d, owner_of[to]);
        }
      }
    }
    damaged_free(&d);
  }
}

TEST(lap_before, "F8 a slot from the lap before is rejected") {
  for (int checksums = 0; checksums < 2; checksums++) {
    damaged d;
    kg__ring_reader reader;
    account account = {.next = 1};
    damaged_make(&d, checksums != 0);
    kg__ring_reader_begin(&reader, &d.memory.ring);
    CHECK_RESULT(kg__ring_reader_seek(&reader, KG_FROM_OLDEST, 0), KG_OK, NULL);
    drain(&reader, &account, 16, 8);
    for (int i = 0; i < 16; i++) {
      write_span(&d.writer, 1);
    }
    /* As if the writer's stores to these two had been lost. */
    d.memory.ring.slots[0] = d.whole[0];
    d.memory.ring.slots[5] = d.whole[5];
    drain(&reader, &account, 16, 8);
    CHECK_EQUAL(account.received, EVENTS + 14);
    CHECK_EQUAL(account.reasons[KG_LOSS_CORRUPT], 2);
    CHECK_EQUAL(reader.corrupt, 2);
    damaged_free(&d);
  }
}

TEST(swapped, "F10 two swapped bytes, words or fields are detected") {
  damaged d;
  damaged_make(&d, true);
  for (uint32_t slot = 0; slot < USED; slot++) {
    unsigned char *bytes = (unsigned char *)&d.memory.ring.slots[slot];
    for (size_t width = 1; width <= 64; width *= 2) {
      for (size_t at = 0; at + 2 * width <= KG_SLOT_BYTES; at += width) {
        unsigned char part[64];
        if (memcmp(bytes + at, bytes + at + width, width) == 0) {
          continue;
        }
        memcpy(part, bytes + at, width);
        memcpy(bytes + at, bytes + at + width, width);
        memcpy(bytes + at + width, part, width);
        check_only_lost(&d, owner_of[slot]);
      }
    }
    /* Position and sequence, which differ by one, and source and details. */
    kg_slot *whole = &d.memory.ring.slots[slot];
    uint64_t position = whole->position;
    whole->position = whole->sequence;
    whole->sequence = position;
    if (whole->position != position) {
      check_only_lost(&d, owner_of[slot]);
    }
    if (whole->place == 0) {
      uint8_t text[KG_SOURCE_BYTES];
      memcpy(text, whole->body.event.source, sizeof text);
      memcpy(whole->body.event.source, whole->body.event.details, sizeof text);
      memcpy(whole->body.event.details, text, sizeof text);
      check_only_lost(&d, owner_of[slot]);
    }
  }
  damaged_free(&d);
}

TEST(swapped_slots, "F10 two swapped slots are both counted") {
  damaged d;
  kg__ring_reader reader;
  account account = {.next = 1};
  damaged_make(&d, true);
  kg__ring_reader_begin(&reader, &d.memory.ring);
  CHECK_RESULT(kg__ring_reader_seek(&reader, KG_FROM_OLDEST, 0), KG_OK, NULL);
  d.memory.ring.slots[0] = d.whole[3];
  d.memory.ring.slots[3] = d.whole[0];
  drain(&reader, &account, 16, 8);
  CHECK_EQUAL(account.received, EVENTS - 2);
  CHECK_EQUAL(account.reasons[KG_LOSS_CORRUPT], 2);
  damaged_free(&d);
}

/* --- Lengths, with a checksum that is right over them -------------------- */

enum field { SOURCE, DETAILS, SPAN, PLACE, TAIL, SEQUENCE, POSITION, FLAGS };

static void set(kg_slot *slot, enum field field, uint64_t value) {
  switch (field) {
  case SOURCE:
    slot->source_used = (uint16_t)value;
    break;
  case DETAILS:
    slot->details_used = (uint16_t)value;
    break;
  case SPAN:
    slot->span = (uint16_t)value;
    break;
  case PLACE:
    slot->place = (uint16_t)value;
    break;
  case TAIL:
    slot->tail_bytes = (uint32_t)value;
    break;
  case SEQUENCE:
    slot->sequence = value;
    break;
  case POSITION:
    slot->position = value;
    break;
  case FLAGS:
    slot->flags = (uint32_t)value;
    break;
  }
}

static void check_lengths(bool checksums) {
  static const struct {
    uint32_t slot;
    enum field field;
    uint64_t value;
  } wrong[] = {
      {0, SOURCE, 65},
      {0, SOURCE, 0xFFFF},
      {0, SOURCE, 0x8000},
      {0, DETAILS, 257},
      {0, DETAILS, 0xFFFF},
      {0, SPAN, 0},
      {0, SPAN, 2},
      {0, SPAN, 4},
      {0, SPAN, 5},
      {0, SPAN, 16},
      {0, SPAN, 17},
      {0, SPAN, 0xFFFF},
      {0, PLACE, 1},
      {0, PLACE, 0xFFFF},
      {0, TAIL, 1},
      {0, TAIL, 340},
      {0, TAIL, 0xFFFFFFFF},
      {0, TAIL, 0x80000000},
      {0, SEQUENCE, 0},
      {0, SEQUENCE, UINT64_C(1) << 53},
      {0, SEQUENCE, UINT64_MAX},
      {0, POSITION, 16},
      {0, POSITION, UINT64_MAX},
      {1, SPAN, 1},
      {1, SPAN, 3},
      {1, TAIL, 0},
      {1, TAIL, 341},
      {1, TAIL, 0xFFFFFFFF},
      {2, PLACE, 0},
      {2, PLACE, 2},
      {2, SPAN, 3},
      {2, SPAN, 1},
      {2, TAIL, 341},
      {2, SEQUENCE, 1},
      {2, SEQUENCE, 3},
      {2, FLAGS, 1},
      {4, SPAN, 2},
      {4, SPAN, 4},
      {4, TAIL, 340},
      {4, TAIL, 681},
      {4, TAIL, 1020},
      {5, PLACE, 2},
      {6, PLACE, 1},
      {6, PLACE, 3},
      {8, SPAN, 4},
      {8, SPAN, 0xFFFF},
  };
  damaged d;
  damaged_make(&d, checksums);
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    kg_slot *slot = &d.memory.ring.slots[wrong[i].slot];
    set(slot, wrong[i].field, wrong[i].value);
    kg__slot_seal(slot);
    CHECK(memcmp(slot, &d.whole[wrong[i].slot], sizeof *slot) != 0);
    check_only_lost(&d, owner_of[wrong[i].slot]);
  }
  damaged_free(&d);
}

TEST(lengths, "F11 a length or span that cannot be, under a right checksum") {
  check_lengths(true);
}

TEST(lengths_plain, "F11 the same in a ring without checksums") {
  check_lengths(false);
}

TEST(past_head, "F11 a span that reaches past head is rejected, then healed") {
  damaged d;
  kg__ring_reader reader;
  account account = {.next = 1};
  damaged_make(&d, true);
  kg_slot *last = &d.memory.ring.slots[USED - 1];
  last->span = 3;
  last->tail_bytes = 341;
  kg__slot_seal(last);
  CHECK(kg__slot_is_valid(&d.memory.ring, last, USED - 1));
  check_only_lost(&d, EVENTS);

  last->span = 3;
  last->tail_bytes = 341;
  kg__slot_seal(last);
  kg__ring_reader_begin(&reader, &d.memory.ring);
  CHECK_RESULT(kg__ring_reader_seek(&reader, KG_FROM_OLDEST, 0), KG_OK, NULL);
  drain(&reader, &account, 2 + 1, 32);
  write_span(&d.writer, 1);
  drain(&reader, &account, 16, 8);
  CHECK_EQUAL(account.received, EVENTS);
  CHECK_EQUAL(account.lost, 1);
  damaged_free(&d);
}

TEST(tail_fields, "F11 a field in the tail that is longer than the tail") {
  damaged d;
  damaged_make(&d, true);
  static const uint32_t lengths[] = {0xFFFFFFFF, 0x80000000, 341, 681, 65536};
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    kg_slot slots[3];
    char scratch[3 * KG_EVENT_BYTES];
    uint32_t offset = 0;
    kg_threat threat;
    memcpy(slots, &d.whole[4], sizeof slots);
    memcpy(slots[1].body.tail + 4, &lengths[i], 4);
    CHECK_RESULT(kg_event_decode(slots, &offset, scratch, &threat),
                 KG_E_RING_CORRUPT, NULL);
    CHECK_EQUAL(offset, 3);
    CHECK(threat.source.length <= KG_SOURCE_BYTES);
  }
  damaged_free(&d);
}
