/* Where reading begins. */
#include "ring_cursor.h"

/* How often seeking begins anew when the writer overtook it. */
#define SEEK_TRIES 16

/* The lead slot of the oldest event that still stands, or false. */
static bool find_oldest(kg__ring_reader *reader, kg_slot *oldest_lead) {
  const kg__ring *ring = &reader->ring;
  bool overtaken = true;
  for (int i = 0; overtaken && i < SEEK_TRIES; i++) {
    uint64_t head = kg__ring_head(ring);
    uint64_t at = head > ring->capacity ? head - ring->capacity : 0;
    overtaken = false;
    while (at < head) {
      kg_slot slot;
      kg__cursor_copy(ring, &slot, at, 1);
      uint64_t oldest = kg__cursor_oldest(reader, head);
      if (at < oldest) {
        at = oldest;
        overtaken = true;
      } else if (kg__slot_is_valid(ring, &slot, at) && slot.place == 0) {
        *oldest_lead = slot;
        return true;
      } else {
        at++;
      }
    }
  }
  return false;
}

/* The priority events up to the one that ends at `head` with the slot `last`.
 */
static uint64_t count_at(kg__ring_reader *reader, uint64_t head,
                         const kg_slot *last) {
  uint64_t at = head - 1 - last->place;
  kg_slot lead;
  kg__cursor_copy(&reader->ring, &lead, at, 1);
  return kg__cursor_oldest(reader, head) <= at &&
                 kg__slot_is_valid(&reader->ring, &lead, at) &&
                 lead.place == 0 && lead.sequence == last->sequence
             ? lead.priority_count
             : KG_PRIORITY_UNKNOWN;
}

static void seek_latest(kg__ring_reader *reader) {
  const kg__ring *ring = &reader->ring;
  uint64_t head = 0;
  uint64_t next = 0;
  uint64_t priority = 0;
  for (int i = 0; next == 0 && i < SEEK_TRIES; i++) {
    kg_slot last;
    head = kg__ring_head(ring);
    if (head == 0) {
      next = 1;
      break;
    }
    kg__cursor_copy(ring, &last, head - 1, 1);
    /* Torn, its sequence could be one from a lap later. */
    if (kg__cursor_oldest(reader, head) < head &&
        kg__slot_is_valid(ring, &last, head - 1)) {
      next = last.sequence + 1;
      priority = count_at(reader, head, &last);
    }
  }
  kg__cursor_set(reader, head, next);
  reader->priority = priority;
  reader->seen = head;
}

/* From the very beginning: reading passes over what lies before the sequence,
 * and tells what was overwritten or does not validate. */
static void seek_start(kg__ring_reader *reader) {
  kg__cursor_set(reader, 0, 1);
  reader->priority = 0;
  reader->seen = 0;
}

/* `priority`: the count of those before it, or KG_PRIORITY_UNKNOWN. */
static void seek_sequence(kg__ring_reader *reader, uint64_t sequence,
                          uint64_t priority) {
  reader->join = sequence;
  reader->join_priority = priority;
  reader->pending = (kg_batch){0};
  reader->lane = 0;
  seek_start(reader);
}

int kg__ring_reader_seek_after(kg__ring_reader *reader, uint64_t sequence,
                               uint64_t priority) {
  if (sequence > KG_SEQUENCE_MAX) {
    return KG_E_INVALID_ARGUMENT;
  }
  seek_sequence(reader, sequence + 1, priority);
  return KG_OK;
}

int kg__ring_reader_seek(kg__ring_reader *reader, enum kg_from from,
                         uint64_t sequence) {
  const kg__ring *ring = &reader->ring;
  kg_slot oldest;
  if (from == KG_FROM_SEQUENCE) {
    if (sequence == 0 || sequence > KG_SEQUENCE_MAX) {
      return KG_E_INVALID_ARGUMENT;
    }
    seek_sequence(reader, sequence, KG_PRIORITY_UNKNOWN);
    return KG_OK;
  }
  reader->join = 0;
  reader->pending = (kg_batch){0};
  reader->lane = 0;
  if (from == KG_FROM_OLDEST && kg__ring_head(ring) <= ring->capacity) {
    seek_start(reader);
  } else if (from == KG_FROM_LATEST || !find_oldest(reader, &oldest)) {
    seek_latest(reader);
  } else {
    kg__cursor_set(reader, oldest.position, oldest.sequence);
    reader->priority = kg__priority_before(&oldest);
    reader->seen = oldest.position;
    if (oldest.sequence > 1) {
      reader->pending = (kg_batch){.loss_reason = KG_LOSS_BEFORE_JOIN,
                                   .lost = oldest.sequence - 1,
                                   .lost_from = 1,
                                   .lost_to = oldest.sequence - 1,
                                   .lost_priority = reader->priority,
                                   .more = true};
    }
  }
  return KG_OK;
}

void kg__ring_reader_begin(kg__ring_reader *reader, const kg__ring *ring) {
  *reader = (kg__ring_reader){.ring = *ring};
  seek_latest(reader);
}
