/* The descriptors by which an event loop of a C program waits: one that becomes
 * readable when something was written, one when there is space. */
#include "../reliable_fixture.h"

#if SYSTEM_HAS_WAKE_FILE
#include <poll.h>

#define LONG 30000

static bool is_readable(int descriptor, int timeout_ms) {
  struct pollfd polled = {.fd = descriptor, .events = POLLIN};
  return poll(&polled, 1, timeout_ms) == 1;
}

/* Arms until there is nothing to read, as a loop does; returns the
 * descriptor. */
static int arm(kg_reader *reader, account *account) {
  int armed;
  while ((armed = kg_reader_arm(reader)) == 0) {
    drain_file(reader, account);
  }
  CHECK_EQUAL(armed, 1);
  int descriptor = kg_reader_fd(reader);
  CHECK(descriptor >= 0);
  return descriptor;
}

CHILD(write_slowly, dir, count) {
  kg_writer *writer = open_writer(dir, 64);
  for (uint64_t i = 0; i < count; i++) {
    CHECK(write_events(writer, 1) > 0);
    system_sleep_us(i % 16 == 0 ? 1000 : 0);
  }
  kg_writer_close(writer);
}

TEST(reading, "is readable for what another process writes, and no sooner") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 64);
  kg_reader *reader = open_reader(dir);
  account account = {.next = 1};
  CHECK(!is_readable(arm(reader, &account), 20));
  CHECK(write_events(writer, 1) > 0);
  CHECK(is_readable(kg_reader_fd(reader), LONG));
  /* Until it is armed again, whatever comes. */
  CHECK_EQUAL(kg_reader_arm(reader), 0);
  drain_file(reader, &account);
  CHECK(!is_readable(arm(reader, &account), 20));
  kg_writer_close(writer);

  system_process child = CHECK_START(write_slowly, dir, 500);
  while (account.received + account.lost < 501) {
    (void)is_readable(arm(reader, &account), 1000);
    drain_file(reader, &account);
  }
  CHECK_EXIT(child);
  CHECK_EQUAL(account.next, 502);
  kg_reader_close(reader);
}

/* Without a wait that has an end: an event that signalled nothing would be
 * waited for here. */
TEST(signals, "each event behind an arming is signalled") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 64);
  kg_reader *reader = open_reader(dir);
  account account = {.next = 1};
  for (uint64_t i = 1; i <= 300; i++) {
    int descriptor = arm(reader, &account);
    CHECK(write_events(writer, 1) > 0);
    CHECK(is_readable(descriptor, LONG));
    drain_file(reader, &account);
    CHECK_EQUAL(account.received, i);
  }
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(other_writer, "goes on with the next writer, and with its wake file") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 64);
  kg_reader *reader = open_reader(dir);
  account account = {.next = 1};
  arm(reader, &account);
  kg_writer_close(writer);
  CHECK(system_remove_file(check_path(dir, "kindly-guard.wake")));
  writer = open_writer(dir, 64);
  int descriptor = arm(reader, &account);
  CHECK(write_events(writer, 1) > 0);
  CHECK(is_readable(descriptor, LONG));
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(replaced, "is told at once that the ring was replaced") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 64);
  kg_reader *reader = open_reader(dir);
  account account = {.next = 1};
  enum kg_writer_life life;
  kg_failure failure;
  int descriptor = arm(reader, &account);
  CHECK(system_remove_file(check_path(dir, RING_FILE)));
  CHECK_RESULT(kg_writer_beat(writer, &failure), KG_OK, &failure);
  CHECK(is_readable(descriptor, LONG));
  CHECK_EQUAL(kg_reader_check(reader, &life), KG_E_NO_RING);
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(replaced_before,
     "does not wait for a ring that was replaced before that") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 64);
  kg_reader *reader = open_reader(dir);
  kg_failure failure;
  CHECK(kg_reader_fd(reader) >= 0);
  CHECK(system_remove_file(check_path(dir, RING_FILE)));
  CHECK_RESULT(kg_writer_beat(writer, &failure), KG_OK, &failure);
  CHECK_EQUAL(kg_reader_arm(reader), 0);
  CHECK_EQUAL(kg_reader_arm(reader), 1);
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(space, "a writer's is readable when a reader has made space") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_rejecting(dir, CAPACITY, LONG);
  kg_reader *reader = open_reliable(dir);
  account account = {.next = 1};
  for (int i = 0; i < 50; i++) {
    fill(writer);
    int descriptor = kg_writer_space_fd(writer);
    CHECK(descriptor >= 0);
    /* The refusal says that it waits, and for what. */
    CHECK_EQUAL(write_one(writer), KG_E_RING_FULL);
    CHECK(!is_readable(descriptor, 2));
    take(reader, &account, 5);
    CHECK(is_readable(descriptor, LONG));
    CHECK_EQUAL(kg_writer_space_fd(writer), descriptor);
    CHECK(!is_readable(descriptor, 0));
    CHECK(write_one(writer) > 0);
  }
  kg_reader_close(reader);
  kg_writer_close(writer);
}
#endif

TEST(none, "where there is none, an error says so") {
  const char *dir = check_temp_dir();
  kg_failure failure;
  /* One that overwrites waits for nobody. */
  kg_writer *writer = open_writer(dir, 16);
  CHECK_EQUAL(kg_writer_space_fd(writer), KG_E_SYSTEM);
  kg_writer_error(writer, &failure);
  CHECK_EQUAL(failure.error, KG_E_SYSTEM);
  CHECK_CONTAINS(failure.detail, "descriptor");
#if !SYSTEM_HAS_WAKE_FILE
  kg_reader *reader = open_reader(dir);
  CHECK_EQUAL(kg_reader_fd(reader), KG_E_SYSTEM);
  CHECK_EQUAL(kg_reader_arm(reader), KG_E_SYSTEM);
  kg_reader_close(reader);
#endif
  kg_writer_close(writer);
}
