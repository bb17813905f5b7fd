/* A reader that naps before it asks to be woken. The linker puts
 * __wrap_kg__sleep and __wrap_kg__bell_wait in its way, and the clock is the
 * test's. */
#include <string.h>

#include "../../../native/file/reader.h"
#include "../../../native/file/reader_fields.h"
#include "../../../native/file/writer.h"
#include "../../../native/platform/platform.h"
#include "../file_fixture.h"

#define SLOTS 16384
#define TIMEOUT_MS 1000
#define TRIAL_NS UINT64_C(4000000)
#define SHORT_SLEEPS 4

void __wrap_kg__sleep(uint64_t ns);
void __wrap_kg__bell_wait(kg__bell *bell, uint32_t expected, uint64_t ns);
uint64_t __wrap_kg__clock_monotonic_ns(void);

static kg_writer *writer;
static kg_reader *reader;
static account taken;

static uint64_t now_ns;
static int naps;
static int sleeps;
static uint64_t slept_ns; /* what the last sleep was asked to last */
/* What happens in the first nap. */
static void (*in_nap)(void);

static uint32_t *waiters(void) {
  return &reader->segment.ring.doorbell->waiters;
}

static bool is_asked(void) {
  return (kg__load32_acquire(waiters()) & KG_WAITS_ON_HEAD) != 0;
}

void __wrap_kg__sleep(uint64_t ns) {
  CHECK(!is_asked());
  now_ns += ns;
  naps++;
  void (*act)(void) = in_nap;
  in_nap = NULL;
  if (act != NULL) {
    act();
  }
}

/* Asleep until one event comes. */
void __wrap_kg__bell_wait(kg__bell *bell, uint32_t expected, uint64_t ns) {
  (void)bell;
  (void)expected;
  CHECK(is_asked());
  sleeps++;
  slept_ns = ns;
  now_ns += 1000;
  write_events(writer, 1);
}

uint64_t __wrap_kg__clock_monotonic_ns(void) {
  return now_ns;
}

static uint64_t bells(void) {
  kg_writer_stats stats;
  kg_writer_stats_get(writer, &stats);
  return stats.bells;
}

static void wait_and_take(uint32_t timeout_ms) {
  kg_reader_wait(reader, timeout_ms);
  drain_file(reader, &taken);
}

/* A reader that has slept shortly, beside another one or alone. */
static void sleep_first(uint32_t slots, bool has_company) {
  const char *dir = check_temp_dir();
  writer = open_writer(dir, slots);
  reader = open_reader(dir);
  taken = (account){.next = 1};
  for (int i = 0; i < SHORT_SLEEPS; i++) {
    if (has_company) {
      kg__or32_seq_cst(waiters(), KG_WAITS_ON_HEAD);
    }
    wait_and_take(TIMEOUT_MS);
  }
  CHECK_EQUAL(sleeps, SHORT_SLEEPS);
  CHECK_EQUAL(naps, 0);
  CHECK_EQUAL(bells(), SHORT_SLEEPS);
}

/* One whose next wait begins with a nap. */
static void begin(uint32_t slots) {
  sleep_first(slots, true);
}

static void end(void) {
  CHECK(in_nap == NULL);
  kg_reader_close(reader);
  kg_writer_close(writer);
}

static void write_many(void) {
  write_events(writer, 100);
}

static void write_one(void) {
  write_events(writer, 1);
}

static void interrupt(void) {
  kg__store32_seq_cst(&reader->is_interrupted, 1);
}

TEST(hurry, "events that come in a nap are there behind it, and nobody rings") {
  begin(SLOTS);
  for (int i = 0; i < 10; i++) {
    in_nap = write_many;
    wait_and_take(TIMEOUT_MS);
  }
  CHECK_EQUAL(naps, 10);
  CHECK_EQUAL(sleeps, SHORT_SLEEPS);
  CHECK_EQUAL(bells(), SHORT_SLEEPS);
  CHECK_EQUAL(taken.received, SHORT_SLEEPS + 1000);
  end();
}

TEST(one, "one event ends a nap, and is there") {
  begin(SLOTS);
  in_nap = write_one;
  wait_and_take(TIMEOUT_MS);
  CHECK_EQUAL(naps, 1);
  CHECK_EQUAL(sleeps, SHORT_SLEEPS);
  CHECK_EQUAL(taken.received, SHORT_SLEEPS + 1);
  end();
}

TEST(silence, "behind naps that bring nothing it sleeps for what is left") {
  begin(SLOTS);
  uint64_t before_ns = now_ns;
  wait_and_take(TIMEOUT_MS);
  CHECK_EQUAL(naps, 16);
  CHECK_EQUAL(sleeps, SHORT_SLEEPS + 1);
  CHECK_EQUAL(now_ns - before_ns, TRIAL_NS + 1000);
  CHECK_EQUAL(slept_ns, TIMEOUT_MS * UINT64_C(1000000) - TRIAL_NS);
  CHECK_EQUAL(taken.received, SHORT_SLEEPS + 1);
  end();
}

TEST(interrupted, "an interrupt ends a nap, and the wait") {
  begin(SLOTS);
  in_nap = interrupt;
  wait_and_take(TIMEOUT_MS);
  CHECK_EQUAL(naps, 1);
  CHECK_EQUAL(sleeps, SHORT_SLEEPS);
  CHECK_EQUAL(taken.received, SHORT_SLEEPS);
  /* Once: the next wait naps on, and sleeps. */
  wait_and_take(TIMEOUT_MS);
  CHECK_EQUAL(sleeps, SHORT_SLEEPS + 1);
  end();
}

TEST(no_time, "no nap is longer than the wait") {
  begin(SLOTS);
  wait_and_take(0);
  CHECK_EQUAL(naps, 0);
  CHECK_EQUAL(sleeps, SHORT_SLEEPS + 1);
  CHECK_EQUAL(slept_ns, 0);
  end();
}

TEST(small, "in a small ring, which would be written around, nobody naps") {
  begin(8192);
  wait_and_take(TIMEOUT_MS);
  CHECK_EQUAL(naps, 0);
  CHECK_EQUAL(sleeps, SHORT_SLEEPS + 1);
  end();
}

TEST(alone, "who sleeps alone does not nap") {
  sleep_first(SLOTS, false);
  wait_and_take(TIMEOUT_MS);
  CHECK_EQUAL(naps, 0);
  CHECK_EQUAL(sleeps, SHORT_SLEEPS + 1);
  end();
}

TEST(there, "an event that is there is not asked for") {
  begin(SLOTS);
  write_events(writer, 1);
  uint64_t rung = bells();
  uint32_t counted = reader->nap.sleeps;
  kg_reader_wait(reader, TIMEOUT_MS);
  CHECK(!is_asked());
  CHECK_EQUAL(reader->nap.sleeps, counted);
  write_events(writer, 1);
  CHECK_EQUAL(bells(), rung);
  CHECK_EQUAL(naps, 0);
  CHECK_EQUAL(sleeps, SHORT_SLEEPS);
  end();
}

static void oversleep(void) {
  now_ns += 2 * TIMEOUT_MS * UINT64_C(1000000);
}

TEST(late, "a nap that lasts longer than the wait leaves it no time") {
  begin(SLOTS);
  in_nap = oversleep;
  wait_and_take(TIMEOUT_MS);
  CHECK_EQUAL(naps, 1);
  CHECK_EQUAL(slept_ns, 0);
  end();
}

static void retire(void) {
  kg_writer_skip_to(writer, 1000, KG_PRIORITY_UNKNOWN);
}

static void wake_early(void) {
  now_ns -= 1;
}

TEST(signalled, "a signal that ends a nap ends the wait") {
  begin(SLOTS);
  in_nap = wake_early;
  wait_and_take(TIMEOUT_MS);
  CHECK_EQUAL(naps, 1);
  CHECK_EQUAL(sleeps, SHORT_SLEEPS);
  end();
}

TEST(retired, "a ring that is replaced ends a trial, and the wait") {
  begin(SLOTS);
  in_nap = retire;
  kg_reader_wait(reader, TIMEOUT_MS);
  CHECK(kg__reader_is_retired(reader));
  CHECK_EQUAL(sleeps, SHORT_SLEEPS);
  CHECK_EQUAL(naps, 1);
  end();
}

static void write_large(void) {
  static char text[16 * 384];
  memset(text, 'a', sizeof text);
  kg_threat threat = {.details = {.bytes = text, .length = sizeof text}};
  CHECK(kg_writer_write(writer, &threat) > 0);
}

TEST(large, "one event of many slots is one event") {
  begin(SLOTS);
  uint64_t before = reader->nap.patience;
  in_nap = write_large;
  kg_reader_wait(reader, TIMEOUT_MS);
  CHECK_EQUAL(naps, 1);
  CHECK_EQUAL(reader->nap.patience, before);
  end();
}
