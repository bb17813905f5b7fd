/* Waking across processes. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "../../../native/base/atomic.h"
#include "../../../native/platform/platform.h"
#include "../file_fixture.h"

#define LONG_MS 20000

static void nap_ms(long milliseconds) {
  system_sleep_us((uint64_t)milliseconds * 1000);
}

static bool has_waiters(const kg_ring_doorbell *doorbell) {
  return (kg__load32_acquire(&doorbell->waiters) & KG_WAITS_ON_HEAD) != 0;
}

/* Writes an event whenever a reader sleeps, twenty times. */
CHILD(write_to_sleepers, dir, unused) {
  kg_writer *writer = open_writer(dir, 16);
  kg_ring_doorbell *doorbell = map_doorbell(dir);
  kg_writer_stats stats;
  check_tell(check_shared());
  for (int i = 0; i < 20; i++) {
    /* Not before the reader says that it sleeps, and a little later. */
    while (!has_waiters(doorbell)) {
      nap_ms(1);
    }
    nap_ms(3);
    write_events(writer, 1);
  }
  kg_writer_stats_get(writer, &stats);
  CHECK_EQUAL(stats.bells, 20);
  unmap_doorbell(doorbell);
  kg_writer_close(writer);
}

TEST(wakes, "a reader asleep in one process is woken by data from another") {
  const char *dir = check_temp_dir();
  system_process child = CHECK_START(write_to_sleepers, dir, 0);
  check_await(check_shared(), 1);
  kg_reader *reader = open_reader(dir);
  account account = {.next = 1};
  for (uint64_t i = 1; i <= 20; i++) {
    uint64_t begin = kg__clock_monotonic_ns();
    drain_file(reader, &account);
    while (account.received < i) {
      kg_reader_wait(reader, LONG_MS);
      uint64_t waited = kg__clock_monotonic_ns() - begin;
      /* Data, not the time, woke it. */
      CHECK(waited < LONG_MS / 2 * UINT64_C(1000000));
      drain_file(reader, &account);
    }
  }
  CHECK_EQUAL(account.received, 20);
  CHECK_EXIT(child);
  kg_reader_close(reader);
}

/* Says that it is there, and sleeps until there is an event. */
CHILD(sleep_until_event, dir, unused) {
  kg_reader *reader = open_reader(dir);
  account account = {.next = 1};
  drain_file(reader, &account);
  check_tell(check_shared());
  uint64_t begin = kg__clock_monotonic_ns();
  while (account.received == 0) {
    kg_reader_wait(reader, LONG_MS);
    drain_file(reader, &account);
  }
  CHECK(kg__clock_monotonic_ns() - begin < LONG_MS / 2 * UINT64_C(1000000));
  kg_reader_close(reader);
}

TEST(many_sleepers, "one bell wakes every reader of every process") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  kg_ring_doorbell *doorbell = map_doorbell(dir);
  system_process children[6];
  for (int i = 0; i < 6; i++) {
    children[i] = CHECK_START(sleep_until_event, dir, 0);
  }
  check_await(check_shared(), 6);
  while (!has_waiters(doorbell)) {
    nap_ms(1);
  }
  nap_ms(100);
  write_events(writer, 1);
  for (int i = 0; i < 6; i++) {
    CHECK_EXIT(children[i]);
  }
  unmap_doorbell(doorbell);
  kg_writer_close(writer);
}

/* Says that it is there, and sleeps until its ring is none any more. */
CHILD(sleep_until_retired, dir, unused) {
  kg_reader *reader = open_reader(dir);
  enum kg_writer_life life;
  uint64_t begin = kg__clock_monotonic_ns();
  check_tell(check_shared());
  while (kg_reader_check(reader, &life) == KG_OK) {
    kg_reader_wait(reader, LONG_MS);
  }
  CHECK(kg__clock_monotonic_ns() - begin < LONG_MS / 2 * UINT64_C(1000000));
}

TEST(retired, "readers asleep on a ring that is replaced are woken") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  kg_ring_doorbell *doorbell = map_doorbell(dir);
  system_process child = CHECK_START(sleep_until_retired, dir, 0);
  check_await(check_shared(), 1);
  while (!has_waiters(doorbell)) {
    nap_ms(1);
  }
  nap_ms(50);
  unmap_doorbell(doorbell);
  kg_writer_close(writer);
  writer = open_writer(dir, 64);
  CHECK_EXIT(child);
  kg_writer_close(writer);
}

TEST(times_out, "waiting ends in time, with and without a ring underneath") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  kg_reader *reader = open_reader(dir);
  account account = {.next = 1};
  drain_file(reader, &account);
  uint64_t begin = kg__clock_monotonic_ns();
  kg_reader_wait(reader, 50);
  uint64_t waited = kg__clock_monotonic_ns() - begin;
  CHECK(waited >= 40000000 && waited < UINT64_C(5000000000));
  kg_reader_close(reader);
  kg_writer_close(writer);
}

/* One event waits until the one before was taken; a flood does not. */
#define SINGLE 500
#define FLOOD 50000

CHILD(spin, dir, unused) {
  _Atomic uint64_t *taken = check_shared();
  kg_reader *reader = open_reader(dir);
  account account = {.next = 1};
  atomic_store(taken, 1);
  while (account.received < SINGLE + FLOOD) {
    while (!kg_reader_spin(reader, 50)) {
      sched_yield();
    }
    uint64_t before = account.received;
    drain_file(reader, &account);
    CHECK(account.received > before);
    atomic_store(taken, account.received + 1);
  }
  CHECK_EQUAL(account.lost, 0);
  CHECK(!kg_reader_spin(reader, 100));
  kg_reader_close(reader);
}

TEST(spins, "a reader that spins gets all, in a flood and one by one") {
  const char *dir = check_temp_dir();
  _Atomic uint64_t *taken = check_shared();
  kg_writer *writer = open_writer(dir, 1024);
  system_process child = CHECK_START(spin, dir, 0);
  for (uint64_t i = 0; i < SINGLE + FLOOD; i++) {
    uint64_t ahead = i < SINGLE ? 0 : 500;
    while (i + 1 > atomic_load(taken) + ahead) {
      sched_yield();
    }
    CHECK_EQUAL(write_events(writer, 1), i + 1);
  }
  CHECK_EXIT(child);
  kg_writer_stats stats;
  kg_writer_stats_get(writer, &stats);
  CHECK_EQUAL(stats.bells, 0);
  kg_writer_close(writer);
}

TEST(no_sleeper, "no sleeper, no bell") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  kg_reader *reader = open_reader(dir);
  account account = {.next = 1};
  kg_writer_stats stats;
  write_events(writer, 100);
  drain_file(reader, &account);
  write_events(writer, 100);
  kg_writer_stats_get(writer, &stats);
  CHECK_EQUAL(stats.bells, 0);
  CHECK_EQUAL(stats.published, 200);
  kg_reader_close(reader);
  kg_writer_close(writer);
}

/* --- Garbage ------------------------------------------------------------- */

static uint32_t stop;

static void *spoil(void *data) {
  uint64_t *words = data;
  uint64_t seed = 18;
  while (kg__load32_acquire(&stop) == 0) {
    for (size_t i = 0; i < KG_REGION_ALIGNMENT / 8; i++) {
      kg__store64_relaxed(&words[i], check_random(&seed));
    }
  }
  return NULL;
}

TEST(garbage, "F18 garbage in the doorbell harms neither writer nor reader") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 64);
  kg_reader *reader = open_reader(dir);
  account account = {.next = 1};
  pthread_t thread;
  kg_ring_doorbell *doorbell = map_doorbell(dir);
  CHECK(pthread_create(&thread, NULL, spoil, doorbell) == 0);
  for (int i = 1; i <= 3000; i++) {
    CHECK_EQUAL(write_events(writer, 1), i);
    if (i % 7 == 0) {
      drain_file(reader, &account);
      CHECK_EQUAL(account.received, i);
    }
  }
  CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
  kg__store32_release(&stop, 1);
  CHECK(pthread_join(thread, NULL) == 0);
  unmap_doorbell(doorbell);
  drain_file(reader, &account);
  CHECK_EQUAL(account.received, 3000);
  CHECK_EQUAL(account.lost, 0);
  kg_reader_close(reader);
  kg_writer_close(writer);
  /* A new writer and a new reader do not mind either. */
  CHECK_EQUAL(check_ring_from(dir, 3000), 3000);
  writer = open_writer(dir, 64);
  CHECK_EQUAL(write_events(writer, 1), 3001);
  kg_writer_close(writer);
}
