/* Which texts are UTF-8 and which are JSON, and a writer that asks for it. What
 * JavaScript says of the same: ../text.shm.test.js. */
#include <stdlib.h>
#include <string.h>

#include "../file_fixture.h"

typedef int (*checker)(const char *text, size_t length, size_t *wrong_at);

#define FINE SIZE_MAX

/* In memory of its own, so that a sanitizer sees who looks behind its end. */
static void check_one(checker check, const char *bytes, size_t length,
                      size_t wanted) {
  size_t at = FINE;
  char *copy = malloc(length == 0 ? 1 : length);
  CHECK(copy != NULL);
  memcpy(copy, bytes, length);
  CHECK_EQUAL(check(copy, length, &at),
              wanted == FINE ? KG_OK : KG_E_INVALID_THREAT);
  CHECK_EQUAL(at, wanted);
  CHECK_EQUAL(check(copy, length, NULL),
              wanted == FINE ? KG_OK : KG_E_INVALID_THREAT);
  free(copy);
}

/* The character of a number, by the definition, in as many bytes as it is told:
 * also where it has no character, or has a shorter form. */
static size_t encode(uint32_t number, size_t bytes, char *to) {
  static const unsigned char leads[] = {0, 0, 0xC0, 0xE0, 0xF0};
  if (bytes == 1) {
    to[0] = (char)number;
    return 1;
  }
  for (size_t i = bytes - 1; i > 0; i--) {
    to[i] = (char)(0x80 | (number & 0x3F));
    number >>= 6;
  }
  to[0] = (char)(leads[bytes] | number);
  return bytes;
}

static size_t shortest(uint32_t number) {
  return number < 0x80 ? 1 : number < 0x800 ? 2 : number < 0x10000 ? 3 : 4;
}

TEST(every_number, "every character is UTF-8, in its shortest form alone") {
  static const uint32_t limits[] = {0, 0x80, 0x800, 0x10000, 0x200000};
  for (size_t bytes = 1; bytes <= 4; bytes++) {
    for (uint32_t number = 0; number < limits[bytes]; number++) {
      char character[4];
      size_t length = encode(number, bytes, character);
      bool is_fine = shortest(number) == bytes && number <= 0x10FFFF &&
                     (number < 0xD800 || number > 0xDFFF);
      if ((kg_utf8_check(character, length, NULL) == KG_OK) != is_fine) {
        CHECK_EQUAL(number, is_fine);
      }
    }
  }
  CHECK_EQUAL(kg_utf8_check("", 0, NULL), KG_OK);
}

TEST(utf8_place, "the first byte that is wrong is told, wherever it stands") {
  char bytes[40];
  for (size_t length = 1; length <= sizeof bytes; length++) {
    for (size_t at = 0; at < length; at++) {
      memset(bytes, 'a', sizeof bytes);
      check_one(kg_utf8_check, bytes, length, FINE);
      bytes[at] = (char)0xFF;
      check_one(kg_utf8_check, bytes, length, at);
      bytes[at] = (char)0x80;
      check_one(kg_utf8_check, bytes, length, at);
    }
  }
}

TEST(utf8_cut, "a character that is cut is none") {
  static const char *const characters[] = {"\xC3\xA9", "\xE2\x82\xAC",
                                           "\xF0\x9F\x98\x80"};
  for (size_t i = 0; i < 3; i++) {
    size_t whole = strlen(characters[i]);
    char bytes[16] = "abc";
    memcpy(bytes + 3, characters[i], whole);
    check_one(kg_utf8_check, bytes, 3 + whole, FINE);
    for (size_t part = 1; part < whole; part++) {
      check_one(kg_utf8_check, bytes, 3 + part, 3);
      /* Also where the rest of it stands behind the end. */
      CHECK_EQUAL(kg_utf8_check(bytes, 3 + part, NULL), KG_E_INVALID_THREAT);
      char broken[16];
      memcpy(broken, bytes, sizeof broken);
      broken[3 + part] = 'x';
      check_one(kg_utf8_check, broken, 3 + whole, 3);
    }
  }
}

static void check_json(const char *text, size_t wanted) {
  check_one(kg_json_check, text, strlen(text), wanted);
}

TEST(json, "what JSON is passes, what it is not is told with its place") {
  static const char *const fine[] = {"{}",
                                     "[]",
                                     " [ ] ",
                                     "{\"a\":1}",
                                     "{ \"a\" : [ 1 , {} ] , \"b\":null }",
                                     "0",
                                     "-0",
                                     "1.5e+10",
                                     "1E-2",
                                     "\"\"",
                                     "\"\\u00e9\\n\\\"\\/\"",
                                     "true",
                                     "false",
                                     "null",
                                     "\t\r\n 1 \n",
                                     "[[],[[]],{\"\":{}}]",
                                     "\"\\ud800\"",
                                     "\"\xE2\x82\xAC\""};
  for (size_t i = 0; i < sizeof fine / sizeof *fine; i++) {
    check_json(fine[i], FINE);
  }
  static const struct {
    const char *text;
    size_t at;
  } wrong[] = {{"", 0},           {" ", 1},
               {"{", 1},          {"[", 1},
               {"[1", 2},         {"[1,", 3},
               {"[1,]", 3},       {"[,1]", 1},
               {"{\"a\"}", 4},    {"{\"a\":}", 5},
               {"{\"a\":1,}", 7}, {"{a:1}", 1},
               {"{1:1}", 1},      {"[1}", 2},
               {"{\"a\":1]", 6},  {"01", 1},
               {"-", 1},          {"+1", 0},
               {".5", 0},         {"1.", 2},
               {"1e", 2},         {"1e+", 3},
               {"1e+-1", 3},      {"NaN", 0},
               {"nul", 3},        {"nulL", 3},
               {"truee", 4},      {"\"", 1},
               {"\"a", 2},        {"\"\\x\"", 2},
               {"\"\\u123\"", 6}, {"\"\\u12g4\"", 5},
               {"\"a\nb\"", 2},   {"'a'", 0},
               {"1 2", 2},        {"[] []", 3},
               {"{} ,", 3},       {"\xEF\xBB\xBF{}", 0},
               {"\"\xFF\"", 1},   {"[1]]", 3},
               {"\"\\", 2},       {"[\f1]", 1}};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    check_json(wrong[i].text, wrong[i].at);
  }
  check_one(kg_json_check, "1\0", 2, 1);
  CHECK_EQUAL(kg_json_check(NULL, 1, NULL), KG_E_INVALID_ARGUMENT);
  CHECK_EQUAL(kg_utf8_check(NULL, 1, NULL), KG_E_INVALID_ARGUMENT);
  CHECK_EQUAL(kg_utf8_check(NULL, 0, NULL), KG_OK);
  CHECK_EQUAL(kg_json_check(NULL, 0, NULL), KG_E_INVALID_THREAT);
}

TEST(deep,
     "JSON is taken as deep as is said, and a million deep costs nothing") {
  static const char *const pairs[] = {"[]", "{}"};
  size_t most = 1000000;
  char *bytes = malloc(most * 6);
  CHECK(bytes != NULL);
  for (size_t kind = 0; kind < 2; kind++) {
    const char *opens = kind == 0 ? "[" : "{\"\":";
    size_t width = strlen(opens);
    for (size_t i = 0; i < most; i++) {
      memcpy(bytes + i * width, opens, width);
    }
    size_t depth = KG_JSON_DEPTH;
    CHECK_EQUAL(kg_json_check(bytes, most * width, NULL), KG_E_INVALID_THREAT);
    bytes[depth * width] = '1';
    memset(bytes + depth * width + 1, pairs[kind][1], depth);
    check_one(kg_json_check, bytes, depth * width + 1 + depth, FINE);
    memcpy(bytes + depth * width, opens, width);
    check_one(kg_json_check, bytes, most * width, depth * width);
  }
  free(bytes);
}

/* --- A writer that asks for it ---------------------------------------------
 */

static kg_writer *open_checking(uint64_t checks, int wanted) {
  kg_writer *writer = NULL;
  kg_failure failure = {.error = 0};
  const kg_ring_options options = {.struct_size = sizeof options,
                                   .dir = check_temp_dir(),
                                   .max_events = 64,
                                   .checks = checks};
  CHECK_RESULT(kg_writer_open(&options, &writer, &failure), wanted, &failure);
  if (wanted != KG_OK) {
    CHECK_CONTAINS(failure.detail, "checks");
  }
  return writer;
}

static void check_refused(kg_writer *writer, const kg_threat *threat,
                          const char *field) {
  kg_failure failure;
  const kg_threat fine = {.severity = 1};
  uint64_t sequence = sequence_of(writer);
  CHECK_EQUAL(kg_writer_stage(writer, &fine), KG_OK);
  CHECK_EQUAL(kg_writer_stage(writer, threat), KG_E_INVALID_THREAT);
  kg_writer_error(writer, &failure);
  CHECK_EQUAL(failure.error, KG_E_INVALID_THREAT);
  CHECK_CONTAINS(failure.detail, field);
  /* The whole batch is dropped. */
  CHECK_EQUAL(kg_writer_commit(writer), sequence);
  CHECK_EQUAL(kg_writer_write(writer, threat), KG_E_INVALID_THREAT);
}

TEST(refused, "a writer names the field that is not what it was told to take") {
  static const char *const names[] = {"source", "details", "id", "context"};
  kg_writer *writers[] = {open_checking(0, KG_OK),
                          open_checking(KG_CHECK_UTF8, KG_OK),
                          open_checking(KG_CHECK_JSON, KG_OK),
                          open_checking(KG_CHECK_UTF8 | KG_CHECK_JSON, KG_OK)};
  for (size_t i = 0; i < 4; i++) {
    kg_threat threat = {.severity = 1};
    kg_text *texts[] = {&threat.source, &threat.details, &threat.id,
                        &threat.context};
    *texts[i] = (kg_text){"\"a\xFF\"", 4};
    CHECK(kg_writer_write(writers[0], &threat) > 0);
    check_refused(writers[1], &threat, names[i]);
    check_refused(writers[3], &threat, names[i]);
    if (i < 3) {
      CHECK(kg_writer_write(writers[2], &threat) > 0);
    } else {
      check_refused(writers[2], &threat, "context is no JSON, at byte 2");
    }
  }
  kg_threat threat = {.severity = 1, .context = {"{a:1}", 5}};
  CHECK(kg_writer_write(writers[0], &threat) > 0);
  CHECK(kg_writer_write(writers[1], &threat) > 0);
  check_refused(writers[2], &threat, "context is no JSON, at byte 1");
  check_refused(writers[3], &threat, "context is no JSON, at byte 1");
  threat.context = (kg_text){"{\"a\":1}", 7};
  threat.source = (kg_text){"\xC3\xA9", 2};
  for (size_t i = 0; i < 4; i++) {
    CHECK(kg_writer_write(writers[i], &threat) > 0);
    kg_writer_close(writers[i]);
  }
}

TEST(unknown, "checks that are unknown are an option that is wrong") {
  CHECK(open_checking(4, KG_E_INVALID_OPTION) == NULL);
  CHECK(open_checking(UINT64_MAX, KG_E_INVALID_OPTION) == NULL);
}
