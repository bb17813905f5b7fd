/* The file that has a ring's name, and says which file is the ring. What stands
 * in it is hostile. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../file_fixture.h"

#define MAGIC "kindly-guard ring "
#define SUFFIX ".ring"

/* What a ring's name says that is there. */
static char good[256];
static size_t good_length;

static void make_ring(const char *dir) {
  kg_writer *writer = open_writer(dir, 16);
  write_events(writer, 5);
  kg_writer_close(writer);
  good_length = get_file(check_path(dir, RING_FILE), good, sizeof good);
  CHECK(good_length > strlen(MAGIC) && good_length < sizeof good);
}

static void put(const char *dir, const char *text, size_t length) {
  put_file(check_path(dir, RING_FILE), text, length);
}

/* A reader refuses it with `error`, and leaves everything as it is. */
static void refuse(const char *dir, const char *text, size_t length,
                   int error) {
  char after[512];
  put(dir, text, length);
  int files = check_count_files(dir, "");
  kg_failure failure = refuse_reader(dir, error);
  CHECK_CONTAINS(failure.detail, check_path(dir, RING_FILE));
  CHECK_EQUAL(get_file(check_path(dir, RING_FILE), after, sizeof after),
              length);
  CHECK_BYTES(after, text, length);
  CHECK_EQUAL(check_count_files(dir, ""), files);
}

/* What leads to a file whose name ends like this. */
static size_t lead_to(const char *behind, char text[512]) {
  uint64_t sum = UINT64_C(0xCBF29CE484222325);
  int length = snprintf(text, 400, MAGIC "%s", behind);
  for (int i = 0; i < length; i++) {
    sum = (sum ^ (unsigned char)text[i]) * UINT64_C(0x100000001B3);
  }
  return (size_t)(length +
                  snprintf(text + length, 100, " %016" PRIx64 "\n", sum));
}

TEST(garbage, "F20 what leads to no ring is ERR_RING_INVALID and stays so") {
  static const char *const texts[] = {"x", "no ring", MAGIC, MAGIC "\n"};
  const char *dir = check_temp_dir();
  char long_text[512];
  make_ring(dir);
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    refuse(dir, texts[i], strlen(texts[i]), KG_E_RING_INVALID);
  }
  memset(long_text, 'x', sizeof long_text);
  memcpy(long_text, good, good_length);
  refuse(dir, long_text, good_length + 1, KG_E_RING_INVALID);
  refuse(dir, long_text, sizeof long_text, KG_E_RING_INVALID);
  put(dir, good, good_length);
  CHECK_EQUAL(check_ring_from(dir, 1), 5);
}

TEST(cut, "F19 a part of it leads nowhere, nothing is no ring yet") {
  const char *dir = check_temp_dir();
  make_ring(dir);
  refuse(dir, "", 0, KG_E_NO_RING);
  for (size_t length = 1; length < good_length; length++) {
    refuse(dir, good, length, KG_E_RING_INVALID);
  }
  put(dir, good, good_length);
  CHECK_EQUAL(check_ring_from(dir, 1), 5);
}

TEST(bits, "F20 any flipped bit of it is found") {
  const char *dir = check_temp_dir();
  make_ring(dir);
  for (size_t bit = 0; bit < good_length * 8; bit += 3) {
    char text[sizeof good];
    memcpy(text, good, good_length);
    text[bit / 8] ^= (char)(1 << bit % 8);
    put(dir, text, good_length);
    refuse_reader(dir, KG_E_RING_INVALID);
  }
  put(dir, good, good_length);
  CHECK_EQUAL(check_ring_from(dir, 1), 5);
}

TEST(leads, "F26 it leads to a ring's own file or nowhere") {
  static const char *const elsewhere[] = {"",
                                          SUFFIX,
                                          ".0123456789abcdef",
                                          ".0123456789ABCDEF" SUFFIX,
                                          ".0123456789abcdeg" SUFFIX,
                                          ".0123456789abcde" SUFFIX,
                                          ".0123456789abcdef0" SUFFIX,
                                          "/0123456789abcdef" SUFFIX,
                                          "\\0123456789abcdef" SUFFIX,
                                          "\\..\\..\\..\\abcdef.ring",
                                          ".0123456789abcdef.lock",
                                          ":0123456789abcdef" SUFFIX};
  const char *dir = check_temp_dir();
  char text[512];
  make_ring(dir);
  for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++) {
    size_t length = lead_to(elsewhere[i], text);
    refuse(dir, text, length, KG_E_RING_INVALID);
  }
  /* This one could be there. */
  size_t length = lead_to(".0123456789abcdef" SUFFIX, text);
  put(dir, text, length);
  refuse_reader(dir, KG_E_NO_RING);
}

TEST(mended, "F19 F32 the next writer puts a ring in its place") {
  static const char *const texts[] = {"", "no ring", MAGIC};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    const char *dir = check_temp_dir();
    make_ring(dir);
    put(dir, texts[i], strlen(texts[i]));
    kg_writer *writer = open_writer(dir, 16);
    CHECK_EQUAL(write_events(writer, 3), 3);
    CHECK_EQUAL(check_ring_from(dir, 1), 3);
    /* What nothing leads to any more is gone. */
    CHECK_EQUAL(check_count_files(dir, SUFFIX), 1);
    kg_writer_close(writer);
  }
}

TEST(gone, "F24 the ring's file is removed, its name stays: made anew") {
  const char *dir = check_temp_dir();
  make_ring(dir);
  CHECK(system_remove_file(ring_file(dir)));
  CHECK(has_file(dir, RING_FILE));
  refuse_reader(dir, KG_E_NO_RING);
  kg_writer *writer = open_writer(dir, 16);
  CHECK_EQUAL(write_events(writer, 3), 3);
  CHECK_EQUAL(check_ring_from(dir, 1), 3);
  kg_writer_close(writer);
}

TEST(under_writer, "F38 what its name says is spoilt under its writer") {
  static const char *const texts[] = {"", "no ring", MAGIC};
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    kg_failure failure;
    kg_ring_info before = writer_info(writer);
    kg_reader *reader = open_reader(dir);
    enum kg_writer_life life;
    uint64_t last = write_events(writer, 3);
    account account = {.next = last - 2};
    put(dir, texts[i], strlen(texts[i]));
    CHECK_RESULT(kg_reader_check(reader, &life), KG_E_NO_RING, NULL);
    refuse_writer(dir, KG_E_RING_LOCKED);
    CHECK_RESULT(kg_writer_beat(writer, &failure), KG_OK, &failure);
    CHECK_EQUAL(writer_info(writer).predecessor_generation, before.generation);
    CHECK_EQUAL(writer_info(writer).predecessor_sequence, last);
    drain_file(reader, &account);
    CHECK_EQUAL(account.received, 3);
    kg_reader_close(reader);
  }
  kg_writer_close(writer);
}

TEST(swept, "rings of before go when nobody has them open any more") {
  const char *dir = check_temp_dir();
  kg_reader *readers[3];
  for (uint32_t i = 0; i < 3; i++) {
    kg_writer *writer = open_writer(dir, 16U << i);
    write_events(writer, 1 + i);
    readers[i] = open_reader(dir);
    kg_writer_close(writer);
    CHECK_EQUAL(check_count_files(dir, SUFFIX), 1 + (int)i);
  }
  for (uint32_t i = 0; i < 3; i++) {
    account account = {.next = 1};
    CHECK_RESULT(kg_reader_seek(readers[i], KG_FROM_SEQUENCE, 1), KG_OK, NULL);
    drain_file(readers[i], &account);
    CHECK_EQUAL(account.received, 1 + i);
    kg_reader_close(readers[i]);
  }
  /* Who replaces a ring has it open; who comes next has not. */
  kg_writer_close(open_writer(dir, 16));
  CHECK_EQUAL(check_count_files(dir, SUFFIX), 2);
  kg_writer_close(open_writer(dir, 16));
  CHECK_EQUAL(check_count_files(dir, SUFFIX), 1);
}

TEST(case_of_name, "F26 it is one ring however its name is written") {
  const char *dir = check_temp_dir();
  const kg_ring_options upper = {.dir = dir, .name = "KINDLY-GUARD"};
  kg_failure failure;
  kg_writer *writer = open_writer(dir, 16);
  kg_writer *other = NULL;
  kg_reader *reader = NULL;
  CHECK_EQUAL(write_events(writer, 3), 3);
  CHECK_RESULT(kg_writer_open(&upper, &other, &failure), KG_E_RING_LOCKED,
               &failure);
  CHECK_RESULT(kg_reader_open(&upper, &reader, &failure), KG_OK, &failure);
  CHECK_EQUAL(reader_info(reader).generation, writer_info(writer).generation);
  kg_reader_close(reader);
  kg_writer_close(writer);
}
