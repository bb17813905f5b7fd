/* Continuations outside a ring, and what is told of an event that did not come
 * whole. This core has no zlib. */
#include <stdlib.h>
#include <string.h>

#include "../fixture.h"

#define MOST_SLOTS 16
#define MOST_BYTES (MOST_SLOTS * KG_EVENT_BYTES)

static kg_text text_of(const char *string) {
  return (kg_text){string, strlen(string)};
}

static void check_text(kg_text got, kg_text wanted) {
  CHECK_EQUAL(got.length, wanted.length);
  CHECK_BYTES(got.bytes, wanted.bytes, wanted.length);
}

static void check_texts(const kg_threat *got, const kg_threat *wanted) {
  check_text(got->source, wanted->source);
  check_text(got->details, wanted->details);
  check_text(got->id, wanted->id);
  check_text(got->context, wanted->context);
}

/* A copy that ends where its memory does, so that a sanitizer sees who reads
 * on. */
static char *copy_of(const void *bytes, size_t length) {
  char *copy = malloc(length == 0 ? 1 : length);
  CHECK(copy != NULL);
  memcpy(copy, bytes, length);
  return copy;
}

static char long_text[MOST_BYTES];

/* All four texts, of which source and details are too long by so much. */
static kg_threat make_long(size_t over) {
  for (size_t i = 0; i < sizeof long_text; i++) {
    long_text[i] = (char)('a' + i % 26);
  }
  return (kg_threat){.severity = 1,
                     .source = {long_text, KG_SOURCE_BYTES + over},
                     .details = {long_text + 1, KG_DETAILS_BYTES + over},
                     .id = text_of("id"),
                     .context = text_of("{\"a\":[1]}")};
}

TEST(there_and_back, "what is encoded is decoded, in exactly so many bytes") {
  kg_threat threat = make_long(1);
  int64_t length = kg_continuation_encode(&threat, NULL, 0);
  CHECK_EQUAL(length, 4 * KG_FIELD_HEADER_BYTES + 65 + 257 + 2 + 9);
  char *bytes = malloc((size_t)length);
  CHECK(bytes != NULL);
  /* With a byte less nothing is written. */
  memset(bytes, 'x', (size_t)length);
  CHECK_EQUAL(kg_continuation_encode(&threat, bytes, (size_t)length - 1),
              length);
  CHECK(bytes[0] == 'x' && bytes[length - 2] == 'x');
  CHECK_EQUAL(kg_continuation_encode(&threat, bytes, (size_t)length), length);
  kg_threat got = {.severity = 7};
  CHECK_EQUAL(kg_continuation_decode(bytes, (size_t)length, &got), KG_OK);
  check_texts(&got, &threat);
  CHECK_EQUAL(got.severity, 7);
  CHECK(got.id.bytes > bytes && got.id.bytes < bytes + length);
  free(bytes);
}

TEST(as_in_a_ring, "the bytes are those that an event has in its slots") {
  static kg_slot slots[MOST_SLOTS];
  static char bytes[MOST_BYTES];
  kg_threat threat = make_long(700);
  uint32_t span = kg__threat_span(&threat, MOST_SLOTS);
  CHECK(span > 3);
  kg__threat_encode(&threat, slots, span);
  int64_t length = kg_continuation_encode(&threat, bytes, sizeof bytes);
  CHECK_EQUAL(length, slots[0].tail_bytes);
  for (int64_t at = 0; at < length; at++) {
    CHECK(slots[1 + at / KG_EVENT_BYTES].body.tail[at % KG_EVENT_BYTES] ==
          (unsigned char)bytes[at]);
  }
}

TEST(nothing, "a threat that fits into its slot has no continuation") {
  const kg_threat threat = {.source = {long_text, KG_SOURCE_BYTES},
                            .details = {long_text, KG_DETAILS_BYTES}};
  CHECK_EQUAL(kg_continuation_encode(&threat, NULL, 0), 0);
  kg_threat got = threat;
  CHECK_EQUAL(kg_continuation_decode(NULL, 0, &got), KG_OK);
  check_texts(&got, &threat);
}

TEST(arguments, "that are none are refused") {
  char bytes[64];
  kg_threat threat = {.id = text_of("id")};
  CHECK_EQUAL(kg_continuation_encode(NULL, bytes, 64), KG_E_INVALID_ARGUMENT);
  CHECK_EQUAL(kg_continuation_encode(&threat, NULL, 64), KG_E_INVALID_ARGUMENT);
  CHECK_EQUAL(kg_continuation_decode(bytes, 64, NULL), KG_E_INVALID_ARGUMENT);
  CHECK_EQUAL(kg_continuation_decode(NULL, 64, &threat), KG_E_INVALID_ARGUMENT);
  CHECK_EQUAL(kg_continuation_deflate(NULL, bytes, 64), KG_E_INVALID_ARGUMENT);
  CHECK_EQUAL(kg_continuation_deflate(&threat, NULL, 0), KG_E_INVALID_ARGUMENT);
  threat.id.bytes = NULL;
  CHECK_EQUAL(kg_continuation_encode(&threat, bytes, 64),
              KG_E_INVALID_ARGUMENT);
  CHECK_EQUAL(kg_continuation_deflate(&threat, bytes, 64),
              KG_E_INVALID_ARGUMENT);
}

TEST(too_large, "no sum of lengths overflows") {
  kg_threat threat = {.id = {long_text, SIZE_MAX}};
  CHECK_EQUAL(kg_continuation_encode(&threat, NULL, 0), KG_E_EVENT_TOO_LARGE);
  threat.id.length = KG_MAX_CONTINUATION_BYTES - KG_FIELD_HEADER_BYTES;
  CHECK_EQUAL(kg_continuation_encode(&threat, NULL, 0),
              KG_MAX_CONTINUATION_BYTES);
  threat.id.length++;
  CHECK_EQUAL(kg_continuation_encode(&threat, NULL, 0), KG_E_EVENT_TOO_LARGE);
  threat.context = threat.id;
  CHECK_EQUAL(kg_continuation_encode(&threat, NULL, 0), KG_E_EVENT_TOO_LARGE);
}

TEST(cut_short, "F11 of a run that ends early, the fields before are there") {
  kg_threat threat = make_long(1);
  char bytes[1024];
  size_t length = (size_t)kg_continuation_encode(&threat, bytes, sizeof bytes);
  size_t source_end = KG_FIELD_HEADER_BYTES + threat.source.length;
  for (size_t part = 0; part < length; part++) {
    char *copy = copy_of(bytes, part);
    kg_threat got = {.severity = 1};
    bool is_border =
        part == 0 || part == source_end ||
        part == source_end + KG_FIELD_HEADER_BYTES + threat.details.length ||
        part == length - KG_FIELD_HEADER_BYTES - threat.context.length;
    CHECK_EQUAL(kg_continuation_decode(copy, part, &got),
                is_border ? KG_OK : KG_E_RING_CORRUPT);
    CHECK_EQUAL(got.source.length,
                part < source_end ? 0 : threat.source.length);
    CHECK_EQUAL(got.context.length, 0);
    free(copy);
  }
}

static bool lies_within(kg_text text, const char *from, size_t length) {
  return text.length == 0 ||
         (text.bytes >= from && text.length <= length &&
          (size_t)(text.bytes - from) <= length - text.length);
}

TEST(forged, "F11 whatever a run says, its texts lie within it") {
  uint64_t random = 1;
  int corrupt = 0;
  int fine = 0;
  for (int round = 0; round < 20000; round++) {
    unsigned char bytes[96];
    size_t length = check_random(&random) % sizeof bytes;
    /* Fields that are in order, then a few bytes of it are not. */
    size_t at = 0;
    memset(bytes, 0, sizeof bytes);
    while (at + KG_FIELD_HEADER_BYTES <= length) {
      bytes[at] = (unsigned char)(check_random(&random) % 6);
      bytes[at + 4] = (unsigned char)(check_random(&random) % 24);
      at += KG_FIELD_HEADER_BYTES + bytes[at + 4];
    }
    length = at < sizeof bytes && check_random(&random) % 2 == 0 ? at : length;
    for (uint64_t some = check_random(&random) % 3; some > 0; some--) {
      bytes[check_random(&random) % sizeof bytes] =
          (unsigned char)check_random(&random);
    }
    char *copy = copy_of(bytes, length);
    kg_threat got = {.severity = 1};
    int result = kg_continuation_decode(copy, length, &got);
    CHECK(result == KG_OK || result == KG_E_RING_CORRUPT);
    CHECK(lies_within(got.source, copy, length));
    CHECK(lies_within(got.details, copy, length));
    CHECK(lies_within(got.id, copy, length));
    CHECK(lies_within(got.context, copy, length));
    corrupt += result != KG_OK;
    fine += result == KG_OK && got.id.length + got.context.length > 0;
    free(copy);
  }
  CHECK(corrupt > 1000 && fine > 1000);
}

/* --- Of an event ---------------------------------------------------------- */

static kg_slot slots[MOST_SLOTS];
static char scratch[MOST_BYTES];

static int decode_whole(uint32_t most, kg_threat *got) {
  uint32_t offset = 0;
  int result = kg_event_decode_whole(slots, &offset, scratch, NULL, most, got);
  CHECK_EQUAL(offset, slots[0].span);
  return result;
}

static void encode(const kg_threat *threat) {
  uint32_t span = kg__threat_span(threat, MOST_SLOTS);
  CHECK(span > 0);
  kg__threat_encode(threat, slots, span);
}

#define ALL_TEXTS \
  (KG_TEXT_SOURCE | KG_TEXT_DETAILS | KG_TEXT_ID | KG_TEXT_CONTEXT)

static void check_cut(const kg_threat *got, uint32_t missing) {
  CHECK(got->cut);
  CHECK_EQUAL(got->missing, missing);
  CHECK_EQUAL(got->id.length + got->context.length, 0);
  CHECK(got->source.length <= KG_SOURCE_BYTES);
  CHECK(got->details.length <= KG_DETAILS_BYTES);
}

TEST(whole, "F63 text of more bytes than are taken leaves the lead slot's") {
  kg_threat got;
  kg_threat threat = make_long(700);
  encode(&threat);
  uint32_t bytes = (uint32_t)(threat.source.length + threat.details.length +
                              threat.id.length + threat.context.length);
  CHECK_EQUAL(decode_whole(bytes, &got), KG_OK);
  check_texts(&got, &threat);
  CHECK(!got.cut);
  CHECK_EQUAL(got.missing, 0);
  CHECK_EQUAL(decode_whole(bytes - 1, &got), KG_E_EVENT_TOO_LARGE);
  check_cut(&got, ALL_TEXTS);
  CHECK_EQUAL(decode_whole(0, &got), KG_E_EVENT_TOO_LARGE);
  check_cut(&got, ALL_TEXTS);
}

TEST(lead_counts, "F63 what stands in the lead slot alone is text, too") {
  kg_threat got;
  const kg_threat threat = {.severity = 1,
                            .source = text_of("abc"),
                            .details = text_of("defgh"),
                            .id = text_of("ij")};
  encode(&threat);
  CHECK_EQUAL(decode_whole(10, &got), KG_OK);
  check_texts(&got, &threat);
  CHECK_EQUAL(decode_whole(9, &got), KG_E_EVENT_TOO_LARGE);
  check_cut(&got, KG_TEXT_ID | KG_TEXT_CONTEXT);
  check_text(got.source, threat.source);
}

TEST(needs, "what an event needs to be decoded is asked for") {
  kg_threat got;
  uint32_t offset = 0;
  kg_threat threat = make_long(1);
  encode(&threat);
  CHECK_EQUAL(kg_event_decode_whole(NULL, &offset, scratch, NULL, 9, &got),
              KG_E_INVALID_ARGUMENT);
  CHECK_EQUAL(kg_event_decode_whole(slots, NULL, scratch, NULL, 9, &got),
              KG_E_INVALID_ARGUMENT);
  CHECK_EQUAL(kg_event_decode_whole(slots, &offset, NULL, NULL, 9, &got),
              KG_E_INVALID_ARGUMENT);
  CHECK_EQUAL(kg_event_decode_whole(slots, &offset, scratch, NULL, 9, NULL),
              KG_E_INVALID_ARGUMENT);
  threat.deflated = text_of("deflated");
  encode(&threat);
  CHECK_EQUAL(kg_event_decode_whole(slots, &offset, scratch, NULL, 9, &got),
              KG_E_INVALID_ARGUMENT);
  CHECK_EQUAL(offset, 0);
  threat = (kg_threat){.severity = 3, .source = text_of("short")};
  encode(&threat);
  /* One slot needs nothing, and its text is never too much. */
  CHECK_EQUAL(kg_event_decode_whole(slots, &offset, NULL, NULL, 0, &got),
              KG_OK);
  CHECK_EQUAL(offset, 1);
  check_text(got.source, threat.source);
}

TEST(without_zlib, "a library without zlib says so, and the event is cut") {
  static char inflated[KG_CONTINUATION_BYTES(4096)];
  kg_threat got;
  uint32_t offset = 0;
  kg_threat threat = make_long(100);
  CHECK(!kg_has_zlib());
  CHECK_EQUAL(kg_continuation_deflate(&threat, inflated, sizeof inflated),
              KG_E_NO_ZLIB);
  threat.deflated = text_of("deflated");
  encode(&threat);
  CHECK_EQUAL(
      kg_event_decode_whole(slots, &offset, scratch, inflated, 4096, &got),
      KG_E_NO_ZLIB);
  CHECK_EQUAL(offset, slots[0].span);
  check_cut(&got, ALL_TEXTS);
  check_text(got.source, (kg_text){long_text, KG_SOURCE_BYTES});
  CHECK(strcmp(kg_error_code(KG_E_NO_ZLIB), "ERR_NO_ZLIB") == 0);
}

/* A source, and details, of so many bytes, of an event that is cut. */
static uint8_t missing_of(size_t source, size_t details) {
  kg_threat got;
  const kg_threat threat = {.source = {long_text, source},
                            .details = {long_text, details},
                            .deflated = text_of("deflated")};
  uint32_t offset = 0;
  encode(&threat);
  CHECK_EQUAL(kg_event_decode(slots, &offset, scratch, &got), KG_OK);
  CHECK(got.cut);
  return got.missing;
}

TEST(missing, "of a cut event it is told which texts may be cut") {
  const int others = KG_TEXT_ID | KG_TEXT_CONTEXT;
  memset(long_text, 'a', sizeof long_text);
  CHECK_EQUAL(missing_of(60, 252), others);
  CHECK_EQUAL(missing_of(61, 252), others | KG_TEXT_SOURCE);
  CHECK_EQUAL(missing_of(60, 253), others | KG_TEXT_DETAILS);
  CHECK_EQUAL(missing_of(1000, 1000), ALL_TEXTS);
  /* What is cut before a character of four bytes is seen to be cut. */
  memcpy(long_text + 61, "\xF0\x9F\x98\x80", 4);
  CHECK_EQUAL(missing_of(65, 0), others | KG_TEXT_SOURCE);
  CHECK_EQUAL(slots[0].source_used, 61);
}

TEST(lying, "F11 of a run that is corrupt it is told what was not found") {
  kg_threat got;
  kg_threat threat = make_long(10);
  encode(&threat);
  /* The length of the details' field. */
  uint32_t length = 9999;
  size_t at = KG_FIELD_HEADER_BYTES + threat.source.length + 4;
  memcpy(slots[1].body.tail + at, &length, sizeof length);
  CHECK_EQUAL(decode_whole(4096, &got), KG_E_RING_CORRUPT);
  CHECK(got.cut);
  check_text(got.source, threat.source);
  CHECK_EQUAL(got.details.length, KG_DETAILS_BYTES);
  CHECK_EQUAL(got.missing, KG_TEXT_DETAILS | KG_TEXT_ID | KG_TEXT_CONTEXT);
  uint32_t offset = 0;
  CHECK_EQUAL(kg_event_decode(slots, &offset, scratch, &got),
              KG_E_RING_CORRUPT);
  CHECK(got.cut);
  CHECK_EQUAL(got.missing, KG_TEXT_DETAILS | KG_TEXT_ID | KG_TEXT_CONTEXT);
  /* That of the id's, behind two that are whole. */
  encode(&threat);
  at += KG_FIELD_HEADER_BYTES + threat.details.length;
  memcpy(slots[1 + at / KG_EVENT_BYTES].body.tail + at % KG_EVENT_BYTES,
         &length, sizeof length);
  CHECK_EQUAL(decode_whole(4096, &got), KG_E_RING_CORRUPT);
  check_text(got.details, threat.details);
  CHECK_EQUAL(got.missing, KG_TEXT_ID | KG_TEXT_CONTEXT);
}

TEST(ids, "a threat without an id has that of its ring and sequence") {
  char made[KG_ID_BYTES];
  kg_text id;
  kg_threat threat = {.sequence = KG_SEQUENCE_MAX, .id = text_of("own")};
  CHECK_EQUAL(kg_threat_id(&threat, 0xAB, made, &id), KG_OK);
  check_text(id, text_of("own"));
  threat.id.length = 0;
  CHECK_EQUAL(kg_threat_id(&threat, 0xAB, made, &id), KG_OK);
  check_text(id, text_of("00000000000000ab-9007199254740991"));
  CHECK_EQUAL(made[id.length], 0);
  threat.sequence = UINT64_MAX;
  CHECK_EQUAL(kg_threat_id(&threat, UINT64_MAX, made, &id), KG_OK);
  check_text(id, text_of("ffffffffffffffff-18446744073709551615"));
  CHECK_EQUAL(kg_threat_id(NULL, 1, made, &id), KG_E_INVALID_ARGUMENT);
  CHECK_EQUAL(kg_threat_id(&threat, 1, NULL, &id), KG_E_INVALID_ARGUMENT);
  CHECK_EQUAL(kg_threat_id(&threat, 1, made, NULL), KG_E_INVALID_ARGUMENT);
}
