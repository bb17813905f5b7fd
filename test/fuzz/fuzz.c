#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../native/base/atomic.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
  static bool has_begun;
  if (!has_begun) {
    has_begun = true;
    fuzz_begin();
  }
  fuzz_input in = {bytes, length};
  fuzz_one(&in);
  return 0;
}

/* --- The input ------------------------------------------------------------ */

uint8_t fuzz_u8(fuzz_input *in) {
  if (in->left == 0) {
    return 0;
  }
  in->left--;
  return *in->at++;
}

uint64_t fuzz_u64(fuzz_input *in) {
  uint64_t value = 0;
  for (int i = 0; i < 8; i++) {
    value |= (uint64_t)fuzz_u8(in) << (8 * i);
  }
  return value;
}

uint32_t fuzz_below(fuzz_input *in, uint32_t limit) {
  return fuzz_u8(in) % limit;
}

uint64_t fuzz_near(fuzz_input *in, uint64_t value) {
  const uint64_t limits[] = {0,
                             1,
                             UINT32_MAX,
                             UINT64_C(1) << 32,
                             KG_SEQUENCE_MAX - 1,
                             KG_SEQUENCE_MAX,
                             KG_SEQUENCE_MAX + 1,
                             UINT64_C(1) << 60,
                             UINT64_MAX - 1,
                             UINT64_MAX,
                             value + 1000,
                             value + 20000,
                             value + (UINT64_C(1) << 32)};
  uint8_t kind = fuzz_u8(in);
  if (kind <= 2 * FUZZ_NEAR) {
    return value + kind - FUZZ_NEAR;
  }
  size_t limit = kind - 2 * FUZZ_NEAR - 1;
  return limit < sizeof limits / sizeof *limits ? limits[limit] : fuzz_u64(in);
}

/* --- Rings in memory ------------------------------------------------------ */

void fuzz_ring_make(fuzz_ring *memory, bool checksums) {
  static unsigned char *block;
  kg__ring_setup setup = {.capacity = FUZZ_CAPACITY,
                          .priority_events = FUZZ_LANE,
                          .checksums = checksums,
                          .generation = 0x1234};
  memory->length = (size_t)kg__ring_bytes(FUZZ_CAPACITY, FUZZ_LANE);
  if (block == NULL) {
    block = aligned_alloc(KG_REGION_ALIGNMENT, memory->length);
    CHECK(block != NULL);
  }
  memory->base = block;
  memset(block, 0, memory->length);
  kg__ring_format(block, &setup, &memory->ring);
}

/* --- Changes -------------------------------------------------------------- */

/* One of the lane's slots. */
static kg_slot *pick_lane_slot(fuzz_input *in, const kg__ring *ring) {
  return kg__lane_slot(ring, fuzz_u8(in));
}

/* The slot of one of the last positions, as the input says. */
static kg_slot *pick_slot(fuzz_input *in, const kg__ring *ring, uint64_t head) {
  return kg__ring_slot(ring, head - 1 - fuzz_below(in, ring->capacity));
}

/* One field of a slot; its right value is what stands there. */
static void alter_field(fuzz_input *in, kg_slot *slot) {
  kg_threat_event *event = &slot->body.event;
  switch (fuzz_below(in, 13)) {
  case 0:
    slot->position = fuzz_near(in, slot->position);
    break;
  case 1:
    slot->sequence = fuzz_near(in, slot->sequence);
    break;
  case 2:
    slot->publish_ns = fuzz_near(in, slot->publish_ns);
    break;
  case 3:
    slot->span = (uint16_t)fuzz_near(in, slot->span);
    break;
  case 4:
    slot->place = (uint16_t)fuzz_near(in, slot->place);
    break;
  case 5:
    slot->source_used = (uint16_t)fuzz_near(in, slot->source_used);
    break;
  case 6:
    slot->details_used = (uint16_t)fuzz_near(in, slot->details_used);
    break;
  case 7:
    slot->flags = (uint32_t)fuzz_near(in, slot->flags);
    break;
  case 8:
    slot->tail_bytes = (uint32_t)fuzz_near(in, slot->tail_bytes);
    break;
  case 9:
    event->timestamp_us = fuzz_near(in, event->timestamp_us);
    break;
  case 10:
    event->threat_type = (uint32_t)fuzz_near(in, event->threat_type);
    break;
  case 11:
    slot->priority_count = (uint32_t)fuzz_near(in, slot->priority_count);
    break;
  default:
    slot->body.tail[fuzz_u8(in)] = fuzz_u8(in);
  }
}

void fuzz_forge_event(fuzz_input *in, const kg__ring *ring, uint64_t position,
                      uint64_t sequence, uint32_t span) {
  kg_slot slot = {.sequence = sequence, .span = (uint16_t)span};
  uint32_t room = (span - 1) * KG_EVENT_BYTES;
  uint32_t spare = fuzz_below(in, 256);
  slot.flags = fuzz_below(in, 8);
  slot.tail_bytes = span == 1 ? 0 : room - spare;
  for (uint32_t place = 0; place < span; place++) {
    slot.position = position + place;
    slot.place = (uint16_t)place;
    if (place == 0) {
      slot.source_used = (uint16_t)fuzz_below(in, KG_SOURCE_BYTES + 1);
      slot.details_used = fuzz_u8(in);
      slot.body.event.threat_type = fuzz_u8(in);
      slot.body.event.severity = fuzz_u8(in);
      slot.body.event.blocked = fuzz_u8(in);
    } else {
      slot.source_used = 0;
      slot.details_used = 0;
      memset(slot.body.tail, 0, sizeof slot.body.tail);
      /* Fields follow each other: the engine finds headers by itself. */
      uint32_t some = fuzz_below(in, 64);
      for (uint32_t i = 0; i < some; i++) {
        slot.body.tail[i] = fuzz_u8(in);
      }
    }
    kg__slot_seal(&slot);
    *kg__ring_slot(ring, position + place) = slot;
  }
}

/* A whole event, and the header so that a reader finds it. */
static enum fuzz_damage forge_published(fuzz_input *in, const kg__ring *ring,
                                        uint64_t head, uint64_t sequence) {
  kg_ring_header *header = ring->header;
  uint32_t span = 1 + fuzz_below(in, 8);
  uint64_t position = fuzz_near(in, head);
  uint64_t forged = fuzz_near(in, sequence + 1);
  fuzz_forge_event(in, ring, position, forged, span);
  if (fuzz_below(in, 2) == 0) {
    header->claim = position + span;
    header->last_sequence = forged;
    header->head = position + span;
  }
  return FUZZ_FORGERY;
}

static enum fuzz_damage forge_slot(fuzz_input *in, const kg__ring *ring,
                                   uint64_t head) {
  kg_slot *slot = pick_slot(in, ring, head);
  alter_field(in, slot);
  kg__slot_seal(slot);
  return FUZZ_FORGERY;
}

/* Words that a writer stores and nobody reckons with. */
static void alter_writer_word(fuzz_input *in, kg_ring_header *header) {
  switch (fuzz_below(in, 7)) {
  case 0:
    header->state = (uint32_t)fuzz_near(in, header->state);
    break;
  case 1:
    header->boot_id = fuzz_near(in, header->boot_id);
    break;
  case 2:
    header->boot_sequence = fuzz_near(in, header->boot_sequence);
    break;
  case 3:
    header->wake_file_id = fuzz_near(in, header->wake_file_id);
    break;
  case 4:
    header->space_file_id = fuzz_near(in, header->space_file_id);
    break;
  case 5:
    header->overflow = (uint32_t)fuzz_near(in, header->overflow);
    break;
  default:
    header->heartbeat_ns = fuzz_near(in, header->heartbeat_ns);
  }
}

static void alter_doorbell(fuzz_input *in, kg_ring_doorbell *doorbell,
                           uint64_t head) {
  kg_reader_cell *cell = &doorbell->cells[fuzz_below(in, KG_READER_CELLS)];
  switch (fuzz_below(in, 5)) {
  case 0:
    doorbell->waiters = (uint32_t)fuzz_near(in, KG_WAITS_ON_HEAD);
    break;
  case 1:
    doorbell->space_waiters = (uint32_t)fuzz_near(in, KG_WAITS_ON_SPACE);
    break;
  case 2:
    doorbell->space = (uint32_t)fuzz_near(in, doorbell->space);
    break;
  case 3:
    cell->state = (uint32_t)fuzz_near(in, KG_CELL_ATTACHED);
    break;
  default:
    cell->cursor = fuzz_near(in, head);
    cell->state = KG_CELL_ATTACHED;
  }
}

/* The lane, with or without the right checksums. */
static enum fuzz_damage alter_lane(fuzz_input *in, const kg__ring *ring) {
  kg_ring_header *header = ring->header;
  kg_slot *slot;
  if (ring->priority_events == 0) {
    return FUZZ_DAMAGE;
  }
  switch (fuzz_below(in, 6)) {
  case 0:
    header->lane_head = fuzz_near(in, header->lane_head);
    return FUZZ_DAMAGE;
  case 1:
    header->lane_claim = fuzz_near(in, header->lane_claim);
    return FUZZ_DAMAGE;
  case 2:
    slot = pick_lane_slot(in, ring);
    ((unsigned char *)slot)[fuzz_u8(in)] ^= fuzz_u8(in);
    return ring->checksums ? FUZZ_DAMAGE : FUZZ_FORGERY;
  case 3:
    slot = pick_lane_slot(in, ring);
    *slot = *pick_lane_slot(in, ring);
    return FUZZ_DAMAGE;
  case 4:
    /* A copy of what is in the ring, under the lane's own position. */
    slot = pick_lane_slot(in, ring);
    *slot = *pick_slot(in, ring, header->head);
    slot->position = fuzz_near(in, header->lane_head);
    kg__slot_seal(slot);
    return FUZZ_FORGERY;
  default:
    slot = pick_lane_slot(in, ring);
    alter_field(in, slot);
    kg__slot_seal(slot);
    return FUZZ_FORGERY;
  }
}

enum fuzz_damage fuzz_change(fuzz_input *in, const kg__ring *ring,
                             uint64_t head, uint64_t sequence) {
  kg_ring_header *header = ring->header;
  kg_slot *slot;
  uint32_t bit;
  switch (fuzz_below(in, 13)) {
  case 0:
    header->head = fuzz_near(in, head);
    return FUZZ_DAMAGE;
  case 1:
    header->claim = fuzz_near(in, head);
    return FUZZ_DAMAGE;
  case 2:
    header->head = header->claim = fuzz_near(in, head);
    return FUZZ_DAMAGE;
  case 3:
    header->last_sequence = fuzz_near(in, sequence);
    return FUZZ_FORGERY;
  case 4:
    bit = fuzz_u8(in) + 256U * fuzz_below(in, KG_SLOT_BYTES / 32);
    slot = pick_slot(in, ring, head);
    ((unsigned char *)slot)[bit / 8] ^= (unsigned char)(1U << (bit % 8));
    /* Without a checksum, a flipped bit may pass for anything. */
    return ring->checksums ? FUZZ_DAMAGE : FUZZ_FORGERY;
  case 5:
    slot = pick_slot(in, ring, head);
    *slot = *pick_slot(in, ring, head);
    return FUZZ_DAMAGE;
  case 6:
    memset(pick_slot(in, ring, head), 0, sizeof *slot);
    return FUZZ_DAMAGE;
  case 7:
    return forge_slot(in, ring, head);
  case 8:
    return forge_published(in, ring, head, sequence);
  case 9:
    alter_writer_word(in, header);
    return FUZZ_DAMAGE;
  case 10:
    alter_doorbell(in, ring->doorbell, head);
    return FUZZ_DAMAGE;
  default:
    return alter_lane(in, ring);
  }
}

/* --- Accounts ------------------------------------------------------------- */

/* What kg_layout.h says of a slot. */
static void check_slot(const kg__ring *ring, const kg_slot *slot,
                       const kg_slot *lead, uint32_t place) {
  CHECK_EQUAL(slot->position, lead->position + place);
  CHECK_EQUAL(slot->sequence, lead->sequence);
  CHECK_EQUAL(slot->span, lead->span);
  CHECK_EQUAL(slot->place, place);
  CHECK_EQUAL(slot->flags, lead->flags);
  CHECK_EQUAL(slot->tail_bytes, lead->tail_bytes);
  CHECK(slot->source_used <= KG_SOURCE_BYTES);
  CHECK(slot->details_used <= KG_DETAILS_BYTES);
  CHECK(!ring->checksums ||
        kg__slot_stored_checksum(slot) == kg__slot_checksum(slot));
}

static void check_content(const kg_slot *slots, uint32_t at, bool is_honest) {
  static char scratch[MOST_SPAN * KG_EVENT_BYTES];
  uint32_t span = slots[at].span;
  uint32_t offset = at;
  kg_threat threat;
  int result = kg_event_decode(slots, &offset, scratch, &threat);
  CHECK_EQUAL(offset, at + span);
  if (is_honest) {
    CHECK_RESULT(result, KG_OK, NULL);
    CHECK(!threat.cut || is_critical(threat.sequence));
    if (!threat.cut) {
      check_threat(&threat, span);
    }
  } else {
    CHECK(result == KG_OK || result == KG_E_RING_CORRUPT);
  }
}

static void account_loss(fuzz_account *account, const kg_batch *batch) {
  if (batch->loss_reason == KG_LOSS_NONE) {
    CHECK_EQUAL(batch->lost, 0);
    return;
  }
  CHECK(batch->loss_reason <= KG_LOSS_EVICTED);
  CHECK(batch->lost_from >= 1 && batch->lost_from <= batch->lost_to);
  CHECK(batch->lost_to <= KG_SEQUENCE_MAX);
  CHECK_EQUAL(batch->lost, batch->lost_to - batch->lost_from + 1);
  if (account->next != 0) {
    CHECK_EQUAL(batch->lost_from, account->next);
  }
  if (account->is_honest && batch->lost_priority != KG_PRIORITY_UNKNOWN &&
      batch->lost < 1000) {
    CHECK_EQUAL(batch->lost_priority,
                count_critical(batch->lost_from, batch->lost_to));
  }
  account->next = batch->lost_to + 1;
  account->lost += batch->loss_reason == KG_LOSS_BEFORE_JOIN ? 0 : batch->lost;
}

/* Whether these very bytes stand at the slot's position in the ring. */
static bool stands_in(const kg_slot *slot, const kg_slot *there) {
  return memcmp((const void *)slot, (const void *)there, sizeof *slot) == 0;
}

void fuzz_account_batch(fuzz_account *account, const kg__ring *ring,
                        bool ring_is_gone, const void *buffer, uint32_t room,
                        const kg_batch *batch) {
  const kg_slot *slots = buffer;
  uint32_t at = 0;
  account->has_lane = false;
  account_loss(account, batch);
  CHECK(batch->slots <= room && batch->events <= batch->slots);
  for (uint32_t i = 0; i < batch->events; i++) {
    const kg_slot *lead = &slots[at];
    CHECK(at < batch->slots);
    CHECK(lead->span >= 1 && lead->span <= batch->slots - at);
    CHECK(lead->span <= kg__ring_event_slots(ring));
    CHECK(lead->sequence >= 1 && lead->sequence <= KG_SEQUENCE_MAX);
    if (account->next != 0) {
      CHECK_EQUAL(lead->sequence, account->next);
    }
    for (uint32_t place = 0; place < lead->span; place++) {
      const kg_slot *slot = &lead[place];
      check_slot(ring, slot, lead, place);
      bool in_lane = ring->priority_events > 0 &&
                     stands_in(slot, kg__lane_slot(ring, slot->position));
      CHECK(ring_is_gone || in_lane ||
            stands_in(slot, kg__ring_slot(ring, slot->position)));
      account->has_lane |= in_lane;
    }
    CHECK_EQUAL(lead->position, slots[0].position + at);
    check_content(slots, at, account->is_honest);
    account->last = lead->sequence;
    account->next = lead->sequence + 1;
    account->received++;
    at += lead->span;
  }
  CHECK_EQUAL(at, batch->slots);
}
