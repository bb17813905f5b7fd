#include "ring.h"

#include <inttypes.h>
#include <string.h>

#include "../base/atomic.h"
#include "crc32c.h"

uint64_t kg__ring_bytes(uint32_t capacity) {
  uint64_t bytes = KG_SLOTS_OFFSET + (uint64_t)capacity * KG_SLOT_BYTES;
  return (bytes + KG_REGION_ALIGNMENT - 1) / KG_REGION_ALIGNMENT *
         KG_REGION_ALIGNMENT;
}

static uint32_t identity_checksum(const kg_ring_identity *identity) {
  kg_ring_identity copy = *identity;
  copy.checksum = 0;
  return kg__crc32c(&copy, sizeof copy);
}

static void fill(kg__ring *ring, void *base, const kg_ring_identity *identity) {
  char *bytes = base;
  ring->header = base;
  ring->doorbell = (void *)(bytes + KG_DOORBELL_OFFSET);
  ring->slots = (void *)(bytes + KG_SLOTS_OFFSET);
  ring->generation = identity->generation;
  ring->predecessor_generation = identity->predecessor_generation;
  ring->predecessor_sequence = identity->predecessor_sequence;
  ring->file_bytes = identity->file_bytes;
  ring->capacity = identity->capacity;
  ring->checksums = (identity->flags & KG_RING_CHECKSUMS) != 0;
}

void kg__ring_format(void *base, const kg__ring_setup *setup, kg__ring *ring) {
  kg_ring_header *header = base;
  kg_ring_identity identity = {
      .magic = KG_MAGIC,
      .version = KG_VERSION,
      .byte_order = KG_BYTE_ORDER,
      .slot_bytes = KG_SLOT_BYTES,
      .event_bytes = KG_EVENT_BYTES,
      .capacity = setup->capacity,
      .flags = setup->checksums ? KG_RING_CHECKSUMS : 0,
      .file_bytes = kg__ring_bytes(setup->capacity),
      .doorbell_offset = KG_DOORBELL_OFFSET,
      .slots_offset = KG_SLOTS_OFFSET,
      .generation = setup->generation,
      .predecessor_generation = setup->predecessor_generation,
      .predecessor_sequence = setup->predecessor_sequence,
      .created_us = setup->created_us,
  };
  identity.checksum = identity_checksum(&identity);
  /* No reader can see the ring yet: its file has no name that they know. */
  header->identity = identity;
  header->state = KG_STATE_LIVE;
  fill(ring, base, &identity);
}

/* With what is wrong, printf's way. */
#define INVALID(...) kg__fail(failure, KG_E_RING_INVALID, 0, __VA_ARGS__)

static int check_geometry(const kg_ring_identity *identity, size_t length,
                          kg_failure *failure) {
  uint32_t capacity = identity->capacity;
  if (identity->slot_bytes != KG_SLOT_BYTES ||
      identity->event_bytes != KG_EVENT_BYTES) {
    return INVALID("its slots are %" PRIu32 " bytes with events of %" PRIu32
                   " instead of %d and %d",
                   identity->slot_bytes, identity->event_bytes, KG_SLOT_BYTES,
                   KG_EVENT_BYTES);
  }
  if (capacity < KG_MIN_CAPACITY || capacity > KG_MAX_CAPACITY ||
      (capacity & (capacity - 1)) != 0) {
    return INVALID("its capacity is %" PRIu32
                   " slots, not a power of two from %" PRIu32 " to %" PRIu32,
                   capacity, KG_MIN_CAPACITY, KG_MAX_CAPACITY);
  }
  if (identity->doorbell_offset != KG_DOORBELL_OFFSET ||
      identity->slots_offset != KG_SLOTS_OFFSET ||
      identity->file_bytes != kg__ring_bytes(capacity)) {
    return INVALID("its regions are not where a ring of %" PRIu32
                   " slots has them",
                   capacity);
  }
  if (identity->generation == 0) {
    return INVALID("it has no generation");
  }
  if (identity->checksum != identity_checksum(identity)) {
    return INVALID("its header does not match its checksum");
  }
  if (length < identity->file_bytes) {
    return kg__fail(failure, KG_E_RING_TRUNCATED, 0,
                    "it has %zu bytes of %" PRIu64, length,
                    identity->file_bytes);
  }
  return KG_OK;
}

int kg__ring_attach(void *base, size_t length, kg__ring *ring,
                    kg_failure *failure) {
  kg_ring_identity identity;
  if (length < sizeof(kg_ring_header)) {
    return INVALID("it has %zu bytes, fewer than a header", length);
  }
  /* Relaxed is enough: the file got its name after these were written, and
   * they never change; the private copy is what is checked and used. */
  kg__copy_shared(&identity, base, sizeof identity);
  if (identity.magic != KG_MAGIC) {
    return INVALID("it begins with 0x%08" PRIX32 " instead of 0x%08" PRIX32,
                   identity.magic, KG_MAGIC);
  }
  if (identity.byte_order != KG_BYTE_ORDER) {
    return INVALID("it was written with another byte order (0x%08" PRIX32 ")",
                   identity.byte_order);
  }
  if (identity.version != KG_VERSION) {
    return kg__fail(failure, KG_E_RING_VERSION, 0,
                    "it has version %" PRIu32 " and this is version %" PRIu32,
                    identity.version, KG_VERSION);
  }
  int result = check_geometry(&identity, length, failure);
  if (result == KG_OK) {
    fill(ring, base, &identity);
  }
  return result;
}

/* The checksum's own four bytes, in the words that hold them: an event's
 * stand at 374 to 377, a continuation's at 380 to 383. */
#define WORDS (KG_SLOT_BYTES / 8)
#define LEAD_MASK_LAST_BUT_ONE UINT64_C(0x0000FFFFFFFFFFFF)
#define LEAD_MASK_LAST UINT64_C(0xFFFFFFFFFFFF0000)
#define CONTINUATION_MASK_LAST UINT64_C(0x00000000FFFFFFFF)

uint32_t kg__slot_checksum(const kg_slot *slot) {
  const kg__word *words = (const kg__word *)(const void *)slot;
  kg__word last[2] = {words[WORDS - 2], words[WORDS - 1]};
  if (slot->place == 0) {
    last[0] &= LEAD_MASK_LAST_BUT_ONE;
    last[1] &= LEAD_MASK_LAST;
  } else {
    last[1] &= CONTINUATION_MASK_LAST;
  }
  uint32_t crc = kg__crc32c_words(KG__CRC32C_BEGIN, words, WORDS - 2);
  return KG__CRC32C_END(kg__crc32c_words(crc, last, 2));
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

bool kg__slot_is_valid(const kg__ring *ring, const kg_slot *slot,
                       uint64_t position) {
  uint64_t tail_slots =
      ((uint64_t)slot->tail_bytes + KG_EVENT_BYTES - 1) / KG_EVENT_BYTES;
  return slot->position == position && slot->sequence != 0 &&
         slot->sequence <= KG_SEQUENCE_MAX && slot->span >= 1 &&
         slot->span <= kg__ring_event_slots(ring) && slot->place < slot->span &&
         tail_slots + 1 == slot->span && slot->source_used <= KG_SOURCE_BYTES &&
         slot->details_used <= KG_DETAILS_BYTES &&
         (!ring->checksums ||
          kg__slot_stored_checksum(slot) == kg__slot_checksum(slot));
}
