/* Batches that are staged, and what a writer says of itself. */
#include <string.h>

#include "../../../native/file/reader.h"
#include "../../../native/file/writer.h"
#include "../file_fixture.h"

#if SYSTEM_HAS_WAKE_FILE
#include <poll.h>
#endif

static void stage(kg_writer *writer, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    CHECK_RESULT(kg_writer_stage(writer, &(kg_threat){0}), KG_OK, NULL);
  }
}

static kg_writer_stats stats_of(const kg_writer *writer) {
  kg_writer_stats stats;
  kg_writer_stats_get(writer, &stats);
  return stats;
}

TEST(one_time, "a batch has one time, that of its first event") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  kg_reader *reader = open_reader(dir);
  kg_slot buffer[4];
  kg_batch batch;
  stage(writer, 1);
  kg__sleep(2000000);
  stage(writer, 1);
  CHECK_EQUAL(kg_writer_commit(writer), 2);
  kg__sleep(2000000);
  CHECK_EQUAL(kg_writer_write(writer, &(kg_threat){0}), 3);
  CHECK_RESULT(kg_reader_read(reader, buffer, 4, &batch), KG_OK, NULL);
  CHECK_EQUAL(batch.events, 3);
  CHECK_EQUAL(buffer[0].publish_ns, buffer[1].publish_ns);
  CHECK_EQUAL(buffer[0].body.event.timestamp_us,
              buffer[1].body.event.timestamp_us);
  CHECK(buffer[2].publish_ns > buffer[1].publish_ns);
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(dropped,
     "what was staged is dropped by a write, and when it is discarded") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  stage(writer, 2);
  CHECK_RESULT(
      kg_writer_stage(writer, &(kg_threat){.severity = KG_SEVERITY_CRITICAL}),
      KG_OK, NULL);
  CHECK_EQUAL(kg_writer_write(writer, &(kg_threat){0}), 1);
  CHECK_EQUAL(stats_of(writer).priority, 0);
  stage(writer, 3);
  kg_writer_discard(writer);
  CHECK_EQUAL(kg_writer_commit(writer), 1);
  CHECK_EQUAL(stats_of(writer).published, 1);
  kg_writer_close(writer);
}

#if SYSTEM_CUTS_MAPPED
TEST(cut, "what was staged is dropped when the ring has lost its place") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  stage(writer, 2);
  CHECK(system_set_length(ring_file(dir), 0));
  /* It leaves a staged batch in peace, and stumbles over the header. */
  CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
  CHECK_RESULT(kg_writer_stage(writer, &(kg_threat){0}), KG_E_RING_TRUNCATED,
               NULL);
  CHECK_EQUAL(writer->ring.staged_slots, 0);
  CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
  CHECK_EQUAL(kg_writer_write(writer, &(kg_threat){0}), 1);
  kg_writer_close(writer);
}
#endif

#if SYSTEM_HAS_WAKE_FILE
TEST(empty, "an empty batch wakes nobody") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  kg_reader *reader = open_reader(dir);
  struct pollfd item = {.fd = (int)kg__reader_open_listener(reader),
                        .events = POLLIN};
  CHECK(item.fd >= 0);
  kg__reader_drain_listener(reader);
  CHECK(kg__reader_request_wake(reader, 0));
  CHECK_EQUAL(kg_writer_commit(writer), 0);
  CHECK(poll(&item, 1, 0) == 0);
  CHECK_EQUAL(stats_of(writer).bells, 0);
  CHECK_EQUAL(kg_writer_write(writer, &(kg_threat){0}), 1);
  CHECK(poll(&item, 1, 0) == 1);
  kg_reader_close(reader);
  kg_writer_close(writer);
}
#endif

TEST(figures, "the figures of a writer: events, slots, priority events") {
  const char *dir = check_temp_dir();
  char text[2 * KG_EVENT_BYTES];
  memset(text, 'x', sizeof text);
  const kg_threat wide = {.severity = KG_SEVERITY_CRITICAL,
                          .context = {text, sizeof text}};
  kg_writer *writer = open_writer(dir, 16);
  CHECK_EQUAL(kg_writer_write(writer, &wide), 1);
  CHECK_EQUAL(kg_writer_write(writer, &(kg_threat){0}), 2);
  CHECK_RESULT(kg_writer_stage(writer, &wide), KG_OK, NULL);
  kg_writer_stats stats = stats_of(writer);
  CHECK_EQUAL(stats.published, 2);
  CHECK_EQUAL(stats.bytes, 5 * sizeof(kg_slot));
  CHECK_EQUAL(stats.priority, 1);
  CHECK_EQUAL(stats.sequence, 2);
  CHECK_EQUAL(stats.overwritten, 0);
  CHECK_EQUAL(kg_writer_commit(writer), 3);
  CHECK_EQUAL(stats_of(writer).priority, 2);
  kg_writer_close(writer);
}

static kg_writer *open_severe(const char *dir, uint32_t severity) {
  const kg_ring_options options = {
      .dir = dir, .max_events = 64, .priority_severity = severity};
  kg_failure failure;
  kg_writer *writer = NULL;
  CHECK_RESULT(kg_writer_open(&options, &writer, &failure), KG_OK, &failure);
  return writer;
}

/* Each severity once; returns how many had priority. */
static uint32_t write_severities(kg_writer *writer) {
  uint32_t before = stats_of(writer).priority;
  for (uint8_t severity = 1; severity <= 4; severity++) {
    CHECK(kg_writer_write(writer, &(kg_threat){.severity = severity}) > 0);
  }
  return stats_of(writer).priority - before;
}

TEST(severity, "the severity that was asked for counts in each ring") {
  const uint32_t severities[] = {0, KG_SEVERITY_CRITICAL, KG_SEVERITY_HIGH,
                                 KG_SEVERITY_LOW, KG_PRIORITY_NONE};
  const uint32_t counts[] = {1, 1, 2, 4, 0};
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
    const char *dir = check_temp_dir();
    kg_writer *writer = open_severe(dir, severities[i]);
    CHECK_EQUAL(write_severities(writer), counts[i]);
    /* In one that takes its place, and in one that is continued. */
    remove_file(dir, RING_FILE);
    CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
    CHECK_EQUAL(write_severities(writer), counts[i]);
    kg_writer_close(writer);
    writer = open_severe(dir, severities[i]);
    CHECK_EQUAL(sequence_of(writer), 4);
    CHECK_EQUAL(write_severities(writer), counts[i]);
    kg_writer_close(writer);
  }
}

TEST(bytes, "a ring of a byte too large is replaced, one that fits is not") {
  const char *dir = check_temp_dir();
  kg_writer_close(open_writer(dir, 4096));
  uint64_t bytes = kg__ring_bytes(4096, KG_DEFAULT_PRIORITY_EVENTS);
  for (uint64_t less = 0; less < 2; less++) {
    const kg_ring_options options = {.dir = dir, .max_bytes = bytes - less};
    kg_writer *writer = NULL;
    kg_failure failure;
    CHECK_RESULT(kg_writer_open(&options, &writer, &failure), KG_OK, &failure);
    CHECK_EQUAL(writer_info(writer).capacity, less == 0 ? 4096 : 1024);
    kg_writer_close(writer);
  }
}

TEST(descriptors, "a writer that opens and closes keeps no handle") {
  const char *dir = check_temp_dir();
  int descriptors = check_open_descriptors();
  for (int kind = 0; kind < 4; kind++) {
    kg_writer *writer = open_writer(dir, kind == 1 ? 16 : 64);
    kg_writer_close(writer);
    CHECK_EQUAL(check_open_descriptors(), descriptors);
    if (kind == 2) {
      put_file(ring_file(dir), "no ring", 7);
    }
  }
}

TEST(state, "what a reader finds out about its ring, in one number") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  kg_reader *reader = open_reader(dir);
  CHECK_EQUAL(kg__reader_state(reader), KG_WRITER_LIVE);
  kg_writer_close(writer);
  CHECK_EQUAL(kg__reader_state(reader), KG_WRITER_GONE);
  writer = open_writer(dir, 64);
  CHECK_EQUAL(kg__reader_state(reader),
              -KG_E_NO_RING * KG_STATE_ERROR + KG_WRITER_GONE);
#if SYSTEM_CUTS_MAPPED
  kg_reader_close(reader);
  reader = open_reader(dir);
  CHECK(system_set_length(ring_file(dir), 100000));
  CHECK_EQUAL(kg__reader_state(reader),
              -KG_E_RING_TRUNCATED * KG_STATE_ERROR + KG_WRITER_GONE);
#endif
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(retired, "F60 a ring that is retired stays so while a batch is staged") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  kg_reader *reader = open_reader(dir);
  enum kg_writer_life life;
  stage(writer, 1);
  kg_writer_skip_to(writer, 5, 0);
  CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
  CHECK_RESULT(kg_reader_check(reader, &life), KG_E_NO_RING, NULL);
  CHECK_EQUAL(kg_writer_commit(writer), 1);
  CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
  CHECK_EQUAL(writer_info(writer).predecessor_sequence, 5);
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(lanes,
     "F25 a ring with another lane is replaced, unless none is asked for") {
  const char *dir = check_temp_dir();
  const uint32_t asked[] = {8, 0, 8, 16, KG_PRIORITY_NONE, 0};
  const uint32_t found[] = {8, 8, 8, 16, 0, 0};
  uint64_t generation = 0;
  for (size_t i = 0; i < sizeof found / sizeof *found; i++) {
    const kg_ring_options options = {
        .dir = dir, .max_events = 16, .priority_events = asked[i]};
    kg_writer *writer = NULL;
    CHECK_RESULT(kg_writer_open(&options, &writer, NULL), KG_OK, NULL);
    kg_ring_info info = writer_info(writer);
    CHECK_EQUAL(info.priority_events, found[i]);
    CHECK_EQUAL(info.generation == generation,
                i > 0 && found[i] == found[i - 1]);
    generation = info.generation;
    kg_writer_close(writer);
  }
}

TEST(header, "F20 another ring's header in a ring is not that ring's") {
  const char *dir = check_temp_dir();
  const char *other_dir = check_temp_dir();
  unsigned char bytes[sizeof(kg_ring_identity)];
  kg_writer *writer = open_writer(dir, 16);
  kg_writer_close(open_writer(other_dir, 16));
  uint64_t generation = writer_info(writer).generation;
  peek_ring(other_dir, 0, bytes, sizeof bytes);
  poke_ring(dir, 0, bytes, sizeof bytes);
  CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
  CHECK_EQUAL(writer_info(writer).predecessor_generation, generation);
  kg_writer_close(writer);
}
