/* The reader over a ring in memory in which anything may stand, while its
 * writer goes on. It never delivers what is torn or has no place, never tells
 * of more lost than could have been, comes to an end, writes nothing, and is
 * exact again a few laps after the last change. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#define MOST_STEPS 40
#define MOST_READ_SLOTS 32

typedef struct world {
  fuzz_ring memory;
  kg__ring_writer writer;
  kg__ring_reader reader;
  fuzz_account account;
  bool is_forged; /* something passed for a writer's work */
} world;

void fuzz_begin(void) {
  /* Many go into the lane, too. */
  critical_every = 3;
}

/* --- The writer ----------------------------------------------------------- */

static void write_batch(world *w, uint32_t events, uint32_t most_span) {
  made_threat made;
  for (uint32_t i = 0; i < events; i++) {
    uint64_t sequence = w->writer.sequence + w->writer.staged_events + 1;
    uint32_t span = most_span == 1 ? 1 : span_of(sequence, most_span);
    if (w->writer.staged_slots + span > FUZZ_CAPACITY / KG_BATCH_DIVISOR ||
        sequence > KG_SEQUENCE_MAX) {
      break;
    }
    make_threat(&made, sequence, span);
    CHECK_RESULT(kg__ring_writer_stage(&w->writer, &made.threat, &batch_time),
                 KG_OK, NULL);
  }
  commit_staged(&w->writer);
  CHECK(kg__ring_writer_overwritten(&w->writer) <= w->writer.sequence);
}

/* Another writer looks at what is there, and goes on with it when that is
 * honest. */
static void take_over(world *w) {
  static unsigned char before[1 << 18];
  kg__ring_writer next;
  kg_failure failure = {0};
  const kg__ring *ring = &w->memory.ring;
  size_t slots = (size_t)FUZZ_CAPACITY * sizeof(kg_slot);
  memcpy(before, ring->header, sizeof(kg_ring_header));
  memcpy(before + sizeof(kg_ring_header), ring->slots, slots);
  int result = kg__ring_writer_begin(&next, ring, &failure);
  CHECK_BYTES((const void *)ring->slots, before + sizeof(kg_ring_header),
              slots);
  if (result != KG_OK) {
    CHECK_RESULT(result, KG_E_RING_CORRUPT, &failure);
    CHECK_EQUAL(failure.error, result);
    CHECK(failure.detail[0] != '\0');
    CHECK_BYTES((const void *)ring->header, before, sizeof(kg_ring_header));
    return;
  }
  CHECK(next.claim >= next.head);
  CHECK(next.sequence <= KG_SEQUENCE_MAX);
  if (w->is_forged) {
    kg__ring_writer_end(&next);
    return;
  }
  CHECK_EQUAL(next.sequence, w->writer.sequence);
  CHECK_EQUAL(next.head, w->writer.head);
  kg__ring_writer_end(&w->writer);
  w->writer = next;
}

/* --- The reader ----------------------------------------------------------- */

/* Where it stands is its own choice, after a seek. */
static void begin_account(world *w) {
  const kg__ring_reader *reader = &w->reader;
  uint64_t next = reader->next > reader->join ? reader->next : reader->join;
  w->account.next = reader->pending.loss_reason != KG_LOSS_NONE
                        ? reader->pending.lost_from
                    : reader->next == 0 ? 0
                                        : next;
  w->account.last = 0;
}

/* Returns the batch, which was checked and entered. */
static kg_batch read_once(world *w, uint32_t slots) {
  static unsigned char header[sizeof(kg_ring_header)];
  kg__ring_reader *reader = &w->reader;
  kg__ring_reader before = *reader;
  /* On the heap and of its very size, so that a sanitizer sees its end. */
  kg_slot *buffer = malloc(slots * sizeof *buffer);
  kg_batch batch;
  CHECK(buffer != NULL);
  memcpy(header, w->memory.base, sizeof header);
  CHECK_RESULT(kg__ring_reader_read(reader, buffer, slots, &batch), KG_OK,
               NULL);
  CHECK_BYTES(w->memory.base, header, sizeof header);
  bool came_back = reader->cursor < before.cursor;
  if (w->is_forged) {
    /* It may believe what is there more than what it was told before. */
    w->account.next = 0;
  }
  w->account.is_honest = !w->is_forged;
  fuzz_account_batch(&w->account, &w->memory.ring, false, buffer, slots,
                     &batch);
  free(buffer);
  CHECK(reader->next <= KG_SEQUENCE_MAX + 1);
  if (batch.loss_reason != KG_LOSS_BEFORE_JOIN && !w->account.has_lane) {
    /* Every event that was lost took a slot at least: of those that were
     * passed, or, after a whole ring that told nothing, of all. */
    uint64_t passed = reader->cursor - before.cursor;
    CHECK(batch.lost <=
          (came_back || passed > FUZZ_CAPACITY ? reader->cursor : passed));
  }
  if (batch.slots_needed != 0) {
    CHECK(batch.more && batch.events == 0);
    CHECK(batch.slots_needed > slots);
    CHECK(batch.slots_needed <= kg__ring_event_slots(&w->memory.ring));
  }
  return batch;
}

static void drain_all(world *w) {
  uint32_t slots = MOST_READ_SLOTS;
  uint32_t limit = 4 * FUZZ_CAPACITY + 16;
  while (read_once(w, slots).more) {
    CHECK(limit-- > 0);
  }
}

static void seek(world *w, fuzz_input *in) {
  enum kg_from from = (enum kg_from)fuzz_below(in, 3);
  uint64_t sequence = fuzz_near(in, w->writer.sequence);
  int result = kg__ring_reader_seek(&w->reader, from, sequence);
  bool is_sequence = sequence >= 1 && sequence <= KG_SEQUENCE_MAX;
  if (from == KG_FROM_SEQUENCE && !is_sequence) {
    CHECK_RESULT(result, KG_E_INVALID_ARGUMENT, NULL);
  } else {
    CHECK_RESULT(result, KG_OK, NULL);
    begin_account(w);
  }
}

/* Every event that is published from here on comes. */
static void check_fresh(world *w, uint32_t events) {
  for (uint32_t i = 0; i < events; i++) {
    uint64_t received = w->account.received;
    uint64_t lost = w->account.lost;
    uint64_t corrupt = w->reader.corrupt;
    write_batch(w, 1, 4);
    drain_all(w);
    CHECK_EQUAL(w->account.received, received + 1);
    CHECK_EQUAL(w->account.lost, lost);
    CHECK_EQUAL(w->account.last, w->writer.sequence);
    CHECK_EQUAL(w->reader.corrupt, corrupt);
  }
}

static void check_recovery(world *w) {
  if (w->reader.join > w->writer.sequence) {
    CHECK_RESULT(kg__ring_reader_seek(&w->reader, KG_FROM_OLDEST, 0), KG_OK,
                 NULL);
    begin_account(w);
  }
  const uint32_t batch = FUZZ_CAPACITY / KG_BATCH_DIVISOR;
  uint32_t limit = 8 * KG_BATCH_DIVISOR;
  uint64_t received;
  do {
    CHECK(limit-- > 0);
    received = w->account.received;
    write_batch(w, batch, 1);
    drain_all(w);
  } while (w->account.received != received + batch ||
           w->account.last != w->writer.sequence);
  check_fresh(w, 3);
  CHECK_EQUAL(w->account.next, w->writer.sequence + 1);
}

/* -------------------------------------------------------------------------- */

static void step(world *w, fuzz_input *in) {
  kg_reader_stats stats;
  uint32_t word;
  switch (fuzz_below(in, 10)) {
  case 0:
  case 1:
    write_batch(w, 1 + fuzz_below(in, 4), 4);
    break;
  case 2:
    read_once(w, 1 + fuzz_below(in, MOST_READ_SLOTS));
    break;
  case 3:
    drain_all(w);
    break;
  case 4:
    seek(w, in);
    break;
  case 5:
    take_over(w);
    break;
  case 6:
    kg__ring_reader_waits(&w->reader, KG_WAITS_ON_HEAD, w->reader.seen, &word);
    kg__ring_reader_stats(&w->reader, &stats);
    CHECK_EQUAL(stats.received, w->account.received);
    break;
  default: {
    enum fuzz_damage damage =
        fuzz_change(in, &w->memory.ring, w->writer.head, w->writer.sequence);
    w->is_forged |= damage != FUZZ_DAMAGE;
  }
  }
}

/* Where the stream stands in the beginning. */
static uint64_t pick_start(fuzz_input *in) {
  static const uint64_t starts[] = {0,
                                    0,
                                    0,
                                    5,
                                    FUZZ_CAPACITY,
                                    (UINT64_C(1) << 32) - 8,
                                    KG_SEQUENCE_MAX - 4096,
                                    KG_SEQUENCE_MAX - 6};
  return starts[fuzz_below(in, sizeof starts / sizeof *starts)];
}

static void jump(kg__ring *ring, uint64_t at) {
  made_threat made;
  kg_slot slot;
  make_threat(&made, at, 1);
  kg__threat_encode(&made.threat, &slot, 1);
  slot.position = at - 1;
  slot.sequence = at;
  slot.publish_ns = 1;
  slot.flags = is_critical(at) ? KG_EVENT_PRIORITY : 0;
  slot.priority_count =
      (uint32_t)(at < 1000 ? count_critical(1, at) : is_critical(at));
  kg__slot_seal(&slot);
  *kg__ring_slot(ring, at - 1) = slot;
  ring->header->last_sequence = at;
  ring->header->claim = at;
  ring->header->head = at;
}

void fuzz_one(fuzz_input *in) {
  world w = {.is_forged = false};
  uint8_t how = fuzz_u8(in);
  uint64_t start = pick_start(in);
  fuzz_ring_make(&w.memory, how % 4 != 0);
  if (start > 0) {
    jump(&w.memory.ring, start);
  }
  CHECK_RESULT(kg__ring_writer_begin(&w.writer, &w.memory.ring, NULL), KG_OK,
               NULL);
  CHECK_EQUAL(w.writer.sequence, start);
  kg__ring_reader_begin(&w.reader, &w.memory.ring);
  begin_account(&w);
  for (uint32_t steps = 0; in->left > 0 && steps < MOST_STEPS; steps++) {
    step(&w, in);
  }
  drain_all(&w);
  if (start < KG_SEQUENCE_MAX - 1000) {
    check_recovery(&w);
  }
  kg__ring_writer_end(&w.writer);
}
