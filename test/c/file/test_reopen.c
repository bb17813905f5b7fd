/* A reader that goes over to the ring which took the place of its own. */
#include <string.h>

#include "../reliable_fixture.h"

/* Reads all that is there without looking at what it says. */
static void read_all(kg_reader *reader) {
  static _Alignas(8) char buffer[64 * KG_SLOT_BYTES];
  kg_batch batch;
  do {
    CHECK_EQUAL(kg_reader_read(reader, buffer, 64, &batch), KG_OK);
  } while (batch.more);
}

static int reopen(kg_reader *reader, kg_batch *lost) {
  kg_failure failure = {.error = KG_OK};
  int result = kg_reader_reopen(reader, lost, &failure);
  CHECK(result >= 0 || failure.error == result);
  return result;
}

TEST(nothing_lost,
     "everything was read: nothing is lost, the account goes on") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 64);
  kg_reader *reader = open_reader(dir);
  kg_batch lost;
  write_alike(writer, 3, 1);
  CHECK_EQUAL(reopen(reader, &lost), 0);
  renew_ring(writer, dir);
  write_alike(writer, 2, 1);
  /* Three are left to read. */
  uint64_t generation = reader_info(reader).generation;
  CHECK_EQUAL(reopen(reader, &lost), 0);
  CHECK_EQUAL(reader_info(reader).generation, generation);
  read_all(reader);
  CHECK_EQUAL(reopen(reader, &lost), 1);
  CHECK_EQUAL(lost.loss_reason, KG_LOSS_NONE);
  CHECK_EQUAL(lost.events, 0);
  CHECK_EQUAL(reader_info(reader).generation, writer_info(writer).generation);
  read_all(reader);
  CHECK_EQUAL(stats_from(reader).received, 5);
  CHECK_EQUAL(stats_from(reader).lost, 0);
  CHECK_EQUAL(stats_from(reader).sequence, 2);
  CHECK_EQUAL(stats_from(reader).bytes, 5 * KG_SLOT_BYTES);
  CHECK_EQUAL(reopen(reader, &lost), 0);
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(not_yet, "without another ring it stays, and comes when there is one") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 64);
  kg_reader *reader = open_reader(dir);
  kg_batch lost;
  write_alike(writer, 3, 1);
  read_all(reader);
  kg_writer_close(writer);
  CHECK(system_remove_file(check_path(dir, RING_FILE)));
  CHECK_EQUAL(reopen(reader, &lost), 0);
  writer = open_writer(dir, 64);
  CHECK_EQUAL(reopen(reader, &lost), 1);
  /* That writer never knew of the ring that was removed. */
  CHECK_EQUAL(lost.loss_reason, KG_LOSS_REPLACED);
  CHECK_EQUAL(lost.lost, KG_LOST_UNKNOWN);
  CHECK_EQUAL(lost.lost_priority, KG_PRIORITY_UNKNOWN);
  CHECK_EQUAL(lost.lost_from, 0);
  CHECK_EQUAL(stats_from(reader).lost, 0);
  write_alike(writer, 1, 1);
  read_all(reader);
  CHECK_EQUAL(stats_from(reader).received, 4);
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(wrong_one, "a file in its place that is no ring is an error, and told") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 64);
  kg_reader *reader = open_reader(dir);
  kg_batch lost;
  kg_failure failure;
  kg_writer_close(writer);
  CHECK(system_remove_file(check_path(dir, RING_FILE)));
  put_file(check_path(dir, RING_FILE), "no ring", 7);
  CHECK_EQUAL(reopen(reader, &lost), KG_E_RING_INVALID);
  kg_reader_error(reader, &failure);
  CHECK_EQUAL(failure.error, KG_E_RING_INVALID);
  CHECK_CONTAINS(failure.detail, RING_FILE);
  CHECK_EQUAL(kg_reader_reopen(reader, NULL, &failure), KG_E_INVALID_ARGUMENT);
  CHECK_EQUAL(kg_reader_reopen(NULL, &lost, &failure), KG_E_INVALID_ARGUMENT);
  kg_reader_close(reader);
}

#if SYSTEM_CUTS_MAPPED
TEST(cut, "of a ring that was cut short, what was not read is lost, exactly") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 64);
  kg_reader *reader = open_reader(dir);
  kg_batch lost;
  kg_failure failure;
  static _Alignas(8) char buffer[64 * KG_SLOT_BYTES];
  write_alike(writer, 4, KG_SEVERITY_CRITICAL);
  read_all(reader);
  write_alike(writer, 4, KG_SEVERITY_LOW);
  write_alike(writer, 2, KG_SEVERITY_CRITICAL);
  CHECK(system_set_length(check_path(dir, RING_FILE), 0));
  CHECK_EQUAL(kg_reader_read(reader, buffer, 64, &lost), KG_E_RING_TRUNCATED);
  kg_reader_error(reader, &failure);
  CHECK_EQUAL(failure.error, KG_E_RING_TRUNCATED);
  CHECK_CONTAINS(failure.detail, RING_FILE);
  CHECK_RESULT(kg_writer_beat(writer, &failure), KG_OK, &failure);
  CHECK_EQUAL(reopen(reader, &lost), 1);
  CHECK_EQUAL(lost.loss_reason, KG_LOSS_REPLACED);
  CHECK_EQUAL(lost.lost, 6);
  CHECK_EQUAL(lost.lost_from, 5);
  CHECK_EQUAL(lost.lost_to, 10);
  CHECK_EQUAL(lost.lost_priority, 2);
  CHECK_EQUAL(stats_from(reader).received, 4);
  CHECK_EQUAL(stats_from(reader).lost, 6);
  write_alike(writer, 1, 1);
  read_all(reader);
  CHECK_EQUAL(stats_from(reader).received, 5);
  kg_reader_close(reader);
  kg_writer_close(writer);
}
#endif

TEST(reliable, "a reliable reader holds the writer in the new ring, too") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_rejecting(dir, CAPACITY, LONG_MS);
  kg_reader *reader = open_reliable(dir);
  kg_batch lost;
  renew_ring(writer, dir);
  CHECK_EQUAL(reopen(reader, &lost), 1);
  CHECK(is_reliable(reader));
  CHECK_EQUAL(fill(writer), CAPACITY);
  read_all(reader);
  CHECK(fill(writer) > 0);
  CHECK_EQUAL(stats_from(reader).lost, 0);
  CHECK_EQUAL(stats_from(reader).received, CAPACITY);
  /* And no other one does: its old cell is free. */
  kg_attached_reader readers[4];
  CHECK_EQUAL(kg_writer_readers(writer, readers, 4), 1);
  kg_reader_close(reader);
  CHECK_EQUAL(kg_writer_readers(writer, readers, 4), 0);
  kg_writer_close(writer);
}

#define WRITERS 20
#define EACH 2000

/* Writes and is killed, each into a ring of another size than the last one. */
CHILD(write_and_die, dir, capacity) {
  kg_writer *writer = open_writer(dir, (uint32_t)capacity);
  write_alike(writer, EACH, 1);
  check_tell(check_shared());
  system_die();
  kg_writer_close(writer);
}

TEST(killed, "over writers that are killed, each event is received or lost") {
  const char *dir = check_temp_dir();
  kg_writer_close(open_writer(dir, 64));
  kg_reader *reader = open_reader(dir);
  kg_batch lost;
  uint64_t replaced = 0;
  for (int i = 0; i < WRITERS; i++) {
    system_process child =
        CHECK_START(write_and_die, dir, i % 2 == 0 ? 128 : 64);
    CHECK_EQUAL(system_wait(child), SYSTEM_KILLED);
    do {
      read_all(reader);
    } while (reopen(reader, &lost) != 1);
    CHECK(lost.lost != KG_LOST_UNKNOWN);
    replaced += lost.lost;
  }
  read_all(reader);
  kg_reader_stats stats = stats_from(reader);
  CHECK_EQUAL(stats.received + stats.lost, WRITERS * EACH);
  CHECK_EQUAL(replaced, 0);
  CHECK(stats.received >= WRITERS * 64);
  CHECK_EQUAL(stats.corrupt, 0);
  kg_reader_close(reader);
}
