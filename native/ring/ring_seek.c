/* Where reading begins. */
#include "ring_cursor.h"

/* How often seeking begins anew when the writer overtook it. */
#define SEEK_TRIES 16

/* The oldest event that still stands, or false. */
static bool find_oldest(kg__ring_reader *reader, uint64_t *position,
                        uint64_t *sequence) {
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
        *position = at;
        *sequence = slot.sequence;
        return true;
      } else {
        at++;
      }
    }
  }
  return false;
}

static void seek_latest(kg__ring_reader *reader) {
  const kg__ring *ring = &reader->ring;
  uint64_t head = 0;
  uint64_t next = 0;
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
    }
  }
  kg__cursor_set(reader, head, next);
  reader->seen = head;
}

int kg__ring_reader_seek(kg__ring_reader *reader, enum kg_from from,
                         uint64_t sequence) {
  const kg__ring *ring = &reader->ring;
  uint64_t position;
  uint64_t oldest;
  if (from == KG_FROM_SEQUENCE &&
      (sequence == 0 || sequence > KG_SEQUENCE_MAX)) {
    return KG_E_INVALID_ARGUMENT;
  }
  reader->join = from == KG_FROM_SEQUENCE ? sequence : 0;
  reader->pending = (kg_batch){0};
  if (from == KG_FROM_SEQUENCE ||
      (from == KG_FROM_OLDEST && kg__ring_head(ring) <= ring->capacity)) {
    /* From the very beginning: reading passes over what lies before the
     * sequence, and tells what was overwritten or does not validate. */
    kg__cursor_set(reader, 0, 1);
    reader->seen = 0;
  } else if (from == KG_FROM_LATEST ||
             !find_oldest(reader, &position, &oldest)) {
    seek_latest(reader);
  } else {
    kg__cursor_set(reader, position, oldest);
    reader->seen = position;
    if (oldest > 1) {
      reader->pending = (kg_batch){.loss_reason = KG_LOSS_BEFORE_JOIN,
                                   .lost = oldest - 1,
                                   .lost_from = 1,
                                   .lost_to = oldest - 1,
                                   .more = true};
    }
  }
  return KG_OK;
}

void kg__ring_reader_begin(kg__ring_reader *reader, const kg__ring *ring) {
  *reader = (kg__ring_reader){.ring = *ring};
  seek_latest(reader);
}
