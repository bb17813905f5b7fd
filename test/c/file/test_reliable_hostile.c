/* What stands in the cells is the word of who has a lock, and can be anything.
 */
#include "../../../native/file/writer.h"
#include "../../../native/platform/platform.h"
#include "../reliable_fixture.h"

/* Says so in the place of who has that cell. */
static void say(kg_ring_doorbell *doorbell, int which, uint64_t cursor,
                uint32_t state) {
  doorbell->cells[which].cursor = cursor;
  doorbell->cells[which].state = state;
}

/* Holds the locks of the first `count` cells. */
static kg__file hold_cells(const char *path, uint32_t count) {
  kg__dir dir;
  kg__file file;
  kg_failure failure;
  CHECK_RESULT(kg__dir_open(path, false, &dir, &failure), KG_OK, &failure);
  CHECK_RESULT(kg__file_open(&dir, READERS_FILE, &file, &failure), KG_OK,
               &failure);
  for (uint32_t i = 0; i < count; i++) {
    CHECK_RESULT(kg__file_lock(&file, i, &failure), KG_OK, &failure);
  }
  kg__dir_close(&dir);
  return file;
}

TEST(garbage, "F18 garbage in the cells holds up nobody") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_rejecting(dir, CAPACITY, LONG_MS);
  kg_ring_doorbell *doorbell = map_doorbell(dir);
  kg_reader *reader = open_reliable(dir);
  account account = {.next = 1};
  uint64_t state = 11;
  for (int round = 0; round < 300; round++) {
    for (int i = 1; i < KG_READER_CELLS; i++) {
      uint64_t cursor = check_random(&state);
      uint32_t says = (uint32_t)check_random(&state) % 4;
      if (check_random(&state) % 2 == 0) {
        cursor = sequence_of(writer) - check_random(&state) % 20;
      }
      say(doorbell, i, cursor, says);
    }
    CHECK_EQUAL(fill(writer), CAPACITY);
    take(reader, &account, CAPACITY);
  }
  CHECK_EQUAL(account.received, 300 * CAPACITY);
  CHECK_EQUAL(account.lost, 0);
  kg_reader_close(reader);
  unmap_doorbell(doorbell);
  kg_writer_close(writer);
}

TEST(hostile, "F18 who holds every lock holds up the writer for its time") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_rejecting(dir, 64, SHORT_MS);
  kg_ring_doorbell *doorbell = map_doorbell(dir);
  kg__file locks = hold_cells(dir, KG_READER_CELLS);
  int waits = 0;
  for (int written = 0; written < 640; written++) {
    /* It says again and again that it stands where it would hurt. */
    for (int i = 0; i < KG_READER_CELLS; i++) {
      uint64_t head = (uint64_t)written;
      say(doorbell, i, head > 64 ? head - 64 : 0, KG_CELL_ATTACHED);
    }
    waits += insist(writer) > 0 ? 1 : 0;
  }
  /* A quarter of the ring is to be had for each wait. */
  CHECK(waits > 0 && waits <= 640 / 16 + 1);
  kg__file_close(&locks);
  unmap_doorbell(doorbell);
  kg_writer_close(writer);
}

/* How the one that is not in the way says so. */
enum lie { TOOK_ALL, LEFT, WAS_EVICTED, LIES };

/* One of the two is in the way until it is evicted, or until shortly before,
 * and then the other one. Returns how often the writer had to wait. */
static int held_up(enum lie lie, bool until_evicted, uint32_t events) {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_rejecting(dir, CAPACITY, SHORT_MS);
  kg_ring_doorbell *doorbell = map_doorbell(dir);
  /* Two readers that live and say whatever holds up the writer. */
  kg__file locks = hold_cells(dir, 2);
  int in_the_way = 0;
  int turns = 0;
  uint64_t turned_at = kg__clock_monotonic_ns();
  write_events(writer, CAPACITY);
  while (sequence_of(writer) < events && turns < 1000) {
    uint64_t now = kg__clock_monotonic_ns();
    uint64_t head = kg__ring_head(&writer->segment.ring);
    if (until_evicted
            ? doorbell->cells[in_the_way].state == KG_CELL_EVICTED
            : now - turned_at > UINT64_C(1000000) * (SHORT_MS - SHORT_MS / 4)) {
      in_the_way = 1 - in_the_way;
      turned_at = now;
      turns++;
    }
    say(doorbell, in_the_way, head - CAPACITY, KG_CELL_ATTACHED);
    say(doorbell, 1 - in_the_way, head,
        lie == TOOK_ALL ? KG_CELL_ATTACHED
        : lie == LEFT   ? KG_CELL_FREE
                        : KG_CELL_EVICTED);
    if (write_one(writer) < 0) {
      pause_ms(1);
    }
  }
  CHECK(sequence_of(writer) >= events);
  kg__file_close(&locks);
  unmap_doorbell(doorbell);
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
  kg_ring_doorbell *doorbell = map_doorbell(dir);
  /* Two readers that live and say whatever holds up the writer. */
  kg__file locks = hold_cells(dir, 2);
  kg_attached_reader attached[2];
  write_events(writer, 3);
  say(doorbell, 0, UINT64_MAX, KG_CELL_ATTACHED);
  say(doorbell, 1, kg__ring_head(&writer->segment.ring) + 1, KG_CELL_EVICTED);
  CHECK_EQUAL(kg_writer_readers(writer, attached, 2), 2);
  for (uint32_t i = 0; i < 2; i++) {
    CHECK_EQUAL(attached[i].cell, i);
    CHECK_EQUAL(attached[i].lag, 0);
    CHECK(attached[i].alive);
    CHECK_EQUAL(attached[i].evicted, i == 1);
  }
  kg__file_close(&locks);
  unmap_doorbell(doorbell);
  kg_writer_close(writer);
}
