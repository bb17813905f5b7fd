/* Rings that are being made or continued: what a reader finds that opens at any
 * labelled step of that. This binary has a core with KG_TEST_STEPS. */
#include <errno.h>
#include <string.h>

#include "../../../native/base/step.h"
#include "../../../native/file/reader.h"
#include "../file_fixture.h"

#define CAPACITY 16
#define MOST 64

/* A reader that opened while a writer was on its way, and what it found then,
 * before the next step. */
typedef struct witness {
  kg_reader *reader;
  char step[64];
  bool is_reliable;
  bool can_listen;
  bool is_timed;
  enum kg_writer_life life;
} witness;

static const char *directory; /* NULL: nobody opens */
static witness witnesses[MOST];
static uint32_t witness_count;

static bool is_reliable(const kg_reader *reader) {
  kg_reader_stats stats;
  kg_reader_stats_get(reader, &stats);
  return stats.reliable;
}

void kg__test_step(const char *label) {
  const char *dir = directory;
  const kg_ring_options options = {.dir = dir, .reliable = true};
  witness *witness = &witnesses[witness_count];
  kg_failure failure;
  int saved = errno;
  if (dir == NULL || !has_ring(dir)) {
    errno = saved;
    return;
  }
  directory = NULL; /* for the steps of this one itself */
  CHECK(witness_count < MOST);
  CHECK_RESULT(kg_reader_open(&options, &witness->reader, &failure), KG_OK,
               &failure);
  strncpy(witness->step, label, sizeof witness->step - 1);
  witness->is_reliable = is_reliable(witness->reader);
  witness->can_listen = kg__reader_open_listener(witness->reader) >= 0;
  witness->is_timed = kg__reader_timed_from(witness->reader) == 1;
  kg_reader_check(witness->reader, &witness->life);
  witness_count++;
  directory = dir;
  errno = saved;
}

/* Opens a writer, and at each of its steps a reader. */
static kg_writer *open_watched(const char *dir, uint32_t capacity,
                               bool rejects) {
  const kg_ring_options options = {
      .dir = dir, .max_events = capacity, .rejects = rejects};
  kg_failure failure;
  kg_writer *writer = NULL;
  witness_count = 0;
  directory = dir;
  CHECK_RESULT(kg_writer_open(&options, &writer, &failure), KG_OK, &failure);
  directory = NULL;
  CHECK(witness_count > 0);
  return writer;
}

static bool is_of(const witness *witness, const kg_writer *writer) {
  return reader_info(witness->reader).generation ==
         writer_info(writer).generation;
}

/* Everybody who opened the new ring, from its name's first moment on, was told
 * all of it; returns how many they were. */
static uint32_t check_told(const kg_writer *writer, bool rejects) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < witness_count; i++) {
    if (is_of(&witnesses[i], writer)) {
      CHECK_EQUAL(witnesses[i].life, KG_WRITER_LIVE);
      CHECK(witnesses[i].is_reliable == rejects);
      CHECK(witnesses[i].can_listen == SYSTEM_HAS_WAKE_FILE);
      CHECK(witnesses[i].is_timed);
      count++;
    }
  }
  return count;
}

static void drain_all(kg_reader *reader, account *account) {
  kg_slot buffer[CAPACITY];
  kg_batch batch;
  do {
    CHECK_RESULT(kg_reader_read(reader, buffer, CAPACITY, &batch), KG_OK, NULL);
    account_batch(account, buffer, &batch);
  } while (batch.more);
}

/* Writes until that is refused, and as many as the ring holds: none of those
 * who opened it loses one. */
static void check_complete(kg_writer *writer) {
  made_threat made;
  uint64_t first = sequence_of(writer) + 1;
  int64_t result;
  do {
    make_threat(&made, sequence_of(writer) + 1, 1);
    result = kg_writer_write(writer, &made.threat);
  } while (result > 0 && sequence_of(writer) < first + 8 * CAPACITY);
  CHECK_RESULT(result, KG_E_RING_FULL, NULL);
  for (uint32_t i = 0; i < witness_count; i++) {
    if (is_of(&witnesses[i], writer)) {
      account account = {.next = first};
      drain_all(witnesses[i].reader, &account);
      CHECK_EQUAL(account.received, sequence_of(writer) + 1 - first);
      CHECK_EQUAL(account.lost, 0);
    }
  }
}

static void end(kg_writer *writer) {
  while (witness_count > 0) {
    kg_reader_close(witnesses[--witness_count].reader);
  }
  kg_writer_close(writer);
}

TEST(fresh, "F21 a ring that has its name rejects, and its readers lose none") {
  kg_writer *writer = open_watched(check_temp_dir(), CAPACITY, true);
  CHECK(check_told(writer, true) > 0);
  check_complete(writer);
  end(writer);
}

TEST(overwrites, "F21 and one that overwrites says so from the beginning") {
  kg_writer *writer = open_watched(check_temp_dir(), CAPACITY, false);
  CHECK(check_told(writer, false) > 0);
  end(writer);
}

TEST(replaced, "F21 so does one of another size in the place of an older one") {
  const char *dir = check_temp_dir();
  kg_writer_close(open_writer(dir, 2 * CAPACITY));
  kg_writer *writer = open_watched(dir, CAPACITY, true);
  CHECK(check_told(writer, true) > 0);
  check_complete(writer);
  end(writer);
}

TEST(removed, "F21 F24 and one that a beat makes anew") {
  const char *dir = check_temp_dir();
  const kg_ring_options options = {
      .dir = dir, .max_events = CAPACITY, .rejects = true};
  kg_writer *writer = NULL;
  CHECK_RESULT(kg_writer_open(&options, &writer, NULL), KG_OK, NULL);
  remove_file(dir, RING_FILE);
  witness_count = 0;
  directory = dir;
  CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
  directory = NULL;
  CHECK(check_told(writer, true) > 0);
  check_complete(writer);
  end(writer);
}

/* Those who open before the writer has signed the ring find what the one before
 * left. Their first read makes them reliable. */
TEST(continued, "one that goes on with another overflow refuses nobody") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, CAPACITY);
  kg_writer_close(writer);
  writer = open_watched(dir, CAPACITY, true);
  CHECK(witness_count > 1);
  CHECK(!witnesses[0].is_reliable);
  CHECK(strcmp(witnesses[witness_count - 1].step, "ring signed") == 0);
  CHECK(witnesses[witness_count - 1].is_reliable);
  for (uint32_t i = 0; i < witness_count; i++) {
    account account = {.next = 1};
    drain_all(witnesses[i].reader, &account);
    CHECK(is_reliable(witnesses[i].reader));
  }
  check_complete(writer);
  end(writer);
}

TEST(relaxed, "one that rejects no more says so before it writes") {
  const char *dir = check_temp_dir();
  const kg_ring_options options = {
      .dir = dir, .max_events = CAPACITY, .rejects = true};
  kg_writer *writer = NULL;
  CHECK_RESULT(kg_writer_open(&options, &writer, NULL), KG_OK, NULL);
  kg_writer_close(writer);
  writer = open_watched(dir, CAPACITY, false);
  CHECK(witnesses[0].is_reliable);
  CHECK(!witnesses[witness_count - 1].is_reliable);
  for (uint32_t i = 0; i < witness_count; i++) {
    CHECK(!is_reliable(witnesses[i].reader));
  }
  end(writer);
}
