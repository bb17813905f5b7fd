/* The options of programs that were compiled with another version's header. */
#include <stddef.h>
#include <string.h>

#include "../file_fixture.h"

/* Of a later version: options of this one, and some that it does not know. */
typedef struct {
  kg_ring_options known;
  uint64_t later[2];
} later_options;

/* Opens all three of what takes options, as a program does that says how large
 * its own are; each must do the same. */
static int open_all(const void *options, kg_failure *failure) {
  kg_lock *lock;
  kg_writer *writer;
  kg_reader *reader;
  int results[3];
  results[0] = kg_lock_take(options, &lock, failure);
  if (results[0] == KG_OK) {
    kg_lock_free(lock);
  }
  results[1] = kg_writer_open(options, &writer, failure);
  if (results[1] == KG_OK) {
    kg_writer_close(writer);
  }
  results[2] = kg_reader_open(options, &reader, failure);
  if (results[2] == KG_OK) {
    kg_reader_close(reader);
  }
  CHECK_EQUAL(results[1], results[0]);
  CHECK_EQUAL(results[2], results[0]);
  return results[0];
}

TEST(sizes, "any size from that of the first version on, and 0, will do") {
  kg_failure failure = {.error = 0};
  later_options options = {.known = {.dir = check_temp_dir()}};
  const size_t first = offsetof(kg_ring_options, any_thread) + sizeof(bool);
  const size_t fine[] = {0, first, sizeof options.known, sizeof options};
  for (size_t i = 0; i < sizeof fine / sizeof *fine; i++) {
    options.known.struct_size = (uint32_t)fine[i];
    CHECK_RESULT(open_all(&options, &failure), KG_OK, &failure);
  }
  const size_t wrong[] = {1, first - 1, 4097, UINT32_MAX};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    options.known.struct_size = (uint32_t)wrong[i];
    CHECK_RESULT(open_all(&options, &failure), KG_E_INVALID_OPTION, &failure);
    CHECK_CONTAINS(failure.detail, "sizeof(kg_ring_options)");
  }
}

TEST(largest, "the largest size is read to its end, and not beyond") {
  static char bytes[4096 + sizeof(uint64_t)];
  kg_failure failure = {.error = 0};
  const kg_ring_options options = {.struct_size = 4096,
                                   .dir = check_temp_dir()};
  memcpy(bytes, &options, sizeof options);
  bytes[4096] = 1;
  CHECK_RESULT(open_all(bytes, &failure), KG_OK, &failure);
  bytes[4095] = 1;
  CHECK_RESULT(open_all(bytes, &failure), KG_E_INVALID_OPTION, &failure);
}

TEST(unknown, "an option that is not known is refused when it is set") {
  kg_failure failure = {.error = 0};
  later_options options = {
      .known = {.struct_size = sizeof options, .dir = check_temp_dir()},
      .later = {0, 1}};
  CHECK_RESULT(open_all(&options, &failure), KG_E_INVALID_OPTION, &failure);
  CHECK_CONTAINS(failure.detail, "version " KG_VERSION);
  /* Behind its size nothing is looked at. */
  options.known.struct_size = sizeof options.known;
  CHECK_RESULT(open_all(&options, &failure), KG_OK, &failure);
}

TEST(kept, "what a program does not know of stays as it was") {
  kg_failure failure = {.error = 0};
  kg_reader *reader = NULL;
  kg_reader_stats stats;
  const char *dir = check_temp_dir();
  kg_ring_options options = {.dir = dir, .max_events = 16, .rejects = true};
  kg_writer *writer = NULL;
  CHECK_RESULT(kg_writer_open(&options, &writer, &failure), KG_OK, &failure);
  options.reliable = true;
  options.struct_size = sizeof options;
  CHECK_RESULT(kg_reader_open(&options, &reader, &failure), KG_OK, &failure);
  kg_reader_stats_get(reader, &stats);
  CHECK(stats.reliable);
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(version, "the library says which it is") {
  CHECK(strcmp(kg_version(), KG_VERSION) == 0);
  CHECK(KG_VERSION_NUMBER >= 100);
}
