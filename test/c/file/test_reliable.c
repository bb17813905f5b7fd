/* Reliable readers: nothing that they have not taken is overwritten, and none
 * of them can hold up the writer for longer than it allows. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../../native/file/reader.h"
#include "../../../native/file/space_listener.h"
#include "../../../native/file/writer.h"
#include "../../../native/platform/platform.h"
#include "../file_fixture.h"

#define CAPACITY 16
#define LONG_MS 600000
#define SHORT_MS 40

static kg_writer *open_rejecting(const char *dir, uint32_t capacity,
                                 uint32_t timeout_ms) {
  const kg_ring_options options = {.dir = dir,
                                   .max_events = capacity,
                                   .rejects = true,
                                   .reader_timeout_ms = timeout_ms};
  kg_failure failure;
  kg_writer *writer = NULL;
  CHECK_RESULT(kg_writer_open(&options, &writer, &failure), KG_OK, &failure);
  return writer;
}

static kg_reader *open_reliable(const char *dir) {
  const kg_ring_options options = {.dir = dir, .reliable = true};
  kg_failure failure;
  kg_reader *reader = NULL;
  CHECK_RESULT(kg_reader_open(&options, &reader, &failure), KG_OK, &failure);
  return reader;
}

static bool is_reliable(const kg_reader *reader) {
  kg_reader_stats stats;
  kg_reader_stats_get(reader, &stats);
  return stats.reliable;
}

static kg_writer_stats stats_of(const kg_writer *writer) {
  kg_writer_stats stats;
  kg_writer_stats_get(writer, &stats);
  return stats;
}

/* Writes threats of one slot until that is refused; returns how many. */
static uint32_t fill(kg_writer *writer) {
  made_threat made;
  uint32_t written = 0;
  for (;;) {
    make_threat(&made, sequence_of(writer) + 1, 1);
    int64_t result = kg_writer_write(writer, &made.threat);
    if (result < 0) {
      CHECK_RESULT(result, KG_E_RING_FULL, NULL);
      return written;
    }
    written++;
    CHECK(written <= 100000);
  }
}

static int64_t write_one(kg_writer *writer) {
  made_threat made;
  make_threat(&made, sequence_of(writer) + 1, 1);
  return kg_writer_write(writer, &made.threat);
}

static void pause_ms(long ms) {
  const struct timespec time = {.tv_sec = ms / 1000,
                                .tv_nsec = ms % 1000 * 1000000};
  nanosleep(&time, NULL);
}

/* Reads events up to `most`, one slot at a time, into the account. */
static uint32_t take(kg_reader *reader, account *account, uint32_t most) {
  kg_slot buffer[1];
  kg_batch batch;
  uint32_t taken = 0;
  while (taken < most) {
    CHECK_RESULT(kg_reader_read(reader, buffer, 1, &batch), KG_OK, NULL);
    account_batch(account, buffer, &batch);
    taken += batch.events;
    if (batch.events == 0 && !batch.more) {
      break;
    }
  }
  return taken;
}

/* Reads everything that is there. */
static void drain_all(kg_reader *reader, account *account) {
  kg_slot buffer[64];
  kg_batch batch;
  do {
    CHECK_RESULT(kg_reader_read(reader, buffer, 64, &batch), KG_OK, NULL);
    account_batch(account, buffer, &batch);
  } while (batch.more);
}

TEST(full, "a full ring is refused, and everything stays as it was") {
  const char *dir = check_temp_dir();
  static unsigned char before[1 << 19];
  static unsigned char after[1 << 19];
  kg_writer *writer = open_rejecting(dir, CAPACITY, LONG_MS);
  kg_reader *reader = open_reliable(dir);
  account account = {.next = 1};
  CHECK(is_reliable(reader));
  CHECK_EQUAL(fill(writer), CAPACITY);
  size_t length = get_file(check_path(dir, RING_FILE), before, sizeof before);
  /* The writer says that it waits, once. */
  for (int i = 0; i < 3; i++) {
    CHECK_RESULT(write_one(writer), KG_E_RING_FULL, NULL);
  }
  CHECK_EQUAL(get_file(check_path(dir, RING_FILE), after, sizeof after),
              length);
  CHECK_BYTES(before, after, length);
  CHECK_EQUAL(sequence_of(writer), CAPACITY);
  CHECK_EQUAL(stats_of(writer).rejected, 4);
  CHECK_EQUAL(stats_of(writer).published, CAPACITY);
  /* As much room as was made, and no more. */
  for (uint32_t room = 1; room <= CAPACITY; room++) {
    CHECK_EQUAL(take(reader, &account, room), room);
    CHECK_EQUAL(fill(writer), room);
  }
  take(reader, &account, CAPACITY);
  CHECK_EQUAL(account.received, sequence_of(writer));
  CHECK_EQUAL(account.lost, 0);
  kg_reader_close(reader);
  /* Nobody is there any more. */
  for (int i = 0; i < 5 * CAPACITY; i++) {
    CHECK(write_one(writer) > 0);
  }
  kg_writer_close(writer);
}

TEST(batches, "batches and long events need room for all of their slots") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_rejecting(dir, 64, LONG_MS);
  kg_reader *reader = open_reliable(dir);
  account account = {.next = 1};
  uint64_t state = 3;
  uint64_t rejected = 0;
  for (int round = 0; round < 3000; round++) {
    uint64_t before = sequence_of(writer);
    uint32_t count = 1 + (uint32_t)(check_random(&state) % 5);
    for (uint32_t i = 1; i <= count; i++) {
      made_threat made;
      make_threat(&made, before + i, span_of(before + i, 3));
      CHECK_RESULT(kg_writer_stage(writer, &made.threat), KG_OK, NULL);
    }
    int64_t result = kg_writer_commit(writer);
    if (result == KG_E_RING_FULL) {
      CHECK_EQUAL(sequence_of(writer), before);
      rejected += count;
      drain_all(reader, &account);
    } else {
      CHECK_EQUAL(result, before + count);
    }
    if (check_random(&state) % 8 == 0) {
      drain_all(reader, &account);
    }
  }
  drain_all(reader, &account);
  CHECK(rejected > 0);
  CHECK_EQUAL(stats_of(writer).rejected, rejected);
  CHECK_EQUAL(account.received, sequence_of(writer));
  CHECK_EQUAL(account.lost, 0);
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(ordinary, "ordinary readers are waited for by nobody") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_rejecting(dir, CAPACITY, LONG_MS);
  kg_reader *reader = open_reader(dir);
  CHECK(!is_reliable(reader));
  for (int i = 0; i < 5 * CAPACITY; i++) {
    CHECK(write_one(writer) > 0);
  }
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(overwriting, "a writer that overwrites waits for nobody") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, CAPACITY);
  kg_reader *reader = open_reliable(dir);
  account account = {.next = 1};
  CHECK(!is_reliable(reader));
  for (int i = 0; i < 5 * CAPACITY; i++) {
    CHECK(write_one(writer) > 0);
  }
  kg_writer_close(writer);
  /* One that does comes after it; the reader gets its cell by itself. */
  writer = open_rejecting(dir, CAPACITY, LONG_MS);
  drain_all(reader, &account);
  CHECK_EQUAL(account.lost, 4 * CAPACITY);
  for (int i = 0; !is_reliable(reader) && i < 100; i++) {
    drain_all(reader, &account);
  }
  CHECK(is_reliable(reader));
  CHECK_EQUAL(fill(writer), CAPACITY);
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(cells, "128 readers; the next is refused until one goes") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_rejecting(dir, CAPACITY, LONG_MS);
  kg_reader *readers[KG_READER_CELLS];
  const kg_ring_options options = {.dir = dir, .reliable = true};
  kg_failure failure;
  int descriptors = check_open_descriptors();
  for (int i = 0; i < KG_READER_CELLS; i++) {
    readers[i] = open_reliable(dir);
  }
  kg_reader *other = NULL;
  for (int i = 0; i < 3; i++) {
    CHECK_RESULT(kg_reader_open(&options, &other, &failure),
                 KG_E_TOO_MANY_READERS, &failure);
  }
  kg_attached_reader attached[KG_READER_CELLS + 1];
  CHECK_EQUAL(kg_writer_readers(writer, attached, KG_READER_CELLS + 1),
              KG_READER_CELLS);
  /* The slowest of all is the one that counts. */
  CHECK_EQUAL(fill(writer), CAPACITY);
  account account = {.next = 1};
  for (int i = 0; i < KG_READER_CELLS; i++) {
    CHECK_RESULT(write_one(writer), KG_E_RING_FULL, NULL);
    account.next = 1;
    take(readers[i], &account, CAPACITY);
  }
  CHECK(write_one(writer) > 0);
  CHECK_EQUAL(kg_writer_readers(writer, attached, 5), 5);
  CHECK_EQUAL(attached[4].cell, 4);
  CHECK_EQUAL(attached[4].lag, 1);
  CHECK(attached[4].alive && !attached[4].evicted);
  kg_reader_close(readers[77]);
  readers[77] = open_reliable(dir);
  for (int i = 0; i < KG_READER_CELLS; i++) {
    kg_reader_close(readers[i]);
  }
  CHECK_EQUAL(check_open_descriptors(), descriptors);
  CHECK_EQUAL(kg_writer_readers(writer, attached, KG_READER_CELLS), 0);
  kg_writer_close(writer);
}

TEST(dead, "F41 kill -9 of a reliable reader frees its cell at once") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_rejecting(dir, CAPACITY, LONG_MS);
  for (int round = 0; round < 50; round++) {
    int ready[2];
    char byte;
    CHECK(pipe(ready) == 0);
    pid_t child = check_fork();
    if (child == 0) {
      open_reliable(dir);
      CHECK(write(ready[1], "r", 1) == 1);
      for (;;) {
        pause();
      }
    }
    CHECK(read(ready[0], &byte, 1) == 1);
    CHECK_EQUAL(fill(writer), CAPACITY);
    CHECK(kill(child, SIGKILL) == 0);
    CHECK(waitpid(child, NULL, 0) == child);
    CHECK(write_one(writer) > 0);
    close(ready[0]);
    close(ready[1]);
  }
  CHECK_EQUAL(stats_of(writer).evicted, 0);
  kg_writer_close(writer);
}

/* Tries until a write is taken; returns how often it was refused. */
static int insist(kg_writer *writer) {
  int refused = 0;
  while (write_one(writer) < 0) {
    refused++;
    pause_ms(1);
  }
  return refused;
}

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

TEST(ghosts, "one that was evicted and dies leaves nothing") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_rejecting(dir, CAPACITY, SHORT_MS);
  pid_t child = check_fork();
  if (child == 0) {
    open_reliable(dir);
    close(open(check_path(dir, "there"), O_CREAT | O_WRONLY, 0600));
    pause();
  }
  while (access(check_path(dir, "there"), F_OK) != 0) {
    pause_ms(1);
  }
  fill(writer);
  insist(writer);
  kg_attached_reader attached[2];
  CHECK_EQUAL(kg_writer_readers(writer, attached, 2), 1);
  CHECK(attached[0].evicted);
  CHECK(kill(child, SIGKILL) == 0 && waitpid(child, NULL, 0) == child);
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

/* --- Garbage ---------------------------------------------------------------
 */

TEST(garbage, "F18 garbage in the cells holds up nobody") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_rejecting(dir, CAPACITY, LONG_MS);
  kg_reader *reader = open_reliable(dir);
  account account = {.next = 1};
  uint64_t state = 11;
  int fd = open(check_path(dir, RING_FILE), O_RDWR);
  CHECK(fd >= 0);
  for (int round = 0; round < 300; round++) {
    for (int i = 1; i < KG_READER_CELLS; i++) {
      kg_reader_cell cell = {.cursor = check_random(&state),
                             .state = (uint32_t)check_random(&state) % 4};
      if (check_random(&state) % 2 == 0) {
        cell.cursor = sequence_of(writer) - check_random(&state) % 20;
      }
      off_t at = KG_DOORBELL_OFFSET + 256 + i * (off_t)sizeof cell;
      CHECK(pwrite(fd, &cell, sizeof cell, at) == (ssize_t)sizeof cell);
    }
    CHECK_EQUAL(fill(writer), CAPACITY);
    take(reader, &account, CAPACITY);
  }
  CHECK_EQUAL(account.received, 300 * CAPACITY);
  CHECK_EQUAL(account.lost, 0);
  close(fd);
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(hostile, "F18 who holds every lock holds up the writer for its time") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_rejecting(dir, 64, SHORT_MS);
  int fd = open(check_path(dir, "kindly-guard.readers"), O_RDWR);
  int ring = open(check_path(dir, RING_FILE), O_RDWR);
  CHECK(fd >= 0 && ring >= 0);
  struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  CHECK(fcntl(fd, F_OFD_SETLK, &all) == 0);
  int waits = 0;
  for (int written = 0; written < 640; written++) {
    /* It says again and again that it stands where it would hurt. */
    for (int i = 0; i < KG_READER_CELLS; i++) {
      uint64_t head = (uint64_t)written;
      kg_reader_cell cell = {.cursor = head > 64 ? head - 64 : 0,
                             .state = KG_CELL_ATTACHED};
      off_t at = KG_DOORBELL_OFFSET + 256 + i * (off_t)sizeof cell;
      CHECK(pwrite(ring, &cell, sizeof cell, at) == (ssize_t)sizeof cell);
    }
    waits += insist(writer) > 0 ? 1 : 0;
  }
  /* A quarter of the ring is to be had for each wait. */
  CHECK(waits > 0 && waits <= 640 / 16 + 1);
  close(fd);
  close(ring);
  kg_writer_close(writer);
}

/* The cells of two readers that live and say whatever holds up the writer. */
typedef struct liars {
  int locks;
  int ring;
} liars;

static liars open_liars(const char *dir) {
  liars liars = {.locks = open(check_path(dir, "kindly-guard.readers"), O_RDWR),
                 .ring = open(check_path(dir, RING_FILE), O_RDWR)};
  struct flock both = {
      .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 2};
  CHECK(liars.locks >= 0 && liars.ring >= 0);
  CHECK(fcntl(liars.locks, F_OFD_SETLK, &both) == 0);
  return liars;
}

static void say(const liars *liars, int which, uint64_t cursor,
                uint32_t state) {
  kg_reader_cell cell = {.cursor = cursor, .state = state};
  off_t at = KG_DOORBELL_OFFSET + 256 + which * (off_t)sizeof cell;
  CHECK(pwrite(liars->ring, &cell, sizeof cell, at) == (ssize_t)sizeof cell);
}

static uint32_t state_of(const liars *liars, int which) {
  kg_reader_cell cell;
  off_t at = KG_DOORBELL_OFFSET + 256 + which * (off_t)sizeof cell;
  CHECK(pread(liars->ring, &cell, sizeof cell, at) == (ssize_t)sizeof cell);
  return cell.state;
}

/* How the one that is not in the way says so. */
enum lie { TOOK_ALL, LEFT, WAS_EVICTED, LIES };

/* One of the two is in the way until it is evicted, or until shortly before,
 * and then the other one. Returns how often the writer had to wait. */
static int held_up(enum lie lie, bool until_evicted, uint32_t events) {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_rejecting(dir, CAPACITY, SHORT_MS);
  liars liars = open_liars(dir);
  int in_the_way = 0;
  int turns = 0;
  uint64_t turned_at = kg__clock_monotonic_ns();
  write_events(writer, CAPACITY);
  while (sequence_of(writer) < events && turns < 1000) {
    uint64_t now = kg__clock_monotonic_ns();
    uint64_t head = kg__ring_head(&writer->segment.ring);
    if (until_evicted
            ? state_of(&liars, in_the_way) == KG_CELL_EVICTED
            : now - turned_at > UINT64_C(1000000) * (SHORT_MS - SHORT_MS / 4)) {
      in_the_way = 1 - in_the_way;
      turned_at = now;
      turns++;
    }
    say(&liars, in_the_way, head - CAPACITY, KG_CELL_ATTACHED);
    say(&liars, 1 - in_the_way, head,
        lie == TOOK_ALL ? KG_CELL_ATTACHED
        : lie == LEFT   ? KG_CELL_FREE
                        : KG_CELL_EVICTED);
    if (write_one(writer) < 0) {
      pause_ms(1);
    }
  }
  CHECK(sequence_of(writer) >= events);
  close(liars.locks);
  close(liars.ring);
  kg_writer_close(writer);
  return turns;
}

TEST(two_liars,
     "F66 evicted and attached again, two in turn: writing goes on") {
  for (enum lie lie = TOOK_ALL; lie < LIES; lie++) {
    /* Twice as far with each eviction of the same one: a hundred rings take
     * each of them eight. */
    CHECK(held_up(lie, true, 100 * CAPACITY) <= 24);
  }
}

TEST(liars_in_time, "F66 two in turn, each out of the way before its time") {
  for (enum lie lie = TOOK_ALL; lie < LIES; lie++) {
    CHECK(held_up(lie, false, 20 * CAPACITY) < 1000);
  }
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

TEST(removed, "F24 the readers' file is removed: who is there is waited for") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_rejecting(dir, CAPACITY, LONG_MS);
  kg_reader *reader = open_reliable(dir);
  account account = {.next = 1};
  CHECK(unlink(check_path(dir, "kindly-guard.readers")) == 0);
  CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
  kg_reader *later = open_reliable(dir);
  CHECK_EQUAL(fill(writer), CAPACITY);
  struct account other = {.next = 1};
  take(later, &other, CAPACITY);
  CHECK_RESULT(write_one(writer), KG_E_RING_FULL, NULL);
  take(reader, &account, CAPACITY);
  CHECK(write_one(writer) > 0);
  CHECK_EQUAL(account.lost + other.lost, 0);
  kg_reader_close(later);
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(removed_again, "F24 the readers' file is removed twice, and a restart") {
  const char *dir = check_temp_dir();
  const char *file = check_path(dir, "kindly-guard.readers");
  kg_writer *writer = open_rejecting(dir, CAPACITY, LONG_MS);
  kg_reader *reader = open_reliable(dir);
  account account = {.next = 1};
  for (int i = 0; i < 3; i++) {
    enum kg_writer_life life;
    CHECK(unlink(file) == 0);
    if (i == 2) {
      kg_writer_close(writer);
      writer = open_rejecting(dir, CAPACITY, LONG_MS);
    }
    CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
    /* What the poll thread does, and what the loop does then. */
    CHECK_RESULT(kg_reader_check(reader, &life), KG_OK, NULL);
    CHECK(kg__reader_is_displaced(reader));
    take(reader, &account, CAPACITY);
    CHECK_RESULT(kg_reader_check(reader, &life), KG_OK, NULL);
    CHECK(!kg__reader_is_displaced(reader));
    CHECK(is_reliable(reader));
  }
  CHECK_EQUAL(fill(writer), CAPACITY);
  CHECK_RESULT(write_one(writer), KG_E_RING_FULL, NULL);
  take(reader, &account, CAPACITY);
  CHECK_EQUAL(account.received, CAPACITY);
  CHECK_EQUAL(account.lost, 0);
  kg_reader_close(reader);
  kg_writer_close(writer);
}

/* A ring that tells nothing of its readers any more. */
static void cut_ring(const char *dir) {
  CHECK(truncate(check_path(dir, RING_FILE), 0) == 0);
}

static void unlink_ring(const char *dir) {
  CHECK(unlink(check_path(dir, RING_FILE)) == 0);
}

TEST(fresh, "F22 F24 F34 in a ring that is made anew, whatever is left of it") {
  void (*const spoil[])(const char *) = {cut_ring, unlink_ring};
  for (int i = 0; i < 4; i++) {
    const char *dir = check_temp_dir();
    kg_writer *writer = open_rejecting(dir, CAPACITY, LONG_MS);
    kg_reader *reader = open_reliable(dir);
    CHECK(write_one(writer) > 0);
    if (i < 2) {
      spoil[i](dir);
      CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
    } else {
      kg_writer_close(writer);
      spoil[i - 2](dir);
      writer = open_rejecting(dir, CAPACITY, LONG_MS);
    }
    CHECK_EQUAL(fill(writer), CAPACITY);
    kg_reader *moved = open_reliable(dir);
    CHECK_RESULT(kg_reader_seek(moved, KG_FROM_SEQUENCE, 1), KG_OK, NULL);
    kg_reader_close(reader);
    CHECK_RESULT(write_one(writer), KG_E_RING_FULL, NULL);
    account account = {.next = 1};
    take(moved, &account, CAPACITY);
    CHECK_EQUAL(account.received, CAPACITY);
    CHECK(write_one(writer) > 0);
    kg_reader_close(moved);
    kg_writer_close(writer);
  }
}

/* --- Waiting ----------------------------------------------------------------
 */

TEST(waiting, "the writer waits until a reader in another process makes room") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_rejecting(dir, CAPACITY, LONG_MS);
  int ready[2];
  char byte;
  CHECK(pipe(ready) == 0);
  pid_t child = check_fork();
  if (child == 0) {
    kg_reader *reader = open_reliable(dir);
    account account = {.next = 1};
    CHECK(write(ready[1], "r", 1) == 1);
    while (account.received < 2000) {
      kg_reader_wait(reader, 100);
      take(reader, &account, 1 + (uint32_t)(account.received % 7));
    }
    CHECK_EQUAL(account.lost, 0);
    kg_reader_close(reader);
    check_done();
  }
  CHECK(read(ready[0], &byte, 1) == 1);
  for (int written = 0; written < 2000; written++) {
    CHECK_RESULT(kg_writer_wait_for_space(writer, 1, LONG_MS), KG_OK, NULL);
    CHECK(write_one(writer) > 0);
  }
  CHECK_EXIT(child);
  kg_reader *reader = open_reliable(dir);
  fill(writer);
  CHECK_RESULT(kg_writer_wait_for_space(writer, 1, 5), KG_E_RING_FULL, NULL);
  CHECK_RESULT(kg_writer_wait_for_space(writer, 0, 5), KG_E_INVALID_ARGUMENT,
               NULL);
  CHECK_RESULT(kg_writer_wait_for_space(writer, CAPACITY / 4 + 1, 5),
               KG_E_INVALID_ARGUMENT, NULL);
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(room_bell, "a refused writer's event loop is rung when there is room") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_rejecting(dir, CAPACITY, LONG_MS);
  kg_reader *reader = open_reliable(dir);
  account account = {.next = 1};
  struct pollfd item = {.fd = (int)kg__writer_open_listener(writer),
                        .events = POLLIN};
  CHECK(item.fd >= 0);
  for (int round = 0; round < 20; round++) {
    fill(writer);
    kg__writer_drain_listener(writer);
    CHECK(poll(&item, 1, 0) == 0);
    take(reader, &account, 1);
    CHECK(poll(&item, 1, 20000) == 1);
    kg__writer_drain_listener(writer);
    /* Nobody waits, nobody rings. */
    take(reader, &account, 1);
    CHECK(poll(&item, 1, 0) == 0);
  }
  kg_reader_close(reader);
  kg_writer_close(writer);
}

/* --- Other writers, other rings ---------------------------------------------
 */

TEST(take_over, "F34 the next writer waits for those who were there") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_rejecting(dir, CAPACITY, LONG_MS);
  kg_reader *reader = open_reliable(dir);
  account account = {.next = 1};
  for (int round = 0; round < 5; round++) {
    CHECK_EQUAL(fill(writer), CAPACITY);
    kg_writer_close(writer);
    writer = open_rejecting(dir, CAPACITY, LONG_MS);
    CHECK_RESULT(write_one(writer), KG_E_RING_FULL, NULL);
    take(reader, &account, CAPACITY);
  }
  CHECK_EQUAL(account.received, 5 * CAPACITY);
  CHECK_EQUAL(account.lost, 0);
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(successor, "F25 in the ring that follows, too, until they come") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_rejecting(dir, CAPACITY, LONG_MS);
  kg_reader *reader = open_reliable(dir);
  fill(writer);
  kg_writer_close(writer);
  writer = open_rejecting(dir, 2 * CAPACITY, LONG_MS);
  CHECK_EQUAL(fill(writer), 2 * CAPACITY);
  /* It drains the old one, opens the new one, and leaves the old one. */
  account account = {.next = 1};
  take(reader, &account, CAPACITY);
  kg_reader *moved = open_reliable(dir);
  CHECK_RESULT(kg_reader_seek(moved, KG_FROM_SEQUENCE, 1), KG_OK, NULL);
  kg_reader_close(reader);
  CHECK_RESULT(write_one(writer), KG_E_RING_FULL, NULL);
  account.next = 1;
  take(moved, &account, 2 * CAPACITY);
  CHECK(write_one(writer) > 0);
  CHECK_EQUAL(account.received, 3 * CAPACITY);
  CHECK_EQUAL(account.lost, 0);
  kg_reader_close(moved);
  kg_writer_close(writer);
}

TEST(speeds, "four in other processes, at different speeds: nothing lost") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_rejecting(dir, 256, LONG_MS);
  const uint64_t count = 20000;
  int ready[2];
  pid_t children[4];
  char byte;
  CHECK(pipe(ready) == 0);
  for (int i = 0; i < 4; i++) {
    children[i] = check_fork();
    if (children[i] == 0) {
      kg_reader *reader = open_reliable(dir);
      account account = {.next = 1, .most = FILE_SPAN};
      CHECK(write(ready[1], "r", 1) == 1);
      while (account.received < count) {
        kg_reader_wait(reader, 100);
        while (read_file_once(reader, &account)) {
          if (i > 0 && account.received % (uint64_t)(1000 >> i) == 0) {
            pause_ms(1);
          }
        }
      }
      CHECK_EQUAL(account.lost, 0);
      kg_reader_close(reader);
      check_done();
    }
  }
  for (int i = 0; i < 4; i++) {
    CHECK(read(ready[0], &byte, 1) == 1);
  }
  while (sequence_of(writer) < count) {
    CHECK_RESULT(kg_writer_wait_for_space(writer, FILE_SPAN, LONG_MS), KG_OK,
                 NULL);
    write_events(writer, 1);
  }
  for (int i = 0; i < 4; i++) {
    CHECK_EXIT(children[i]);
  }
  CHECK_EQUAL(stats_of(writer).evicted, 0);
  kg_writer_close(writer);
}
