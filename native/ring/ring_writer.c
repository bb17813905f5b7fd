#include "ring_writer.h"

#include <inttypes.h>
#include <stdlib.h>

#include "../base/atomic.h"
#include "../base/prefetch.h"
#include "../base/step.h"
#include "ring_lane.h"
#include "threat.h"
#include "threat_wide.h"

#define WAITERS (KG_WAITS_TURN - 1)

/* Finds the lead slot of the event that ends at the writer's head, with its
 * sequence and count. */
static bool find_last(kg__ring_writer *writer) {
  const kg__ring *ring = &writer->ring;
  uint64_t head = writer->head;
  kg_slot last;
  kg_slot lead;
  kg__copy_shared(&last, kg__ring_slot(ring, head - 1), sizeof last);
  if (!kg__slot_is_valid(ring, &last, head - 1) ||
      last.place + 1 != last.span) {
    return false;
  }
  kg__copy_shared(&lead, kg__ring_slot(ring, head - last.span), sizeof lead);
  writer->sequence = lead.sequence;
  writer->priority = lead.priority_count;
  return kg__slot_is_valid(ring, &lead, head - last.span) && lead.place == 0 &&
         lead.sequence == last.sequence;
}

/* Passes over the events behind head that the writer before had copied whole
 * when it died: it had stored last_sequence (W4), not yet head (W5). No other
 * death leaves the two apart, so false means that they were forged: sequences
 * that readers have seen would be given out again. */
static bool find_end(kg__ring_writer *writer) {
  const kg__ring *ring = &writer->ring;
  uint64_t last = kg__load64_relaxed(&ring->header->last_sequence);
  uint32_t place = 0;
  while (writer->sequence != last || place != 0) {
    kg_slot slot;
    if (writer->head == writer->claim) {
      return false;
    }
    kg__copy_shared(&slot, kg__ring_slot(ring, writer->head), sizeof slot);
    if (!kg__slot_is_valid(ring, &slot, writer->head) || slot.place != place ||
        slot.sequence != writer->sequence + (place == 0 ? 1 : 0)) {
      return false;
    }
    if (place == 0) {
      writer->sequence = slot.sequence;
      writer->priority = slot.priority_count;
    }
    place = place + 1 == slot.span ? 0 : place + 1;
    writer->head++;
  }
  return true;
}

int kg__ring_writer_begin(kg__ring_writer *writer, const kg__ring *ring,
                          kg_failure *failure) {
  /* Relaxed: the lock's transfer through the kernel orders this writer after
   * the one before, and there is no other. */
  kg__ring_writer next = {.ring = *ring,
                          .head = kg__load64_relaxed(&ring->header->head),
                          .claim = kg__load64_relaxed(&ring->header->claim),
                          .priority_severity = KG_SEVERITY_CRITICAL,
                          .turn = kg__load32_relaxed(&ring->doorbell->waiters) &
                                  ~WAITERS};
  uint64_t head = next.head;
  uint64_t lane_sequence = 0;
  if (next.claim > KG_POSITION_MAX || next.claim < head ||
      next.claim - head > kg__ring_batch_slots(ring)) {
    return kg__fail(failure, KG_E_RING_CORRUPT, 0,
                    "its head is %" PRIu64 " and its claim %" PRIu64, head,
                    next.claim);
  }
  if (head > 0 && !find_last(&next)) {
    return kg__fail(failure, KG_E_RING_CORRUPT, 0,
                    "the event before its head (%" PRIu64 ") does not validate",
                    head);
  }
  if (!find_end(&next)) {
    return kg__fail(failure, KG_E_RING_CORRUPT, 0,
                    "its last sequence is not that of the slot before its "
                    "head (%" PRIu64 ")",
                    head);
  }
  if (!kg__lane_begin(&next, &lane_sequence)) {
    return kg__fail(failure, KG_E_RING_CORRUPT, 0,
                    "the lane's head (%" PRIu64 "), its claim (%" PRIu64
                    ") and the slot before it do not agree",
                    next.lane_head, next.lane_claim);
  }
  next.staged = malloc(kg__ring_batch_slots(ring) * sizeof *next.staged);
  if (next.staged == NULL) {
    return kg__fail(failure, KG_E_NO_MEMORY, 0, "no memory for a batch");
  }
  *writer = next;
  /* W5 for what find_end passed over. */
  kg__store64_release(&ring->header->head, writer->head);
  KG__STEP("head stored again");
  kg__lane_repair(writer, head, lane_sequence);
  return KG_OK;
}

void kg__ring_writer_end(kg__ring_writer *writer) {
  free(writer->staged);
  writer->staged = NULL;
}

/* Whether an event of this stream stands at `at`, or a part of one. */
static bool stands(const kg__ring_writer *writer, uint64_t at, kg_slot *slot) {
  const kg__ring *ring = &writer->ring;
  kg__copy_shared(slot, kg__ring_slot(ring, at), sizeof *slot);
  return kg__slot_is_valid(ring, slot, at) &&
         slot->sequence <= writer->sequence;
}

uint64_t kg__ring_writer_overwritten(const kg__ring_writer *writer) {
  const kg__ring *ring = &writer->ring;
  kg_slot slot;
  uint64_t low =
      writer->claim > ring->capacity ? writer->claim - ring->capacity : 0;
  uint64_t at = low;
  /* A writer before may have left any amount of slots that do not validate: the
   * first that does is looked for in ever larger steps, then between the last
   * two of them. */
  for (uint64_t step = 1; at < writer->head && !stands(writer, at, &slot);
       step *= 2) {
    low = at + 1;
    at = step < writer->head - at ? at + step : writer->head;
  }
  while (low < at) {
    uint64_t middle = low + (at - low) / 2;
    if (stands(writer, middle, &slot)) {
      at = middle;
    } else {
      low = middle + 1;
    }
  }
  /* The event whose beginning is overwritten is no longer held. */
  if (at < writer->head && stands(writer, at, &slot)) {
    return slot.place == 0 ? slot.sequence - 1 : slot.sequence;
  }
  return writer->sequence;
}

void kg__ring_writer_discard(kg__ring_writer *writer) {
  writer->priority -= writer->staged_priority;
  writer->staged_slots = 0;
  writer->staged_events = 0;
  writer->staged_priority = 0;
  writer->deferred = NULL;
}

void kg__ring_writer_take_back(kg__ring_writer *writer) {
  /* The claim stays: what was half-written there is. */
  writer->head -= writer->staged_slots;
  writer->sequence -= writer->staged_events;
  kg__ring_writer_discard(writer);
}

void kg__ring_writer_prefetch(kg__ring_writer *writer) {
  kg__ring *ring = &writer->ring;
  uint64_t position = writer->head + writer->staged_slots;
  kg__prefetch_to_write(kg__ring_slot(ring, position), sizeof(kg_slot));
  /* Not for each event of a batch: one that spins has it back at once. */
  if (writer->staged_slots == 0) {
    kg__prefetch_to_write(&ring->header->head, sizeof ring->header->head);
  }
}

/* A function of its own, which stands out of the way of an event that is alone:
 * inlined, it took that one 50 ns of 480 where CPUs are far from each other. */
__attribute__((noinline)) void
kg__ring_writer_prefetch_more(kg__ring_writer *writer) {
  /* Of events of one slot, each line twice: a reader's CPU may ask for it by
   * itself in between, behind the slots that it copies, and a CPU that has
   * enough on its way passes over some of what it is asked for. */
  for (uint64_t ahead = 4; ahead <= 8; ahead += 4) {
    kg__prefetch_to_write(kg__ring_slot(&writer->ring, writer->head + ahead),
                          sizeof(kg_slot));
  }
}

/* Fills the slots of an event of any span, on any CPU. */
static void encode(const kg__ring *ring, const kg_threat *threat,
                   const kg__event_header *header, kg_slot *slots,
                   uint32_t span) {
  kg__threat_encode(threat, slots, span);
  slots[0].priority_count = header->priority_count;
  if (threat->timestamp_us == 0) {
    slots[0].body.event.timestamp_us = header->wall_us;
  }
  for (uint32_t place = 0; place < span; place++) {
    slots[place].position = header->position + place;
    slots[place].sequence = header->sequence;
    slots[place].publish_ns = header->publish_ns;
    slots[place].flags |= header->flags;
    if (ring->checksums) {
      kg__slot_seal(&slots[place]);
    }
  }
}

int kg__ring_writer_stage(kg__ring_writer *writer, const kg_threat *threat,
                          const kg__batch_time *time) {
  const kg__ring *ring = &writer->ring;
  uint32_t span = kg__threat_span(threat, kg__ring_event_slots(ring));
  int refused = KG_OK;
  if (span == 0) {
    refused = KG_E_EVENT_TOO_LARGE;
  } else if (span > kg__ring_batch_slots(ring) - writer->staged_slots) {
    refused = KG_E_BATCH_TOO_LARGE;
  } else if (writer->sequence + writer->staged_events >= KG_SEQUENCE_MAX) {
    refused = KG_E_SEQUENCE_EXHAUSTED;
  }
  if (refused != KG_OK) {
    kg__ring_writer_discard(writer);
    return refused;
  }

  kg_slot *slots = &writer->staged[writer->staged_slots];
  kg__event_header header = {.position = writer->head + writer->staged_slots,
                             .sequence =
                                 writer->sequence + writer->staged_events + 1,
                             .publish_ns = time->publish_ns,
                             .wall_us = time->wall_us};
  if (threat->severity >= writer->priority_severity) {
    writer->priority++;
    writer->staged_priority++;
    header.flags = KG_EVENT_PRIORITY;
  }
  header.priority_count = writer->priority;
  if (span == 1 && ring->is_wide) {
    kg__threat_encode_wide(threat, &header, ring->checksums, slots);
  } else {
    encode(ring, threat, &header, slots, span);
  }
  writer->staged_slots += span;
  writer->staged_events++;
  return KG_OK;
}

bool kg__ring_writer_defer(kg__ring_writer *writer, const kg_threat *threat,
                           const kg__batch_time *time) {
  /* What has priority is copied into the lane as well, and the thread sanitizer
   * sees only slots that are copied. */
  if (KG__THREAD_SANITIZER || !writer->ring.is_wide ||
      !kg__threat_fits_slot(threat) ||
      threat->severity >= writer->priority_severity ||
      writer->sequence >= KG_SEQUENCE_MAX) {
    return false;
  }
  writer->deferred = threat;
  writer->deferred_time = time;
  writer->staged_slots = 1;
  writer->staged_events = 1;
  return true;
}

/* W3 of a batch of one event that is put together in its slot. */
static void copy_deferred(kg__ring_writer *writer) {
  const kg__ring *ring = &writer->ring;
  const kg__event_header header = {.position = writer->head,
                                   .sequence = writer->sequence + 1,
                                   .publish_ns =
                                       writer->deferred_time->publish_ns,
                                   .wall_us = writer->deferred_time->wall_us,
                                   .priority_count = writer->priority};
  kg__threat_encode_wide(writer->deferred, &header, ring->checksums,
                         kg__ring_slot(ring, writer->head));
  writer->deferred = NULL;
  KG__STEP("slot copied");
}

void kg__ring_writer_copy(kg__ring_writer *writer) {
  kg__ring *ring = &writer->ring;
  uint64_t head = writer->head + writer->staged_slots;
  if (head > writer->claim) {
    writer->claim = head;
  }

  /* W1: partner of the fence behind R4 in ring_cursor.c. */
  kg__store64_release(&ring->header->claim, writer->claim);
  KG__STEP("claimed");
  /* W2: partner of R3 in ring_cursor.c, through any word of W3 or W4. */
  kg__fence_release();
  /* W3: relaxed, W5 publishes them. */
  if (writer->deferred != NULL) {
    copy_deferred(writer);
    return;
  }
  for (uint32_t i = 0; i < writer->staged_slots; i++) {
    kg__ring_copy(ring, kg__ring_slot(ring, writer->head + i),
                  &writer->staged[i]);
    KG__STEP("slot copied");
  }
}

void kg__ring_writer_publish(kg__ring_writer *writer) {
  kg__ring *ring = &writer->ring;
  writer->head += writer->staged_slots;
  writer->sequence += writer->staged_events;
  /* W4: behind W3 for the next writer, in find_end; readers have W5. */
  kg__store64_release(&ring->header->last_sequence, writer->sequence);
  KG__STEP("sequence stored");
  /* W5: partner of R1 in ring_cursor.c. */
  kg__store64_release(&ring->header->head, writer->head);
  KG__STEP("published");
}

void kg__ring_writer_finish(kg__ring_writer *writer) {
  if (writer->staged_priority > 0) {
    kg__lane_put_staged(writer);
    writer->staged_priority = 0;
  }
  writer->staged_slots = 0;
  writer->staged_events = 0;
}

uint32_t kg__ring_writer_waiters(kg__ring_writer *writer) {
  kg__ring *ring = &writer->ring;
  /* W6: partner of S2 in ring_reader.c; one of the two sees the other. */
  kg__fence_seq_cst();
  /* W7: relaxed, the fence orders it. Garbage here costs one wake-up. */
  if ((kg__load32_relaxed(&ring->doorbell->waiters) & WAITERS) == 0) {
    return 0;
  }
  /* Only the writer clears it, and before it wakes: a reader that sets it
   * later looks at head again before it sleeps. One that has looked and is
   * about to sleep expects the word of before, and finds another one, even
   * when a second reader has set the same bit again. */
  writer->turn += KG_WAITS_TURN;
  return kg__exchange32_seq_cst(&ring->doorbell->waiters, writer->turn) &
         WAITERS;
}
