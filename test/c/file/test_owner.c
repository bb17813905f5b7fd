/* A build that looks which thread uses a handle (KG_DEBUG): other threads get
 * an error and touch nothing, until the handle is theirs. */
#include <pthread.h>
#include <string.h>

#include "../reliable_fixture.h"

typedef struct {
  kg_writer *writer;
  kg_reader *reader;
  int wanted; /* of what returns errors */
} handles;

#define MOST 8

static void use_writer(handles *h) {
  const kg_threat threat = {.severity = 1};
  bool is_refused = h->wanted != KG_OK;
  kg_failure failure = {.error = 0};
  kg_attached_reader attached;
  kg_writer_stats stats;
  kg_ring_info info = {.capacity = 1};
  int64_t sequence = kg_writer_write(h->writer, &threat);
  CHECK(is_refused ? sequence == h->wanted : sequence > 0);
  CHECK_EQUAL(kg_writer_stage(h->writer, &threat), h->wanted);
  sequence = kg_writer_commit(h->writer);
  CHECK(is_refused ? sequence == h->wanted : sequence > 0);
  CHECK_RESULT(kg_writer_beat(h->writer, &failure), h->wanted, &failure);
  CHECK_EQUAL(kg_writer_wait_for_space(h->writer, 1, 0), h->wanted);
#if SYSTEM_HAS_MODES
  CHECK_EQUAL(kg_writer_space_fd(h->writer) < 0, is_refused);
#endif
  CHECK_EQUAL(kg_writer_readers(h->writer, &attached, 1), is_refused ? 0 : 1);
  kg_writer_stats_get(h->writer, &stats);
  CHECK_EQUAL(stats.refuses, h->wanted);
  CHECK_EQUAL(stats.published > 0, !is_refused);
  kg_writer_info(h->writer, &info);
  CHECK_EQUAL(info.capacity, is_refused ? 0 : CAPACITY);
  kg_writer_error(h->writer, &failure);
  CHECK(!is_refused || failure.error == KG_E_WRONG_THREAD);
  /* For any thread. */
  kg_writer_interrupt(h->writer);
  CHECK_EQUAL(kg_writer_wait_for_space(h->writer, 1, 0), h->wanted);
}

static void use_reader(handles *h) {
  static _Alignas(8) char buffer[MOST * KG_SLOT_BYTES];
  bool is_refused = h->wanted != KG_OK;
  kg_failure failure = {.error = 0};
  kg_batch batch;
  kg_position position = {1, 1, 0};
  kg_reader_stats stats;
  kg_ring_info info = {.capacity = 1};
  enum kg_writer_life life;
  CHECK_EQUAL(kg_reader_read(h->reader, buffer, MOST, &batch), h->wanted);
  CHECK_EQUAL(kg_reader_position(h->reader, &position), h->wanted);
  CHECK_EQUAL(kg_reader_seek_position(h->reader, &position, &batch), h->wanted);
  CHECK_EQUAL(kg_reader_seek(h->reader, KG_FROM_OLDEST, 0), h->wanted);
  CHECK_EQUAL(kg_reader_seek_after(h->reader, 0, 0), h->wanted);
  CHECK_EQUAL(kg_reader_spin(h->reader, 0), !is_refused);
#if SYSTEM_HAS_MODES
  CHECK_EQUAL(kg_reader_fd(h->reader) < 0, is_refused);
  CHECK_EQUAL(kg_reader_arm(h->reader) < 0, is_refused);
#endif
  CHECK_RESULT(kg_reader_reopen(h->reader, &batch, &failure), h->wanted,
               &failure);
  kg_reader_stats_get(h->reader, &stats);
  CHECK_EQUAL(stats.published > 0, !is_refused);
  kg_reader_info(h->reader, &info);
  CHECK_EQUAL(info.capacity, is_refused ? 0 : CAPACITY);
  kg_reader_error(h->reader, &failure);
  CHECK(!is_refused || failure.error == KG_E_WRONG_THREAD);
  /* For any thread. */
  CHECK_EQUAL(kg_reader_check(h->reader, &life), KG_OK);
  kg_reader_interrupt(h->reader);
  /* It is interrupted, or another thread's: at once. */
  kg_reader_wait(h->reader, LONG_MS);
}

static void *use(void *context) {
  use_writer(context);
  use_reader(context);
  return NULL;
}

static void *adopt_and_use(void *context) {
  handles *h = context;
  kg_writer_adopt(h->writer);
  kg_reader_adopt(h->reader);
  return use(context);
}

static void in_thread(void *(*run)(void *), void *context) {
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, run, context) == 0);
  CHECK(pthread_join(thread, NULL) == 0);
}

static void open_both(handles *h) {
  const char *dir = check_temp_dir();
  h->writer = open_rejecting(dir, CAPACITY, LONG_MS);
  h->reader = open_reliable(dir);
}

TEST(others, "another thread is refused, and changes nothing") {
  handles h;
  open_both(&h);
  write_one(h.writer);
  h.wanted = KG_E_WRONG_THREAD;
  in_thread(use, &h);
  /* The batch, the reader's place and what failed last are as they were. */
  kg_failure failure;
  kg_writer_error(h.writer, &failure);
  CHECK_EQUAL(failure.error, KG_OK);
  kg_reader_error(h.reader, &failure);
  CHECK_EQUAL(failure.error, KG_OK);
  CHECK_EQUAL(stats_of(h.writer).published, 1);
  h.wanted = KG_OK;
  use(&h);
  kg_reader_close(h.reader);
  kg_writer_close(h.writer);
}

TEST(adopting,
     "a handle is the thread's that took it, and no more the first's") {
  handles h;
  open_both(&h);
  h.wanted = KG_OK;
  in_thread(adopt_and_use, &h);
  h.wanted = KG_E_WRONG_THREAD;
  use(&h);
  kg_writer_adopt(h.writer);
  kg_reader_adopt(h.reader);
  h.wanted = KG_OK;
  use(&h);
  kg_writer_adopt(NULL);
  kg_reader_adopt(NULL);
  kg_reader_close(h.reader);
  kg_writer_close(h.writer);
}

static void *close_both(void *context) {
  handles *h = context;
  kg_reader_close(h->reader);
  kg_writer_close(h->writer);
  return NULL;
}

TEST(closing, "any thread closes what no other one uses any more") {
  const char *dir = check_temp_dir();
  handles h;
  h.writer = open_rejecting(dir, CAPACITY, LONG_MS);
  h.reader = open_reliable(dir);
  in_thread(close_both, &h);
  /* Its locks are free. */
  kg_writer_close(open_writer(dir, CAPACITY));
}

static void *write_elsewhere(void *context) {
  handles *h = context;
  const kg_threat threat = {.severity = 1};
  kg_failure failure = {.error = 0};
  CHECK(kg_writer_write(h->writer, &threat) > 0);
  CHECK_RESULT(kg_writer_beat(h->writer, &failure), KG_OK, &failure);
  return NULL;
}

TEST(any, "a writer for any thread stays one") {
  handles h;
  kg_failure failure;
  const kg_ring_options options = {
      .dir = check_temp_dir(), .max_events = CAPACITY, .any_thread = true};
  CHECK_RESULT(kg_writer_open(&options, &h.writer, &failure), KG_OK, &failure);
  in_thread(write_elsewhere, &h);
  CHECK_EQUAL(stats_of(h.writer).published, 1);
  kg_writer_close(h.writer);
}
