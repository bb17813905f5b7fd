/* Arguments that are none: an error or nothing, never a crash, and what the
 * last call that failed has to say. */
#include <string.h>

#include "../file_fixture.h"

static kg_text text_of(const char *string) {
  return (kg_text){string, strlen(string)};
}

TEST(no_handle, "a handle that is NULL is refused by everything") {
  static _Alignas(8) char buffer[KG_SLOT_BYTES];
  kg_failure failure = {.error = 0};
  kg_threat threat = {.severity = 1};
  kg_batch batch;
  enum kg_writer_life life;
  kg_attached_reader attached;
  kg_writer_stats writer_stats;
  kg_reader_stats reader_stats;
  kg_ring_info info;
  CHECK_EQUAL(kg_writer_stage(NULL, &threat), KG_E_INVALID_ARGUMENT);
  CHECK_EQUAL(kg_writer_commit(NULL), KG_E_INVALID_ARGUMENT);
  CHECK_EQUAL(kg_writer_write(NULL, &threat), KG_E_INVALID_ARGUMENT);
  CHECK_EQUAL(kg_writer_wait_for_space(NULL, 1, 0), KG_E_INVALID_ARGUMENT);
  CHECK_EQUAL(kg_writer_space_fd(NULL), KG_E_INVALID_ARGUMENT);
  CHECK_RESULT(kg_writer_beat(NULL, &failure), KG_E_INVALID_ARGUMENT, &failure);
  CHECK_CONTAINS(failure.detail, "writer");
  CHECK_EQUAL(kg_writer_readers(NULL, &attached, 1), 0);
  CHECK_EQUAL(kg_reader_seek(NULL, KG_FROM_OLDEST, 0), KG_E_INVALID_ARGUMENT);
  CHECK_EQUAL(kg_reader_seek_after(NULL, 0, 0), KG_E_INVALID_ARGUMENT);
  CHECK_EQUAL(kg_reader_read(NULL, buffer, 1, &batch), KG_E_INVALID_ARGUMENT);
  CHECK_EQUAL(kg_reader_check(NULL, &life), KG_E_INVALID_ARGUMENT);
  CHECK_EQUAL(kg_reader_fd(NULL), KG_E_INVALID_ARGUMENT);
  CHECK_EQUAL(kg_reader_arm(NULL), KG_E_INVALID_ARGUMENT);
  CHECK(!kg_reader_spin(NULL, 1));
  kg_writer_discard(NULL);
  kg_writer_skip_to(NULL, 1, 0);
  kg_writer_interrupt(NULL);
  kg_writer_error(NULL, &failure);
  kg_writer_stats_get(NULL, &writer_stats);
  kg_writer_info(NULL, &info);
  kg_writer_close(NULL);
  kg_reader_wait(NULL, 0);
  kg_reader_interrupt(NULL);
  kg_reader_error(NULL, &failure);
  kg_reader_stats_get(NULL, &reader_stats);
  kg_reader_info(NULL, &info);
  kg_reader_close(NULL);
  kg_lock_free(NULL);
}

TEST(no_place, "where an answer is to go that is NULL") {
  static _Alignas(8) char buffer[2 * KG_SLOT_BYTES];
  const char *dir = check_temp_dir();
  kg_failure failure = {.error = 0};
  const kg_ring_options options = {.dir = dir, .max_events = 16};
  CHECK_RESULT(kg_writer_open(&options, NULL, &failure), KG_E_INVALID_ARGUMENT,
               &failure);
  CHECK_RESULT(kg_reader_open(&options, NULL, &failure), KG_E_INVALID_ARGUMENT,
               &failure);
  CHECK_RESULT(kg_lock_take(&options, NULL, &failure), KG_E_INVALID_ARGUMENT,
               &failure);
  kg_writer *writer = NULL;
  CHECK_RESULT(kg_writer_open(NULL, &writer, &failure), KG_E_INVALID_ARGUMENT,
               &failure);
  CHECK_CONTAINS(failure.detail, "options");

  writer = open_writer(dir, 16);
  kg_reader *reader = open_reader(dir);
  write_events(writer, 1);
  kg_batch batch;
  CHECK_EQUAL(kg_reader_read(reader, NULL, 1, &batch), KG_E_INVALID_ARGUMENT);
  CHECK_EQUAL(kg_reader_read(reader, buffer, 1, NULL), KG_E_INVALID_ARGUMENT);
  CHECK_EQUAL(kg_reader_read(reader, buffer + 4, 1, &batch),
              KG_E_INVALID_ARGUMENT);
  kg_reader_error(reader, &failure);
  CHECK_EQUAL(failure.error, KG_E_INVALID_ARGUMENT);
  CHECK_CONTAINS(failure.detail, "aligned");
  CHECK_EQUAL(kg_reader_check(reader, NULL), KG_E_INVALID_ARGUMENT);
  kg_reader_stats_get(reader, NULL);
  kg_reader_info(reader, NULL);
  kg_reader_error(reader, NULL);
  kg_writer_stats_get(writer, NULL);
  kg_writer_info(writer, NULL);
  kg_writer_error(writer, NULL);
  CHECK_EQUAL(kg_writer_readers(writer, NULL, 8), 0);
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(seeking, "to where nothing can be") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  kg_reader *reader = open_reader(dir);
  kg_failure failure;
  const int unknown = KG_FROM_SEQUENCE + 1;
  CHECK_EQUAL(kg_reader_seek(reader, (enum kg_from)unknown, 1),
              KG_E_INVALID_ARGUMENT);
  kg_reader_error(reader, &failure);
  CHECK_CONTAINS(failure.detail, "from");
  CHECK_EQUAL(kg_reader_seek(reader, KG_FROM_SEQUENCE, KG_SEQUENCE_MAX + 1),
              KG_E_INVALID_ARGUMENT);
  CHECK_EQUAL(kg_reader_seek(reader, KG_FROM_SEQUENCE, KG_SEQUENCE_MAX), KG_OK);
  CHECK_EQUAL(kg_reader_seek_after(reader, KG_SEQUENCE_MAX + 1, 0),
              KG_E_INVALID_ARGUMENT);
  kg_reader_error(reader, &failure);
  CHECK_EQUAL(failure.error, KG_E_INVALID_ARGUMENT);
  kg_reader_close(reader);
  kg_writer_close(writer);
}

/* A threat that is refused, and the batch that was staged with it. */
static kg_failure refuse_threat(kg_writer *writer, const kg_threat *threat,
                                int error) {
  kg_failure failure;
  CHECK_EQUAL(kg_writer_write(writer, threat), error);
  CHECK_EQUAL(kg_writer_stage(writer, threat), error);
  kg_writer_error(writer, &failure);
  CHECK_EQUAL(failure.error, error);
  CHECK_EQUAL(kg_writer_commit(writer), sequence_of(writer));
  return failure;
}

TEST(threats, "that nobody could read are refused, with the field") {
  kg_writer *writer = open_writer(check_temp_dir(), 64);
  kg_failure failure;
  kg_writer_error(writer, &failure);
  CHECK_EQUAL(failure.error, KG_OK);
  write_events(writer, 1);
  failure = refuse_threat(writer, NULL, KG_E_INVALID_ARGUMENT);
  CHECK_CONTAINS(failure.detail, "threat");
  const char *names[] = {"source", "details", "id", "context", "deflated"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    kg_threat threat = {.severity = 1};
    kg_text *texts[] = {&threat.source, &threat.details, &threat.id,
                        &threat.context, &threat.deflated};
    *texts[i] = (kg_text){NULL, 1};
    failure = refuse_threat(writer, &threat, KG_E_INVALID_ARGUMENT);
    CHECK_CONTAINS(failure.detail, names[i]);
    *texts[i] = (kg_text){NULL, 0};
    CHECK(kg_writer_write(writer, &threat) > 0);
  }
  kg_threat late = {.severity = 1, .timestamp_us = KG_SEQUENCE_MAX};
  CHECK(kg_writer_write(writer, &late) > 0);
  late.timestamp_us++;
  failure = refuse_threat(writer, &late, KG_E_INVALID_THREAT);
  CHECK_CONTAINS(failure.detail, "timestamp_us");
  kg_writer_close(writer);
}

TEST(too_large,
     "how many slots are too many is said, and can be asked before") {
  static char text[KG_EVENT_BYTES * 20];
  kg_writer *writer = open_writer(check_temp_dir(), 64);
  kg_threat threat = {.severity = 1, .source = text_of("source")};
  CHECK_EQUAL(kg_threat_span(&threat), 1);
  CHECK_EQUAL(kg_threat_span(NULL), KG_E_INVALID_ARGUMENT);
  threat.details = (kg_text){text, sizeof text};
  CHECK_EQUAL(kg_threat_span(&threat), 22);
  kg_failure failure = refuse_threat(writer, &threat, KG_E_EVENT_TOO_LARGE);
  CHECK_CONTAINS(failure.detail, "22 slots");
  CHECK_CONTAINS(failure.detail, "16 at most");
  CHECK_EQUAL(kg_writer_wait_for_space(writer, 22, 0), KG_E_INVALID_ARGUMENT);
  kg_writer_error(writer, &failure);
  CHECK_CONTAINS(failure.detail, "1 to 16");
  threat.details.length = SIZE_MAX;
  CHECK_EQUAL(kg_threat_span(&threat), KG_E_EVENT_TOO_LARGE);
  kg_writer_close(writer);
}

TEST(decoding, "an event that cannot be put anywhere stays where it is") {
  static _Alignas(8) char buffer[8 * KG_SLOT_BYTES];
  static char text[KG_EVENT_BYTES];
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 64);
  kg_reader *reader = open_reader(dir);
  const kg_threat threats[] = {{.severity = 1},
                               {.severity = 1, .details = {text, sizeof text}}};
  CHECK(kg_writer_write(writer, &threats[0]) > 0);
  CHECK(kg_writer_write(writer, &threats[1]) > 0);
  kg_batch batch;
  CHECK_EQUAL(kg_reader_read(reader, buffer, 8, &batch), KG_OK);
  CHECK_EQUAL(batch.events, 2);
  kg_threat got;
  uint32_t offset = 0;
  CHECK_EQUAL(kg_event_decode(NULL, &offset, NULL, &got),
              KG_E_INVALID_ARGUMENT);
  CHECK_EQUAL(kg_event_decode(buffer, NULL, NULL, &got), KG_E_INVALID_ARGUMENT);
  CHECK_EQUAL(kg_event_decode(buffer, &offset, NULL, NULL),
              KG_E_INVALID_ARGUMENT);
  /* One slot needs nothing beside it. */
  CHECK_EQUAL(kg_event_decode(buffer, &offset, NULL, &got), KG_OK);
  CHECK_EQUAL(offset, 1);
  CHECK_EQUAL(kg_event_decode(buffer, &offset, NULL, &got),
              KG_E_INVALID_ARGUMENT);
  CHECK_EQUAL(offset, 1);
  kg_reader_close(reader);
  kg_writer_close(writer);
}
