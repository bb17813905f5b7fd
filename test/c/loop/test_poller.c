/* The poll thread, the event loop that it wakes and the space poll, with a loop
 * of our own, so that the thread sanitizer sees all of them. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "../../../native/file/reader.h"
#include "../../../native/file/space_listener.h"
#include "../../../native/loop/poller.h"
#include "../../../native/platform/platform.h"
#include "../file_fixture.h"

#define CAPACITY 64
#define FOR_EVER UINT32_MAX

/* Where a page is missing, the handler of one thread puts another while the
 * others look at it: the kernel exchanges it in one step, but the sanitizer
 * takes it for a write. */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void) {
  return "race:^mend$\n";
}

/* --- A writer in a thread of its own -------------------------------------- */

typedef struct pen {
  kg_writer *writer;
  uint32_t events;
  uint32_t burst;    /* so many, then a pause */
  uint64_t pause_ns; /* 0: none */
  bool cuts;         /* the file is cut short now and then */
  const char *path;  /* of the ring */
  uint32_t is_over;  /* 1: it writes no more */
  pthread_t thread;
} pen;

static bool is_over(const pen *pen) {
  return __atomic_load_n(&pen->is_over, __ATOMIC_RELAXED) != 0;
}

static void *write_all(void *data) {
  pen *pen = data;
  made_threat made;
  uint64_t state = 3;
  for (uint32_t i = 0; i < pen->events && !is_over(pen); i++) {
    make_threat(&made, sequence_of(pen->writer) + 1, 1);
    int64_t result = kg_writer_write(pen->writer, &made.threat);
    while (result == KG_E_RING_FULL) {
      kg_writer_wait_for_space(pen->writer, 1, 100);
      result = kg_writer_write(pen->writer, &made.threat);
    }
    if (result == KG_E_RING_TRUNCATED) {
      CHECK_RESULT(kg_writer_beat(pen->writer, NULL), KG_OK, NULL);
    } else {
      CHECK(result > 0);
    }
    if (pen->pause_ns > 0 && i % pen->burst == 0) {
      kg__sleep(check_random(&state) % pen->pause_ns);
    }
    if (pen->cuts && i % 100 == 99) {
      CHECK(truncate(pen->path, 0) == 0);
    }
  }
  return NULL;
}

static void start_pen(pen *pen) {
  CHECK(pthread_create(&pen->thread, NULL, write_all, pen) == 0);
}

static void end_pen(pen *pen) {
  __atomic_store_n(&pen->is_over, pen->events == FOR_EVER, __ATOMIC_RELAXED);
  CHECK(pthread_join(pen->thread, NULL) == 0);
}

/* --- A reader on a loop ----------------------------------------------------
 */

typedef struct eye {
  uv_loop_t loop;
  kg_reader *reader;
  kg_poller *poller;
  account account;
  uint64_t wanted; /* events, received or lost, after which it stops */
  uint32_t wakes;
  uint32_t stop_after; /* wakes, after which it stops; 0: never */
  bool is_cut;
  bool is_stopping;
  bool is_stopped;
} eye;

static void on_stopped(void *data) {
  eye *eye = data;
  eye->is_stopped = true;
}

static void stop(eye *eye) {
  if (!eye->is_stopping) {
    eye->is_stopping = true;
    kg_poller_stop(eye->poller, on_stopped);
  }
}

static void on_wake(void *data) {
  eye *eye = data;
  static kg_slot buffer[256];
  kg_batch batch;
  CHECK(!eye->is_stopping);
  eye->wakes++;
  do {
    do {
      int result = kg_reader_read(eye->reader, buffer, 256, &batch);
      if (result == KG_E_RING_TRUNCATED) {
        eye->is_cut = true;
        stop(eye);
        return;
      }
      CHECK_RESULT(result, KG_OK, NULL);
      account_batch(&eye->account, buffer, &batch);
    } while (batch.more);
    if ((eye->wanted > 0 &&
         eye->account.received + eye->account.lost >= eye->wanted) ||
        eye->wakes == eye->stop_after) {
      stop(eye);
      return;
    }
    kg_poller_state(eye->poller);
  } while (kg_poller_arm(eye->poller));
}

static void begin(eye *eye, const char *dir, uint64_t spin_ns) {
  CHECK(uv_loop_init(&eye->loop) == 0);
  eye->reader = open_reader(dir);
  CHECK_RESULT(kg_reader_seek(eye->reader, KG_FROM_SEQUENCE,
                              eye->account.next == 0 ? 1 : eye->account.next),
               KG_OK, NULL);
  eye->account.next = eye->account.next == 0 ? 1 : eye->account.next;
  CHECK(kg_poller_start(&eye->poller, &eye->loop, eye->reader, spin_ns, false,
                        on_wake, eye) == 0);
}

static void end(eye *eye) {
  CHECK(uv_run(&eye->loop, UV_RUN_DEFAULT) == 0);
  CHECK(eye->is_stopped);
  kg_reader_close(eye->reader);
  CHECK(uv_loop_close(&eye->loop) == 0);
}

/* How a loop may be woken. */
enum way { BY_FILE, BY_THREAD, BY_SPINNING, WAYS };

/* Without its wake file a writer wakes threads. */
static void remove_wake_file(const char *dir) {
  unlink(check_path(dir, "kindly-guard.chime"));
  unlink(check_path(dir, "kindly-guard.wake"));
}

static void check_way(enum way way, uint32_t burst, uint64_t pause_ns) {
  const char *dir = check_temp_dir();
  pen pen = {.writer = open_writer(dir, CAPACITY),
             .events = 2000,
             .burst = burst,
             .pause_ns = pause_ns};
  eye eye = {.wanted = pen.events};
  if (way == BY_THREAD) {
    remove_wake_file(dir);
  }
  begin(&eye, dir, way == BY_SPINNING ? 200000 : 0);
  /* It comes with the first wake, which this one is. */
  on_wake(&eye);
  start_pen(&pen);
  end(&eye);
  end_pen(&pen);
  CHECK_EQUAL(eye.account.received + eye.account.lost, pen.events);
  kg_writer_close(pen.writer);
}

TEST(by_file, "the wake file wakes the loop: every event, or an exact loss") {
  check_way(BY_FILE, 1, 200000);
  check_way(BY_FILE, 50, 1000000);
}

TEST(by_thread, "the thread wakes the loop: every event, or an exact loss") {
  check_way(BY_THREAD, 1, 200000);
  check_way(BY_THREAD, 50, 1000000);
}

TEST(by_spinning, "the loop spins: every event, or an exact loss") {
  check_way(BY_SPINNING, 1, 100000);
  check_way(BY_SPINNING, 50, 1000000);
}

TEST(stopped, "F43 F44 stopped at any moment while events come") {
  const char *dir = check_temp_dir();
  pen pen = {.writer = open_writer(dir, CAPACITY),
             .events = FOR_EVER,
             .burst = 10,
             .pause_ns = 100000};
  start_pen(&pen);
  for (int i = 0; i < 100; i++) {
    eye eye = {.stop_after = 1 + (uint32_t)i % 3};
    begin(&eye, dir, i % 2 == 0 ? 0 : 100000);
    if (i % 5 == 0) {
      stop(&eye);
    } else {
      on_wake(&eye);
    }
    end(&eye);
  }
  end_pen(&pen);
  kg_writer_close(pen.writer);
}

static void on_timer(uv_timer_t *timer) {
  stop(timer->data);
  uv_close((uv_handle_t *)timer, NULL);
}

TEST(idle, "F44 stopped while nothing comes; a held loop and one that is not") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, CAPACITY);
  for (int i = 0; i < 20; i++) {
    eye eye = {0};
    uv_timer_t timer;
    if (i == 10) {
      remove_wake_file(dir);
    }
    begin(&eye, dir, 0);
    on_wake(&eye);
    kg_poller_hold(eye.poller, i % 2 == 0);
    CHECK(uv_timer_init(&eye.loop, &timer) == 0);
    timer.data = &eye;
    CHECK(uv_timer_start(&timer, on_timer, i < 2 ? 450 : 5, 0) == 0);
    end(&eye);
  }
  kg_writer_close(writer);
}

TEST(cut, "F22 cut short under thread and loop, again and again") {
  const char *dir = check_temp_dir();
  pen pen = {.writer = open_writer(dir, CAPACITY),
             .events = FOR_EVER,
             .burst = 10,
             .pause_ns = 500000,
             .cuts = true,
             .path = check_path(dir, RING_FILE)};
  char path[512];
  snprintf(path, sizeof path, "%s", pen.path);
  pen.path = path;
  start_pen(&pen);
  int cuts = 0;
  for (int i = 0; i < 20; i++) {
    const kg_ring_options options = {.dir = dir};
    kg_reader *reader = NULL;
    if (kg_reader_open(&options, &reader, NULL) != KG_OK) {
      kg__sleep(1000000);
      continue;
    }
    eye eye = {.stop_after = 40};
    CHECK(uv_loop_init(&eye.loop) == 0);
    eye.reader = reader;
    CHECK(kg_poller_start(&eye.poller, &eye.loop, reader, 0, false, on_wake,
                          &eye) == 0);
    uv_timer_t timer;
    CHECK(uv_timer_init(&eye.loop, &timer) == 0);
    timer.data = &eye;
    CHECK(uv_timer_start(&timer, on_timer, 30, 0) == 0);
    on_wake(&eye);
    end(&eye);
    cuts += eye.is_cut ? 1 : 0;
  }
  end_pen(&pen);
  kg_writer_close(pen.writer);
  CHECK(cuts > 0);
}

/* --- Space -----------------------------------------------------------------
 */

typedef struct desk {
  uv_loop_t loop;
  uv_poll_t poll;
  uv_timer_t timer; /* readers that were evicted signal nothing */
  kg_writer *writer;
  uint32_t events;
  uint32_t signals;
} desk;

static void write_more(desk *desk) {
  made_threat made;
  while (sequence_of(desk->writer) < desk->events) {
    make_threat(&made, sequence_of(desk->writer) + 1, 1);
    int64_t result = kg_writer_write(desk->writer, &made.threat);
    if (result == KG_E_RING_FULL) {
      return;
    }
    CHECK(result > 0);
  }
  uv_close((uv_handle_t *)&desk->poll, NULL);
  uv_close((uv_handle_t *)&desk->timer, NULL);
}

static void on_space(uv_poll_t *poll, int status, int events) {
  desk *desk = poll->data;
  CHECK(status == 0 && events == UV_READABLE);
  desk->signals++;
  kg__writer_drain_listener(desk->writer);
  write_more(desk);
}

static void on_beat(uv_timer_t *timer) {
  desk *desk = timer->data;
  CHECK_RESULT(kg_writer_beat(desk->writer, NULL), KG_OK, NULL);
}

typedef struct mouth {
  kg_reader *reader;
  account account;
  uint32_t events;
  pthread_t thread;
} mouth;

static void *take_all(void *data) {
  mouth *mouth = data;
  static _Thread_local kg_slot buffer[16];
  kg_batch batch;
  while (mouth->account.received + mouth->account.lost < mouth->events) {
    CHECK_RESULT(kg_reader_read(mouth->reader, buffer, 16, &batch), KG_OK,
                 NULL);
    account_batch(&mouth->account, buffer, &batch);
    if (!batch.more) {
      kg_reader_wait(mouth->reader, 20);
    }
  }
  return NULL;
}

TEST(space, "readers in threads make room, and the loop is told") {
  const char *dir = check_temp_dir();
  const kg_ring_options writing = {.dir = dir,
                                   .max_events = CAPACITY,
                                   .rejects = true,
                                   .reader_timeout_ms = 600000};
  const kg_ring_options reading = {.dir = dir, .reliable = true};
  desk desk = {.events = 4000};
  mouth mouths[2];
  kg_failure failure;
  CHECK_RESULT(kg_writer_open(&writing, &desk.writer, &failure), KG_OK,
               &failure);
  for (int i = 0; i < 2; i++) {
    mouths[i] = (mouth){.events = desk.events, .account = {.next = 1}};
    CHECK_RESULT(kg_reader_open(&reading, &mouths[i].reader, &failure), KG_OK,
                 &failure);
  }
  CHECK(uv_loop_init(&desk.loop) == 0);
  int descriptor = (int)kg__writer_open_listener(desk.writer);
  CHECK(descriptor >= 0);
  CHECK(uv_poll_init(&desk.loop, &desk.poll, descriptor) == 0);
  CHECK(uv_timer_init(&desk.loop, &desk.timer) == 0);
  desk.poll.data = &desk;
  desk.timer.data = &desk;
  CHECK(uv_poll_start(&desk.poll, UV_READABLE, on_space) == 0);
  CHECK(uv_timer_start(&desk.timer, on_beat, 50, 50) == 0);
  write_more(&desk);
  for (int i = 0; i < 2; i++) {
    CHECK(pthread_create(&mouths[i].thread, NULL, take_all, &mouths[i]) == 0);
  }
  CHECK(uv_run(&desk.loop, UV_RUN_DEFAULT) == 0);
  CHECK(desk.signals > 0);
  for (int i = 0; i < 2; i++) {
    CHECK(pthread_join(mouths[i].thread, NULL) == 0);
    CHECK_EQUAL(mouths[i].account.received, desk.events);
    CHECK_EQUAL(mouths[i].account.lost, 0);
    kg_reader_close(mouths[i].reader);
  }
  CHECK(uv_loop_close(&desk.loop) == 0);
  kg_writer_close(desk.writer);
}
