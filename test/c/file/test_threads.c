/* What several threads may do with one writer or reader: end its waiting, beat
 * while another one writes. */
#include <pthread.h>

#include "../../../native/base/atomic.h"
#include "../reliable_fixture.h"

#define MANY 200
#define LONG 60000

/* --- The end of a wait ------------------------------------------------------
 */

typedef struct {
  void (*wait)(void *handle);
  void *handle;
  uint32_t waits; /* so many waits have ended */
} waiter;

static void *wait_often(void *context) {
  waiter *waiter = context;
  for (uint32_t i = 1; i <= MANY; i++) {
    waiter->wait(waiter->handle);
    kg__store32_seq_cst(&waiter->waits, i);
  }
  return NULL;
}

/* Each interrupt ends a wait, the one that is or the next: the waits take a
 * minute each, and this test does not. */
static void check_interrupts(void (*wait)(void *), void (*interrupt)(void *),
                             void *handle) {
  pthread_t thread;
  waiter waiter = {.wait = wait, .handle = handle};
  CHECK(pthread_create(&thread, NULL, wait_often, &waiter) == 0);
  for (uint32_t i = 1; i <= MANY; i++) {
    interrupt(handle);
    while (kg__load32_relaxed(&waiter.waits) < i) {
      system_sleep_us(i % 3 == 0 ? 200 : 0);
    }
  }
  CHECK(pthread_join(thread, NULL) == 0);
}

static void wait_for_events(void *reader) {
  kg_reader_wait(reader, LONG);
}

static void spin_for_events(void *reader) {
  CHECK(!kg_reader_spin(reader, LONG * 1000));
}

static void interrupt_reader(void *reader) {
  kg_reader_interrupt(reader);
}

TEST(reader_waits, "a reader's wait is ended by any thread, the next one too") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  kg_reader *reader = open_reader(dir);
  check_interrupts(wait_for_events, interrupt_reader, reader);
  kg_reader_interrupt(reader);
  kg_reader_wait(reader, LONG);
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(reader_spins, "a reader that spins is ended by any thread") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  kg_reader *reader = open_reader(dir);
  check_interrupts(spin_for_events, interrupt_reader, reader);
  kg_reader_close(reader);
  kg_writer_close(writer);
}

static void wait_for_space(void *writer) {
  CHECK_RESULT(kg_writer_wait_for_space(writer, 1, LONG), KG_E_RING_FULL, NULL);
}

TEST(writer_waits, "a writer's wait for space is ended by any thread") {
  pthread_t thread;
  waiter waiter = {.wait = wait_for_space};
  const char *dir = check_temp_dir();
  kg_writer *writer = open_rejecting(dir, CAPACITY, LONG);
  kg_reader *reader = open_reliable(dir);
  fill(writer);
  waiter.handle = writer;
  CHECK(pthread_create(&thread, NULL, wait_often, &waiter) == 0);
  while (kg__load32_relaxed(&waiter.waits) < MANY) {
    kg_writer_interrupt(writer);
  }
  CHECK(pthread_join(thread, NULL) == 0);
  kg_reader_close(reader);
  kg_writer_close(writer);
}

/* --- A thread that beats
 * ------------------------------------------------------ */

typedef struct {
  kg_writer *writer;
  uint32_t is_over;
  uint32_t beats;
} beater;

static void *beat_often(void *context) {
  beater *beater = context;
  while (kg__load32_relaxed(&beater->is_over) == 0) {
    kg_failure failure = {.error = 0};
    kg_writer_stats stats;
    kg_ring_info info;
    CHECK_RESULT(kg_writer_beat(beater->writer, &failure), KG_OK, &failure);
    kg_writer_stats_get(beater->writer, &stats);
    kg_writer_info(beater->writer, &info);
    CHECK(stats.sequence >= stats.overwritten);
    beater->beats++;
    system_sleep_us(100);
  }
  return NULL;
}

typedef struct {
  kg_writer *writer;
  uint32_t is_over;
} space_seeker;

static void *seek_space(void *context) {
  space_seeker *seeker = context;
  while (kg__load32_relaxed(&seeker->is_over) == 0) {
    int result = kg_writer_wait_for_space(seeker->writer, 1, LONG);
    CHECK(result == KG_OK || result == KG_E_RING_FULL);
  }
  return NULL;
}

TEST(waits_elsewhere,
     "a wait for space bears another ring, by a thread that beats") {
  pthread_t thread;
  const char *dir = check_temp_dir();
  const kg_ring_options options = {
      .dir = dir, .max_events = 16, .rejects = true, .any_thread = true};
  kg_failure failure = {.error = 0};
  space_seeker seeker = {.writer = NULL};
  CHECK_RESULT(kg_writer_open(&options, &seeker.writer, &failure), KG_OK,
               &failure);
  kg_reader *reader = open_reliable(dir);
  fill(seeker.writer);
  CHECK(pthread_create(&thread, NULL, seek_space, &seeker) == 0);
  for (int i = 0; i < 20; i++) {
    CHECK(system_remove_file(check_path(dir, RING_FILE)));
    CHECK_RESULT(kg_writer_beat(seeker.writer, &failure), KG_OK, &failure);
    /* The reader holds this ring, too, until it comes. */
    CHECK_EQUAL(fill(seeker.writer), CAPACITY);
    system_sleep_us(5000);
  }
  kg__store32_relaxed(&seeker.is_over, 1);
  kg_writer_interrupt(seeker.writer);
  CHECK(pthread_join(thread, NULL) == 0);
  kg_reader_close(reader);
  kg_writer_close(seeker.writer);
}

#define EVENTS 20000
#define REMOVE_EACH 2000

static void write_many(kg_writer *writer, uint32_t count) {
  const kg_threat threat = {.severity = 1};
  for (uint32_t i = 0; i < count; i++) {
    CHECK(kg_writer_write(writer, &threat) > 0);
  }
}

/* Takes the ring's name away, and writes on until the other thread has made
 * another ring. */
static void lose_ring(kg_writer *writer, const char *dir) {
  uint64_t generation = writer_info(writer).generation;
  CHECK(system_remove_file(check_path(dir, RING_FILE)));
  while (writer_info(writer).generation == generation) {
    write_many(writer, 1);
  }
}

TEST(beating,
     "one thread writes, one beats, the ring is removed: all is there") {
  pthread_t thread;
  const char *dir = check_temp_dir();
  const kg_ring_options options = {
      .dir = dir, .max_events = 1024, .any_thread = true};
  kg_failure failure = {.error = 0};
  beater beater = {.writer = NULL};
  CHECK_RESULT(kg_writer_open(&options, &beater.writer, &failure), KG_OK,
               &failure);
  CHECK(pthread_create(&thread, NULL, beat_often, &beater) == 0);
  for (uint32_t i = 0; i < EVENTS / REMOVE_EACH; i++) {
    write_many(beater.writer, REMOVE_EACH);
    lose_ring(beater.writer, dir);
  }
  write_many(beater.writer, REMOVE_EACH);
  kg__store32_relaxed(&beater.is_over, 1);
  CHECK(pthread_join(thread, NULL) == 0);
  kg_writer_stats stats;
  kg_writer_stats_get(beater.writer, &stats);
  CHECK_EQUAL(stats.replaced, EVENTS / REMOVE_EACH);
  CHECK(stats.published >= EVENTS + REMOVE_EACH);
  CHECK(beater.beats > 0);

  kg_reader *reader = open_reader(dir);
  static _Alignas(8) char buffer[1024 * KG_SLOT_BYTES];
  kg_batch batch;
  CHECK_EQUAL(kg_reader_seek(reader, KG_FROM_SEQUENCE, 1), KG_OK);
  do {
    CHECK_EQUAL(kg_reader_read(reader, buffer, 1024, &batch), KG_OK);
  } while (batch.more);
  kg_reader_stats read;
  kg_reader_stats_get(reader, &read);
  CHECK_EQUAL(read.received + read.lost, stats.sequence);
  CHECK_EQUAL(read.corrupt, 0);
  kg_reader_close(reader);
  kg_writer_close(beater.writer);
}
