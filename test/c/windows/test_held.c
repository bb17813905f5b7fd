/* What somebody has open keeps its name, its place and its length, whoever
 * wants to take it away: so a live ring can be neither removed nor cut short.
 */
#include <windows.h>

#include "../reliable_fixture.h"

static void check_stays(const char *path) {
  CHECK(!system_remove_file(path));
  CHECK(!system_rename(path, check_path(check_temp_dir(), "away")));
  CHECK(system_exists(path));
}

TEST(files, "F24 F38 the files of a live ring can be removed by nobody") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_rejecting(dir, CAPACITY, LONG_MS);
  kg_reader *reader = open_reliable(dir);
  account account = {.next = 1};
  CHECK_EQUAL(fill(writer), CAPACITY);
  check_stays(check_path(dir, LOCK_FILE));
  check_stays(check_path(dir, READERS_FILE));
  check_stays(ring_file(dir));
  take(reader, &account, CAPACITY);
  CHECK_EQUAL(account.received, CAPACITY);
  kg_writer_close(writer);
  /* A reader holds what it reads. */
  check_stays(ring_file(dir));
  check_stays(check_path(dir, READERS_FILE));
  CHECK(system_remove_file(check_path(dir, LOCK_FILE)));
  kg_reader_close(reader);
  CHECK(system_remove_file(ring_file(dir)));
  CHECK(system_remove_file(check_path(dir, READERS_FILE)));
}

TEST(directory, "F24 F38 nor can its directory, or be renamed") {
  const char *home = check_temp_dir();
  const char *dir = check_path(home, "made");
  kg_writer *writer = open_writer(dir, 16);
  kg_reader *reader = open_reader(dir);
  enum kg_writer_life life;
  for (int i = 0; i < 2; i++) {
    CHECK(!system_rename(dir, check_path(home, "away")));
    CHECK(!system_remove_dir(dir));
    CHECK_RESULT(kg_reader_check(reader, &life), KG_OK, NULL);
    CHECK_EQUAL(life, i == 0 ? KG_WRITER_LIVE : KG_WRITER_GONE);
    kg_writer_close(writer);
    writer = NULL;
  }
  kg_reader_close(reader);
  CHECK(system_rename(dir, check_path(home, "away")));
}

TEST(length, "F22 a ring that somebody has is cut short by nobody") {
  static const uint64_t lengths[] = {0, 1, 4096, KG_SLOTS_OFFSET,
                                     KG_SLOTS_OFFSET + 4096};
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 256);
  kg_reader *reader = open_reader(dir);
  account account = {.next = 1};
  kg_ring_info info = writer_info(writer);
  write_events(writer, 30);
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    CHECK(!system_set_length(ring_file(dir), lengths[i]));
    CHECK(!system_set_length(ring_file(dir), info.file_bytes - 1));
    CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
    write_events(writer, 1);
  }
  /* Whoever wants it longer is welcome. */
  system_set_length(ring_file(dir), info.file_bytes + 4096);
  CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
  CHECK_EQUAL(writer_info(writer).generation, info.generation);
  drain_file(reader, &account);
  CHECK_EQUAL(account.received, 35);
  kg_writer_close(writer);
  CHECK(!system_set_length(ring_file(dir), 0));
  kg_reader_close(reader);
  /* Now it can, and is told as such. */
  CHECK(system_set_length(ring_file(dir), KG_SLOTS_OFFSET));
  refuse_reader(dir, KG_E_RING_TRUNCATED);
  writer = open_writer(dir, 256);
  CHECK_EQUAL(write_events(writer, 3), 3);
  kg_writer_close(writer);
}

TEST(locks, "F18 who locks or reads a ring's own bytes holds up nobody") {
  const char *dir = check_temp_dir();
  unsigned char bytes[4096];
  kg_writer *writer = open_writer(dir, 16);
  kg_reader *reader = open_reader(dir);
  account account = {.next = 1};
  HANDLE ring = CreateFileA(ring_file(dir), GENERIC_READ,
                            FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
                            OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL);
  CHECK(ring != INVALID_HANDLE_VALUE);
  for (uint64_t i = 1; i <= 50; i++) {
    /* While it is locked, nobody else could read it by a handle. */
    OVERLAPPED begin = {0};
    CHECK(LockFileEx(ring, LOCKFILE_EXCLUSIVE_LOCK | LOCKFILE_FAIL_IMMEDIATELY,
                     0, sizeof bytes, 0, &begin));
    CHECK_EQUAL(write_events(writer, 1), i);
    CHECK(UnlockFileEx(ring, 0, sizeof bytes, 0, &begin));
    peek_ring(dir, 0, bytes, sizeof bytes);
    drain_file(reader, &account);
    CHECK_EQUAL(account.received, i);
  }
  CloseHandle(ring);
  kg_reader_close(reader);
  kg_writer_close(writer);
}
