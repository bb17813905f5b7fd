/* What stands in the cells is the word of who has a lock, and can be anything.
 */
#include <fcntl.h>
#include <unistd.h>

#include "../../../native/file/writer.h"
#include "../../../native/platform/platform.h"
#include "../reliable_fixture.h"

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
  int fd = open(check_path(dir, READERS_FILE), O_RDWR);
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
  liars liars = {.locks = open(check_path(dir, READERS_FILE), O_RDWR),
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

TEST(readers_ahead, "F18 readers ahead of everything have no lag") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_rejecting(dir, CAPACITY, LONG_MS);
  liars liars = open_liars(dir);
  kg_attached_reader attached[2];
  write_events(writer, 3);
  say(&liars, 0, UINT64_MAX, KG_CELL_ATTACHED);
  say(&liars, 1, kg__ring_head(&writer->segment.ring) + 1, KG_CELL_EVICTED);
  CHECK_EQUAL(kg_writer_readers(writer, attached, 2), 2);
  for (uint32_t i = 0; i < 2; i++) {
    CHECK_EQUAL(attached[i].cell, i);
    CHECK_EQUAL(attached[i].lag, 0);
    CHECK(attached[i].alive);
    CHECK_EQUAL(attached[i].evicted, i == 1);
  }
  close(liars.locks);
  close(liars.ring);
  kg_writer_close(writer);
}
