/* Where reading begins. Nothing here looks at more than a few slots, however
 * large a ring is and whatever stands in it. */
#include "ring_cursor.h"

/* How often seeking begins anew when the writer overtook it. */
#define SEEK_TRIES 16

/* How many slots behind one that does not validate are looked at. */
#define NEIGHBOURS 16

/* A valid slot that was not being overwritten. */
typedef struct found {
  uint64_t lead; /* the position where its event begins */
  uint64_t end;  /* the position behind its event */
  uint64_t sequence;
} found;

/* Looks at the slot at `position`. False when it does not validate, with the
 * oldest position that still stands in `oldest`. */
static bool look(kg__ring_reader *reader, uint64_t position, uint64_t head,
                 found *found, uint64_t *oldest) {
  kg_slot slot;
  kg__cursor_copy(&reader->ring, &slot, position, 1);
  *oldest = kg__cursor_oldest(reader, head, position);
  if (position < *oldest ||
      !kg__slot_is_valid(&reader->ring, &slot, position) ||
      slot.place > position) {
    return false;
  }
  found->lead = position - slot.place;
  found->end = found->lead + slot.span;
  found->sequence = slot.sequence;
  return true;
}

/* Copies the first slot of an event that was found. False when the writer has
 * overwritten it since. */
static bool copy_lead(kg__ring_reader *reader, uint64_t head,
                      const found *found, kg_slot *lead) {
  kg__cursor_copy(&reader->ring, lead, found->lead, 1);
  return kg__cursor_oldest(reader, head, found->lead) <= found->lead &&
         kg__slot_is_valid(&reader->ring, lead, found->lead) &&
         lead->place == 0 && lead->sequence == found->sequence;
}

/* The first slot of the oldest event that still stands whole, or false: then
 * what stands where it should be is damaged, from `position` on. */
static bool find_oldest(kg__ring_reader *reader, uint64_t *position,
                        kg_slot *lead) {
  const kg__ring *ring = &reader->ring;
  uint64_t head = kg__ring_head(ring);
  *position = head > ring->capacity ? head - ring->capacity : 0;
  for (int i = 0; i < SEEK_TRIES && *position < head; i++) {
    found found;
    uint64_t oldest;
    bool is_valid = look(reader, *position, head, &found, &oldest);
    if (is_valid && found.lead == *position &&
        copy_lead(reader, head, &found, lead)) {
      return true;
    }
    if (!is_valid && *position >= oldest) {
      return false;
    }
    if (!is_valid) {
      /* The writer has overwritten it. */
      *position = oldest;
    } else if (found.lead != *position) {
      /* The beginning of that event is overwritten. */
      *position = found.end;
    }
    head = kg__ring_head(ring);
  }
  return false;
}

/* Looks for a valid slot from `middle` on, before `end`. */
static bool look_about(kg__ring_reader *reader, uint64_t middle, uint64_t end,
                       uint64_t head, found *found, uint64_t *oldest) {
  uint64_t last = end - middle > NEIGHBOURS ? middle + NEIGHBOURS : end;
  for (uint64_t at = middle; at < last; at++) {
    if (look(reader, at, head, found, oldest)) {
      return true;
    }
  }
  return false;
}

/* Whether events can stand like this: each takes a slot at least, so sequences
 * cannot be further from each other than positions. */
static bool is_plausible(const found *early, const found *late) {
  return late->sequence >= early->sequence &&
         late->sequence - early->sequence <= late->lead - early->lead;
}

/* The first slot of an event that stands whole at or before `sequence`, near to
 * it: the positions of events grow with their sequences. False when there is
 * none, and when what stands in the ring contradicts itself. */
static bool find_before(kg__ring_reader *reader, uint64_t sequence,
                        kg_slot *lead) {
  const found begin = {.lead = 0, .end = 0, .sequence = 1};
  const kg__ring *ring = &reader->ring;
  uint64_t head = kg__ring_head(ring);
  uint64_t low = head > ring->capacity ? head - ring->capacity : 0;
  uint64_t high = head;
  uint64_t oldest;
  found before = begin;
  found after;
  found middle;
  if (head == 0 || !look(reader, head - 1, head, &after, &oldest) ||
      after.end != head) {
    return false;
  }
  while (low < high) {
    uint64_t at = low + (high - low) / 2;
    if (!look_about(reader, at, high, head, &middle, &oldest)) {
      if (at < oldest) {
        low = oldest;
      } else {
        /* Damaged from here on: reading passes over it. */
        high = at;
      }
    } else if (!is_plausible(&before, &middle) ||
               !is_plausible(&middle, &after)) {
      return false;
    } else if (middle.sequence > sequence) {
      after = middle;
      high = at;
    } else {
      if (middle.lead >= oldest) {
        before = middle;
      }
      low = middle.end;
    }
  }
  return before.end > 0 && copy_lead(reader, head, &before, lead);
}

/* The priority events up to the one that ends at `head` with the slot `last`.
 */
static uint64_t count_at(kg__ring_reader *reader, uint64_t head,
                         const kg_slot *last) {
  uint64_t at = head - 1 - last->place;
  kg_slot lead;
  kg__cursor_copy(&reader->ring, &lead, at, 1);
  return kg__cursor_oldest(reader, head, at) <= at &&
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
    if (kg__cursor_oldest(reader, head, head - 1) < head &&
        kg__slot_is_valid(ring, &last, head - 1)) {
      next = last.sequence + 1;
      priority = count_at(reader, head, &last);
    }
  }
  kg__cursor_set(reader, head, next);
  reader->priority = priority;
  reader->seen = head;
}

/* Goes on from an event that was found. */
static void seek_event(kg__ring_reader *reader, const kg_slot *lead) {
  kg__cursor_set(reader, lead->position, lead->sequence);
  reader->priority = kg__priority_before(lead);
  reader->seen = lead->position;
}

/* From the oldest event of a ring that does not hold its stream's beginning. */
static void seek_oldest(kg__ring_reader *reader) {
  uint64_t position;
  kg_slot oldest;
  if (!find_oldest(reader, &position, &oldest)) {
    /* Reading looks for the first one that validates, a part of the ring at a
     * time, and tells then what was before it. */
    kg__cursor_set(reader, position, 0);
    reader->priority = KG_PRIORITY_UNKNOWN;
    reader->scan_reason = KG_LOSS_OVERWRITTEN;
    reader->is_joining = true;
    reader->seen = position;
    return;
  }
  seek_event(reader, &oldest);
  if (oldest.sequence > 1) {
    uint64_t last = oldest.sequence - 1;
    reader->pending =
        (kg_batch){.loss_reason = KG_LOSS_BEFORE_JOIN,
                   .lost = last,
                   .lost_from = 1,
                   .lost_to = last,
                   .lost_priority = kg__cursor_lost_priority(0, &oldest, last),
                   .more = true};
  }
}

/* The very beginning, which still stands or is passed over. */
static void seek_start(kg__ring_reader *reader) {
  kg__cursor_set(reader, 0, 1);
  reader->priority = 0;
  reader->seen = 0;
}

/* Nothing of what was found before is left. */
static void begin_anew(kg__ring_reader *reader, uint64_t join,
                       uint64_t join_priority) {
  reader->join = join;
  reader->join_priority = join_priority;
  reader->pending = (kg_batch){0};
  reader->is_joining = false;
  reader->lane = 0;
}

/* From `sequence`: reading passes over what lies before it, and tells what of
 * it was overwritten or does not validate. `priority`: the count of those
 * before it, or KG_PRIORITY_UNKNOWN. */
static void seek_sequence(kg__ring_reader *reader, uint64_t sequence,
                          uint64_t priority) {
  kg_slot before;
  begin_anew(reader, sequence, priority);
  if (find_before(reader, sequence, &before)) {
    seek_event(reader, &before);
  } else {
    seek_start(reader);
  }
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
  if ((unsigned)from > KG_FROM_SEQUENCE) {
    return KG_E_INVALID_ARGUMENT;
  }
  if (from == KG_FROM_SEQUENCE) {
    if (sequence == 0 || sequence > KG_SEQUENCE_MAX) {
      return KG_E_INVALID_ARGUMENT;
    }
    seek_sequence(reader, sequence, KG_PRIORITY_UNKNOWN);
    return KG_OK;
  }
  begin_anew(reader, 0, 0);
  if (from == KG_FROM_LATEST) {
    seek_latest(reader);
  } else if (kg__ring_head(ring) > ring->capacity) {
    seek_oldest(reader);
  } else {
    seek_start(reader);
  }
  return KG_OK;
}

void kg__ring_reader_begin(kg__ring_reader *reader, const kg__ring *ring) {
  *reader = (kg__ring_reader){.ring = *ring};
  seek_latest(reader);
}
