#include "ring_lane.h"

#include "../base/atomic.h"
#include "../base/step.h"
#include "ring_cursor.h"

/* --- Writing -------------------------------------------------------------- */

/* L1 to L4 for one event, whose slots are private. */
static void put(kg__ring_writer *writer, kg_slot *slots, uint32_t span) {
  const kg__ring *ring = &writer->ring;
  if (span > kg__lane_event_slots(ring)) {
    slots->flags = (slots->flags & ~KG_EVENT_DEFLATED) | KG_EVENT_CUT;
    slots->tail_bytes = 0;
    slots->span = 1;
    span = 1;
  }
  for (uint32_t place = 0; place < span; place++) {
    slots[place].position = writer->lane_head + place;
    if (ring->checksums) {
      kg__slot_seal(&slots[place]);
    }
  }
  uint64_t head = writer->lane_head + span;
  if (head > writer->lane_claim) {
    writer->lane_claim = head;
  }

  /* L1: relaxed, the fence behind it orders it. */
  kg__store64_relaxed(&ring->header->lane_claim, writer->lane_claim);
  KG__STEP("lane claimed");
  /* L2: partner of R3 below, through any word of L3. */
  kg__fence_release();
  /* L3: relaxed, L4 publishes them. */
  for (uint32_t place = 0; place < span; place++) {
    kg__copy_shared(kg__lane_slot(ring, writer->lane_head + place),
                    &slots[place], sizeof(kg_slot));
    KG__STEP("lane slot copied");
  }
  writer->lane_head = head;
  /* L4: partner of R1 below. */
  kg__store64_release(&ring->header->lane_head, head);
  KG__STEP("lane published");
}

void kg__lane_put_staged(kg__ring_writer *writer) {
  uint32_t span;
  for (uint32_t at = 0; at < writer->staged_slots; at += span) {
    kg_slot *slots = &writer->staged[at];
    span = slots->span;
    if ((slots->flags & KG_EVENT_PRIORITY) != 0 &&
        writer->ring.priority_events > 0) {
      put(writer, slots, span);
    }
  }
}

bool kg__lane_begin(kg__ring_writer *writer, uint64_t *sequence) {
  const kg__ring *ring = &writer->ring;
  kg_slot last;
  /* Relaxed: as in kg__ring_writer_begin. */
  uint64_t head = kg__load64_relaxed(&ring->header->lane_head);
  uint64_t claim = kg__load64_relaxed(&ring->header->lane_claim);
  *sequence = 0;
  if (ring->priority_events == 0) {
    return true;
  }
  writer->lane_head = head;
  writer->lane_claim = claim;
  if (claim > KG_POSITION_MAX || claim < head ||
      claim - head > kg__lane_event_slots(ring)) {
    return false;
  }
  if (head == 0) {
    return true;
  }
  kg__copy_shared(&last, kg__lane_slot(ring, head - 1), sizeof last);
  *sequence = last.sequence;
  return kg__slot_is_valid(ring, &last, head - 1) &&
         last.place + 1 == last.span && last.sequence <= writer->sequence;
}

void kg__lane_repair(kg__ring_writer *writer, uint64_t head,
                     uint64_t sequence) {
  const kg__ring *ring = &writer->ring;
  /* What is missing is of the last batch, or behind it. */
  uint32_t batch = kg__ring_batch_slots(ring);
  uint64_t at = head > batch ? head - batch : 0;
  for (; at < writer->head && ring->priority_events > 0; at++) {
    kg_slot *slots = writer->staged;
    kg__copy_shared(slots, kg__ring_slot(ring, at), sizeof *slots);
    if (!kg__slot_is_valid(ring, slots, at) || slots->sequence <= sequence ||
        slots->sequence > writer->sequence || slots->place != 0 ||
        (slots->flags & KG_EVENT_PRIORITY) == 0) {
      continue;
    }
    uint32_t span = slots->span;
    for (uint32_t place = 1; place < span; place++) {
      kg__copy_shared(&slots[place], kg__ring_slot(ring, at + place),
                      sizeof *slots);
    }
    if (kg__ring_examine(ring, slots, span, at, writer->head) > 0) {
      sequence = slots->sequence;
      put(writer, slots, span);
    }
  }
}

/* --- Reading -------------------------------------------------------------- */

/* R2 to R5: copies, and says whether the first of the slots was not overwritten
 * meanwhile; else moves the reader's place behind those that were. */
static bool copy(kg__ring_reader *reader, kg_slot *buffer, uint32_t count) {
  const kg__ring *ring = &reader->ring;
  /* R2: relaxed, checked by R5 and by the checksum. */
  for (uint32_t i = 0; i < count; i++) {
    kg__copy_shared(&buffer[i], kg__lane_slot(ring, reader->lane + i),
                    sizeof *buffer);
  }
  /* R3: partner of L2, through any word of the copy. */
  kg__fence_acquire();
  /* R4: relaxed, the fence before it orders it. Garbage hides the lane. */
  uint64_t claim = kg__load64_relaxed(&ring->header->lane_claim);
  uint64_t oldest =
      claim > ring->priority_events ? claim - ring->priority_events : 0;
  if (oldest <= reader->lane) {
    return true;
  }
  reader->lane = oldest;
  return false;
}

uint64_t kg__lane_find(kg__ring_reader *reader, uint64_t first, uint64_t last,
                       bool *more) {
  const kg__ring *ring = &reader->ring;
  /* R1: partner of L4. */
  uint64_t head = kg__load64_acquire(&ring->header->lane_head);
  if (reader->lane > head) {
    /* It went back. What was taken is known by its sequence. */
    reader->lane = 0;
  }
  if (head - reader->lane > ring->priority_events) {
    reader->lane = head - ring->priority_events;
  }
  for (uint32_t i = 0; reader->lane < head; i++) {
    kg_slot slot;
    if (i == KG__SCAN_LIMIT) {
      *more = true;
      return 0;
    }
    if (!copy(reader, &slot, 1)) {
      continue;
    }
    bool is_valid = kg__slot_is_valid(ring, &slot, reader->lane);
    if (is_valid && slot.place == 0 && slot.sequence >= first) {
      /* What is behind the gap stays for another one. */
      return slot.sequence <= last ? head : 0;
    }
    reader->corrupt += is_valid ? 0 : 1;
    reader->lane++;
  }
  return 0;
}

int32_t kg__lane_copy(kg__ring_reader *reader, uint64_t head, kg_slot *buffer,
                      uint32_t slots, uint32_t *count) {
  uint64_t available = head - reader->lane;
  *count = available < slots ? (uint32_t)available : slots;
  if (!copy(reader, buffer, *count)) {
    return 0;
  }
  int32_t span =
      kg__ring_examine(&reader->ring, buffer, *count, reader->lane, head);
  if (span == 0) {
    reader->corrupt++;
    reader->lane++;
  }
  return span;
}
