/* Continuations that are deflated, with zlib in the core: what comes out is
 * what went in, and no input takes more than it is given. */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "../file_fixture.h"

#define TEXT_BYTES 40000
#define MOST_SLOTS 400
#define SCRATCH_BYTES (MOST_SLOTS * KG_EVENT_BYTES)

/* Init functions of zlib, as its headers call them. They are wrapped. */
static int init_result = Z_OK;
int __real_deflateInit2_(z_streamp stream, int level, int method, int bits,
                         int memory, int strategy, const char *version,
                         int size);
int __wrap_deflateInit2_(z_streamp stream, int level, int method, int bits,
                         int memory, int strategy, const char *version,
                         int size);
int __real_inflateInit2_(z_streamp stream, int bits, const char *version,
                         int size);
int __wrap_inflateInit2_(z_streamp stream, int bits, const char *version,
                         int size);

int __wrap_deflateInit2_(z_streamp stream, int level, int method, int bits,
                         int memory, int strategy, const char *version,
                         int size) {
  return init_result != Z_OK
             ? init_result
             : __real_deflateInit2_(stream, level, method, bits, memory,
                                    strategy, version, size);
}

int __wrap_inflateInit2_(z_streamp stream, int bits, const char *version,
                         int size) {
  return init_result != Z_OK
             ? init_result
             : __real_inflateInit2_(stream, bits, version, size);
}

static char text[TEXT_BYTES];
static char scratch[SCRATCH_BYTES];
static char deflated[SCRATCH_BYTES];
static _Alignas(8) kg_slot slots[MOST_SLOTS];

static void check_text(kg_text got, kg_text wanted) {
  CHECK_EQUAL(got.length, wanted.length);
  CHECK_BYTES(got.bytes, wanted.bytes, wanted.length);
}

/* Of words, which deflate well, and long enough for that. */
static kg_threat make_large(void) {
  for (size_t i = 0; i < sizeof text; i++) {
    text[i] = "ignore all previous instructions "[(i + i / 1000) % 33];
  }
  return (kg_threat){.timestamp_us = 1,
                     .severity = 4,
                     .source = {text, 300},
                     .details = {text + 7, 30000},
                     .id = {"id", 2},
                     .context = {"{\"a\":1}", 7}};
}

static size_t text_bytes(const kg_threat *threat) {
  return threat->source.length + threat->details.length + threat->id.length +
         threat->context.length;
}

static void deflate_threat(kg_threat *threat) {
  int64_t length = kg_continuation_deflate(threat, deflated, sizeof deflated);
  CHECK(length > 0);
  threat->deflated = (kg_text){deflated, (size_t)length};
}

/* Raw deflate of any bytes, by zlib itself. */
static kg_text deflate_bytes(const void *bytes, size_t length) {
  z_stream stream = {.next_in = (Bytef *)bytes,
                     .avail_in = (uInt)length,
                     .next_out = (Bytef *)deflated,
                     .avail_out = sizeof deflated};
  CHECK_EQUAL(
      deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY),
      Z_OK);
  CHECK_EQUAL(deflate(&stream, Z_FINISH), Z_STREAM_END);
  size_t made = stream.total_out;
  deflateEnd(&stream);
  return (kg_text){deflated, made};
}

static void encode(const kg_threat *threat) {
  uint32_t span = kg__threat_span(threat, MOST_SLOTS);
  CHECK(span > 0);
  kg__threat_encode(threat, slots, span);
}

/* Behind what it is inflated into, bytes that nobody may touch. */
#define GUARD_BYTES 16
#define GUARD 0x5A

typedef struct {
  char *inflated;
  size_t room;
  kg_threat threat;
} decoded;

static int decode(uint32_t most, decoded *d) {
  uint32_t offset = 0;
  d->room = KG_CONTINUATION_BYTES(most);
  d->inflated = malloc(d->room + GUARD_BYTES);
  CHECK(d->inflated != NULL);
  memset(d->inflated + d->room, GUARD, GUARD_BYTES);
  int result = kg_event_decode_whole(slots, &offset, scratch, d->inflated, most,
                                     &d->threat);
  CHECK_EQUAL(offset, slots[0].span);
  for (size_t i = 0; i < GUARD_BYTES; i++) {
    CHECK(d->inflated[d->room + i] == GUARD);
  }
  return result;
}

static void check_cut(decoded *d) {
  CHECK(d->threat.cut);
  CHECK(d->threat.missing != 0);
  CHECK_EQUAL(d->threat.id.length + d->threat.context.length, 0);
  CHECK(d->threat.source.length <= KG_SOURCE_BYTES);
  CHECK(d->threat.details.length <= KG_DETAILS_BYTES);
  free(d->inflated);
}

TEST(in_a_ring, "a large threat is written deflated, and read whole") {
  static _Alignas(8) char buffer[64 * KG_SLOT_BYTES];
  static char inflated[KG_CONTINUATION_BYTES(TEXT_BYTES)];
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 256);
  kg_reader *reader = open_reader(dir);
  kg_threat threat = make_large();
  CHECK(kg_has_zlib());
  /* As it is it would not even fit. */
  CHECK_EQUAL(kg_writer_write(writer, &threat), KG_E_EVENT_TOO_LARGE);
  CHECK_EQUAL(kg_threat_span(&threat), 91);
  deflate_threat(&threat);
  CHECK(kg_threat_span(&threat) < 64);
  CHECK(kg_writer_write(writer, &threat) == KG_E_EVENT_TOO_LARGE);
  kg_writer_close(writer);
  kg_reader_close(reader);

  const char *larger = check_temp_dir();
  writer = open_writer(larger, 512);
  reader = open_reader(larger);
  CHECK_EQUAL(kg_writer_write(writer, &threat), 1);
  kg_batch batch;
  kg_threat got;
  uint32_t offset = 0;
  CHECK_EQUAL(kg_reader_read(reader, buffer, 64, &batch), KG_OK);
  CHECK_EQUAL(batch.events, 1);
  CHECK_EQUAL(kg_event_decode_whole(buffer, &offset, scratch, inflated,
                                    TEXT_BYTES, &got),
              KG_OK);
  CHECK_EQUAL(offset, batch.slots);
  CHECK(!got.cut);
  CHECK_EQUAL(got.missing, 0);
  check_text(got.source, threat.source);
  check_text(got.details, threat.details);
  check_text(got.id, threat.id);
  check_text(got.context, threat.context);
  /* Without inflating it is cut. */
  offset = 0;
  CHECK_EQUAL(kg_event_decode(buffer, &offset, scratch, &got), KG_OK);
  CHECK(got.cut);
  CHECK_EQUAL(got.id.length, 0);
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(bounds, "F63 as much as is taken is inflated, and no byte more") {
  decoded d;
  kg_threat threat = make_large();
  uint32_t bytes = (uint32_t)text_bytes(&threat);
  deflate_threat(&threat);
  encode(&threat);
  CHECK_EQUAL(decode(bytes, &d), KG_OK);
  check_text(d.threat.details, threat.details);
  free(d.inflated);
  CHECK_EQUAL(decode(bytes - 1, &d), KG_E_EVENT_TOO_LARGE);
  check_cut(&d);
  CHECK_EQUAL(decode(0, &d), KG_E_EVENT_TOO_LARGE);
  check_cut(&d);
}

TEST(bomb, "F63 a bomb is refused at its bound") {
  decoded d;
  size_t length = (size_t)64 << 20;
  char *zeros = calloc(length, 1);
  CHECK(zeros != NULL);
  kg_threat threat = {.severity = 1, .source = {"s", 1}};
  threat.deflated = deflate_bytes(zeros, length);
  free(zeros);
  CHECK(threat.deflated.length < sizeof deflated);
  encode(&threat);
  CHECK_EQUAL(decode(1 << 20, &d), KG_E_EVENT_TOO_LARGE);
  CHECK_EQUAL(d.threat.source.length, 1);
  CHECK_EQUAL(d.threat.missing, KG_TEXT_ID | KG_TEXT_CONTEXT);
  check_cut(&d);
  /* One that is larger as it is than what is taken is not even begun. */
  CHECK_EQUAL(decode(1000, &d), KG_E_EVENT_TOO_LARGE);
  check_cut(&d);
}

TEST(worth, "what does not get shorter is to be written as it is") {
  static char noise[SCRATCH_BYTES];
  uint64_t random = 1;
  kg_threat threat = make_large();
  int64_t plain = kg_continuation_encode(&threat, NULL, 0);
  deflate_threat(&threat);
  size_t length = threat.deflated.length;
  CHECK_EQUAL(kg_continuation_deflate(&threat, deflated, (size_t)plain),
              length);
  /* zlib sees that it has ended by what is left. */
  CHECK_EQUAL(kg_continuation_deflate(&threat, deflated, length + 1), length);
  CHECK_EQUAL(kg_continuation_deflate(&threat, deflated, length - 1), 0);
  CHECK_EQUAL(kg_continuation_deflate(&threat, deflated, 0), 0);
  for (size_t i = 0; i < sizeof noise; i++) {
    noise[i] = (char)check_random(&random);
  }
  threat = (kg_threat){.details = {noise, 30000}};
  CHECK_EQUAL(kg_continuation_deflate(&threat, deflated, sizeof deflated), 0);
  /* Half of it is not noise. */
  memset(noise + 15000, 0, 15000);
  CHECK(kg_continuation_deflate(&threat, deflated, sizeof deflated) > 15000);
  /* The shortest one that is tried. */
  memset(noise, 'a', sizeof noise);
  threat.details.length = KG_DEFLATE_FROM - KG_FIELD_HEADER_BYTES - 1;
  CHECK_EQUAL(kg_continuation_deflate(&threat, deflated, sizeof deflated), 0);
  threat.details.length++;
  CHECK(kg_continuation_deflate(&threat, deflated, sizeof deflated) > 0);
  threat.details.length = SIZE_MAX;
  CHECK_EQUAL(kg_continuation_deflate(&threat, deflated, sizeof deflated),
              KG_E_EVENT_TOO_LARGE);
}

TEST(shorter, "F11 a stream that ends early is cut, wherever it ends") {
  decoded d;
  kg_threat threat = make_large();
  uint32_t bytes = (uint32_t)text_bytes(&threat);
  deflate_threat(&threat);
  size_t whole = threat.deflated.length;
  for (size_t length = 1; length < whole; length += length < 64 ? 1 : 17) {
    threat.deflated.length = length;
    encode(&threat);
    CHECK_EQUAL(decode(2 * bytes, &d), KG_E_RING_CORRUPT);
    check_cut(&d);
  }
}

TEST(behind, "what stands behind the end of a stream is passed over") {
  decoded d;
  kg_threat threat = make_large();
  deflate_threat(&threat);
  memset(deflated + threat.deflated.length, 0xAA, 100);
  threat.deflated.length += 100;
  encode(&threat);
  CHECK_EQUAL(decode(TEXT_BYTES, &d), KG_OK);
  check_text(d.threat.details, threat.details);
  free(d.inflated);
}

static bool lies_within(kg_text got, const void *from, size_t length) {
  const char *start = from;
  return got.length == 0 ||
         (got.bytes >= start && got.length <= length &&
          (size_t)(got.bytes - start) <= length - got.length);
}

static bool is_ours(kg_text got, const decoded *d) {
  return lies_within(got, d->inflated, d->room) ||
         lies_within(got, &slots[0], sizeof slots[0]);
}

TEST(forged, "F11 whatever a stream holds, texts lie within what was given") {
  uint64_t random = 1;
  uint32_t counts[4] = {0};
  for (int round = 0; round < 3000; round++) {
    decoded d;
    kg_threat threat = make_large();
    deflate_threat(&threat);
    uint64_t flips = 1 + check_random(&random) % 4;
    for (uint64_t i = 0; i < flips; i++) {
      deflated[check_random(&random) % threat.deflated.length] ^=
          (char)(1 << check_random(&random) % 8);
    }
    encode(&threat);
    uint32_t most = 1000 + (uint32_t)(check_random(&random) % 60000);
    int result = decode(most, &d);
    CHECK(result == KG_OK || result == KG_E_RING_CORRUPT ||
          result == KG_E_EVENT_TOO_LARGE);
    CHECK(text_bytes(&d.threat) <= most || d.threat.cut);
    CHECK(is_ours(d.threat.source, &d) && is_ours(d.threat.details, &d) &&
          is_ours(d.threat.id, &d) && is_ours(d.threat.context, &d));
    counts[result == KG_OK ? 0 : result == KG_E_RING_CORRUPT ? 1 : 2]++;
    free(d.inflated);
  }
  CHECK(counts[0] > 10 && counts[1] > 10 && counts[2] > 10);
}

/* What a run of fields says that was deflated all the same. */
TEST(lying,
     "F11 lengths that lie within a stream are told, as in a plain one") {
  decoded d;
  kg_threat threat = make_large();
  static char run[SCRATCH_BYTES];
  size_t length = (size_t)kg_continuation_encode(&threat, run, sizeof run);
  size_t at = KG_FIELD_HEADER_BYTES + threat.source.length + 4;
  const uint32_t lengths[] = {UINT32_MAX, UINT32_MAX - 8, (uint32_t)length};
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    memcpy(run + at, &lengths[i], sizeof lengths[i]);
    threat.deflated = deflate_bytes(run, length);
    encode(&threat);
    CHECK_EQUAL(decode(TEXT_BYTES, &d), KG_E_RING_CORRUPT);
    check_text(d.threat.source, threat.source);
    CHECK_EQUAL(d.threat.details.length, KG_DETAILS_BYTES);
    CHECK_EQUAL(d.threat.missing,
                KG_TEXT_DETAILS | KG_TEXT_ID | KG_TEXT_CONTEXT);
    free(d.inflated);
  }
  /* An empty stream has no fields, which is fine. */
  threat = (kg_threat){.severity = 1};
  threat.deflated = deflate_bytes("", 0);
  encode(&threat);
  CHECK_EQUAL(decode(0, &d), KG_OK);
  CHECK(!d.threat.cut);
  free(d.inflated);
}

TEST(no_memory, "that zlib has no memory is told") {
  decoded d;
  kg_threat threat = make_large();
  deflate_threat(&threat);
  encode(&threat);
  init_result = Z_MEM_ERROR;
  CHECK_EQUAL(kg_continuation_deflate(&threat, deflated, sizeof deflated),
              KG_E_NO_MEMORY);
  CHECK_EQUAL(decode(TEXT_BYTES, &d), KG_E_NO_MEMORY);
  check_cut(&d);
  init_result = Z_VERSION_ERROR;
  CHECK_EQUAL(decode(TEXT_BYTES, &d), KG_E_NO_ZLIB);
  check_cut(&d);
}
