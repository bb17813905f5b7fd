#include "ring_reader.h"

#include <string.h>

#include "../base/atomic.h"
#include "../base/prefetch.h"
#include "ring_cursor.h"
#include "ring_lane.h"

/* Whether an event with this sequence can stand at `position`: every event
 * that was passed over took a slot at least. It bounds what a forged sequence
 * can do to the account. */
static bool is_plausible(const kg__ring_reader *reader, uint64_t sequence,
                         uint64_t position) {
  return reader->next == 0 ||
         (sequence >= reader->next &&
          sequence - reader->next <= position - reader->cursor);
}

/* Whether this is one of the events that were accounted for and may still
 * stand. */
static bool is_before(const kg__ring_reader *reader, uint64_t sequence) {
  return sequence < reader->next &&
         reader->next - sequence <= reader->ring.capacity;
}

/* Whether a whole ring went by behind the cursor without one event that could
 * follow. What is believed of the stream came from a forged head or event then,
 * and nothing that its writer does may ever fit it. Not when no stream has so
 * many events at `position`. */
static bool has_lost_track(const kg__ring_reader *reader, uint64_t sequence,
                           uint64_t position) {
  return position - reader->cursor >= reader->ring.capacity &&
         !is_before(reader, sequence) && sequence <= position + 1;
}

/* The first event that is to be delivered or lost next. */
static uint64_t first_wanted(const kg__ring_reader *reader) {
  return reader->next > reader->join ? reader->next : reader->join;
}

/* Whether nothing was lost in front of this event, nor is to be told. */
static bool is_next(const kg__ring_reader *reader, uint64_t sequence) {
  return sequence == reader->next && sequence >= reader->join &&
         !reader->is_joining;
}

/* The priority events before that one, or KG_PRIORITY_UNKNOWN. */
static uint64_t priority_before_wanted(const kg__ring_reader *reader) {
  return reader->join > reader->next ? reader->join_priority : reader->priority;
}

/* Accounts for the events from the expected one up to `last`, the one before
 * `behind`; NULL: no slot tells how many of them had priority. */
static void lose(kg__ring_reader *reader, uint64_t last, uint32_t reason,
                 const kg_slot *behind, kg_batch *batch) {
  if (reader->is_joining && last > 0) {
    *batch =
        (kg_batch){.loss_reason = KG_LOSS_BEFORE_JOIN,
                   .lost = last,
                   .lost_from = 1,
                   .lost_to = last,
                   .lost_priority = kg__cursor_lost_priority(0, behind, last)};
  }
  reader->is_joining = false;
  uint64_t first = first_wanted(reader);
  if (reader->next == 0 || last < first) {
    return;
  }
  batch->loss_reason = reason == KG_LOSS_NONE ? KG_LOSS_CORRUPT : reason;
  batch->lost_from = first;
  batch->lost_to = last;
  batch->lost = last - first + 1;
  batch->lost_priority = kg__cursor_lost_priority(
      priority_before_wanted(reader), behind, batch->lost);
  reader->lost += batch->lost;
}

/* Takes the run of events that follow each other without a gap, up to `last`,
 * from `run` on: private copies of the `count` slots from `position` on, of
 * which the first `span` are an event. Moves them to the start of `buffer`;
 * returns how many slots the run has. */
static uint32_t take_run(kg__ring_reader *reader, kg_slot *buffer,
                         const kg_slot *run, uint32_t count, int32_t span,
                         uint64_t position, uint64_t head, uint64_t last,
                         kg_batch *batch) {
  uint64_t expected = run->sequence;
  uint32_t first = 0;
  uint32_t at = 0;
  while (span > 0) {
    reader->priority = run[at].priority_count;
    at += (uint32_t)span;
    if (expected < reader->join) {
      first = at;
    } else {
      batch->events++;
    }
    expected++;
    span = at < count && run[at].sequence == expected && expected <= last
               ? kg__ring_examine(&reader->ring, &run[at], count - at,
                                  position + at, head)
               : 0;
  }
  batch->slots = at - first;
  if (&run[first] != buffer) {
    memmove(buffer, &run[first], batch->slots * sizeof *buffer);
  }
  reader->next = expected;
  reader->received += batch->events;
  reader->bytes += (uint64_t)batch->slots * sizeof *buffer;
  return at;
}

/* Events up to `last` are no more in the ring. When the lane has any of them,
 * takes the first, and those that follow it, and loses what is before it; the
 * cursor stays. False when it has none, and the buffer is as it was. */
static bool rescue(kg__ring_reader *reader, uint64_t last, uint32_t reason,
                   kg_slot *buffer, uint32_t slots, kg_batch *batch) {
  uint64_t first = first_wanted(reader);
  uint64_t head = reader->next != 0 && last >= first
                      ? kg__lane_find(reader, first, last, &batch->more)
                      : 0;
  if (head == 0) {
    return batch->more;
  }
  uint32_t count;
  int32_t span = kg__lane_copy(reader, head, buffer, slots, &count);
  batch->more = true;
  if (span < 0) {
    batch->slots_needed = (uint32_t)-span;
  } else if (span > 0 && buffer->sequence >= first &&
             buffer->sequence <= last) {
    lose(reader, buffer->sequence - 1, reason, buffer, batch);
    reader->lane += take_run(reader, buffer, buffer, count, span, reader->lane,
                             head, last, batch);
    reader->rescued += batch->events;
  }
  /* Otherwise it was overwritten meanwhile, or is damaged: the next read looks
   * behind it. */
  return true;
}

/* Everything up to `head` was looked at. If that left slots that did not
 * validate, their events are counted as soon as the last sequence is known
 * to belong to this head; until then the cursor stays before them. */
static void finish_at(kg__ring_reader *reader, uint64_t head, uint32_t reason,
                      kg_slot *buffer, uint32_t slots, kg_batch *batch) {
  const kg__ring *ring = &reader->ring;
  if (reader->cursor != head) {
    uint64_t last = kg__load64_relaxed(&ring->header->last_sequence);
    /* The fence and claim tell whether it belongs to head; see ring.h. */
    kg__fence_acquire();
    bool settled = kg__load64_relaxed(&ring->header->claim) == head &&
                   last <= KG_SEQUENCE_MAX;
    /* As behind R4. */
    kg__fence_acquire();
    if (reader->next == 0 || (settled && last + 1 == reader->next)) {
      /* The last event came from the lane, or nobody knows what is missing. */
      kg__cursor_set(reader, head, reader->next);
    } else if (settled && last >= reader->next &&
               last - reader->next < head - reader->cursor) {
      if (rescue(reader, last, reason, buffer, slots, batch)) {
        return;
      }
      lose(reader, last, reason, NULL, batch);
      kg__cursor_set(reader, head, last + 1);
      reader->priority = reader->join == reader->next ? reader->join_priority
                                                      : KG_PRIORITY_UNKNOWN;
    } else {
      kg__cursor_note_garbage(reader, head);
      reader->scan = head;
      reader->scan_reason = reason;
    }
  }
  reader->seen = head;
}

/* Goes on at `cursor` with `next`, since what was believed of the stream was
 * not so. The events that it was said to have from there on, and to have lost,
 * never were: no stream loses more than it has, however often one is forged. */
static void disbelieve(kg__ring_reader *reader, uint64_t cursor,
                       uint64_t next) {
  uint64_t told = next < reader->next ? reader->next - next : 0;
  reader->lost -= told < reader->lost ? told : reader->lost;
  reader->priority = KG_PRIORITY_UNKNOWN;
  kg__cursor_set(reader, cursor, next);
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
  if (!kg__slot_is_valid(&reader->ring, &last, head - 1) ||
      last.place + 1 != last.span) {
    return false;
  }
  disbelieve(reader, head,
             is_before(reader, last.sequence) ? reader->next
                                              : last.sequence + 1);
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
  for (uint32_t i = 0; i < KG__SCAN_LIMIT && at > 0 && sequence != reader->next;
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
      finish_at(reader, head, reason, copy, slots, batch);
      return KG_OK;
    }
    if (head - position > ring->capacity) {
      position = head - ring->capacity;
      reason = KG_LOSS_OVERWRITTEN;
    }

    uint64_t available = head - position;
    uint32_t count = available < slots ? (uint32_t)available : slots;
    kg__cursor_copy(ring, copy, position, count);
    uint64_t oldest = kg__cursor_oldest(reader, head, position);
    uint32_t at = 0;
    if (oldest > position) {
      /* R5. */
      reason = KG_LOSS_OVERWRITTEN;
      at = oldest - position < count ? (uint32_t)(oldest - position) : count;
    }

    int32_t span = 0;
    while (at < count) {
      span = kg__ring_examine(ring, &copy[at], count - at, position + at, head);
      if (span != 0 && is_plausible(reader, copy[at].sequence, position + at)) {
        break;
      }
      if (span > 0 &&
          has_lost_track(reader, copy[at].sequence, position + at)) {
        if (copy[at].sequence < reader->next) {
          disbelieve(reader, position + at, copy[at].sequence);
        }
        reader->priority = KG_PRIORITY_UNKNOWN;
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
    examined += count;
    position += at;
    if (position > reader->scan) {
      reader->scan = position;
      reader->scan_reason = reason;
    }
    if (span > 0) {
      const kg_slot *lead = &copy[at];
      bool is_due = is_next(reader, lead->sequence);
      if (is_due ||
          !rescue(reader, lead->sequence - 1, reason, copy, slots, batch)) {
        if (!is_due) {
          lose(reader, lead->sequence - 1, reason, lead, batch);
        }
        position += take_run(reader, copy, lead, count - at, span, position,
                             head, KG_SEQUENCE_MAX, batch);
        kg__cursor_set(reader, position, reader->next);
        reader->seen = position == head ? head : reader->seen;
        batch->more = position != head;
      }
      return KG_OK;
    }
    if (span < 0 && at == 0) {
      batch->slots_needed = (uint32_t)-span;
      batch->more = true;
      return KG_OK;
    }
    if (examined >= KG__SCAN_LIMIT) {
      batch->more = true;
      return KG_OK;
    }
  }
}

void kg__ring_reader_prefetch(const kg__ring_reader *reader) {
  kg__prefetch(kg__ring_slot(&reader->ring, reader->scan), sizeof(kg_slot));
}

bool kg__ring_reader_waits(kg__ring_reader *reader, uint32_t how, uint64_t seen,
                           uint32_t *word) {
  /* S1: garbage here costs a sleep that ends at once or lasts its time. */
  *word = kg__or32_seq_cst(&reader->ring.doorbell->waiters, how);
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
      .rescued = reader->rescued,
      .corrupt = reader->corrupt,
      .bytes = reader->bytes,
      .sequence = reader->next > 0 ? reader->next - 1 : 0,
      .expected = reader->next > 0 ? first_wanted(reader) : 0,
      .priority = reader->next > 0 ? priority_before_wanted(reader)
                                   : KG_PRIORITY_UNKNOWN,
      /* No stream gets further than that. */
      .published = published < KG_SEQUENCE_MAX ? published : KG_SEQUENCE_MAX,
      .writer_start_us =
          kg__load64_relaxed(&reader->ring.header->writer_start_us)};
}
