#include "ring.h"

#include <inttypes.h>
#include <string.h>

#include "../base/atomic.h"
#include "../base/cpu.h"
#include "../platform/cpu.h"
#include "crc32c.h"

static uint64_t round_up(uint64_t bytes, uint64_t multiple) {
  return (bytes + multiple - 1) / multiple * multiple;
}

static uint64_t region_bytes_of(const kg__ring_setup *setup) {
  return setup->region_bytes == 0 ? KG_REGION_ALIGNMENT : setup->region_bytes;
}

/* Only the doorbell is protected otherwise than what is beside it, so only that
 * and what follows need a page of their own, however large those are. */
static uint64_t slots_offset_of(const kg__ring_setup *setup) {
  return 2 * region_bytes_of(setup);
}

static uint64_t end_of_slots(const kg__ring_setup *setup) {
  return round_up(slots_offset_of(setup) +
                      (uint64_t)setup->capacity * KG_SLOT_BYTES,
                  KG_REGION_ALIGNMENT);
}

uint64_t kg__setup_bytes(const kg__ring_setup *setup) {
  return round_up(end_of_slots(setup) +
                      (uint64_t)setup->priority_events * KG_SLOT_BYTES,
                  region_bytes_of(setup));
}

uint64_t kg__ring_bytes(uint32_t capacity, uint32_t priority_events) {
  return kg__setup_bytes(&(kg__ring_setup){.capacity = capacity,
                                           .priority_events = priority_events});
}

static uint32_t identity_checksum(const kg_ring_identity *identity) {
  kg_ring_identity copy = *identity;
  copy.checksum = 0;
  return kg__crc32c(&copy, sizeof copy);
}

void kg__ring_attach(void *base, const kg_ring_identity *identity,
                     kg__ring *ring) {
  char *bytes = base;
  bool is_counted = (identity->flags & KG_RING_PREDECESSOR_COUNTED) != 0;
  *ring = (kg__ring){.header = base,
                     .doorbell = (void *)(bytes + identity->doorbell_offset),
                     .slots = (void *)(bytes + identity->slots_offset),
                     .lane = (void *)(bytes + identity->lane_offset),
                     .generation = identity->generation,
                     .predecessor_generation = identity->predecessor_generation,
                     .predecessor_sequence = identity->predecessor_sequence,
                     .predecessor_priority =
                         is_counted ? identity->predecessor_priority
                                    : KG_PRIORITY_UNKNOWN,
                     .file_bytes = identity->file_bytes,
                     .capacity = identity->capacity,
                     .priority_events = identity->priority_events,
                     .checksums = (identity->flags & KG_RING_CHECKSUMS) != 0,
                     .is_wide = kg__cpu_has_crc32c() && kg__cpu_is_wide()};
}

void kg__ring_format(void *base, const kg__ring_setup *setup, kg__ring *ring) {
  kg_ring_header *header = base;
  bool is_counted = setup->predecessor_priority <= UINT32_MAX;
  kg_ring_identity identity = {
      .magic = KG_MAGIC,
      .version = KG_LAYOUT_VERSION,
      .byte_order = KG_BYTE_ORDER,
      .slot_bytes = KG_SLOT_BYTES,
      .event_bytes = KG_EVENT_BYTES,
      .capacity = setup->capacity,
      .flags = (setup->checksums ? KG_RING_CHECKSUMS : 0) |
               (is_counted ? KG_RING_PREDECESSOR_COUNTED : 0),
      .file_bytes = kg__setup_bytes(setup),
      .doorbell_offset = region_bytes_of(setup),
      .slots_offset = slots_offset_of(setup),
      .generation = setup->generation,
      .predecessor_generation = setup->predecessor_generation,
      .predecessor_sequence = setup->predecessor_sequence,
      .created_us = setup->created_us,
      .lane_offset = setup->priority_events == 0 ? 0 : end_of_slots(setup),
      .priority_events = setup->priority_events,
      .predecessor_priority =
          is_counted ? (uint32_t)setup->predecessor_priority : 0,
  };
  identity.checksum = identity_checksum(&identity);
  /* No reader can see the ring yet: its file has no name that they know. */
  header->identity = identity;
  header->state = KG_STATE_LIVE;
  kg__ring_attach(base, &identity, ring);
}

/* With what is wrong, printf's way. */
#define INVALID(...) kg__fail(failure, KG_E_RING_INVALID, 0, __VA_ARGS__)

static bool is_power_of_two(uint32_t value, uint32_t low, uint32_t high) {
  return value >= low && value <= high && (value & (value - 1)) == 0;
}

/* Whether `bytes` from `offset` on are a region of the file that begins behind
 * `*end`, which is moved behind it. */
static bool is_region(const kg_ring_identity *identity, uint64_t offset,
                      uint64_t bytes, uint64_t *end) {
  if (offset % KG_REGION_ALIGNMENT != 0 || offset < *end ||
      offset > identity->file_bytes || bytes > identity->file_bytes - offset) {
    return false;
  }
  *end = offset + bytes;
  return true;
}

static bool has_regions(const kg_ring_identity *identity) {
  uint64_t end = sizeof(kg_ring_header);
  uint64_t lane = (uint64_t)identity->priority_events * KG_SLOT_BYTES;
  return identity->file_bytes <= KG_MAX_FILE_BYTES &&
         identity->file_bytes % KG_REGION_ALIGNMENT == 0 &&
         is_region(identity, identity->doorbell_offset, KG_DOORBELL_BYTES,
                   &end) &&
         is_region(identity, identity->slots_offset,
                   (uint64_t)identity->capacity * KG_SLOT_BYTES, &end) &&
         (lane == 0 ? identity->lane_offset == 0
                    : is_region(identity, identity->lane_offset, lane, &end));
}

static int check_geometry(const kg_ring_identity *identity, uint64_t length,
                          kg_failure *failure) {
  uint32_t capacity = identity->capacity;
  uint32_t lane = identity->priority_events;
  if (identity->slot_bytes != KG_SLOT_BYTES ||
      identity->event_bytes != KG_EVENT_BYTES) {
    return INVALID("its slots are %" PRIu32 " bytes with events of %" PRIu32
                   " instead of %d and %d",
                   identity->slot_bytes, identity->event_bytes, KG_SLOT_BYTES,
                   KG_EVENT_BYTES);
  }
  if (!is_power_of_two(capacity, KG_MIN_CAPACITY, KG_MAX_CAPACITY)) {
    return INVALID("its capacity is %" PRIu32
                   " slots, not a power of two from %" PRIu32 " to %" PRIu32,
                   capacity, KG_MIN_CAPACITY, KG_MAX_CAPACITY);
  }
  if (lane != 0 &&
      !is_power_of_two(lane, KG_MIN_PRIORITY_EVENTS, KG_MAX_PRIORITY_EVENTS)) {
    return INVALID("its lane has %" PRIu32
                   " slots, not 0 or a power of two from %" PRIu32
                   " to %" PRIu32,
                   lane, KG_MIN_PRIORITY_EVENTS, KG_MAX_PRIORITY_EVENTS);
  }
  if (!has_regions(identity)) {
    return INVALID("its regions do not lie behind each other in %" PRIu64
                   " bytes, each from a multiple of %" PRIu32 " on",
                   identity->file_bytes, KG_REGION_ALIGNMENT);
  }
  if (identity->generation == 0) {
    return INVALID("it has no generation");
  }
  if (identity->checksum != identity_checksum(identity)) {
    return INVALID("its header does not match its checksum");
  }
  if (length < identity->file_bytes) {
    return kg__fail(failure, KG_E_RING_TRUNCATED, 0,
                    "it has %" PRIu64 " bytes of %" PRIu64, length,
                    identity->file_bytes);
  }
  return KG_OK;
}

int kg__ring_verify(const void *base, uint64_t length,
                    kg_ring_identity *identity, kg_failure *failure) {
  if (length < sizeof(kg_ring_header)) {
    return INVALID("it has %" PRIu64 " bytes, fewer than a header", length);
  }
  /* Relaxed is enough: the file got its name after these were written, and
   * they never change; the private copy is what is checked and used. */
  kg__copy_shared(identity, base, sizeof *identity);
  if (identity->magic != KG_MAGIC) {
    return INVALID("it begins with 0x%08" PRIX32 " instead of 0x%08" PRIX32,
                   identity->magic, KG_MAGIC);
  }
  if (identity->byte_order != KG_BYTE_ORDER) {
    return INVALID("it was written with another byte order (0x%08" PRIX32 ")",
                   identity->byte_order);
  }
  if (identity->version != KG_LAYOUT_VERSION) {
    return kg__fail(failure, KG_E_RING_VERSION, 0,
                    "it has version %" PRIu32 " and this is version %" PRIu32,
                    identity->version, KG_LAYOUT_VERSION);
  }
  return check_geometry(identity, length, failure);
}

/* What counts of the last two words of a slot: all but the checksum's own four
 * bytes. An event's stand at 374 to 377, a continuation's at 380 to 383. */
#define LEAD_LAST_BUT_ONE UINT64_C(0x0000FFFFFFFFFFFF)
#define LEAD_LAST UINT64_C(0xFFFFFFFFFFFF0000)
#define CONTINUATION_LAST UINT64_C(0x00000000FFFFFFFF)

uint32_t kg__slot_checksum(const kg_slot *slot) {
  const kg__word *words = (const kg__word *)(const void *)slot;
  return slot->place == 0
             ? kg__crc32c_slot(words, LEAD_LAST_BUT_ONE, LEAD_LAST)
             : kg__crc32c_slot(words, UINT64_MAX, CONTINUATION_LAST);
}

uint32_t kg__slot_stored_checksum(const kg_slot *slot) {
  return slot->place == 0 ? slot->body.event.checksum : slot->tail_checksum;
}

void kg__slot_seal(kg_slot *slot) {
  uint32_t checksum = kg__slot_checksum(slot);
  if (slot->place == 0) {
    slot->body.event.checksum = checksum;
  } else {
    slot->tail_checksum = checksum;
  }
}

/* Whether it can be that place of an event of so many slots. */
static bool has_extent(const kg__ring *ring, const kg_slot *slot) {
  if (slot->span == 1) {
    return slot->place == 0 && slot->tail_bytes == 0; /* As most are. */
  }
  uint64_t tail_slots =
      ((uint64_t)slot->tail_bytes + KG_EVENT_BYTES - 1) / KG_EVENT_BYTES;
  return slot->span <= kg__ring_event_slots(ring) && slot->place < slot->span &&
         tail_slots + 1 == slot->span;
}

bool kg__slot_is_valid(const kg__ring *ring, const kg_slot *slot,
                       uint64_t position) {
  return slot->position == position && slot->sequence != 0 &&
         slot->sequence <= KG_SEQUENCE_MAX && has_extent(ring, slot) &&
         slot->source_used <= KG_SOURCE_BYTES &&
         slot->details_used <= KG_DETAILS_BYTES &&
         (!ring->checksums ||
          kg__slot_stored_checksum(slot) == kg__slot_checksum(slot));
}

static bool belongs_to(const kg_slot *slot, const kg_slot *lead,
                       uint32_t place) {
  return slot->sequence == lead->sequence && slot->span == lead->span &&
         slot->place == place && slot->flags == lead->flags &&
         slot->tail_bytes == lead->tail_bytes;
}

int32_t kg__ring_examine(const kg__ring *ring, const kg_slot *slots,
                         uint32_t count, uint64_t position, uint64_t head) {
  const kg_slot *lead = &slots[0];
  if (!kg__slot_is_valid(ring, lead, position) || lead->place != 0 ||
      lead->span > head - position) {
    return 0;
  }
  if (lead->span > count) {
    return -(int32_t)lead->span;
  }
  for (uint32_t place = 1; place < lead->span; place++) {
    if (!kg__slot_is_valid(ring, &slots[place], position + place) ||
        !belongs_to(&slots[place], lead, place)) {
      return 0;
    }
  }
  return lead->span;
}
