#include "ring_reader.h"

#include <string.h>

#include "../base/atomic.h"
#include "ring_cursor.h"

/* How many slots that do not validate one read looks at before it returns,
 * so that a ring full of garbage never holds up an event loop. */
#define SCAN_LIMIT 16384

static bool belongs_to(const kg_slot *slot, const kg_slot *lead,
                       uint32_t place) {
  return slot->sequence == lead->sequence && slot->span == lead->span &&
         slot->place == place && slot->flags == lead->flags &&
         slot->tail_bytes == lead->tail_bytes;
}

/* What stands at the start of `slots`, private copies of the `count` slots
 * from `position` on: the span of a whole and valid event, 0 for none, or a
 * negative span when its rest was not copied. */
static int32_t examine(const kg__ring *ring, const kg_slot *slots,
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

/* Whether an event with this sequence can stand at `position`: every event
 * that was passed over took a slot at least. It bounds what a forged sequence
 * can do to the account. */
static bool is_plausible(const kg__ring_reader *reader, uint64_t sequence,
                         uint64_t position) {
  return reader->next == 0 ||
         (sequence >= reader->next &&
          sequence - reader->next <= position - reader->cursor);
}

/* Accounts for the events from the expected one up to `last`. */
static void lose(kg__ring_reader *reader, uint64_t last, uint32_t reason,
                 kg_batch *batch) {
  if (reader->is_joining && last > 0) {
    *batch = (kg_batch){.loss_reason = KG_LOSS_BEFORE_JOIN,
                        .lost = last,
                        .lost_from = 1,
                        .lost_to = last};
  }
  reader->is_joining = false;
  uint64_t first = reader->next > reader->join ? reader->next : reader->join;
  if (reader->next != 0 && last >= first) {
    batch->loss_reason = reason == KG_LOSS_NONE ? KG_LOSS_CORRUPT : reason;
    batch->lost_from = first;
    batch->lost_to = last;
    batch->lost = last - first + 1;
    reader->lost += batch->lost;
  }
}

/* Everything up to `head` was looked at. If that left slots that did not
 * validate, their events are counted as soon as the last sequence is known
 * to belong to this head; until then the cursor stays before them. */
static void finish_at(kg__ring_reader *reader, uint64_t head, uint32_t reason,
                      kg_batch *batch) {
  const kg__ring *ring = &reader->ring;
  if (reader->cursor != head) {
    uint64_t last = kg__load64_relaxed(&ring->header->last_sequence);
    /* The fence and claim tell whether it belongs to head; see ring.h. */
    kg__fence_acquire();
    bool settled = kg__load64_relaxed(&ring->header->claim) == head;
    if (reader->next == 0) {
      kg__cursor_set(reader, head, 0);
    } else if (settled && last >= reader->next && last <= KG_SEQUENCE_MAX &&
               last - reader->next < head - reader->cursor) {
      lose(reader, last, reason, batch);
      kg__cursor_set(reader, head, last + 1);
    } else {
      kg__cursor_note_garbage(reader, head);
      reader->scan = head;
      reader->scan_reason = reason;
    }
  }
  reader->seen = head;
}

/* Takes the run of events that follow each other without a gap, the first of
 * them `first` slots into the buffer and valid, of `span` slots, and moves them
 * to the buffer's start. */
static void take_run(kg__ring_reader *reader, kg_slot *buffer, uint32_t first,
                     int32_t span, uint32_t count, uint64_t position,
                     uint64_t head, kg_batch *batch) {
  uint64_t expected = buffer[first].sequence;
  uint32_t at = first;
  while (span > 0) {
    at += (uint32_t)span;
    if (expected < reader->join) {
      first = at;
    } else {
      batch->events++;
    }
    expected++;
    span = at < count && buffer[at].sequence == expected
               ? examine(&reader->ring, &buffer[at], count - at, position + at,
                         head)
               : 0;
  }
  batch->slots = at - first;
  if (first > 0) {
    memmove(buffer, &buffer[first], batch->slots * sizeof *buffer);
  }
  kg__cursor_set(reader, position + at, expected);
  reader->received += batch->events;
  reader->bytes += (uint64_t)batch->slots * sizeof *buffer;
  if (reader->cursor == head) {
    reader->seen = head;
  } else {
    batch->more = true;
  }
}

/* A head that was thrown back by a lap or more has no valid slot before it. So
 * when there is one, this head is right, and all that was believed of the
 * stream was not: goes on behind it. */
static bool start_anew(kg__ring_reader *reader, uint64_t head) {
  kg_slot last;
  if (head == 0 || reader->cursor - head < reader->ring.capacity) {
    return false;
  }
  kg__cursor_copy(&reader->ring, &last, head - 1, 1);
  if (!kg__slot_is_valid(&reader->ring, &last, head - 1)) {
    return false;
  }
  kg__cursor_set(reader, head, last.sequence + 1);
  return true;
}

/* The cursor is past `head`. If an event that was not accounted for stands
 * below it, then head is right and a forged one moved the cursor too far: goes
 * back to the oldest such event, or as far before it as the ones in between may
 * have stood. False when there is none: then head was thrown back. */
static bool come_back(kg__ring_reader *reader, uint64_t head) {
  const kg__ring *ring = &reader->ring;
  uint64_t at = head;
  uint64_t sequence = 0;
  for (uint32_t i = 0; i < SCAN_LIMIT && at > 0 && sequence != reader->next;
       i++) {
    kg_slot slot;
    kg__cursor_copy(ring, &slot, at - 1, 1);
    if (!kg__slot_is_valid(ring, &slot, at - 1) ||
        slot.place + 1 != slot.span || slot.span > at ||
        slot.sequence < reader->next ||
        (sequence != 0 && slot.sequence != sequence - 1)) {
      break;
    }
    at -= slot.span;
    sequence = slot.sequence;
  }
  if (sequence != 0 && sequence - reader->next <= at) {
    kg__cursor_set(reader, at - (sequence - reader->next), reader->next);
    return true;
  }
  return start_anew(reader, head);
}

int kg__ring_reader_read(kg__ring_reader *reader, void *buffer, uint32_t slots,
                         kg_batch *batch) {
  const kg__ring *ring = &reader->ring;
  kg_slot *copy = buffer;
  uint64_t position = reader->scan;
  uint32_t reason = reader->scan_reason;
  uint32_t examined = 0;

  *batch = (kg_batch){0};
  if (slots == 0) {
    return KG_E_INVALID_ARGUMENT;
  }
  if (reader->pending.loss_reason != KG_LOSS_NONE) {
    *batch = reader->pending;
    reader->pending = (kg_batch){0};
    return KG_OK;
  }
  for (;;) {
    uint64_t head = kg__ring_head(ring);
    if (head < position) {
      /* It went back. What was looked at in vain is looked at again; what
       * was delivered is not. */
      position = reader->cursor;
      reason = KG_LOSS_NONE;
      if (head < position) {
        kg__cursor_note_garbage(reader, head);
        if (reader->next == 0) {
          position = head;
        }
        reader->seen = head;
      }
      kg__cursor_set(reader, position, reader->next);
      if (head < position && !come_back(reader, head)) {
        return KG_OK;
      }
      position = reader->cursor;
    }
    if (head == position) {
      finish_at(reader, head, reason, batch);
      return KG_OK;
    }
    if (head - position > ring->capacity) {
      position = head - ring->capacity;
      reason = KG_LOSS_OVERWRITTEN;
    }

    uint64_t available = head - position;
    uint32_t count = available < slots ? (uint32_t)available : slots;
    kg__cursor_copy(ring, copy, position, count);
    uint64_t oldest = kg__cursor_oldest(reader, head);
    uint32_t at = 0;
    if (oldest > position) {
      /* R5. */
      reason = KG_LOSS_OVERWRITTEN;
      at = oldest - position < count ? (uint32_t)(oldest - position) : count;
    }

    int32_t span = 0;
    while (at < count) {
      span = examine(ring, &copy[at], count - at, position + at, head);
      if (span != 0 && is_plausible(reader, copy[at].sequence, position + at)) {
        break;
      }
      /* The rest of an event whose start was overwritten is no damage. */
      if (reason != KG_LOSS_OVERWRITTEN || copy[at].place == 0 ||
          !kg__slot_is_valid(ring, &copy[at], position + at)) {
        reader->corrupt++;
        reason = KG_LOSS_CORRUPT;
      }
      span = 0;
      at++;
    }
    if (span > 0) {
      lose(reader, copy[at].sequence - 1, reason, batch);
      take_run(reader, copy, at, span, count, position, head, batch);
      return KG_OK;
    }
    examined += count;
    position += at;
    if (position > reader->scan) {
      reader->scan = position;
      reader->scan_reason = reason;
    }
    if (span < 0 && at == 0) {
      batch->slots_needed = (uint32_t)-span;
      batch->more = true;
      return KG_OK;
    }
    if (examined >= SCAN_LIMIT) {
      batch->more = true;
      return KG_OK;
    }
  }
}

bool kg__ring_reader_waits(kg__ring_reader *reader, uint32_t how,
                           uint64_t seen) {
  /* S1: garbage or a missing wake-up costs a timed sleep at the most. */
  kg__or32_seq_cst(&reader->ring.doorbell->waiters, how);
  /* S2: partner of W6 in ring_writer.c; one of the two sees the other. */
  kg__fence_seq_cst();
  return kg__load64_relaxed(&reader->ring.header->head) == seen;
}

void kg__ring_reader_stats(const kg__ring_reader *reader,
                           kg_reader_stats *stats) {
  /* Relaxed: figures for people, bound to nothing. */
  uint64_t published = kg__load64_relaxed(&reader->ring.header->last_sequence);
  *stats = (kg_reader_stats){
      .received = reader->received,
      .lost = reader->lost,
      .corrupt = reader->corrupt,
      .bytes = reader->bytes,
      .sequence = reader->next > 0 ? reader->next - 1 : 0,
      .expected = reader->next > 0 && reader->join > reader->next
                      ? reader->join
                      : reader->next,
      /* No stream gets further than that. */
      .published = published < KG_SEQUENCE_MAX ? published : KG_SEQUENCE_MAX,
      .writer_start_us =
          kg__load64_relaxed(&reader->ring.header->writer_start_us)};
}
