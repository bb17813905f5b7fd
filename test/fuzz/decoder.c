/* A threat to slots and back, and slots that no encoder of ours made: what
 * comes out is what went in, lies within what was given, and every field that
 * is told of is there. With zlib in the core, so that what is deflated is
 * inflated, too. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#define MOST_SLOTS 40
#define MOST_TEXT (MOST_SLOTS * KG_EVENT_BYTES)

void fuzz_begin(void) {
  /* Many go into the lane, too. */
  critical_every = 3;
}

/* --- There and back ------------------------------------------------------- */

/* Text of the input's length and characters, all of them UTF-8 or none. */
static kg_text make_text(fuzz_input *in, char *bytes, size_t limit) {
  static const char *const characters[] = {
      "a", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\x80", "\0"};
  uint32_t kind = fuzz_below(in, 8);
  size_t length = fuzz_u8(in) + (kind >= 4 ? 64U * fuzz_u8(in) : 0);
  if (length > limit) {
    length = limit;
  }
  const char *character =
      characters[fuzz_below(in, sizeof characters / sizeof *characters)];
  size_t width = *character == '\0' ? 1 : strlen(character);
  for (size_t i = 0; i < length; i++) {
    bytes[i] = character[i % width];
  }
  for (uint32_t some = fuzz_below(in, 4); some > 0 && length > 0; some--) {
    bytes[fuzz_u8(in) % length] = (char)fuzz_u8(in);
  }
  return (kg_text){length == 0 ? NULL : bytes, length};
}

static void check_same(kg_text got, kg_text wanted) {
  CHECK_EQUAL(got.length, wanted.length);
  CHECK_BYTES(got.bytes, wanted.bytes, wanted.length);
}

static bool continues(kg_text text, size_t at) {
  return ((unsigned char)text.bytes[at] & 0xC0) == 0x80;
}

/* The part that stands in the lead slot: as much as fits, and not half of a
 * character where there is a border nearby. */
static void check_cut(kg_text got, kg_text wanted, size_t room) {
  CHECK(got.length <= room && got.length <= wanted.length);
  CHECK_BYTES(got.bytes, wanted.bytes, got.length);
  if (wanted.length <= room) {
    CHECK_EQUAL(got.length, wanted.length);
    return;
  }
  CHECK(got.length + 3 >= room);
  bool has_border = false;
  for (size_t at = room - 3; at <= room; at++) {
    has_border |= !continues(wanted, at);
  }
  CHECK(!has_border || !continues(wanted, got.length));
}

/* The bytes that the texts take as they are, behind the lead slot. */
static size_t continuation_bytes(const kg_threat *threat) {
  const size_t lengths[][2] = {{threat->source.length, KG_SOURCE_BYTES},
                               {threat->details.length, KG_DETAILS_BYTES},
                               {threat->id.length, 0},
                               {threat->context.length, 0}};
  size_t bytes = 0;
  for (size_t i = 0; i < 4; i++) {
    if (lengths[i][0] > lengths[i][1]) {
      bytes += KG_FIELD_HEADER_BYTES + lengths[i][0];
    }
  }
  return bytes;
}

static void check_round_trip(fuzz_input *in) {
  static char texts[5][MOST_TEXT];
  kg_threat threat = {.timestamp_us = fuzz_u64(in),
                      .threat_type = (uint32_t)fuzz_u64(in),
                      .severity = fuzz_u8(in),
                      .blocked = fuzz_u8(in) % 2 == 1};
  threat.source = make_text(in, texts[0], MOST_TEXT);
  threat.details = make_text(in, texts[1], MOST_TEXT);
  threat.id = make_text(in, texts[2], MOST_TEXT);
  threat.context = make_text(in, texts[3], MOST_TEXT);
  threat.deflated = make_text(in, texts[4], MOST_TEXT);
  uint32_t most = 1 + fuzz_below(in, MOST_SLOTS);
  size_t room = (size_t)(most - 1) * KG_EVENT_BYTES;
  size_t plain = continuation_bytes(&threat);
  uint32_t span = kg__threat_span(&threat, most);
  CHECK_EQUAL(span == 0, plain > room || threat.deflated.length > room);
  if (span == 0) {
    return;
  }
  size_t bytes = threat.deflated.length > 0 ? threat.deflated.length : plain;
  CHECK(span <= most);
  CHECK_EQUAL(span - 1, (bytes + KG_EVENT_BYTES - 1) / KG_EVENT_BYTES);

  kg_slot *slots = malloc(span * sizeof *slots);
  char *scratch = malloc((size_t)span * KG_EVENT_BYTES);
  CHECK(slots != NULL && scratch != NULL);
  kg__threat_encode(&threat, slots, span);
  uint32_t offset = 0;
  kg_threat got;
  CHECK_RESULT(kg_event_decode(slots, &offset, scratch, &got), KG_OK, NULL);
  CHECK_EQUAL(offset, span);
  CHECK_EQUAL(got.timestamp_us, threat.timestamp_us);
  CHECK_EQUAL(got.threat_type, threat.threat_type);
  CHECK_EQUAL(got.severity, threat.severity);
  CHECK_EQUAL(got.blocked, threat.blocked);
  if (threat.deflated.length > 0) {
    check_cut(got.source, threat.source, KG_SOURCE_BYTES);
    check_cut(got.details, threat.details, KG_DETAILS_BYTES);
    CHECK_EQUAL(got.id.length + got.context.length, 0);
  } else {
    check_same(got.source, threat.source);
    check_same(got.details, threat.details);
    check_same(got.id, threat.id);
    check_same(got.context, threat.context);
  }
  free(scratch);
  free(slots);
}

/* --- Slots of anybody's --------------------------------------------------- */

/* What the continuation says of the field `tag`, by kg_layout.h: the last one
 * that is there whole. False when it ends within a field. */
static bool find_field(const unsigned char *tail, size_t bytes, uint8_t tag,
                       kg_text *text) {
  size_t at = 0;
  while (bytes - at >= KG_FIELD_HEADER_BYTES) {
    size_t length = (size_t)tail[at + 4] | (size_t)tail[at + 5] << 8 |
                    (size_t)tail[at + 6] << 16 | (size_t)tail[at + 7] << 24;
    if (length > bytes - at - KG_FIELD_HEADER_BYTES) {
      return false;
    }
    if (tail[at] == tag) {
      *text =
          (kg_text){(const char *)tail + at + KG_FIELD_HEADER_BYTES, length};
    }
    at += KG_FIELD_HEADER_BYTES + length;
  }
  return at == bytes;
}

static void check_field(const unsigned char *tail, size_t bytes, uint8_t tag,
                        kg_text got, kg_text in_lead) {
  kg_text wanted = in_lead;
  find_field(tail, bytes, tag, &wanted);
  check_same(got, wanted);
}

static bool lies_within(kg_text text, const void *from, size_t length) {
  const char *start = from;
  return text.length == 0 ||
         (text.bytes >= start && text.length <= length &&
          (size_t)(text.bytes - start) <= length - text.length);
}

/* How much text of an event is taken. */
#define MOST_TAKEN 2000

/* The same event inflated, or with a bound: whatever it holds, its texts lie in
 * what was given, and no more are taken than was said. */
static void check_whole(const kg_slot *slots) {
  size_t span = slots[0].span;
  size_t room = KG_CONTINUATION_BYTES(MOST_TAKEN);
  char *scratch = malloc(span * KG_EVENT_BYTES);
  char *inflated = malloc(room);
  CHECK(scratch != NULL && inflated != NULL);
  uint32_t offset = 0;
  kg_threat got;
  int result = kg_event_decode_whole(slots, &offset, scratch, inflated,
                                     MOST_TAKEN, &got);
  CHECK_EQUAL(offset, span);
  CHECK(result == KG_OK || result == KG_E_RING_CORRUPT ||
        result == KG_E_EVENT_TOO_LARGE);
  const kg_text texts[] = {got.source, got.details, got.id, got.context};
  size_t bytes = 0;
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    CHECK(lies_within(texts[i], scratch, span * KG_EVENT_BYTES) ||
          lies_within(texts[i], inflated, room) ||
          lies_within(texts[i], slots, sizeof *slots));
    bytes += texts[i].length;
  }
  CHECK(bytes <= MOST_TAKEN || span == 1 || got.cut);
  /* A slot may say that it is cut, and have its texts all the same. */
  bool says_cut = (slots[0].flags & KG_EVENT_CUT) != 0;
  CHECK(!got.cut || says_cut || got.id.length + got.context.length == 0);
  CHECK(got.id.length == 0 || (got.missing & KG_TEXT_ID) == 0);
  CHECK(got.context.length == 0 || (got.missing & KG_TEXT_CONTEXT) == 0);
  CHECK(got.missing == 0 || got.cut || result != KG_OK);
  free(inflated);
  free(scratch);
}

/* Any bytes as text. */
static void check_texts(const unsigned char *bytes, size_t length) {
  size_t at = 0;
  char *copy = malloc(length == 0 ? 1 : length);
  CHECK(copy != NULL);
  memcpy(copy, bytes, length);
  bool is_utf8 = kg_utf8_check(copy, length, &at) == KG_OK;
  CHECK(is_utf8 || at < length);
  /* What stands before that is. */
  CHECK(is_utf8 || kg_utf8_check(copy, at, NULL) == KG_OK);
  CHECK(kg_json_check(copy, length, &at) != KG_OK || is_utf8);
  CHECK(at <= length);
  free(copy);
}

/* The rest of the input is a continuation. */
static void check_any_tail(fuzz_input *in) {
  static unsigned char tail[MOST_TEXT];
  kg_slot lead = {.sequence = 1 + fuzz_u8(in), .flags = 0};
  lead.flags = fuzz_below(in, 8) == 7 ? KG_EVENT_DEFLATED : fuzz_u8(in) & ~1U;
  lead.source_used = (uint16_t)fuzz_below(in, KG_SOURCE_BYTES + 1);
  lead.details_used = (uint16_t)(fuzz_u8(in) + fuzz_below(in, 2));
  uint32_t zeros = fuzz_u8(in);
  size_t bytes = in->left < MOST_TEXT / 2 ? in->left : MOST_TEXT / 2;
  memset(tail, 0, sizeof tail);
  memcpy(tail, in->at, bytes);
  check_texts(tail, bytes);
  bytes += zeros;
  lead.tail_bytes = (uint32_t)bytes;
  lead.span = (uint16_t)(1 + (bytes + KG_EVENT_BYTES - 1) / KG_EVENT_BYTES);

  kg_slot *slots = malloc(lead.span * sizeof *slots);
  char *scratch = malloc((size_t)lead.span * KG_EVENT_BYTES);
  CHECK(slots != NULL && scratch != NULL);
  for (uint32_t place = 0; place < lead.span; place++) {
    slots[place] = lead;
    slots[place].place = (uint16_t)place;
    if (place > 0) {
      memcpy(slots[place].body.tail, tail + (place - 1) * KG_EVENT_BYTES,
             KG_EVENT_BYTES);
    }
  }
  check_whole(slots);
  uint32_t offset = 0;
  kg_threat got;
  int result = kg_event_decode(slots, &offset, scratch, &got);
  CHECK_EQUAL(offset, lead.span);
  const kg_threat_event *event = &slots[0].body.event;
  kg_text source = {(const char *)event->source, lead.source_used};
  kg_text details = {(const char *)event->details, lead.details_used};
  kg_text none = {NULL, 0};
  if ((lead.flags & KG_EVENT_DEFLATED) != 0) {
    CHECK_RESULT(result, KG_OK, NULL);
    check_same(got.source, source);
    check_same(got.details, details);
  } else {
    CHECK_RESULT(result,
                 find_field(tail, bytes, 0, &none) ? KG_OK : KG_E_RING_CORRUPT,
                 NULL);
    none = (kg_text){NULL, 0};
    check_field(tail, bytes, KG_FIELD_SOURCE, got.source, source);
    check_field(tail, bytes, KG_FIELD_DETAILS, got.details, details);
    check_field(tail, bytes, KG_FIELD_ID, got.id, none);
    check_field(tail, bytes, KG_FIELD_CONTEXT, got.context, none);
  }
  free(scratch);
  free(slots);
}

/* --- Through a ring ------------------------------------------------------- */

/* An event that carries the right checksums, read and decoded. */
static void check_in_ring(fuzz_input *in) {
  fuzz_ring memory;
  kg__ring_reader reader;
  kg_batch batch;
  uint32_t span = 1 + fuzz_below(in, 4);
  fuzz_account account = {.next = 1};
  kg_slot *buffer = malloc(span * sizeof *buffer);
  CHECK(buffer != NULL);
  fuzz_ring_make(&memory, true);
  kg__ring_reader_begin(&reader, &memory.ring);
  fuzz_forge_event(in, &memory.ring, 0, 1, span);
  memory.ring.header->claim = span;
  memory.ring.header->last_sequence = 1;
  memory.ring.header->head = span;
  CHECK_RESULT(kg__ring_reader_read(&reader, buffer, span, &batch), KG_OK,
               NULL);
  fuzz_account_batch(&account, &memory.ring, false, buffer, span, &batch);
  CHECK_EQUAL(account.received + account.lost, 1);
  free(buffer);
}

void fuzz_one(fuzz_input *in) {
  switch (fuzz_below(in, 3)) {
  case 0:
    check_round_trip(in);
    break;
  case 1:
    check_any_tail(in);
    break;
  default:
    check_in_ring(in);
  }
}
