/* A reader that falls asleep while something happens. The linker puts
 * __wrap_kg__bell_wait between a reader that has looked for the last time and
 * its sleep, and __wrap_kg__ring_writer_waiters between an event that is
 * published and the look at who waits for it. */
#include <pthread.h>
#include <semaphore.h>

#include "../../../native/base/atomic.h"
#include "../../../native/file/reader.h"
#include "../../../native/file/reader_fields.h"
#include "../../../native/file/writer.h"
#include "../../../native/platform/platform.h"
#include "../file_fixture.h"

#if SYSTEM_HAS_WAKE_FILE
#include <poll.h>
#endif

#define LONG_MS 20000

void __real_kg__bell_wait(kg__bell *bell, uint32_t expected, uint64_t ns);
void __wrap_kg__bell_wait(kg__bell *bell, uint32_t expected, uint64_t ns);
uint32_t __real_kg__ring_writer_waiters(kg__ring_writer *writer);
uint32_t __wrap_kg__ring_writer_waiters(kg__ring_writer *writer);

void __real_kg__ring_writer_publish(kg__ring_writer *writer);
void __wrap_kg__ring_writer_publish(kg__ring_writer *writer);

static const char *dir;
static kg_writer *writer;
static kg_reader *reader;
static kg_reader *second;
static account accounts[2];

/* Each is called once, in those two moments. */
static void (*before_sleep)(void);
static void (*before_look)(void);

static void call(void (**action)(void)) {
  void (*act)(void) = *action;
  *action = NULL;
  if (act != NULL) {
    act();
  }
}

void __wrap_kg__bell_wait(kg__bell *bell, uint32_t expected, uint64_t ns) {
  call(&before_sleep);
  __real_kg__bell_wait(bell, expected, ns);
}

uint32_t __wrap_kg__ring_writer_waiters(kg__ring_writer *ring) {
  call(&before_look);
  return __real_kg__ring_writer_waiters(ring);
}

static bool dies_before_head;

void __wrap_kg__ring_writer_publish(kg__ring_writer *ring) {
  if (dies_before_head) {
    /* W4, and no more. */
    kg__store64_release(&ring->ring.header->last_sequence,
                        ring->sequence + ring->staged_events);
    system_die();
  }
  __real_kg__ring_writer_publish(ring);
}

static void begin(void) {
  dir = check_temp_dir();
  writer = open_writer(dir, 16);
  reader = open_reader(dir);
  second = open_reader(dir);
  accounts[0] = accounts[1] = (account){.next = 1};
}

static void end(void) {
  CHECK(before_sleep == NULL && before_look == NULL);
  kg_reader_close(second);
  kg_reader_close(reader);
  kg_writer_close(writer);
}

/* Sleeps, but not for long: something has happened meanwhile. */
static void sleep_shortly(void) {
  uint64_t start = kg__clock_monotonic_ns();
  kg_reader_wait(reader, LONG_MS);
  CHECK(kg__clock_monotonic_ns() - start < LONG_MS / 2 * UINT64_C(1000000));
}

/* --- The event was drained already ---------------------------------------- */

static sem_t is_about_to_sleep;
static sem_t may_sleep;

static void pause_sleeper(void) {
  sem_post(&is_about_to_sleep);
  CHECK(sem_wait(&may_sleep) == 0);
}

static void *drain_and_sleep(void *unused) {
  (void)unused;
  drain_file(reader, &accounts[0]);
  while (accounts[0].received < 3) {
    sleep_shortly();
    drain_file(reader, &accounts[0]);
  }
  return NULL;
}

static pthread_t sleeper;

/* Between the event and the look: the reader takes the event and goes to
 * sleep. */
static void start_sleeper(void) {
  before_sleep = pause_sleeper;
  CHECK(pthread_create(&sleeper, NULL, drain_and_sleep, NULL) == 0);
  CHECK(sem_wait(&is_about_to_sleep) == 0);
}

TEST(drained,
     "F90 a wake-up for an event that was drained: the next one wakes") {
  begin();
  CHECK(sem_init(&is_about_to_sleep, 0, 0) == 0 &&
        sem_init(&may_sleep, 0, 0) == 0);
  before_look = start_sleeper;
  write_events(writer, 1);
  CHECK_EQUAL(accounts[0].received, 1);
  sem_post(&may_sleep);
  /* Until it sleeps, if it does. */
  system_sleep_us(100000);
  write_events(writer, 2);
  CHECK(pthread_join(sleeper, NULL) == 0);
  CHECK_EQUAL(accounts[0].received, 3);
  end();
}

#if SYSTEM_HAS_WAKE_FILE

static bool is_readable(intptr_t descriptor) {
  struct pollfd item = {.fd = (int)descriptor, .events = POLLIN};
  return poll(&item, 1, 0) == 1;
}

static void drain_and_request(void) {
  drain_file(reader, &accounts[0]);
  kg__reader_drain_listener(reader);
  CHECK(kg__reader_request_wake(reader, kg__reader_seen(reader)));
}

TEST(drained_file, "F90 the same with a wake file") {
  begin();
  intptr_t descriptor = kg__reader_open_listener(reader);
  CHECK(descriptor >= 0);
  before_look = drain_and_request;
  write_events(writer, 1);
  CHECK_EQUAL(accounts[0].received, 1);
  write_events(writer, 2);
  CHECK(is_readable(descriptor));
  end();
}

#endif

/* --- Another reader waits again ------------------------------------------- */

static void sleep_second(void) {
  drain_file(second, &accounts[1]);
  /* It has the event, so it says that it waits, and does not for long. */
  kg_reader_wait(second, 1);
}

static void publish_for_both(void) {
  write_events(writer, 1);
  sleep_second();
}

TEST(two,
     "F90 a wake-up for two: one waits again while the other falls asleep") {
  begin();
  before_sleep = publish_for_both;
  sleep_shortly();
  drain_file(reader, &accounts[0]);
  CHECK_EQUAL(accounts[0].received, 1);
  CHECK_EQUAL(accounts[1].received, 1);
  end();
}

TEST(two_skipped, "F90 the same in a ring that is retired and still written") {
  begin();
  kg_writer_skip_to(writer, 5, KG_PRIORITY_UNKNOWN);
  /* The retirement is told once, and is no news any more. */
  sleep_shortly();
  before_sleep = publish_for_both;
  sleep_shortly();
  end();
}

/* --- The ring changes -------------------------------------------------------
 */

static void replace_ring(void) {
  kg_writer_close(writer);
  writer = open_writer(dir, 64);
}

TEST(replaced, "F90 a ring that is replaced while a reader falls asleep") {
  begin();
  before_sleep = replace_ring;
  sleep_shortly();
  end();
}

static void replace_and_sleep(void) {
  enum kg_writer_life life;
  replace_ring();
  /* It looked too early to see that. */
  sleep_shortly();
  CHECK_RESULT(kg_reader_check(reader, &life), KG_E_NO_RING, NULL);
  /* Told once: nobody spins on a ring that nothing comes to. */
  before_sleep = sleep_second;
  kg_reader_wait(reader, 1);
}

TEST(replaced_before, "F90 a ring that was replaced before a reader waits") {
  begin();
  replace_and_sleep();
  end();
}

/* When the writer that is to die has opened the ring, and when it may die. */
typedef struct death {
  uint32_t opened;
  uint32_t go;
} death;

static system_process child;

CHILD(write_and_die, path, unused) {
  death *death = check_shared();
  writer = open_writer(path, 16);
  dies_before_head = true;
  check_tell(&death->opened);
  check_await(&death->go, 1);
  write_events(writer, 1);
}

static void start_who_dies(void) {
  kg_writer_close(writer);
  child = CHECK_START(write_and_die, dir, 0);
  check_await(&((death *)check_shared())->opened, 1);
}

static void let_die_and_succeed(void) {
  check_tell(&((death *)check_shared())->go);
  CHECK_EQUAL(system_wait(child), SYSTEM_KILLED);
  writer = open_writer(dir, 16);
}

TEST(taken_over, "F90 a successor publishes what the dead had copied") {
  begin();
  start_who_dies();
  before_sleep = let_die_and_succeed;
  sleep_shortly();
  drain_file(reader, &accounts[0]);
  CHECK_EQUAL(accounts[0].received, 1);
  end();
}

/* --- Who sleeps already -----------------------------------------------------
 */

static uint32_t is_over;

static void *sleep_long(void *unused) {
  (void)unused;
  sleep_shortly();
  kg__store32_release(&is_over, 1);
  return NULL;
}

/* Until it sleeps, as far as that can be known. */
static void let_sleep(void) {
  const uint32_t *waiters = &reader->segment.ring.doorbell->waiters;
  CHECK(pthread_create(&sleeper, NULL, sleep_long, NULL) == 0);
  while ((kg__load32_acquire(waiters) & KG_WAITS_ON_HEAD) == 0) {
    system_sleep_us(1000);
  }
  system_sleep_us(50000);
  CHECK(kg__load32_acquire(&is_over) == 0);
}

TEST(asleep_taken_over, "F34 a successor wakes whom the dead one did not") {
  begin();
  /* Who opens the ring wakes whom it finds. */
  start_who_dies();
  let_sleep();
  let_die_and_succeed();
  CHECK(pthread_join(sleeper, NULL) == 0);
  drain_file(reader, &accounts[0]);
  CHECK_EQUAL(accounts[0].received, 1);
  end();
}

TEST(interrupted, "who sleeps on a ring is woken by its own process") {
  begin();
  let_sleep();
  kg__reader_interrupt(reader);
  CHECK(pthread_join(sleeper, NULL) == 0);
  end();
}
