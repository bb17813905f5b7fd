/* Reliable readers: nothing that they have not taken is overwritten. */
#include "../reliable_fixture.h"

TEST(full, "a full ring is refused, and everything stays as it was") {
  const char *dir = check_temp_dir();
  static unsigned char before[1 << 19];
  static unsigned char after[1 << 19];
  kg_writer *writer = open_rejecting(dir, CAPACITY, LONG_MS);
  kg_reader *reader = open_reliable(dir);
  account account = {.next = 1};
  CHECK(is_reliable(reader));
  CHECK_EQUAL(fill(writer), CAPACITY);
  size_t length = get_file(ring_file(dir), before, sizeof before);
  /* The writer says that it waits, once. */
  for (int i = 0; i < 3; i++) {
    CHECK_RESULT(write_one(writer), KG_E_RING_FULL, NULL);
  }
  CHECK_EQUAL(get_file(ring_file(dir), after, sizeof after), length);
  CHECK_BYTES(before, after, length);
  CHECK_EQUAL(sequence_of(writer), CAPACITY);
  CHECK_EQUAL(stats_of(writer).rejected, 4);
  CHECK_EQUAL(stats_of(writer).published, CAPACITY);
  /* As much room as was made, and no more. */
  for (uint32_t room = 1; room <= CAPACITY; room++) {
    CHECK_EQUAL(take(reader, &account, room), room);
    CHECK_EQUAL(fill(writer), room);
  }
  take(reader, &account, CAPACITY);
  CHECK_EQUAL(account.received, sequence_of(writer));
  CHECK_EQUAL(account.lost, 0);
  kg_reader_close(reader);
  /* Nobody is there any more. */
  for (int i = 0; i < 5 * CAPACITY; i++) {
    CHECK(write_one(writer) > 0);
  }
  kg_writer_close(writer);
}

TEST(batches, "batches and long events need room for all of their slots") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_rejecting(dir, 64, LONG_MS);
  kg_reader *reader = open_reliable(dir);
  account account = {.next = 1};
  uint64_t state = 3;
  uint64_t rejected = 0;
  for (int round = 0; round < 3000; round++) {
    uint64_t before = sequence_of(writer);
    uint32_t count = 1 + (uint32_t)(check_random(&state) % 5);
    for (uint32_t i = 1; i <= count; i++) {
      made_threat made;
      make_threat(&made, before + i, span_of(before + i, 3));
      CHECK_RESULT(kg_writer_stage(writer, &made.threat), KG_OK, NULL);
    }
    int64_t result = kg_writer_commit(writer);
    if (result == KG_E_RING_FULL) {
      CHECK_EQUAL(sequence_of(writer), before);
      rejected += count;
      drain_all(reader, &account);
    } else {
      CHECK_EQUAL(result, before + count);
    }
    if (check_random(&state) % 8 == 0) {
      drain_all(reader, &account);
    }
  }
  drain_all(reader, &account);
  CHECK(rejected > 0);
  CHECK_EQUAL(stats_of(writer).rejected, rejected);
  CHECK_EQUAL(account.received, sequence_of(writer));
  CHECK_EQUAL(account.lost, 0);
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(ordinary, "ordinary readers are waited for by nobody") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_rejecting(dir, CAPACITY, LONG_MS);
  kg_reader *reader = open_reader(dir);
  CHECK(!is_reliable(reader));
  for (int i = 0; i < 5 * CAPACITY; i++) {
    CHECK(write_one(writer) > 0);
  }
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(overwriting, "a writer that overwrites waits for nobody") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, CAPACITY);
  kg_reader *reader = open_reliable(dir);
  account account = {.next = 1};
  CHECK(!is_reliable(reader));
  for (int i = 0; i < 5 * CAPACITY; i++) {
    CHECK(write_one(writer) > 0);
  }
  kg_writer_close(writer);
  /* One that does comes after it; the reader gets its cell by itself. */
  writer = open_rejecting(dir, CAPACITY, LONG_MS);
  drain_all(reader, &account);
  CHECK_EQUAL(account.lost, 4 * CAPACITY);
  for (int i = 0; !is_reliable(reader) && i < 100; i++) {
    drain_all(reader, &account);
  }
  CHECK(is_reliable(reader));
  CHECK_EQUAL(fill(writer), CAPACITY);
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(cells, "128 readers; the next is refused until one goes") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_rejecting(dir, CAPACITY, LONG_MS);
  kg_reader *readers[KG_READER_CELLS];
  const kg_ring_options options = {.dir = dir, .reliable = true};
  kg_failure failure;
  int descriptors = check_open_descriptors();
  for (int i = 0; i < KG_READER_CELLS; i++) {
    readers[i] = open_reliable(dir);
  }
  kg_reader *other = NULL;
  for (int i = 0; i < 3; i++) {
    CHECK_RESULT(kg_reader_open(&options, &other, &failure),
                 KG_E_TOO_MANY_READERS, &failure);
  }
  kg_attached_reader attached[KG_READER_CELLS + 1];
  CHECK_EQUAL(kg_writer_readers(writer, attached, KG_READER_CELLS + 1),
              KG_READER_CELLS);
  /* The slowest of all is the one that counts. */
  CHECK_EQUAL(fill(writer), CAPACITY);
  account account = {.next = 1};
  for (int i = 0; i < KG_READER_CELLS; i++) {
    CHECK_RESULT(write_one(writer), KG_E_RING_FULL, NULL);
    account.next = 1;
    take(readers[i], &account, CAPACITY);
  }
  CHECK(write_one(writer) > 0);
  CHECK_EQUAL(kg_writer_readers(writer, attached, 5), 5);
  CHECK_EQUAL(attached[4].cell, 4);
  CHECK_EQUAL(attached[4].lag, 1);
  CHECK(attached[4].alive && !attached[4].evicted);
  kg_reader_close(readers[77]);
  readers[77] = open_reliable(dir);
  for (int i = 0; i < KG_READER_CELLS; i++) {
    kg_reader_close(readers[i]);
  }
  CHECK_EQUAL(check_open_descriptors(), descriptors);
  CHECK_EQUAL(kg_writer_readers(writer, attached, KG_READER_CELLS), 0);
  kg_writer_close(writer);
}

/* Opens a reader, says so, and reads nothing. */
CHILD(idle, dir, unused) {
  open_reliable(dir);
  check_tell(check_shared());
  for (;;) {
    pause_ms(1000);
  }
}

TEST(dead, "F41 kill -9 of a reliable reader frees its cell at once") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_rejecting(dir, CAPACITY, LONG_MS);
  for (uint32_t round = 1; round <= 50; round++) {
    system_process child = CHECK_START(idle, dir, 0);
    check_await(check_shared(), round);
    CHECK_EQUAL(fill(writer), CAPACITY);
    check_kill(child);
    CHECK(write_one(writer) > 0);
  }
  CHECK_EQUAL(stats_of(writer).evicted, 0);
  kg_writer_close(writer);
}

TEST(wanted, "how many slots are wanted is that of the last refusal") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_rejecting(dir, CAPACITY, LONG_MS);
  kg_reader *reader = open_reliable(dir);
  CHECK_EQUAL(stats_of(writer).wanted, 0);
  fill(writer);
  CHECK_EQUAL(stats_of(writer).wanted, 1);
  for (int i = 0; i < 3; i++) {
    CHECK_RESULT(kg_writer_stage(writer, &(kg_threat){0}), KG_OK, NULL);
  }
  CHECK_RESULT(kg_writer_commit(writer), KG_E_RING_FULL, NULL);
  CHECK_EQUAL(stats_of(writer).wanted, 3);
  CHECK_EQUAL(stats_of(writer).rejected, 4);
  kg_reader_close(reader);
  kg_writer_close(writer);
}
