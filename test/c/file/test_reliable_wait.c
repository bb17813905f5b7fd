/* A writer that waits for space, and readers that make some. */
#include <poll.h>
#include <unistd.h>

#include "../../../native/file/space_listener.h"
#include "../reliable_fixture.h"

TEST(waiting, "the writer waits until a reader in another process makes room") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_rejecting(dir, CAPACITY, LONG_MS);
  int ready[2];
  char byte;
  CHECK(pipe(ready) == 0);
  pid_t child = check_fork();
  if (child == 0) {
    kg_reader *reader = open_reliable(dir);
    account account = {.next = 1};
    CHECK(write(ready[1], "r", 1) == 1);
    while (account.received < 2000) {
      kg_reader_wait(reader, 100);
      take(reader, &account, 1 + (uint32_t)(account.received % 7));
    }
    CHECK_EQUAL(account.lost, 0);
    kg_reader_close(reader);
    check_done();
  }
  CHECK(read(ready[0], &byte, 1) == 1);
  for (int written = 0; written < 2000; written++) {
    CHECK_RESULT(kg_writer_wait_for_space(writer, 1, LONG_MS), KG_OK, NULL);
    CHECK(write_one(writer) > 0);
  }
  CHECK_EXIT(child);
  kg_reader *reader = open_reliable(dir);
  fill(writer);
  CHECK_RESULT(kg_writer_wait_for_space(writer, 1, 5), KG_E_RING_FULL, NULL);
  CHECK_RESULT(kg_writer_wait_for_space(writer, 0, 5), KG_E_INVALID_ARGUMENT,
               NULL);
  CHECK_RESULT(kg_writer_wait_for_space(writer, CAPACITY / 4 + 1, 5),
               KG_E_INVALID_ARGUMENT, NULL);
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(room_bell, "a refused writer's event loop is rung when there is room") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_rejecting(dir, CAPACITY, LONG_MS);
  kg_reader *reader = open_reliable(dir);
  account account = {.next = 1};
  struct pollfd item = {.fd = (int)kg__writer_open_listener(writer),
                        .events = POLLIN};
  CHECK(item.fd >= 0);
  for (int round = 0; round < 20; round++) {
    fill(writer);
    kg__writer_drain_listener(writer);
    CHECK(poll(&item, 1, 0) == 0);
    take(reader, &account, 1);
    CHECK(poll(&item, 1, 20000) == 1);
    kg__writer_drain_listener(writer);
    /* Nobody waits, nobody rings. */
    take(reader, &account, 1);
    CHECK(poll(&item, 1, 0) == 0);
  }
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(speeds, "four in other processes, at different speeds: nothing lost") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_rejecting(dir, 256, LONG_MS);
  const uint64_t count = 20000;
  int ready[2];
  pid_t children[4];
  char byte;
  CHECK(pipe(ready) == 0);
  for (int i = 0; i < 4; i++) {
    children[i] = check_fork();
    if (children[i] == 0) {
      kg_reader *reader = open_reliable(dir);
      account account = {.next = 1, .most = FILE_SPAN};
      CHECK(write(ready[1], "r", 1) == 1);
      while (account.received < count) {
        kg_reader_wait(reader, 100);
        while (read_file_once(reader, &account)) {
          if (i > 0 && account.received % (uint64_t)(1000 >> i) == 0) {
            pause_ms(1);
          }
        }
      }
      CHECK_EQUAL(account.lost, 0);
      kg_reader_close(reader);
      check_done();
    }
  }
  for (int i = 0; i < 4; i++) {
    CHECK(read(ready[0], &byte, 1) == 1);
  }
  while (sequence_of(writer) < count) {
    CHECK_RESULT(kg_writer_wait_for_space(writer, FILE_SPAN, LONG_MS), KG_OK,
                 NULL);
    write_events(writer, 1);
  }
  for (int i = 0; i < 4; i++) {
    CHECK_EXIT(children[i]);
  }
  CHECK_EQUAL(stats_of(writer).evicted, 0);
  kg_writer_close(writer);
}
