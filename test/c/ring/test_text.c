/* What a threat holds and what comes out of the ring. */
#include <string.h>

#include "../fixture.h"

#define CAPACITY 64

typedef struct text_ring {
  memory_ring memory;
  kg__ring_writer writer;
  kg__ring_reader reader;
  kg_slot buffer[CAPACITY];
  char scratch[CAPACITY * KG_EVENT_BYTES];
} text_ring;

static text_ring t;

static void make(void) {
  memory_ring_make(&t.memory, CAPACITY, true);
  CHECK_RESULT(kg__ring_writer_begin(&t.writer, &t.memory.ring, NULL), KG_OK,
               NULL);
  kg__ring_reader_begin(&t.reader, &t.memory.ring);
}

static void done(void) {
  kg__ring_writer_end(&t.writer);
  memory_ring_free(&t.memory);
}

/* Sends one threat through the ring; its slots are in t.buffer then. */
static kg_threat carry(const kg_threat *threat) {
  kg_threat got;
  kg_batch batch;
  uint32_t offset = 0;
  CHECK_RESULT(kg__ring_writer_stage(&t.writer, threat, &batch_time), KG_OK,
               NULL);
  commit_staged(&t.writer);
  CHECK_RESULT(kg__ring_reader_read(&t.reader, t.buffer, CAPACITY, &batch),
               KG_OK, NULL);
  CHECK_EQUAL(batch.events, 1);
  CHECK_RESULT(kg_event_decode(t.buffer, &offset, t.scratch, &got), KG_OK,
               NULL);
  CHECK_EQUAL(offset, batch.slots);
  return got;
}

static void check_same(kg_text got, kg_text wanted) {
  CHECK_EQUAL(got.length, wanted.length);
  CHECK_BYTES(got.bytes, wanted.bytes, wanted.length);
}

TEST(unknown, "F14 unknown types and severities keep their numbers") {
  static const uint32_t types[] = {0, 7, 8, 255, 65536, 0xFFFFFFFF};
  static const uint8_t severities[] = {0, 1, 4, 5, 127, 128, 255};
  make();
  for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
    for (size_t s = 0; s < sizeof severities; s++) {
      kg_threat threat = {.threat_type = types[i],
                          .severity = severities[s],
                          .blocked = s % 2 == 0};
      kg_threat got = carry(&threat);
      CHECK_EQUAL(got.threat_type, types[i]);
      CHECK_EQUAL(got.severity, severities[s]);
      CHECK_EQUAL(got.blocked, s % 2 == 0);
    }
  }
  done();
}

TEST(no_utf8, "F14 bytes that are no UTF-8 come out as they went in") {
  char bytes[300];
  make();
  for (int value = 0; value < 256; value++) {
    for (size_t length = 1; length <= sizeof bytes; length += 23) {
      memset(bytes, value, length);
      kg_threat threat = {.source = {bytes, length},
                          .details = {bytes, length}};
      kg_threat got = carry(&threat);
      check_same(got.source, threat.source);
      check_same(got.details, threat.details);
      CHECK(t.buffer[0].source_used <= KG_SOURCE_BYTES);
      if (length > KG_SOURCE_BYTES) {
        CHECK(t.buffer[0].source_used > KG_SOURCE_BYTES - 4);
      }
    }
  }
  done();
}

TEST(times, "a threat's own time is kept, without one it is now") {
  make();
  kg_threat threat = {.timestamp_us = UINT64_MAX};
  CHECK_EQUAL(carry(&threat).timestamp_us, UINT64_MAX);
  threat.timestamp_us = 0;
  CHECK(carry(&threat).timestamp_us > UINT64_C(1500000000000000));
  done();
}

/* Whether a character begins at (or the text ends with) byte `at`. */
static bool is_border(kg_text text, size_t at) {
  return at == text.length || ((unsigned char)text.bytes[at] & 0xC0) != 0x80;
}

/* Text of `before` ASCII letters and then characters of `character`. */
static kg_text long_text(char *bytes, size_t before, const char *character,
                         size_t length) {
  size_t at = 0;
  while (at < before) {
    bytes[at] = (char)('a' + at % 26);
    at++;
  }
  while (at + strlen(character) <= length) {
    memcpy(bytes + at, character, strlen(character));
    at += strlen(character);
  }
  return (kg_text){bytes, at};
}

static void check_cut(kg_text text, size_t used, size_t limit,
                      const uint8_t *array) {
  CHECK_BYTES(array, text.bytes, used);
  CHECK(is_border(text, used));
  if (text.length <= limit) {
    CHECK_EQUAL(used, text.length);
  } else {
    /* No character more would have fitted. */
    size_t next = used + 1;
    while (!is_border(text, next)) {
      next++;
    }
    CHECK(used <= limit && next > limit);
  }
  for (size_t i = used; i < limit; i++) {
    CHECK_EQUAL(array[i], 0);
  }
}

TEST(cut, "F15 text is cut at a character's border and comes whole in C") {
  static const char *const characters[] = {
      "x", "\xC3\xA4", "\xE2\x82\xAC", "\xF0\x9F\x98\x80",
      "e\xCC\x81" /* two characters, one sign */};
  char source[512];
  char details[1024];
  make();
  for (size_t c = 0; c < sizeof characters / sizeof *characters; c++) {
    for (size_t before = 0; before <= KG_SOURCE_BYTES + 4; before++) {
      for (size_t more = 0; more < 8; more++) {
        kg_threat threat = {.source = long_text(source, before, characters[c],
                                                KG_SOURCE_BYTES + more),
                            .details = long_text(details, before * 4 + more,
                                                 characters[c],
                                                 KG_DETAILS_BYTES + more)};
        kg_threat got = carry(&threat);
        check_same(got.source, threat.source);
        check_same(got.details, threat.details);
        const kg_slot *lead = &t.buffer[0];
        check_cut(threat.source, lead->source_used, KG_SOURCE_BYTES,
                  lead->body.event.source);
        check_cut(threat.details, lead->details_used, KG_DETAILS_BYTES,
                  lead->body.event.details);
      }
    }
  }
  done();
}

TEST(nul, "F16 a NUL in the middle and at the end goes round") {
  static const char within[] = "a\0b\0\0";
  char many[KG_DETAILS_BYTES * 3];
  memset(many, 0, sizeof many);
  make();
  for (size_t length = 0; length <= sizeof within; length++) {
    kg_threat threat = {.source = {within, length},
                        .details = {many, length},
                        .id = {within, length},
                        .context = {many, length * 30}};
    kg_threat got = carry(&threat);
    check_same(got.source, threat.source);
    check_same(got.details, threat.details);
    check_same(got.id, threat.id);
    check_same(got.context, threat.context);
  }
  for (size_t length = 0; length <= sizeof many; length++) {
    kg_threat threat = {.source = {many, length}, .details = {many, length}};
    kg_threat got = carry(&threat);
    check_same(got.source, threat.source);
    check_same(got.details, threat.details);
  }
  done();
}

TEST(tails, "F15 tails of every length about the multiples of 340") {
  static char text[CAPACITY * KG_EVENT_BYTES];
  uint64_t seed = 15;
  for (size_t i = 0; i < sizeof text; i++) {
    text[i] = (char)check_random(&seed);
  }
  make();
  for (uint32_t slots = 1; slots < CAPACITY / 4; slots++) {
    for (int off = -10; off <= 10; off++) {
      size_t tail = (size_t)((int)(slots * KG_EVENT_BYTES) + off);
      uint32_t span =
          1 + (uint32_t)((tail + KG_EVENT_BYTES - 1) / KG_EVENT_BYTES);
      kg_threat threat = {.context = {text, tail - KG_FIELD_HEADER_BYTES}};
      CHECK_EQUAL(kg__threat_span(&threat, CAPACITY), span);
      if (span > CAPACITY / 4) {
        continue;
      }
      kg_threat got = carry(&threat);
      CHECK_EQUAL(t.buffer[0].span, span);
      CHECK_EQUAL(t.buffer[0].tail_bytes, tail);
      check_same(got.context, threat.context);
      /* All four fields in one tail. */
      size_t part = (tail - 4 * KG_FIELD_HEADER_BYTES) / 4;
      kg_threat four = {.source = {text, part},
                        .details = {text + part, part + 200},
                        .id = {text + 2, part},
                        .context = {text + 3, part}};
      if (kg__threat_span(&four, CAPACITY / 4) != 0) {
        got = carry(&four);
        check_same(got.source, four.source);
        check_same(got.details, four.details);
        check_same(got.id, four.id);
        check_same(got.context, four.context);
      }
    }
  }
  done();
}

TEST(unknown_field, "a field of a newer writer is passed over") {
  kg_slot slots[2];
  char scratch[2 * KG_EVENT_BYTES];
  uint32_t offset = 0;
  kg_threat got;
  kg_threat threat = {.id = {"identity", 8}, .context = {"{}", 2}};
  kg__threat_encode(&threat, slots, kg__threat_span(&threat, 4));
  slots[1].body.tail[0] = 99;
  CHECK_RESULT(kg_event_decode(slots, &offset, scratch, &got), KG_OK, NULL);
  CHECK_EQUAL(got.id.length, 0);
  check_same(got.context, threat.context);
}

TEST(deflated, "a deflated tail gives the cut text of the lead slot") {
  kg_slot slots[3];
  char text[400];
  uint32_t offset = 0;
  kg_threat got;
  memset(text, 'x', sizeof text);
  kg_threat threat = {.details = {text, sizeof text}};
  kg__threat_encode(&threat, slots, kg__threat_span(&threat, 4));
  slots[0].flags = slots[1].flags = slots[2].flags = KG_EVENT_DEFLATED;
  CHECK_RESULT(kg_event_decode(slots, &offset, NULL, &got), KG_OK, NULL);
  CHECK_EQUAL(offset, 3);
  CHECK_EQUAL(got.details.length, KG_DETAILS_BYTES);
}

/* --- Too large ---------------------------------------------------------- */

static unsigned char before[1 << 18];

static void remember(void) {
  CHECK(t.memory.length <= sizeof before);
  memcpy(before, t.memory.base, t.memory.length);
}

static void check_untouched(void) {
  CHECK_BYTES(t.memory.base, before, t.memory.length);
}

TEST(event_too_large, "F11 a threat of over a quarter ring changes nothing") {
  static char text[CAPACITY * KG_EVENT_BYTES];
  const size_t most = (CAPACITY / 4 - 1) * KG_EVENT_BYTES - 8;
  make();
  kg_threat threat = {.context = {text, most}};
  check_same(carry(&threat).context, threat.context);
  CHECK_EQUAL(t.buffer[0].span, CAPACITY / 4);
  remember();
  static const size_t lengths[] = {
      most + 1,     most + 2,     sizeof text,  (size_t)UINT32_MAX,
      SIZE_MAX / 2, SIZE_MAX - 8, SIZE_MAX - 7, SIZE_MAX};
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    for (int field = 0; field < 4; field++) {
      kg_threat large = {.timestamp_us = 1};
      kg_text *texts[] = {&large.source, &large.details, &large.id,
                          &large.context};
      *texts[field] = (kg_text){text, lengths[i]};
      CHECK_RESULT(kg__ring_writer_stage(&t.writer, &large, &batch_time),
                   KG_E_EVENT_TOO_LARGE, NULL);
      CHECK(!commit_staged(&t.writer));
      check_untouched();
    }
  }
  CHECK_EQUAL(t.writer.sequence, 1);
  done();
}

TEST(batch_too_large, "a batch of over a quarter ring changes nothing") {
  make();
  kg_threat threat = {.timestamp_us = 1};
  for (int i = 0; i < 5; i++) {
    carry(&threat);
  }
  remember();
  for (int i = 0; i < CAPACITY / 4; i++) {
    CHECK_RESULT(kg__ring_writer_stage(&t.writer, &threat, &batch_time), KG_OK,
                 NULL);
    check_untouched();
  }
  CHECK_RESULT(kg__ring_writer_stage(&t.writer, &threat, &batch_time),
               KG_E_BATCH_TOO_LARGE, NULL);
  CHECK(!commit_staged(&t.writer));
  check_untouched();
  /* An event that would fit alone, but not behind the others. */
  static char text[8 * KG_EVENT_BYTES];
  kg_threat large = {.context = {text, sizeof text}};
  for (int i = 0; i < 8; i++) {
    CHECK_RESULT(kg__ring_writer_stage(&t.writer, &threat, &batch_time), KG_OK,
                 NULL);
  }
  CHECK_RESULT(kg__ring_writer_stage(&t.writer, &large, &batch_time),
               KG_E_BATCH_TOO_LARGE, NULL);
  CHECK(!commit_staged(&t.writer));
  check_untouched();
  CHECK_EQUAL(t.writer.sequence, 5);
  done();
}

TEST(batches, "a batch is seen whole or not at all") {
  make();
  made_threat made;
  account account = {.next = 1};
  for (uint32_t round = 0; round < 50; round++) {
    uint32_t events = 1 + round % 8;
    for (uint32_t i = 0; i < events; i++) {
      make_threat(&made, t.writer.sequence + 1 + i, 1 + i % 2);
      CHECK_RESULT(kg__ring_writer_stage(&t.writer, &made.threat, &batch_time),
                   KG_OK, NULL);
      drain(&t.reader, &account, CAPACITY, 1);
      CHECK_EQUAL(account.received, t.writer.sequence);
    }
    if (round % 5 == 4) {
      kg__ring_writer_discard(&t.writer);
    }
    commit_staged(&t.writer);
    drain(&t.reader, &account, CAPACITY, 2);
    CHECK_EQUAL(account.received, t.writer.sequence);
  }
  CHECK_EQUAL(account.lost, 0);
  done();
}
