/* Reliable readers whose lock file, writer or ring changes. */
#include "../../../native/file/reader.h"
#include "../reliable_fixture.h"

#if SYSTEM_REMOVES_OPENED

TEST(removed, "F24 the readers' file is removed: who is there is waited for") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_rejecting(dir, CAPACITY, LONG_MS);
  kg_reader *reader = open_reliable(dir);
  account account = {.next = 1};
  remove_file(dir, READERS_FILE);
  CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
  kg_reader *later = open_reliable(dir);
  CHECK_EQUAL(fill(writer), CAPACITY);
  struct account other = {.next = 1};
  take(later, &other, CAPACITY);
  CHECK_RESULT(write_one(writer), KG_E_RING_FULL, NULL);
  take(reader, &account, CAPACITY);
  CHECK(write_one(writer) > 0);
  CHECK_EQUAL(account.lost + other.lost, 0);
  kg_reader_close(later);
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(removed_again, "F24 the readers' file is removed twice, and a restart") {
  const char *dir = check_temp_dir();
  const char *file = check_path(dir, READERS_FILE);
  kg_writer *writer = open_rejecting(dir, CAPACITY, LONG_MS);
  kg_reader *reader = open_reliable(dir);
  account account = {.next = 1};
  for (int i = 0; i < 3; i++) {
    enum kg_writer_life life;
    CHECK(system_remove_file(file));
    if (i == 2) {
      kg_writer_close(writer);
      writer = open_rejecting(dir, CAPACITY, LONG_MS);
    }
    CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
    /* What the poll thread does, and what the loop does then. */
    CHECK_RESULT(kg_reader_check(reader, &life), KG_OK, NULL);
    CHECK(kg__reader_is_displaced(reader));
    take(reader, &account, CAPACITY);
    CHECK_RESULT(kg_reader_check(reader, &life), KG_OK, NULL);
    CHECK(!kg__reader_is_displaced(reader));
    CHECK(is_reliable(reader));
    /* In one cell, and no other. */
    kg_attached_reader attached[4];
    CHECK_EQUAL(kg_writer_readers(writer, attached, 4), 1);
  }
  CHECK_EQUAL(fill(writer), CAPACITY);
  CHECK_RESULT(write_one(writer), KG_E_RING_FULL, NULL);
  take(reader, &account, CAPACITY);
  CHECK_EQUAL(account.received, CAPACITY);
  CHECK_EQUAL(account.lost, 0);
  kg_reader_close(reader);
  kg_writer_close(writer);
}

#endif

/* A ring that tells nothing of its readers any more. */
static void spoil_ring(const char *dir) {
#if SYSTEM_CUTS_MAPPED
  CHECK(system_set_length(ring_file(dir), 0));
#else
  static const char nothing[KG_SLOTS_OFFSET];
  poke_ring(dir, 0, nothing, sizeof nothing);
#endif
}

static void unlink_ring(const char *dir) {
  remove_file(dir, RING_FILE);
}

TEST(fresh, "F22 F24 F34 in a ring that is made anew, whatever is left of it") {
  void (*const spoil[])(const char *) = {spoil_ring, unlink_ring};
  for (int i = 0; i < 4; i++) {
    const char *dir = check_temp_dir();
    kg_writer *writer = open_rejecting(dir, CAPACITY, LONG_MS);
    kg_reader *reader = open_reliable(dir);
    CHECK(write_one(writer) > 0);
    if (i < 2) {
      spoil[i](dir);
      CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
    } else {
      kg_writer_close(writer);
      spoil[i - 2](dir);
      writer = open_rejecting(dir, CAPACITY, LONG_MS);
    }
    CHECK_EQUAL(fill(writer), CAPACITY);
    kg_reader *moved = open_reliable(dir);
    CHECK_RESULT(kg_reader_seek(moved, KG_FROM_SEQUENCE, 1), KG_OK, NULL);
    kg_reader_close(reader);
    CHECK_RESULT(write_one(writer), KG_E_RING_FULL, NULL);
    account account = {.next = 1};
    take(moved, &account, CAPACITY);
    CHECK_EQUAL(account.received, CAPACITY);
    CHECK(write_one(writer) > 0);
    kg_reader_close(moved);
    kg_writer_close(writer);
  }
}

TEST(take_over, "F34 the next writer waits for those who were there") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_rejecting(dir, CAPACITY, LONG_MS);
  kg_reader *reader = open_reliable(dir);
  account account = {.next = 1};
  for (int round = 0; round < 5; round++) {
    CHECK_EQUAL(fill(writer), CAPACITY);
    kg_writer_close(writer);
    writer = open_rejecting(dir, CAPACITY, LONG_MS);
    CHECK_RESULT(write_one(writer), KG_E_RING_FULL, NULL);
    take(reader, &account, CAPACITY);
  }
  CHECK_EQUAL(account.received, 5 * CAPACITY);
  CHECK_EQUAL(account.lost, 0);
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(successor, "F25 in the ring that follows, too, until they come") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_rejecting(dir, CAPACITY, LONG_MS);
  kg_reader *reader = open_reliable(dir);
  fill(writer);
  kg_writer_close(writer);
  writer = open_rejecting(dir, 2 * CAPACITY, LONG_MS);
  CHECK_EQUAL(fill(writer), 2 * CAPACITY);
  /* It drains the old one, opens the new one, and leaves the old one. */
  account account = {.next = 1};
  take(reader, &account, CAPACITY);
  kg_reader *moved = open_reliable(dir);
  CHECK_RESULT(kg_reader_seek(moved, KG_FROM_SEQUENCE, 1), KG_OK, NULL);
  kg_reader_close(reader);
  CHECK_RESULT(write_one(writer), KG_E_RING_FULL, NULL);
  account.next = 1;
  take(moved, &account, 2 * CAPACITY);
  CHECK(write_one(writer) > 0);
  CHECK_EQUAL(account.received, 3 * CAPACITY);
  CHECK_EQUAL(account.lost, 0);
  kg_reader_close(moved);
  kg_writer_close(writer);
}

TEST(beginning,
     "who asks for the very beginning stands at what is left of it") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_rejecting(dir, CAPACITY, LONG_MS);
  kg_attached_reader attached;
  account account = {.next = 1};
  while (sequence_of(writer) < 40) {
    CHECK(write_one(writer) > 0);
  }
  kg_ring_info info = writer_info(writer);
  kg_reader *reader = open_reliable(dir);
  CHECK_EQUAL(kg_writer_readers(writer, &attached, 1), 1);
  CHECK_EQUAL(attached.lag, 0);
  CHECK_RESULT(kg_reader_seek(reader, KG_FROM_SEQUENCE, 1), KG_OK, NULL);
  CHECK_EQUAL(kg_writer_readers(writer, &attached, 1), 1);
  CHECK_EQUAL(attached.lag, info.capacity);
  CHECK_RESULT(write_one(writer), KG_E_RING_FULL, NULL);
  CHECK_RESULT(kg_reader_seek_after(reader, 40, KG_PRIORITY_UNKNOWN), KG_OK,
               NULL);
  CHECK(write_one(writer) > 0);
  account.next = 41;
  take(reader, &account, 1);
  CHECK_EQUAL(account.received, 1);
  kg_reader_close(reader);
  kg_writer_close(writer);
}

#if SYSTEM_REMOVES_OPENED
TEST(evicted_before, "who was evicted before its file went is told so") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_rejecting(dir, CAPACITY, SHORT_MS);
  kg_reader *reader = open_reliable(dir);
  kg_slot buffer[1];
  kg_batch batch;
  enum kg_writer_life life;
  account account = {.next = 1};
  critical_every = 4;
  fill(writer);
  insist(writer);
  while (sequence_of(writer) < 5 * CAPACITY) {
    CHECK(write_one(writer) > 0);
  }
  /* The first loss, up to what the lane has. */
  CHECK_RESULT(kg_reader_read(reader, buffer, 1, &batch), KG_OK, NULL);
  account_batch(&account, buffer, &batch);
  CHECK_EQUAL(account.received, 1);
  remove_file(dir, READERS_FILE);
  CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
  CHECK_RESULT(kg_reader_check(reader, &life), KG_OK, NULL);
  CHECK(kg__reader_is_displaced(reader));
  drain_all(reader, &account);
  CHECK_EQUAL(account.received + account.lost, 5 * CAPACITY);
  CHECK(account.reasons[KG_LOSS_EVICTED] > CAPACITY);
  CHECK_EQUAL(account.reasons[KG_LOSS_OVERWRITTEN], 0);
  kg_reader_close(reader);
  kg_writer_close(writer);
}
#endif

TEST(new_patience, "the patience with who was evicted is new in a new ring") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_rejecting(dir, CAPACITY, SHORT_MS);
  kg_reader *reader = open_reliable(dir);
  kg_attached_reader attached[KG_READER_CELLS];
  fill(writer);
  insist(writer);
  CHECK_EQUAL(stats_of(writer).evicted, 1);
  unlink_ring(dir);
  CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
  /* It is waited for before it has come, and nobody else is. */
  CHECK_EQUAL(kg_writer_readers(writer, attached, KG_READER_CELLS), 1);
  CHECK(attached[0].alive && !attached[0].evicted);
  CHECK_EQUAL(fill(writer), CAPACITY);
  kg_reader_close(reader);
  kg_writer_close(writer);
}
