/* How long is long enough: just below each time and just at it. The linker puts
 * clocks in the place of the system's that stand until a test moves them, and
 * __wrap_kg__bell_wait in that of a sleep. */
#include <string.h>

#include "../../../native/file/reader.h"
#include "../../../native/file/writer.h"
#include "../reliable_fixture.h"

#if SYSTEM_CUTS_MAPPED
#include <signal.h>
#endif

#define MS UINT64_C(1000000)

uint64_t __wrap_kg__clock_monotonic_ns(void);
uint64_t __wrap_kg__clock_boot_ns(void);
uint64_t __wrap_kg__clock_wall_us(void);
uint64_t __wrap_kg__clock_ns(kg__clock *clock);
uint64_t __wrap_kg__boot_id(void);
void __wrap_kg__bell_wait(kg__bell *bell, uint32_t expected, uint64_t ns);
void __wrap_kg__sleep(uint64_t ns);

static uint64_t now_ns = 1000000 * MS;
static uint64_t boot_ns = 5000000 * MS;
static uint64_t wall_us = UINT64_C(1700000000000000);
static uint64_t boot_id = 1;
static uint64_t step_ns; /* with each look */

static uint64_t waits[8];
static size_t wait_count;
static uint64_t slept;

static void pass(uint64_t ns) {
  now_ns += ns;
  boot_ns += ns;
}

uint64_t __wrap_kg__clock_monotonic_ns(void) {
  uint64_t now = now_ns;
  pass(step_ns);
  return now;
}

uint64_t __wrap_kg__clock_boot_ns(void) {
  return boot_ns;
}

uint64_t __wrap_kg__clock_wall_us(void) {
  return wall_us;
}

uint64_t __wrap_kg__clock_ns(kg__clock *clock) {
  (void)clock;
  return __wrap_kg__clock_monotonic_ns();
}

uint64_t __wrap_kg__boot_id(void) {
  return boot_id;
}

void __wrap_kg__bell_wait(kg__bell *bell, uint32_t expected, uint64_t ns) {
  (void)bell;
  (void)expected;
  CHECK(wait_count < sizeof waits / sizeof *waits);
  waits[wait_count++] = ns;
  pass(ns);
}

void __wrap_kg__sleep(uint64_t ns) {
  slept += ns;
}

/* --- A writer's life ------------------------------------------------------ */

static enum kg_writer_life life_of(kg_reader *reader) {
  enum kg_writer_life life;
  CHECK_RESULT(kg_reader_check(reader, &life), KG_OK, NULL);
  return life;
}

TEST(stalled, "F40 a writer is stalled when it was silent for over 3 s") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  kg_reader *reader = open_reader(dir);
  CHECK_EQUAL(life_of(reader), KG_WRITER_LIVE);
  pass(3000 * MS);
  CHECK_EQUAL(life_of(reader), KG_WRITER_LIVE);
  pass(1);
  CHECK_EQUAL(life_of(reader), KG_WRITER_STALLED);
  /* A write is a sign of life, by the boot clock as a beat is. */
  CHECK_EQUAL(write_events(writer, 1), 1);
  pass(3000 * MS);
  CHECK_EQUAL(life_of(reader), KG_WRITER_LIVE);
  pass(1);
  CHECK_EQUAL(life_of(reader), KG_WRITER_STALLED);
  CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
  CHECK_EQUAL(life_of(reader), KG_WRITER_LIVE);
  /* A beat of the future is another boot's. */
  boot_ns -= 1;
  CHECK_EQUAL(life_of(reader), KG_WRITER_LIVE);
  kg_writer_close(writer);
  CHECK_EQUAL(life_of(reader), KG_WRITER_GONE);
  kg_reader_close(reader);
}

TEST(suspended, "the boot clock is measured anew at each beat") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  kg_reader *reader = open_reader(dir);
  /* The machine sleeps, and the monotonic clock stands. */
  boot_ns += 10000 * MS;
  CHECK_EQUAL(life_of(reader), KG_WRITER_STALLED);
  CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
  pass(2000 * MS);
  CHECK_EQUAL(write_events(writer, 1), 1);
  pass(2000 * MS);
  CHECK_EQUAL(life_of(reader), KG_WRITER_LIVE);
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(boots, "publish times say something in the boot that they are of") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  CHECK_EQUAL(write_events(writer, 3), 3);
  kg_reader *before = open_reader(dir);
  CHECK_EQUAL(kg__reader_timed_from(before), 1);
  kg_writer_close(writer);
  writer = open_writer(dir, 16);
  CHECK_EQUAL(kg__reader_timed_from(before), 1);
  kg_writer_close(writer);
  boot_id = 2;
  writer = open_writer(dir, 16);
  kg_reader *after = open_reader(dir);
  CHECK_EQUAL(kg__reader_timed_from(after), 4);
  CHECK(kg__reader_timed_from(before) == UINT64_MAX);
  kg_reader_close(after);
  kg_reader_close(before);
  kg_writer_close(writer);
}

/* --- Writing -------------------------------------------------------------- */

static uint64_t timestamp_of_next(kg_writer *writer, kg_reader *reader) {
  kg_slot buffer[1];
  kg_batch batch;
  CHECK(kg_writer_write(writer, &(kg_threat){0}) > 0);
  CHECK_RESULT(kg_reader_read(reader, buffer, 1, &batch), KG_OK, NULL);
  CHECK_EQUAL(batch.events, 1);
  CHECK_EQUAL(buffer[0].publish_ns, now_ns);
  return buffer[0].body.event.timestamp_us;
}

TEST(wall, "the wall clock is asked again after 50 ms") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  kg_reader *reader = open_reader(dir);
  uint64_t first = wall_us;
  CHECK_EQUAL(timestamp_of_next(writer, reader), first);
  wall_us += UINT64_C(3600000000);
  pass(50 * MS - 1);
  CHECK_EQUAL(timestamp_of_next(writer, reader), first + 49999);
  pass(1);
  CHECK_EQUAL(timestamp_of_next(writer, reader), wall_us);
  pass(7 * MS);
  CHECK_EQUAL(timestamp_of_next(writer, reader), wall_us + 7000);
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(staged, "an event has the wall clock's time of when its batch began") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  kg_reader *reader = open_reader(dir);
  kg_slot buffer[2];
  kg_batch batch;
  uint64_t began = wall_us;
  /* The first has a time of its own, so that nobody asked for it then. */
  CHECK_RESULT(kg_writer_stage(writer, &(kg_threat){.timestamp_us = 5}), KG_OK,
               NULL);
  wall_us += UINT64_C(10000000);
  pass(10000 * MS);
  CHECK_RESULT(kg_writer_stage(writer, &(kg_threat){0}), KG_OK, NULL);
  CHECK(kg_writer_commit(writer) > 0);
  CHECK_RESULT(kg_reader_read(reader, buffer, 2, &batch), KG_OK, NULL);
  CHECK_EQUAL(batch.events, 2);
  CHECK_EQUAL(buffer[0].body.event.timestamp_us, 5);
  CHECK_EQUAL(buffer[1].body.event.timestamp_us, began);
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(patience,
     "a reliable reader may be in the way for 5 s, or what was said") {
  const uint32_t timeouts[] = {0, 1, 70};
  for (size_t i = 0; i < sizeof timeouts / sizeof *timeouts; i++) {
    const char *dir = check_temp_dir();
    kg_writer *writer = open_rejecting(dir, CAPACITY, timeouts[i]);
    kg_reader *reader = open_reliable(dir);
    fill(writer);
    pass((timeouts[i] == 0 ? 5000 : timeouts[i]) * MS - 1);
    CHECK_RESULT(write_one(writer), KG_E_RING_FULL, NULL);
    CHECK_EQUAL(stats_of(writer).evicted, 0);
    pass(1);
    CHECK_EQUAL(write_one(writer), CAPACITY + 1);
    CHECK_EQUAL(stats_of(writer).evicted, 1);
    kg_reader_close(reader);
    kg_writer_close(writer);
  }
}

TEST(reviews, "a writer that waits for space looks about every 50 ms") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_rejecting(dir, CAPACITY, LONG_MS);
  kg_reader *reader = open_reliable(dir);
  fill(writer);
  CHECK_RESULT(kg_writer_wait_for_space(writer, 1, 120), KG_E_RING_FULL, NULL);
  CHECK_EQUAL(wait_count, 3);
  CHECK_EQUAL(waits[0], 50 * MS);
  CHECK_EQUAL(waits[1], 50 * MS);
  CHECK_EQUAL(waits[2], 20 * MS);
  /* Readers that die signal nothing: it is seen at the next look. */
  wait_count = 0;
  CHECK_RESULT(kg_writer_wait_for_space(writer, 1, 0), KG_E_RING_FULL, NULL);
  CHECK_EQUAL(wait_count, 0);
  account account = {.next = 1};
  take(reader, &account, 2);
  CHECK_RESULT(kg_writer_wait_for_space(writer, 2, 120), KG_OK, NULL);
  CHECK_EQUAL(wait_count, 0);
  CHECK_RESULT(kg_writer_wait_for_space(writer, 3, 1), KG_E_RING_FULL, NULL);
  kg_reader_close(reader);
  kg_writer_close(writer);
}

/* --- Reading -------------------------------------------------------------- */

#if SYSTEM_REMOVES_OPENED
TEST(tries, "a reader without a cell looks for one at each 64th read") {
  const char *dir = check_temp_dir();
  const char *file = check_path(dir, READERS_FILE);
  kg_slot buffer[1];
  kg_batch batch;
  kg_writer *writer = open_writer(dir, CAPACITY);
  kg_reader *reader = open_reliable(dir);
  kg_writer_close(writer);
  writer = open_rejecting(dir, CAPACITY, LONG_MS);
  CHECK(system_remove_file(file));
  for (int reads = 0; reads < 64; reads++) {
    CHECK_RESULT(kg_reader_read(reader, buffer, 1, &batch), KG_OK, NULL);
    CHECK(!is_reliable(reader));
    if (reads == 0) {
      CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
    }
  }
  CHECK_RESULT(kg_reader_read(reader, buffer, 1, &batch), KG_OK, NULL);
  CHECK(is_reliable(reader));
  kg_reader_close(reader);
  kg_writer_close(writer);
}
#endif

TEST(sleeps, "a reader that waits sleeps so many milliseconds") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  kg_reader *reader = open_reader(dir);
  kg_reader_wait(reader, 7);
  kg_reader_wait(reader, UINT32_MAX);
  CHECK_EQUAL(wait_count, 2);
  CHECK_EQUAL(waits[0], 7 * MS);
  CHECK_EQUAL(waits[1], UINT32_MAX * MS);
  write_events(writer, 1);
  kg_reader_wait(reader, 7);
  CHECK_EQUAL(wait_count, 2);
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(spins, "a reader that spins gives up after so many microseconds") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  kg_reader *reader = open_reader(dir);
  for (uint32_t micros = 0; micros < 20; micros++) {
    step_ns = 1000;
    uint64_t start = now_ns;
    CHECK(!kg_reader_spin(reader, micros));
    /* One of them for the time from which it counts. */
    uint64_t looks = micros < 1 ? 2 : 1 + micros;
    CHECK_EQUAL(now_ns - start, looks * 1000);
    step_ns = 0;
  }
  write_events(writer, 1);
  CHECK(kg_reader_spin(reader, 0));
  kg_reader_close(reader);
  kg_writer_close(writer);
}

#if SYSTEM_CUTS_MAPPED

/* --- The guard ------------------------------------------------------------ */

static void foreign(int number) {
  (void)number;
}

static bool is_foreign(void) {
  struct sigaction found;
  CHECK(sigaction(SIGBUS, NULL, &found) == 0);
  return found.sa_handler == foreign;
}

static void displace(void) {
  const struct sigaction action = {.sa_handler = foreign};
  CHECK(sigaction(SIGBUS, &action, NULL) == 0);
}

TEST(guard, "F65 the handler is looked at again after 2 us, or 20 in a hurry") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  pass(MS);
  kg__guard_keep();
  displace();
  pass(1999);
  kg__guard_keep();
  CHECK(is_foreign());
  pass(1);
  kg__guard_keep();
  CHECK(!is_foreign());
  displace();
  pass(19999);
  kg__guard_keep_often(now_ns);
  CHECK(is_foreign());
  pass(1);
  kg__guard_keep_often(now_ns);
  CHECK(!is_foreign());
  /* As a write does. */
  displace();
  pass(20000);
  CHECK_EQUAL(kg_writer_write(writer, &(kg_threat){0}), 1);
  CHECK(!is_foreign());
  kg_writer_close(writer);
}

static void check_read(kg_reader *reader) {
  kg_slot buffer[16];
  kg_batch batch;
  CHECK_RESULT(kg_reader_read(reader, buffer, 16, &batch), KG_OK, NULL);
}

TEST(guard_spins,
     "F65 a reader that spins looks at the handler each 10 us, and "
     "what it reads then is behind such a look") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  kg_reader *reader = open_reader(dir);
  pass(MS);
  CHECK(!kg_reader_spin(reader, 0));
  displace();
  pass(9999);
  CHECK(!kg_reader_spin(reader, 0));
  CHECK(is_foreign());
  pass(1);
  CHECK(!kg_reader_spin(reader, 0));
  CHECK(!is_foreign());
  displace();
  pass(9999);
  CHECK(!kg_reader_spin(reader, 0));
  pass(10000);
  check_read(reader);
  CHECK(is_foreign());
  pass(1);
  check_read(reader);
  CHECK(!is_foreign());
  /* One that spun a while ago reads as any other. */
  displace();
  pass(9998);
  check_read(reader);
  CHECK(is_foreign());
  pass(1);
  check_read(reader);
  CHECK(!is_foreign());
  displace();
  pass(2000);
  check_read(reader);
  CHECK(!is_foreign());
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(cut_sleeps,
     "F22 who waits on a ring that was cut short sleeps all the same") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  kg_reader *reader = open_reader(dir);
  kg_slot buffer[1];
  kg_batch batch;
  CHECK(system_set_length(ring_file(dir), 0));
  CHECK_RESULT(kg_reader_read(reader, buffer, 1, &batch), KG_E_RING_TRUNCATED,
               NULL);
  kg_reader_wait(reader, 7);
  CHECK_EQUAL(slept, 7 * MS);
  CHECK_EQUAL(wait_count, 0);
  kg_reader_close(reader);
  kg_writer_close(writer);
}

#endif
