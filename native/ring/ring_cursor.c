#include "ring_cursor.h"

#include "../base/atomic.h"

void kg__cursor_note_garbage(kg__ring_reader *reader, uint64_t value) {
  if (!reader->has_noted || value != reader->noted) {
    reader->has_noted = true;
    reader->noted = value;
    reader->corrupt++;
  }
}

uint64_t kg__cursor_oldest(kg__ring_reader *reader, uint64_t head,
                           uint64_t position) {
  const kg__ring *ring = &reader->ring;
  uint32_t batch = kg__ring_batch_slots(ring);
  /* R3: partner of W2 in ring_writer.c, through any word of the copy. */
  kg__fence_acquire();
  /* R3 look: relaxed, the fence before it orders it. This line is here, and
   * that of claim would have to come from the writer for each event. */
  uint64_t now = kg__load64_relaxed(&ring->header->head);
  if (now >= head && now - position <= ring->capacity - batch) {
    return 0;
  }
  /* R4: relaxed, the fence before it orders it, and the one behind it is the
   * partner of W1 in ring_writer.c: the head below is no older than the claim.
   */
  uint64_t claim = kg__load64_relaxed(&ring->header->claim);
  kg__fence_acquire();
  if (claim < head || claim - head > batch) {
    /* Either the writer went on, or this is garbage; its head tells. */
    now = kg__ring_head(ring);
    if (claim < head || (claim > now && claim - now > batch)) {
      kg__cursor_note_garbage(reader, claim);
      claim = now;
    }
  }
  return claim > ring->capacity ? claim - ring->capacity : 0;
}

void kg__cursor_copy(const kg__ring *ring, kg_slot *buffer, uint64_t position,
                     uint32_t count) {
  /* R2: relaxed, checked by R5 and by the checksum. */
  for (uint32_t i = 0; i < count; i++) {
    kg__ring_copy(ring, &buffer[i], kg__ring_slot(ring, position + i));
  }
}

uint64_t kg__cursor_lost_priority(uint64_t before, const kg_slot *behind,
                                  uint64_t lost) {
  if (behind == NULL || before == KG_PRIORITY_UNKNOWN) {
    return KG_PRIORITY_UNKNOWN;
  }
  uint32_t priority = kg__priority_before(behind) - (uint32_t)before;
  return priority <= lost ? priority : KG_PRIORITY_UNKNOWN;
}

void kg__cursor_set(kg__ring_reader *reader, uint64_t cursor, uint64_t next) {
  reader->cursor = cursor;
  reader->next = next;
  reader->scan = cursor;
  reader->scan_reason = KG_LOSS_NONE;
}
