/* Writers that die: at every labelled step, and at any instant. This binary
 * has a core of its own, with KG_TEST_STEPS. */
#include <stdio.h>
#include <string.h>

#include "../../../native/base/atomic.h"
#include "../../../native/base/step.h"
#include "../file_fixture.h"

#if SYSTEM_HAS_MODES
#include <sys/stat.h>
#endif

/* What a child tells before it dies, and what it is told. */
typedef struct shared {
  uint64_t acknowledged; /* the last sequence that a write returned */
  uint64_t generation;   /* of the ring it was written to */
  uint32_t opened;
  uint32_t mask; /* its umask */
  char step[64];
} shared;

static shared *told;
static uint64_t die_at; /* 0: never */
static uint64_t steps;

void kg__test_step(const char *label) {
  steps++;
  if (steps == die_at) {
    snprintf(told->step, sizeof told->step, "%s", label);
    system_die();
  }
}

/* --- Step by step ------------------------------------------------------- */

static void acknowledge(const kg_writer *writer) {
  told->generation = writer_info(writer).generation;
  told->acknowledged = sequence_of(writer);
}

static void write_batch(kg_writer *writer) {
  made_threat made;
  uint64_t sequence = sequence_of(writer);
  /* The long one in the middle, and in every other batch at the end. */
  uint64_t longest = sequence / 3 % 2 == 0 ? 2 : 3;
  for (uint64_t i = 1; i <= 3; i++) {
    make_threat(&made, sequence + i, i == longest ? 2 : 1);
    CHECK_RESULT(kg_writer_stage(writer, &made.threat), KG_OK, NULL);
  }
  CHECK_RESULT(kg_writer_commit(writer), (int64_t)sequence + 3, NULL);
}

/* A short life: a new ring, events, a batch, another geometry, events, the
 * ring removed and made anew. */
static void live(const char *dir) {
  kg_writer *writer = open_writer(dir, 16);
  acknowledge(writer);
  for (int i = 0; i < 3; i++) {
    write_batch(writer);
    acknowledge(writer);
  }
  kg_writer_close(writer);
  writer = open_writer(dir, 64);
  acknowledge(writer);
  write_batch(writer);
  acknowledge(writer);
  remove_file(dir, RING_FILE);
  remove_opened(dir, LOCK_FILE);
  CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
  acknowledge(writer);
  write_batch(writer);
  acknowledge(writer);
  kg_writer_close(writer);
}

CHILD(live_until, dir, step) {
  told = check_shared();
#if SYSTEM_HAS_MODES
  umask(told->mask);
#endif
  critical_every = 2;
  steps = 0;
  die_at = step;
  live(dir);
}

/* Lets a child die at its step number `step`; false when it came through. */
static bool die(const char *dir, uint64_t step, uint32_t mask) {
  memset(told, 0, sizeof *told);
  told->mask = mask;
  int status = system_wait(CHECK_START(live_until, dir, step));
  if (status >= 0) {
    CHECK_EQUAL(status, 0);
    return false;
  }
  CHECK_EQUAL(status, SYSTEM_KILLED);
  return true;
}

/* The batches of live(). */
static void drain_batches(kg_reader *reader, account *account) {
  static kg_slot buffer[64];
  kg_batch batch;
  do {
    CHECK_RESULT(kg_reader_read(reader, buffer, 64, &batch), KG_OK, NULL);
    account_batch(account, buffer, &batch);
  } while (batch.more);
}

/* What a reader finds after the death: no ring, or one that is exact. */
static kg_reader *check_left(const char *dir, account *account) {
  const kg_ring_options options = {.dir = dir};
  kg_failure failure;
  kg_reader *reader = NULL;
  kg_reader_stats stats;
  enum kg_writer_life life;
  int result = kg_reader_open(&options, &reader, &failure);
  if (result == KG_E_NO_RING) {
    return NULL;
  }
  if (result == KG_E_ACCESS && strcmp(told->step, "directory made") == 0) {
    /* The umask keeps us out of our own directory until a writer comes. */
    return NULL;
  }
  CHECK_RESULT(result, KG_OK, &failure);
  *account = (struct account){.next = 1};
  CHECK_RESULT(kg_reader_seek(reader, KG_FROM_SEQUENCE, 1), KG_OK, NULL);
  drain_batches(reader, account);
  kg_reader_stats_get(reader, &stats);
  CHECK_EQUAL(stats.corrupt, 0);
  CHECK_EQUAL(account->reasons[KG_LOSS_CORRUPT], 0);
  /* A batch is there whole or not at all. */
  CHECK_EQUAL((account->next - 1) % 3, 0);
  if (reader_info(reader).generation == told->generation) {
    CHECK(account->next - 1 >= told->acknowledged);
    CHECK(account->next - 1 <= told->acknowledged + 3);
  }
  CHECK_RESULT(kg_reader_check(reader, &life), KG_OK, NULL);
  CHECK_EQUAL(life, KG_WRITER_GONE);
  return reader;
}

/* The next writer of `max_events` opens at once and goes on exactly. */
static void check_next(const char *dir, uint32_t max_events, kg_reader *reader,
                       account *account) {
  kg_writer *writer = open_writer(dir, max_events);
  kg_ring_info now = writer_info(writer);
  CHECK(!SYSTEM_REMOVES_OPENED || count_unnamed(dir) == 0);
  CHECK_EQUAL(now.capacity, max_events);
  if (reader != NULL) {
    kg_ring_info then = reader_info(reader);
    enum kg_writer_life life;
    /* What the dead one had in hand whole is published now. */
    drain_batches(reader, account);
    uint64_t last = account->next - 1;
    CHECK_EQUAL(last % 3, 0);
    if (then.generation == now.generation) {
      CHECK_EQUAL(sequence_of(writer), last);
      write_batch(writer);
      drain_batches(reader, account);
      CHECK_EQUAL(account->next - 1, last + 3);
    } else {
      CHECK_EQUAL(now.predecessor_generation, then.generation);
      CHECK_EQUAL(now.predecessor_sequence, last);
      CHECK_RESULT(kg_reader_check(reader, &life), KG_E_NO_RING, NULL);
    }
    CHECK_EQUAL(account->received + account->lost, account->next - 1);
  }
  write_batch(writer);
  kg_writer_close(writer);
}

/* Overwrites all slots of the ring in `dir`. What was critical must come from
 * the lane, whoever died. */
static void check_lane(const char *dir) {
  static const unsigned char zeros[64 * KG_SLOT_BYTES];
  kg_writer *writer = open_writer(dir, 0);
  uint64_t last = sequence_of(writer);
  size_t bytes = (size_t)writer_info(writer).capacity * KG_SLOT_BYTES;
  kg_writer_close(writer);
  CHECK(bytes <= sizeof zeros);
  poke_ring(dir, KG_SLOTS_OFFSET, zeros, bytes);
  account account = {.next = 1};
  kg_reader *reader = open_reader(dir);
  CHECK_RESULT(kg_reader_seek(reader, KG_FROM_SEQUENCE, 1), KG_OK, NULL);
  drain_batches(reader, &account);
  CHECK_EQUAL(account.received, count_critical(1, last));
  CHECK_EQUAL(account.received + account.lost, last);
  kg_reader_close(reader);
}

static void die_everywhere(uint32_t next_events, uint32_t mask) {
  critical_every = 2;
  told = check_shared();
  uint64_t step = 1;
  for (;; step++) {
    const char *home = check_temp_dir();
    const char *dir = check_path(home, "made");
    account account = {.next = 1};
    if (!die(dir, step, mask)) {
      break;
    }
    fprintf(stderr, "died at step %d, \"%s\"\n", (int)step, told->step);
    kg_reader *reader = check_left(dir, &account);
    check_next(dir, next_events, reader, &account);
    kg_reader_close(reader);
    check_lane(dir);
  }
  /* Opening, twelve slots and half as many in the lane, replacing: it was no
   * short life. */
  CHECK(step > 75);
}

TEST(steps_same,
     "F21 F91 a writer dies at every step, the next has its geometry") {
  die_everywhere(16, 077);
}

TEST(steps_other, "F21 F91 a writer dies at every step, the next has another") {
  die_everywhere(64, 077);
}

#if SYSTEM_HAS_MODES
TEST(steps_plain, "F21 F29 a plain user's writer dies, with umask 0777") {
  if (become_plain_user()) {
    die_everywhere(32, 0777);
    leave_plain_user();
  }
}
#endif

/* --- At any instant ------------------------------------------------------ */

/* Writes until it is killed. */
CHILD(burst, dir, max_events) {
  told = check_shared();
  critical_every = 3;
  kg_writer *writer = open_writer(dir, (uint32_t)max_events);
  check_tell(&told->opened);
  for (;;) {
    uint64_t sequence = write_events(writer, 1 + sequence_of(writer) % 3);
    kg__store64_release(&told->acknowledged, sequence);
  }
}

static void kill_often(uint32_t max_events, int rounds) {
  critical_every = 3;
  uint64_t seed = 34;
  told = check_shared();
  const char *dir = check_temp_dir();
  kg_writer_close(open_writer(dir, max_events));
  kg_reader *reader = open_reader(dir);
  account account = {.next = 1};
  kg_reader_stats stats;
  CHECK_RESULT(kg_reader_seek(reader, KG_FROM_SEQUENCE, 1), KG_OK, NULL);
  for (int round = 0; round < rounds; round++) {
    uint32_t opened = told->opened;
    system_process child = CHECK_START(burst, dir, max_events);
    while (kg__load32_acquire(&told->opened) == opened) {
      system_sleep_us(50);
      CHECK(!system_has_ended(child));
    }
    uint64_t until = check_random(&seed) % 4000;
    for (uint64_t waited = 0; waited < until; waited += 200) {
      read_file_once(reader, &account);
      system_sleep_us(200);
    }
    check_kill(child);
    drain_file(reader, &account);
    CHECK(account.next - 1 >= told->acknowledged);
  }
  kg_writer *writer = open_writer(dir, max_events);
  drain_file(reader, &account);
  CHECK_EQUAL(sequence_of(writer), account.next - 1);
  CHECK_EQUAL(account.received + account.lost, sequence_of(writer));
  CHECK_EQUAL(reader_info(reader).generation, writer_info(writer).generation);
  kg_reader_stats_get(reader, &stats);
  CHECK_EQUAL(stats.corrupt, 0);
  CHECK_EQUAL(account.reasons[KG_LOSS_CORRUPT], 0);
  CHECK_EQUAL(stats.received, account.received);
  CHECK_EQUAL(stats.lost, account.lost);
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(killed, "F34 kill -9 of the writer amid a burst, ring of 16, exact") {
  kill_often(16, 60);
}

TEST(killed_large, "F34 kill -9 of the writer amid a burst, ring of 4096") {
  kill_often(4096, 60);
}
