/* Rings that follow each other, and what a reader is told of the writer. */
#include <string.h>

#include "../../../native/platform/platform.h"
#include "../file_fixture.h"

TEST(continued, "a new writer continues the ring of the one before") {
  const char *dir = check_temp_dir();
  uint64_t generation = 0;
  kg_reader *reader = NULL;
  account account = {.next = 1};
  for (uint32_t i = 1; i <= 10; i++) {
    kg_writer *writer = open_writer(dir, 16);
    if (reader == NULL) {
      reader = open_reader(dir);
      generation = writer_info(writer).generation;
      CHECK_RESULT(kg_reader_seek(reader, KG_FROM_SEQUENCE, 1), KG_OK, NULL);
    }
    CHECK_EQUAL(writer_info(writer).generation, generation);
    CHECK_EQUAL(write_events(writer, 3), 3 * i);
    drain_file(reader, &account);
    CHECK_EQUAL(account.received, 3 * i);
    kg_writer_close(writer);
  }
  CHECK_EQUAL(account.lost, 0);
  kg_reader_close(reader);
}

TEST(relative, "a relative dir stays where it was when it was opened") {
  const char *dir = check_temp_dir();
  CHECK(system_change_dir(dir));
  kg_writer *writer = open_writer("own", 16);
  kg_reader *reader = open_reader("own");
  CHECK(system_change_dir(check_temp_dir()));
  kg_failure failure;
  enum kg_writer_life life;
  CHECK_RESULT(kg_writer_beat(writer, &failure), KG_OK, &failure);
  CHECK_RESULT(kg_reader_check(reader, &life), KG_OK, NULL);
  CHECK_EQUAL(life, KG_WRITER_LIVE);
  CHECK(!system_exists("own"));
  CHECK(has_file(dir, "own"));
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(geometry, "F25 another geometry: a new ring that names the one before") {
  const char *dir = check_temp_dir();
  static const uint32_t sizes[] = {16, 64, 32, 16, 1000};
  kg_ring_info before = {.generation = 0};
  uint64_t last = 0;
  for (uint32_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    kg_reader *reader = i == 0 ? NULL : open_reader(dir);
    kg_writer *writer = open_writer(dir, sizes[i]);
    kg_ring_info info = writer_info(writer);
    CHECK(info.generation != before.generation && info.generation != 0);
    CHECK_EQUAL(info.predecessor_generation, before.generation);
    CHECK_EQUAL(info.predecessor_sequence, last);
    CHECK_EQUAL(info.capacity, sizes[i] == 1000 ? 1024 : sizes[i]);
    if (reader != NULL) {
      /* The old one is retired; a reader drains it to the very end. */
      enum kg_writer_life life;
      account account = {.next = 1};
      CHECK_RESULT(kg_reader_seek(reader, KG_FROM_SEQUENCE, 1), KG_OK, NULL);
      CHECK_RESULT(kg_reader_check(reader, &life), KG_E_NO_RING, NULL);
      CHECK_EQUAL(life, KG_WRITER_GONE);
      drain_file(reader, &account);
      CHECK_EQUAL(account.received + account.lost, last);
      kg_reader_close(reader);
    }
    reader = open_reader(dir);
    kg_ring_info seen = reader_info(reader);
    CHECK_EQUAL(seen.generation, info.generation);
    CHECK_EQUAL(seen.predecessor_generation, before.generation);
    CHECK_EQUAL(seen.predecessor_sequence, last);
    kg_reader_close(reader);
    last = write_events(writer, 5 + i * 7);
    before = info;
    kg_writer_close(writer);
  }
}

TEST(no_size, "who names no size takes the ring that is there") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 0);
  CHECK_EQUAL(writer_info(writer).capacity, 1024);
  kg_writer_close(writer);
  writer = open_writer(dir, 64);
  uint64_t generation = writer_info(writer).generation;
  write_events(writer, 3);
  kg_writer_close(writer);
  writer = open_writer(dir, 0);
  CHECK_EQUAL(writer_info(writer).generation, generation);
  CHECK_EQUAL(write_events(writer, 1), 4);
  /* What takes its place has its size. */
  remove_file(dir, RING_FILE);
  CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
  CHECK_EQUAL(writer_info(writer).capacity, 64);
  kg_writer_close(writer);
}

TEST(other_names, "left-over files of this ring go, those of others stay") {
  static const char *const mine =
      "kindly-guard.shm.0123456789abcdef" KG__UNNAMED_SUFFIX;
  static const char *const others[] = {
      "kindly-guard.shm.x.shm.0123456789abcdef" KG__UNNAMED_SUFFIX,
      "kindly-guard.shm" KG__UNNAMED_SUFFIX,
      "other.shm.0123456789abcdef" KG__UNNAMED_SUFFIX,
      "kindly-guard" KG__UNNAMED_SUFFIX,
      "kindly-guard.shm.0123456789abcdef.bak"};
  const char *dir = check_temp_dir();
  for (int existing = 0; existing < 2; existing++) {
    put_file(check_path(dir, mine), "", 0);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
      put_file(check_path(dir, others[i]), "", 0);
    }
    kg_writer_close(open_writer(dir, 16));
    CHECK(!has_file(dir, mine));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
      CHECK(has_file(dir, others[i]));
    }
  }
}

TEST(staged_beat, "a beat leaves a staged batch in peace") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  made_threat made;
  write_events(writer, 3);
  make_threat(&made, 4, span_of(4, FILE_SPAN));
  CHECK_RESULT(kg_writer_stage(writer, &made.threat), KG_OK, NULL);
  CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
  kg_reader *reader = open_reader(dir);
  CHECK_RESULT(kg_reader_seek(reader, KG_FROM_SEQUENCE, 1), KG_OK, NULL);
  remove_file(dir, RING_FILE);
  CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
  CHECK_RESULT(kg_writer_commit(writer), 4, NULL);
  account account = {.next = 1};
  drain_file(reader, &account);
  CHECK_EQUAL(account.received, 4);
  CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
  CHECK_EQUAL(writer_info(writer).predecessor_sequence, 4);
  CHECK_EQUAL(write_events(writer, 1), 1);
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(staged_unlinked, "a batch that is staged goes to the ring it is in") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 64);
  kg_ring_info before = writer_info(writer);
  kg_reader *reader = open_reader(dir);
  kg_writer_stats stats;
  made_threat made;
  for (uint64_t i = 1; i <= 2; i++) {
    make_threat(&made, i, span_of(i, FILE_SPAN));
    CHECK_RESULT(kg_writer_stage(writer, &made.threat), KG_OK, NULL);
  }
  remove_file(dir, RING_FILE);
  CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
  CHECK_EQUAL(writer_info(writer).generation, before.generation);
  CHECK(!has_file(dir, RING_FILE));
  CHECK_RESULT(kg_writer_commit(writer), 2, NULL);
  account account = {.next = 1};
  drain_file(reader, &account);
  CHECK_EQUAL(account.received, 2);
  CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
  kg_ring_info after = writer_info(writer);
  CHECK(after.generation != before.generation);
  CHECK_EQUAL(after.predecessor_generation, before.generation);
  CHECK_EQUAL(after.predecessor_sequence, 2);
  kg_writer_stats_get(writer, &stats);
  CHECK_EQUAL(stats.published, 2);
  CHECK_EQUAL(stats.replaced, 1);
  CHECK_EQUAL(write_events(writer, 3), 3);
  CHECK_EQUAL(check_ring_from(dir, 1), 3);
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(stage_fails, "staging that fails drops the batch") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  made_threat made;
  write_events(writer, 3);
  /* 16 slots: 4 to a batch, and to an event. */
  for (uint32_t span = 3; span <= 5; span++) {
    int error = span == 5 ? KG_E_EVENT_TOO_LARGE : KG_E_BATCH_TOO_LARGE;
    make_threat(&made, 4, 2);
    CHECK_RESULT(kg_writer_stage(writer, &made.threat), KG_OK, NULL);
    make_threat(&made, 5, span);
    CHECK_RESULT(kg_writer_stage(writer, &made.threat), error, NULL);
    CHECK_RESULT(kg_writer_commit(writer), 3, NULL);
  }
  CHECK_EQUAL(sequence_of(writer), 3);
  CHECK_EQUAL(check_ring_from(dir, 1), 3);
  /* Nothing is staged, so a lost ring is replaced at once. */
  make_threat(&made, 4, 5);
  CHECK_RESULT(kg_writer_stage(writer, &made.threat), KG_E_EVENT_TOO_LARGE,
               NULL);
  remove_file(dir, RING_FILE);
  CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
  CHECK_EQUAL(writer_info(writer).predecessor_sequence, 3);
  CHECK_EQUAL(write_events(writer, 2), 2);
  CHECK_EQUAL(check_ring_from(dir, 1), 2);
  kg_writer_close(writer);
}

TEST(checksums, "another choice of checksums is another geometry") {
  const char *dir = check_temp_dir();
  kg_ring_options options = {.dir = dir, .max_events = 16};
  kg_failure failure;
  uint64_t generation = 0;
  for (int i = 0; i < 4; i++) {
    kg_writer *writer = NULL;
    options.no_checksums = i % 2 == 1;
    CHECK_RESULT(kg_writer_open(&options, &writer, &failure), KG_OK, &failure);
    CHECK(writer_info(writer).checksums == !options.no_checksums);
    CHECK_EQUAL(writer_info(writer).predecessor_generation, generation);
    generation = writer_info(writer).generation;
    write_events(writer, 3);
    CHECK_EQUAL(check_ring_from(dir, 1), 3);
    kg_writer_close(writer);
  }
}

/* Overwrites 8 bytes of the ring file. */
static void poke(const char *dir, size_t offset, uint64_t value) {
  poke_ring(dir, offset, &value, sizeof value);
}

TEST(forged, "F13 a ring with a forged head is replaced, its end unknown") {
  static const struct {
    size_t offset;
    uint64_t value;
  } forged[] = {
      {offsetof(kg_ring_header, head), UINT64_C(1) << 60},
      {offsetof(kg_ring_header, head), 1},
      {offsetof(kg_ring_header, claim), 0},
      {offsetof(kg_ring_header, claim), UINT64_MAX},
      {offsetof(kg_ring_header, last_sequence), 1000},
      {KG_SLOTS_OFFSET, UINT64_MAX},
  };
  for (size_t i = 0; i < sizeof forged / sizeof *forged; i++) {
    const char *dir = check_temp_dir();
    kg_writer *writer = open_writer(dir, 16);
    kg_ring_info old = writer_info(writer);
    made_threat made;
    for (uint64_t n = 1; n <= 17; n++) {
      make_threat(&made, n, 1);
      CHECK_RESULT(kg_writer_write(writer, &made.threat), (int64_t)n, NULL);
    }
    kg_writer_close(writer);
    poke(dir, forged[i].offset, forged[i].value);
    writer = open_writer(dir, 16);
    kg_ring_info new = writer_info(writer);
    CHECK(new.generation != old.generation);
    CHECK_EQUAL(new.predecessor_generation, old.generation);
    CHECK_EQUAL(new.predecessor_sequence, UINT64_MAX);
    CHECK_EQUAL(write_events(writer, 3), 3);
    kg_writer_close(writer);
  }
}

TEST(lives, "F39 F40 a reader is told live, stalled and gone") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  kg_reader *reader = open_reader(dir);
  enum kg_writer_life life;
  CHECK_RESULT(kg_reader_check(reader, &life), KG_OK, NULL);
  CHECK_EQUAL(life, KG_WRITER_LIVE);
  uint64_t now = kg__clock_boot_ns();
  poke(dir, offsetof(kg_ring_header, heartbeat_ns),
       now > UINT64_C(4000000000) ? now - UINT64_C(4000000000) : 0);
  CHECK_RESULT(kg_reader_check(reader, &life), KG_OK, NULL);
  CHECK_EQUAL(life, KG_WRITER_STALLED);
  refuse_writer(dir, KG_E_RING_LOCKED);
  CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
  CHECK_RESULT(kg_reader_check(reader, &life), KG_OK, NULL);
  CHECK_EQUAL(life, KG_WRITER_LIVE);
  /* A heartbeat of the future, or none: the lock decides. */
  poke(dir, offsetof(kg_ring_header, heartbeat_ns), UINT64_MAX);
  CHECK_RESULT(kg_reader_check(reader, &life), KG_OK, NULL);
  CHECK_EQUAL(life, KG_WRITER_LIVE);
  kg_writer_close(writer);
  CHECK_RESULT(kg_reader_check(reader, &life), KG_OK, NULL);
  CHECK_EQUAL(life, KG_WRITER_GONE);
  kg_reader_close(reader);
}

#if SYSTEM_CUTS_MAPPED
TEST(truncated, "F22 a ring cut short is told, and made anew by its writer") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  kg_reader *reader = open_reader(dir);
  enum kg_writer_life life;
  uint64_t generation = writer_info(writer).generation;
  write_events(writer, 3);
  CHECK(system_set_length(ring_file(dir), KG_SLOTS_OFFSET));
  CHECK_RESULT(kg_reader_check(reader, &life), KG_E_RING_TRUNCATED, NULL);
  CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
  CHECK_EQUAL(writer_info(writer).predecessor_generation, generation);
  CHECK_EQUAL(writer_info(writer).predecessor_sequence, 3);
  CHECK_EQUAL(write_events(writer, 2), 2);
  CHECK_EQUAL(check_ring_from(dir, 1), 2);
  kg_reader_close(reader);
  kg_writer_close(writer);
}
#endif

TEST(protected, "a reader's mapping cannot write but to the doorbell") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  kg_reader *reader = open_reader(dir);
  system_mapping parts[8];
  int writable = 0;
  kg_writer_close(writer);
  int count = system_find_mappings(RING_FILE, parts, 8);
  for (int i = 0; i < count && i < 8; i++) {
    if (parts[i].is_writable) {
      CHECK_EQUAL(parts[i].bytes, KG_SLOTS_OFFSET - KG_DOORBELL_OFFSET);
      writable++;
    }
  }
  CHECK_EQUAL(count, 3);
  CHECK_EQUAL(writable, 1);
  kg_reader_close(reader);
}

TEST(header, "F20 a header that is damaged under its writer: another ring") {
  for (size_t at = 0; at < sizeof(kg_ring_identity); at += 7) {
    const char *dir = check_temp_dir();
    kg_failure failure;
    kg_writer *writer = open_writer(dir, 16);
    kg_reader *old = open_reader(dir);
    account account = {.next = 1};
    uint64_t generation = writer_info(writer).generation;
    write_events(writer, 3);
    poke(dir, at, ~UINT64_C(0));
    CHECK_RESULT(kg_writer_beat(writer, &failure), KG_OK, &failure);
    drain_file(old, &account);
    CHECK_EQUAL(account.received, 3);
    /* Who comes now finds a ring that says what it is. */
    kg_reader *fresh = open_reader(dir);
    CHECK_EQUAL(reader_info(fresh).predecessor_generation, generation);
    kg_reader_close(fresh);
    kg_reader_close(old);
    kg_writer_close(writer);
    check_remove_dirs();
  }
}

TEST(unretired, "F18 a ring is not retired because somebody says so") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 64);
  kg_reader *reader = open_reader(dir);
  enum kg_writer_life life;
  const uint32_t state = KG_STATE_RETIRED;
  poke_ring(dir, offsetof(kg_ring_header, state), &state, sizeof state);
  CHECK_RESULT(kg_reader_check(reader, &life), KG_E_NO_RING, NULL);
  CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
  CHECK_RESULT(kg_reader_check(reader, &life), KG_OK, NULL);
  kg_reader_close(reader);
  kg_writer_close(writer);
}
