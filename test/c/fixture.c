#include "fixture.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../native/ring/crc32c.h"

#define CANARY 0xC7
#define CANARY_BYTES 4096
#define MOST_READ_SLOTS 1024

uint32_t lane_events = 8;
uint32_t critical_every;

/* --- Rings in memory ---------------------------------------------------- */

void memory_ring_make(memory_ring *memory, uint32_t capacity, bool checksums) {
  kg__ring_setup setup = {.capacity = capacity,
                          .priority_events = lane_events,
                          .checksums = checksums,
                          .generation = 0x1234};
  memory->length = (size_t)kg__ring_bytes(capacity, lane_events);
  memory->block =
      system_allocate(CANARY_BYTES, memory->length + 2 * CANARY_BYTES);
  CHECK(memory->block != NULL);
  memset(memory->block, CANARY, memory->length + 2 * CANARY_BYTES);
  memory->base = memory->block + CANARY_BYTES;
  memset(memory->base, 0, memory->length);
  kg__ring_format(memory->base, &setup, &memory->ring);
}

static void check_all(const unsigned char *from, const unsigned char *to,
                      unsigned char value) {
  while (from < to && *from == value) {
    from++;
  }
  CHECK(from == to);
}

void memory_ring_check(const memory_ring *memory) {
  const unsigned char *end = memory->base + memory->length;
  const kg__ring *ring = &memory->ring;
  const unsigned char *slots_end =
      (const unsigned char *)(ring->slots + ring->capacity);
  const unsigned char *lane =
      ring->priority_events > 0 ? (const unsigned char *)ring->lane : end;
  const unsigned char *lane_end =
      lane + (size_t)ring->priority_events * sizeof(kg_slot);
  kg_ring_identity again;
  kg_failure failure;
  check_all(memory->block, memory->base, CANARY);
  check_all(end, end + CANARY_BYTES, CANARY);
  /* What lies between the parts. */
  check_all(memory->base + sizeof(kg_ring_header),
            memory->base + KG_DOORBELL_OFFSET, 0);
  check_all(memory->base + KG_DOORBELL_OFFSET + 4,
            memory->base + KG_SLOTS_OFFSET, 0);
  check_all(slots_end, lane, 0);
  check_all(lane_end, end, 0);
  /* The identity carries a checksum of its own. */
  CHECK_RESULT(kg__ring_verify(memory->base, memory->length, &again, &failure),
               KG_OK, &failure);
}

void memory_ring_free(memory_ring *memory) {
  memory_ring_check(memory);
  system_free(memory->block);
}

void memory_ring_jump(memory_ring *memory, uint64_t at) {
  kg_slot slot = {
      .position = at - 1, .sequence = at, .span = 1, .publish_ns = 1};
  kg__slot_seal(&slot);
  *kg__ring_slot(&memory->ring, at - 1) = slot;
  memory->ring.header->last_sequence = at;
  memory->ring.header->claim = at;
  memory->ring.header->head = at;
}

/* --- Threats ------------------------------------------------------------ */

static uint64_t mix(uint64_t value) {
  return check_random(&value);
}

bool is_critical(uint64_t sequence) {
  return critical_every != 0 && mix(sequence * 7 + 5) % critical_every == 0;
}

uint64_t count_critical(uint64_t from, uint64_t to) {
  uint64_t count = 0;
  for (; critical_every != 0 && from <= to; from++) {
    count += is_critical(from) ? 1 : 0;
  }
  return count;
}

uint32_t span_of(uint64_t sequence, uint32_t most) {
  /* Half of them are single slots, as in life. */
  uint64_t random = mix(sequence * 3 + most);
  return random % 2 == 0 ? 1 : 1 + (uint32_t)((random >> 8) % most);
}

static void fill(char *text, size_t length, uint64_t seed) {
  uint64_t random = mix(seed);
  for (size_t i = 0; i < length; i++) {
    text[i] = (char)('a' + (random + i * 7 + i / 26) % 26);
  }
}

void make_threat(made_threat *made, uint64_t sequence, uint32_t span) {
  uint64_t random = mix(sequence);
  kg_threat *threat = &made->threat;
  CHECK(span >= 1 && span <= MOST_SPAN);
  *threat = (kg_threat){.timestamp_us = 1 + random % 1000000,
                        .threat_type = (uint32_t)(random >> 16),
                        .severity = (uint8_t)(is_critical(sequence)
                                                  ? 4 + (random >> 8) % 252
                                                  : (random >> 8) % 4),
                        .blocked = random % 2 == 0};
  threat->source.bytes = made->source;
  threat->source.length = (random >> 20) % (KG_SOURCE_BYTES + 1);
  fill(made->source, threat->source.length, sequence);

  char *details = made->text;
  size_t length = (random >> 28) % (KG_DETAILS_BYTES + 1);
  if (span > 1) {
    /* The tail is one field that fills the last slot to a random degree. */
    size_t least = (span - 2) * KG_EVENT_BYTES + 1;
    size_t tail = least + (random >> 36) % KG_EVENT_BYTES;
    size_t text =
        tail > KG_FIELD_HEADER_BYTES ? tail - KG_FIELD_HEADER_BYTES : 1;
    if (text > KG_DETAILS_BYTES && random % 3 == 0) {
      length = text;
    } else {
      kg_text *field = random % 5 == 0 ? &threat->id : &threat->context;
      field->bytes = made->text + KG_DETAILS_BYTES;
      field->length = text;
      fill(made->text + KG_DETAILS_BYTES, text, sequence + 2);
    }
  }
  threat->details.bytes = details;
  threat->details.length = length;
  fill(details, length, sequence + 1);
}

static void check_text(kg_text got, kg_text wanted) {
  CHECK_EQUAL(got.length, wanted.length);
  CHECK_BYTES(got.bytes, wanted.bytes, wanted.length);
}

void check_threat(const kg_threat *got, uint32_t span) {
  made_threat made;
  make_threat(&made, got->sequence, span);
  CHECK_EQUAL(got->timestamp_us, made.threat.timestamp_us);
  CHECK_EQUAL(got->threat_type, made.threat.threat_type);
  CHECK_EQUAL(got->severity, made.threat.severity);
  CHECK_EQUAL(got->blocked, made.threat.blocked);
  check_text(got->source, made.threat.source);
  check_text(got->details, made.threat.details);
  check_text(got->id, made.threat.id);
  check_text(got->context, made.threat.context);
  CHECK(got->publish_ns != 0);
}

const kg__batch_time batch_time = {.publish_ns = 1000,
                                   .wall_us = UINT64_C(1700000000000000)};

uint32_t commit_staged(kg__ring_writer *writer) {
  if (writer->staged_slots == 0) {
    return 0;
  }
  kg__ring_writer_copy(writer);
  kg__ring_writer_publish(writer);
  kg__ring_writer_finish(writer);
  return kg__ring_writer_waiters(writer);
}

void write_span(kg__ring_writer *writer, uint32_t span) {
  made_threat made;
  make_threat(&made, writer->sequence + 1, span);
  CHECK_RESULT(kg__ring_writer_stage(writer, &made.threat, &batch_time), KG_OK,
               NULL);
  CHECK_EQUAL(writer->staged_slots, span);
  commit_staged(writer);
}

/* --- Accounts ----------------------------------------------------------- */

/* One that came from the lane as its lead slot alone. */
static void check_cut_threat(const kg_threat *got, uint32_t span) {
  made_threat made;
  kg_threat *whole = &made.threat;
  CHECK(span > 1 && is_critical(got->sequence));
  make_threat(&made, got->sequence, span);
  CHECK_EQUAL(got->timestamp_us, whole->timestamp_us);
  CHECK_EQUAL(got->severity, whole->severity);
  check_text(got->source, whole->source);
  CHECK(got->details.length <= whole->details.length);
  CHECK_BYTES(got->details.bytes, whole->details.bytes, got->details.length);
  CHECK(got->id.length == 0 && got->context.length == 0);
}

void account_batch(account *account, const void *buffer,
                   const kg_batch *batch) {
  static _Thread_local char scratch[(MOST_SPAN + 1) * KG_EVENT_BYTES];
  const kg_slot *slots = buffer;
  uint32_t offset = 0;
  if (batch->loss_reason != KG_LOSS_NONE) {
    CHECK(batch->loss_reason <= KG_LOSS_EVICTED);
    CHECK(batch->lost > 0);
    CHECK_EQUAL(batch->lost_to - batch->lost_from + 1, batch->lost);
    if (account->next != 0) {
      CHECK_EQUAL(batch->lost_from, account->next);
    }
    account->next = batch->lost_to + 1;
    account->reasons[batch->loss_reason] += batch->lost;
    if (batch->loss_reason != KG_LOSS_BEFORE_JOIN) {
      account->lost += batch->lost;
    }
    for (uint64_t n = batch->lost_to;
         critical_every != 0 && n >= batch->lost_from && n > account->gone;
         n--) {
      account->gone = is_critical(n) ? n : account->gone;
    }
    if (batch->lost_priority == KG_PRIORITY_UNKNOWN) {
      account->unknown++;
    } else {
      CHECK_EQUAL(batch->lost_priority,
                  count_critical(batch->lost_from, batch->lost_to));
    }
  } else {
    CHECK_EQUAL(batch->lost, 0);
  }
  for (uint32_t i = 0; i < batch->events; i++) {
    kg_threat threat;
    uint32_t span = slots[offset].span;
    CHECK(span <= MOST_SPAN && offset + span <= batch->slots);
    CHECK_RESULT(kg_event_decode(buffer, &offset, scratch, &threat), KG_OK,
                 NULL);
    if (account->next != 0) {
      CHECK_EQUAL(threat.sequence, account->next);
    }
    if (threat.cut) {
      CHECK_EQUAL(span, 1);
      check_cut_threat(&threat, span_of(threat.sequence, account->most));
    } else {
      if (account->most != 0) {
        CHECK_EQUAL(span, span_of(threat.sequence, account->most));
      }
      check_threat(&threat, span);
    }
    account->critical += is_critical(threat.sequence) ? 1 : 0;
    account->next = threat.sequence + 1;
    account->received++;
  }
  CHECK_EQUAL(offset, batch->slots);
}

void drain(kg__ring_reader *reader, account *account, uint32_t slots,
           uint32_t limit) {
  static _Thread_local kg_slot buffer[MOST_READ_SLOTS + 1];
  kg_batch batch;
  CHECK(slots <= MOST_READ_SLOTS);
  do {
    CHECK(limit-- > 0);
    /* The slot behind the buffer must stay as it is. */
    memset(&buffer[slots], CANARY, sizeof buffer[0]);
    CHECK_RESULT(kg__ring_reader_read(reader, buffer, slots, &batch), KG_OK,
                 NULL);
    check_all((unsigned char *)&buffer[slots],
              (unsigned char *)&buffer[slots + 1], CANARY);
    CHECK_EQUAL(batch.slots_needed, 0);
    account_batch(account, buffer, &batch);
  } while (batch.more);
}

/* --- What is so on every CPU --------------------------------------------- */

void check_spans_come_whole(void) {
  memory_ring memory;
  kg__ring_writer writer;
  kg__ring_reader reader;
  account account = {.next = 1};
  memory_ring_make(&memory, 16, true);
  CHECK_RESULT(kg__ring_writer_begin(&writer, &memory.ring, NULL), KG_OK, NULL);
  kg__ring_reader_begin(&reader, &memory.ring);
  for (uint32_t span = 1; span <= 4; span++) {
    write_span(&writer, span);
  }
  drain(&reader, &account, 16, 4);
  CHECK_EQUAL(account.received, 4);
  CHECK_EQUAL(reader.corrupt, 0);
  kg__ring_writer_end(&writer);
  memory_ring_free(&memory);
}

void check_slot_checksums(void) {
  uint64_t seed = 3;
  kg__word words[KG__SLOT_WORDS];
  for (int round = 0; round < 1000; round++) {
    for (size_t i = 0; i < KG__SLOT_WORDS; i++) {
      words[i] = check_random(&seed);
    }
    uint64_t masks[2] = {check_random(&seed), check_random(&seed)};
    uint32_t found = kg__crc32c_slot(words, masks[0], masks[1]);
    words[KG__SLOT_WORDS - 2] &= masks[0];
    words[KG__SLOT_WORDS - 1] &= masks[1];
    CHECK_EQUAL(found, kg__crc32c(words, sizeof words));
  }
}
