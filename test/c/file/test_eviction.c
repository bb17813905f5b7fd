/* Reliable readers that are in the way for too long: none of them can hold up
 * the writer for longer than it allows. */
#include "../../../native/platform/platform.h"
#include "../reliable_fixture.h"

TEST(stalled, "one that stalls is evicted, told, and reliable again") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_rejecting(dir, CAPACITY, SHORT_MS);
  kg_reader *reader = open_reliable(dir);
  kg_reader *well = open_reliable(dir);
  account account = {.next = 1};
  account.next = 1;
  CHECK_EQUAL(fill(writer), CAPACITY);
  for (int i = 0; i < 3 * CAPACITY; i++) {
    struct account other = {.next = 0};
    take(well, &other, CAPACITY);
    insist(writer);
  }
  CHECK_EQUAL(stats_of(writer).evicted, 1);
  CHECK(!is_reliable(reader) && is_reliable(well));
  kg_attached_reader attached[2];
  CHECK_EQUAL(kg_writer_readers(writer, attached, 2), 2);
  CHECK(attached[0].evicted && attached[0].alive);
  take(reader, &account, 4 * CAPACITY);
  CHECK_EQUAL(account.received, CAPACITY);
  CHECK_EQUAL(account.reasons[KG_LOSS_EVICTED], 3 * CAPACITY);
  CHECK_EQUAL(account.lost, 3 * CAPACITY);
  CHECK(is_reliable(reader));
  /* And the writer waits for it again. */
  struct account other = {.next = 0};
  take(well, &other, CAPACITY);
  CHECK_EQUAL(fill(writer), CAPACITY);
  take(reader, &account, CAPACITY);
  CHECK_EQUAL(account.lost, 3 * CAPACITY);
  kg_reader_close(well);
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(creeping, "one that creeps is evicted as one that stands") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_rejecting(dir, 64, SHORT_MS);
  kg_reader *reader = open_reliable(dir);
  account account = {.next = 1};
  CHECK_EQUAL(fill(writer), 64);
  /* A slot's room each time, never enough to catch up. */
  for (int i = 0; stats_of(writer).evicted == 0 && i < 10000; i++) {
    take(reader, &account, 1);
    write_one(writer);
    write_one(writer);
    pause_ms(1);
  }
  CHECK_EQUAL(stats_of(writer).evicted, 1);
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(let_down, "one that was evicted counts again when it has caught up") {
  /* Longer than a busy machine takes from one write to the next. */
  const uint32_t timeout_ms = 1000;
  const char *dir = check_temp_dir();
  kg_writer *writer = open_rejecting(dir, 64, timeout_ms);
  kg_reader *reader = open_reliable(dir);
  account account = {.next = 1};
  CHECK_EQUAL(fill(writer), 64);
  CHECK(insist(writer) > 0);
  CHECK_EQUAL(stats_of(writer).evicted, 1);
  /* It goes on, a whole ring behind, and holds up nobody any more. */
  for (int i = 0; i < 1000; i++) {
    take(reader, &account, 1);
    for (int n = 0; n < 3; n++) {
      CHECK(write_one(writer) > 0);
    }
  }
  CHECK_EQUAL(stats_of(writer).evicted, 1);
  take(reader, &account, 64);
  CHECK_EQUAL(account.received + account.lost, sequence_of(writer));
  /* From here on it is waited for. */
  CHECK_EQUAL(fill(writer), 64);
  CHECK_RESULT(write_one(writer), KG_E_RING_FULL, NULL);
  uint64_t lost = account.lost;
  take(reader, &account, 64);
  CHECK_EQUAL(account.lost, lost);
  CHECK_EQUAL(account.received + account.lost, sequence_of(writer));
  kg_reader_close(reader);
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

TEST(ghosts, "one that was evicted and dies leaves nothing") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_rejecting(dir, CAPACITY, SHORT_MS);
  system_process child = CHECK_START(idle, dir, 0);
  check_await(check_shared(), 1);
  fill(writer);
  insist(writer);
  kg_attached_reader attached[2];
  CHECK_EQUAL(kg_writer_readers(writer, attached, 2), 1);
  CHECK(attached[0].evicted);
  check_kill(child);
  CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
  CHECK_EQUAL(kg_writer_readers(writer, attached, 2), 0);
  kg_writer_close(writer);
}

TEST(slower, "one that is slower than the writer, and goes on, is waited for") {
  /* Longer than a busy machine takes for eight rounds, which are a ring. */
  const uint32_t timeout_ms = 1500;
  const char *dir = check_temp_dir();
  kg_writer *writer = open_rejecting(dir, 64, timeout_ms);
  kg_reader *reader = open_reliable(dir);
  account account = {.next = 1};
  CHECK_EQUAL(fill(writer), 64);
  /* The ring is full whenever the writer looks, for twice as long. */
  uint64_t until =
      kg__clock_monotonic_ns() + 2 * timeout_ms * UINT64_C(1000000);
  while (kg__clock_monotonic_ns() < until) {
    take(reader, &account, 8);
    CHECK_EQUAL(fill(writer), 8);
    pause_ms(1);
  }
  CHECK_EQUAL(stats_of(writer).evicted, 0);
  CHECK_EQUAL(account.lost, 0);
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(catching_up, "one that catches up in time is not evicted later") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_rejecting(dir, CAPACITY, SHORT_MS);
  kg_reader *reader = open_reliable(dir);
  account account = {.next = 1};
  for (int round = 0; round < 6; round++) {
    CHECK_EQUAL(fill(writer), CAPACITY);
    take(reader, &account, CAPACITY);
    CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
    pause_ms(SHORT_MS / 2);
  }
  CHECK_EQUAL(stats_of(writer).evicted, 0);
  CHECK_EQUAL(account.lost, 0);
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(after_eviction, "F66 who came after an eviction is waited for at once") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_rejecting(dir, CAPACITY, SHORT_MS);
  kg_reader *first = open_reliable(dir);
  CHECK_EQUAL(fill(writer), CAPACITY);
  CHECK(insist(writer) > 0);
  kg_reader_close(first);
  /* In the same cell. */
  kg_reader *second = open_reliable(dir);
  account account = {.next = 0};
  fill(writer);
  CHECK_RESULT(write_one(writer), KG_E_RING_FULL, NULL);
  take(second, &account, 2 * CAPACITY);
  CHECK_EQUAL(account.received, CAPACITY);
  CHECK_EQUAL(account.lost, 0);
  kg_reader_close(second);
  kg_writer_close(writer);
}

TEST(later, "a later loss, that no eviction is behind, is an ordinary one") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_rejecting(dir, CAPACITY, SHORT_MS);
  kg_reader *reader = open_reliable(dir);
  account account = {.next = 1};
  fill(writer);
  insist(writer);
  drain_all(reader, &account);
  CHECK_EQUAL(account.reasons[KG_LOSS_EVICTED], 1);
  kg_writer_close(writer);
  writer = open_writer(dir, CAPACITY);
  for (int i = 0; i < 3 * CAPACITY; i++) {
    CHECK(write_one(writer) > 0);
  }
  drain_all(reader, &account);
  CHECK_EQUAL(account.reasons[KG_LOSS_EVICTED], 1);
  CHECK_EQUAL(account.reasons[KG_LOSS_OVERWRITTEN], 2 * CAPACITY);
  kg_reader_close(reader);
  kg_writer_close(writer);
}
