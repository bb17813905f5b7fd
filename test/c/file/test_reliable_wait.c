/* A writer that waits for space, and readers that make some. The linker puts
 * __wrap_kg__space_announce_wait in front of a writer that says that it waits,
 * and __wrap_kg__bell_ring in front of who wakes it. */
#include "../../../native/file/space_listener.h"
#include "../../../native/file/writer.h"
#include "../reliable_fixture.h"

#if SYSTEM_HAS_WAKE_FILE
#include <poll.h>
#endif

void __real_kg__space_announce_wait(const kg__ring *ring, uint32_t how);
void __wrap_kg__space_announce_wait(const kg__ring *ring, uint32_t how);
void __real_kg__bell_ring(kg__bell *bell);
void __wrap_kg__bell_ring(kg__bell *bell);

static void (*before_announcement)(void); /* once */
static int rings;

void __wrap_kg__space_announce_wait(const kg__ring *ring, uint32_t how) {
  void (*act)(void) = before_announcement;
  before_announcement = NULL;
  if (act != NULL) {
    act();
  }
  __real_kg__space_announce_wait(ring, how);
}

void __wrap_kg__bell_ring(kg__bell *bell) {
  rings++;
  __real_kg__bell_ring(bell);
}

/* Says that it is there, and takes 2000 events. */
CHILD(take_many, dir, unused) {
  kg_reader *reader = open_reliable(dir);
  account account = {.next = 1};
  check_tell(check_shared());
  while (account.received < 2000) {
    kg_reader_wait(reader, 100);
    take(reader, &account, 1 + (uint32_t)(account.received % 7));
  }
  CHECK_EQUAL(account.lost, 0);
  kg_reader_close(reader);
}

TEST(waiting, "the writer waits until a reader in another process makes room") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_rejecting(dir, CAPACITY, LONG_MS);
  system_process child = CHECK_START(take_many, dir, 0);
  check_await(check_shared(), 1);
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

#if SYSTEM_HAS_WAKE_FILE
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
#endif

#define AT_SPEEDS 20000

/* Says that it is there, and takes those events, with pauses unless it is the
 * first. */
CHILD(take_at_speed, dir, number) {
  kg_reader *reader = open_reliable(dir);
  account account = {.next = 1, .most = FILE_SPAN};
  check_tell(check_shared());
  while (account.received < AT_SPEEDS) {
    kg_reader_wait(reader, 100);
    while (read_file_once(reader, &account)) {
      if (number > 0 && account.received % (UINT64_C(1000) >> number) == 0) {
        pause_ms(1);
      }
    }
  }
  CHECK_EQUAL(account.lost, 0);
  kg_reader_close(reader);
}

TEST(speeds, "four in other processes, at different speeds: nothing lost") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_rejecting(dir, 256, LONG_MS);
  system_process children[4];
  for (int i = 0; i < 4; i++) {
    children[i] = CHECK_START(take_at_speed, dir, (uint64_t)i);
  }
  check_await(check_shared(), 4);
  while (sequence_of(writer) < AT_SPEEDS) {
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

#if SYSTEM_HAS_WAKE_FILE
TEST(other_file, "another space file takes its place: readers ring that one") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_rejecting(dir, CAPACITY, LONG_MS);
  kg_reader *reader = open_reliable(dir);
  account account = {.next = 1};
  int descriptors = 0;
  for (int round = 0; round < 4; round++) {
    struct pollfd item = {.fd = (int)kg__writer_open_listener(writer),
                          .events = POLLIN};
    CHECK(item.fd >= 0);
    fill(writer);
    kg__writer_drain_listener(writer);
    take(reader, &account, 1);
    CHECK(poll(&item, 1, 0) == 1);
    CHECK(round == 0 || check_open_descriptors() == descriptors);
    descriptors = check_open_descriptors();
    remove_file(dir, "kindly-guard.space");
    CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
  }
  kg_reader_close(reader);
  kg_writer_close(writer);
}
#endif

static kg_reader *taker;
static account taken;

static void take_one(void) {
  take(taker, &taken, 1);
}

TEST(looks_again,
     "a writer that says it waits looks again before it gives up") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_rejecting(dir, CAPACITY, LONG_MS);
  taker = open_reliable(dir);
  taken = (account){.next = 1};
  fill(writer);
  before_announcement = take_one;
  CHECK_EQUAL(write_one(writer), CAPACITY + 1);
  CHECK(before_announcement == NULL);
  CHECK_RESULT(write_one(writer), KG_E_RING_FULL, NULL);
  kg_reader_close(taker);
  kg_writer_close(writer);
}

TEST(by_word, "a writer that sleeps on the word is woken by its change") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_rejecting(dir, CAPACITY, LONG_MS);
  const kg_ring_doorbell *doorbell = writer->segment.ring.doorbell;
  taker = open_reliable(dir);
  taken = (account){.next = 1};
  fill(writer);
  CHECK_RESULT(kg_writer_wait_for_space(writer, 1, 0), KG_E_RING_FULL, NULL);
  CHECK((doorbell->space_waiters & KG_WAITS_ON_SPACE) != 0);
  uint32_t word = doorbell->space;
  rings = 0;
  take_one();
  CHECK_EQUAL(doorbell->space, word + 1);
  CHECK_EQUAL(rings, 1);
  /* Nobody waits, nobody rings. */
  take_one();
  CHECK_EQUAL(doorbell->space, word + 1);
  CHECK_EQUAL(rings, 1);
  kg_reader_close(taker);
  kg_writer_close(writer);
}
