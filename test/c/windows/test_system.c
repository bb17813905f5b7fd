/* What Windows says, and what is made of it. */
#include <windows.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "../../../native/file/reader.h"
#include "../../../native/platform/win32.h"
#include "../file_fixture.h"

TEST(errors, "F31 every error has the one that it means, and is kept") {
  static const struct {
    DWORD number;
    int error;
  } cases[] = {{ERROR_FILE_NOT_FOUND, KG_E_NO_RING},
               {ERROR_PATH_NOT_FOUND, KG_E_NO_RING},
               {ERROR_DISK_FULL, KG_E_NO_SPACE},
               {ERROR_HANDLE_DISK_FULL, KG_E_NO_SPACE},
               {ERROR_ACCESS_DENIED, KG_E_ACCESS},
               {ERROR_SHARING_VIOLATION, KG_E_ACCESS},
               {ERROR_WRITE_PROTECT, KG_E_READ_ONLY},
               {ERROR_TOO_MANY_OPEN_FILES, KG_E_TOO_MANY_FILES},
               {ERROR_NOT_ENOUGH_MEMORY, KG_E_NO_MEMORY},
               {ERROR_COMMITMENT_LIMIT, KG_E_NO_MEMORY},
               {ERROR_FILENAME_EXCED_RANGE, KG_E_INVALID_OPTION},
               {ERROR_INVALID_HANDLE, KG_E_SYSTEM},
               {0xDEAD, KG_E_SYSTEM}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    kg_failure failure = {.error = 0};
    CHECK_RESULT(kg__win32_fail_as(&failure, cases[i].number, "asking",
                                   "C:\\dir", "file"),
                 cases[i].error, &failure);
    CHECK_EQUAL(failure.error, cases[i].error);
    CHECK_EQUAL(failure.system_error, cases[i].number);
    CHECK_CONTAINS(failure.detail, "C:\\dir\\file: asking: ");
    CHECK(failure.detail[strlen(failure.detail) - 1] != '\n');
    CHECK_EQUAL(kg__win32_fail_as(NULL, cases[i].number, "asking", "", ""),
                cases[i].error);
  }
}

/* A path that leads to a directory which is there. */
static void check_leads_to(const char *path, const char *wanted) {
  kg__dir dir;
  kg_failure failure;
  CHECK_RESULT(kg__dir_open(path, false, &dir, &failure), KG_OK, &failure);
  if (strcmp(dir.path, wanted) != 0) {
    fprintf(stderr, "\"%s\", wanted \"%s\"\n", dir.path, wanted);
  }
  CHECK(strcmp(dir.path, wanted) == 0);
  kg__dir_close(&dir);
}

TEST(forms, "a path has one form, however it is written") {
  const char *home = check_temp_dir();
  const char *dir = check_path(home, "made");
  char path[KG_PATH_BYTES];
  make_dir(dir);
  check_leads_to(dir, dir);
  check_leads_to(check_path(dir, ""), dir);
  check_leads_to(check_path(dir, "\\\\"), dir);
  check_leads_to(check_path(dir, "."), dir);
  check_leads_to(check_path(dir, "..\\made"), dir);
  snprintf(path, sizeof path, "%s", dir);
  for (char *at = path; *at != '\0'; at++) {
    *at = *at == '\\' ? '/' : *at;
  }
  check_leads_to(path, dir);
  snprintf(path, sizeof path, "\\\\?\\%s", dir);
  check_leads_to(path, dir);
  CHECK(system_change_dir(home));
  check_leads_to("made", dir);
  check_leads_to(".\\made\\", dir);
  /* The drive on which we are. */
  check_leads_to(dir + 2, dir);
}

TEST(paths, "the longest path, one that is longer, none, and one of no text") {
  char path[KG_PATH_BYTES + 1];
  kg__dir dir;
  kg_failure failure;
  memset(path, 'x', sizeof path);
  memcpy(path, "C:\\", 3);
  for (size_t i = 100; i < sizeof path; i += 100) {
    path[i] = '\\';
  }
  path[KG_PATH_BYTES] = '\0';
  CHECK_RESULT(kg__dir_open(path, false, &dir, &failure), KG_E_INVALID_OPTION,
               &failure);
  CHECK_CONTAINS(failure.detail, "511");
  path[KG_PATH_BYTES - 1] = '\0';
  CHECK_RESULT(kg__dir_open(path, false, &dir, &failure), KG_E_NO_RING,
               &failure);
  CHECK(strcmp(dir.path, path) == 0);
  const char *none[] = {"", "\xC3", "C:\\\xFF\xFE"};
  for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
    CHECK_RESULT(kg__dir_open(none[i], false, &dir, &failure),
                 KG_E_INVALID_OPTION, &failure);
  }
}

/* A ring of which a writer and a reader find the same in there. */
static void check_works_in(const char *dir) {
  kg_writer *writer = open_writer(dir, 16);
  kg_reader *reader = open_reader(dir);
  account account = {.next = 1};
  CHECK_EQUAL(write_events(writer, 3), 3);
  drain_file(reader, &account);
  CHECK_EQUAL(account.received, 3);
  refuse_writer(dir, KG_E_RING_LOCKED);
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(names, "a directory with spaces, with letters of any script, a long one") {
  char path[KG_PATH_BYTES];
  const char *home = check_temp_dir();
  check_works_in(check_path(home, "with spaces and 'quotes'"));
  check_works_in(check_path(home, "\xC3\xA4\xC3\xB6\xC3\xBC"));
  check_works_in(check_path(home, "\xE6\x97\xA5\xE6\x9C\xAC"));
  check_works_in(check_path(home, "\xF0\x9F\x98\x80"));
  /* So long that a file in it is longer than the 260 of old. */
  size_t at = (size_t)snprintf(path, sizeof path, "\\\\?\\%s", home);
  while (at < 400) {
    memset(path + at, 'd', 90);
    path[at] = '\\';
    at += 90;
    path[at] = '\0';
    if (at < 400) {
      wchar_t wide[KG_PATH_BYTES];
      swprintf(wide, KG_PATH_BYTES, L"%hs", path);
      CHECK(CreateDirectoryW(wide, NULL));
    }
  }
  check_works_in(path + 4);
}

TEST(inherits, "no program that is started inherits anything of a ring") {
  const char *dir = check_temp_dir();
  enum { MOST = 1024 };
  static bool was_open[MOST];
  DWORD flags;
  for (uintptr_t i = 1; i < MOST; i++) {
    was_open[i] = GetHandleInformation((HANDLE)(i * 4), &flags) != 0;
  }
  const kg_ring_options writing = {
      .dir = dir, .max_events = 16, .rejects = true};
  const kg_ring_options reading = {.dir = dir, .reliable = true};
  kg_writer *writer = NULL;
  kg_reader *reader = NULL;
  CHECK_RESULT(kg_writer_open(&writing, &writer, NULL), KG_OK, NULL);
  CHECK_RESULT(kg_reader_open(&reading, &reader, NULL), KG_OK, NULL);
  int opened = 0;
  for (uintptr_t i = 1; i < MOST; i++) {
    if (!was_open[i] && GetHandleInformation((HANDLE)(i * 4), &flags)) {
      CHECK_EQUAL(flags & HANDLE_FLAG_INHERIT, 0);
      opened++;
    }
  }
  CHECK(opened >= 7);
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(closes, "no mapping, handle or file is left when all is closed") {
  const char *dir = check_temp_dir();
  kg_reader_close(NULL);
  for (int i = 0; i < 3; i++) {
    int handles = check_open_descriptors();
    kg_writer *writer = open_writer(dir, 16);
    kg_reader *reader = open_reader(dir);
    CHECK(check_count_mappings(RING_FILE) > 0);
    kg_reader_close(reader);
    kg_writer_close(writer);
    CHECK_EQUAL(check_count_mappings("kindly-guard"), 0);
    /* The first time may open what the system keeps. */
    CHECK(i == 0 || check_open_descriptors() == handles);
  }
}

/* --- Locks ---------------------------------------------------------------- */

static void open_file(const char *path, kg__file *file) {
  kg__dir dir;
  kg_failure failure;
  CHECK_RESULT(kg__dir_open(path, false, &dir, &failure), KG_OK, &failure);
  CHECK_RESULT(kg__file_open_or_create(&dir, "file", file, &failure), KG_OK,
               &failure);
  kg__dir_close(&dir);
}

/* Takes one lock, says so, and keeps it. */
CHILD(hold, dir, byte) {
  kg__file file;
  open_file(dir, &file);
  CHECK_RESULT(kg__file_lock(&file, (uint32_t)byte, NULL), KG_OK, NULL);
  check_tell(check_shared());
  for (;;) {
    system_sleep_us(1000000);
  }
}

TEST(locks, "F33 F35 a lock is held against all, and goes with who has it") {
  const char *dir = check_temp_dir();
  kg__file file;
  kg_failure failure;
  open_file(dir, &file);
  for (uint32_t round = 1; round <= 5; round++) {
    system_process child = CHECK_START(hold, dir, 7);
    check_await(check_shared(), round);
    for (int i = 0; i < 3; i++) {
      CHECK_RESULT(kg__file_lock(&file, 7, &failure), KG_E_RING_LOCKED,
                   &failure);
      CHECK(kg__file_is_locked(&file, 7));
      CHECK(!kg__file_is_locked(&file, 6) && !kg__file_is_locked(&file, 8));
    }
    check_kill(child);
    /* At once: the next writer does not wait for it. */
    CHECK(!kg__file_is_locked(&file, 7));
  }
  CHECK_RESULT(kg__file_lock(&file, 7, &failure), KG_OK, &failure);
  kg__file again;
  open_file(dir, &again);
  CHECK_RESULT(kg__file_lock(&again, 7, &failure), KG_E_RING_LOCKED, &failure);
  CHECK(kg__file_is_locked(&again, 7));
  CHECK_RESULT(kg__file_lock(&again, 8, &failure), KG_OK, &failure);
  kg__file_close(&file);
  CHECK(!kg__file_is_locked(&again, 7));
  kg__file_close(&again);
}

/* Asks whether a lock is held, and loses the CPU just then. */
CHILD(ask_slowly, dir, byte) {
  kg__file file;
  OVERLAPPED place = {.OffsetHigh = 0x7F000000};
  place.Offset = (DWORD)byte;
  open_file(dir, &file);
  CHECK(LockFileEx((HANDLE)file.handle, LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0,
                   &place));
  check_tell(check_shared());
  system_sleep_us(50000);
  CHECK(UnlockFileEx((HANDLE)file.handle, 0, 1, 0, &place));
  kg__file_close(&file);
}

TEST(asked, "F37 who only asks whether a lock is held keeps nobody from it") {
  const char *dir = check_temp_dir();
  for (uint32_t round = 1; round <= 5; round++) {
    kg__file file;
    kg_failure failure;
    open_file(dir, &file);
    system_process child = CHECK_START(ask_slowly, dir, 7);
    check_await(check_shared(), round);
    CHECK_RESULT(kg__file_lock(&file, 7, &failure), KG_OK, &failure);
    CHECK_EXIT(child);
    kg__file_close(&file);
  }
}

/* --- Clocks and the rest -------------------------------------------------- */

typedef struct told {
  uint64_t before_ns;
  uint64_t child_ns;
  uint64_t boot_id;
  uint32_t process_id;
} told;

CHILD(tell_time, unused, number) {
  told *told = check_shared();
  told->child_ns = kg__clock_monotonic_ns();
  told->boot_id = kg__boot_id();
  told->process_id = kg__process_id();
}

TEST(same_for_all,
     "every process has the same clock and boot, and its own id") {
  told *told = check_shared();
  told->before_ns = kg__clock_monotonic_ns();
  CHECK_EXIT(CHECK_START(tell_time, "", 0));
  CHECK(told->before_ns < told->child_ns);
  CHECK(told->child_ns < kg__clock_monotonic_ns());
  CHECK_EQUAL(told->boot_id, kg__boot_id());
  CHECK(told->process_id != kg__process_id());
}

TEST(clocks, "the wall clock counts microseconds, the others nanoseconds") {
  FILETIME time;
  GetSystemTimeAsFileTime(&time);
  uint64_t ticks = (uint64_t)time.dwHighDateTime << 32 | time.dwLowDateTime;
  uint64_t wall = kg__clock_wall_us();
  uint64_t then = (ticks - UINT64_C(116444736000000000)) / 10;
  /* That clock moves every 16 ms alone. */
  CHECK(wall + 100000 >= then && wall <= then + UINT64_C(60000000));
  uint64_t begin = kg__clock_monotonic_ns();
  uint64_t boot_begin = kg__clock_boot_ns();
  uint64_t wall_begin = kg__clock_wall_us();
  kg__sleep(30000000);
  uint64_t slept = kg__clock_monotonic_ns() - begin;
  uint64_t boot_slept = kg__clock_boot_ns() - boot_begin;
  CHECK(slept >= 29000000 && boot_slept >= 29000000);
  CHECK(kg__clock_wall_us() - wall_begin >= 29000);
}

TEST(randomness, "F31 random numbers are none of before, and never 0") {
  uint64_t values[64];
  kg_failure failure;
  for (int i = 0; i < 64; i++) {
    CHECK_RESULT(kg__random(&values[i], &failure), KG_OK, &failure);
    CHECK(values[i] != 0);
    for (int j = 0; j < i; j++) {
      CHECK(values[i] != values[j]);
    }
  }
}

/* --- Bells ---------------------------------------------------------------- */

static uint64_t since(uint64_t begin) {
  return kg__clock_monotonic_ns() - begin;
}

/* Rings a bell while somebody sleeps, most probably. */
static void *ring_later(void *bell) {
  system_sleep_us(100000);
  kg__bell_ring(bell);
  return NULL;
}

/* Sleeps on one bell while another one is rung; returns how long. */
static uint64_t sleep_until(kg__bell *bell, kg__bell *rung, uint64_t ns) {
  pthread_t thread;
  uint64_t begin = kg__clock_monotonic_ns();
  CHECK(pthread_create(&thread, NULL, ring_later, rung) == 0);
  kg__bell_wait(bell, 0, ns);
  uint64_t slept = since(begin);
  CHECK(pthread_join(thread, NULL) == 0);
  return slept;
}

TEST(bells, "a bell is one word's of one ring, and wakes who sleeps on it") {
  static uint32_t words[32];
  kg__bell bells[3];
  kg__bell_open(&bells[0], &words[0], 1);
  kg__bell_open(&bells[1], &words[1], 1);
  kg__bell_open(&bells[2], &words[0], 2);
  for (int round = 0; round < 3; round++) {
    CHECK(sleep_until(&bells[0], &bells[0], UINT64_C(60000000000)) <
          UINT64_C(30000000000));
    CHECK(sleep_until(&bells[0], &bells[1], 300000000) >= 290000000);
    CHECK(sleep_until(&bells[0], &bells[2], 300000000) >= 290000000);
  }
  for (int i = 0; i < 3; i++) {
    kg__bell_close(&bells[i]);
  }
}

TEST(bells_apart, "who falls asleep behind a ring is not woken by it") {
  static uint32_t word;
  kg__bell bell;
  kg__bell_open(&bell, &word, 1);
  for (int round = 0; round < 4; round++) {
    kg__bell_ring(&bell);
    uint64_t begin = kg__clock_monotonic_ns();
    kg__bell_wait(&bell, 0, 50000000);
    CHECK(since(begin) >= 40000000);
  }
  /* One that is another number by now ends it at once. */
  uint64_t begin = kg__clock_monotonic_ns();
  kg__bell_wait(&bell, 1, UINT64_C(60000000000));
  CHECK(since(begin) < UINT64_C(30000000000));
  kg__bell_close(&bell);
  /* Who has none sleeps all the same, for a millisecond. */
  kg__bell_ring(&bell);
  begin = kg__clock_monotonic_ns();
  kg__bell_wait(&bell, 0, 50000000);
  CHECK(since(begin) >= 900000);
  kg__bell_close(&bell);
}

TEST(no_wake_file, "there is no wake file, and nobody misses it") {
  const char *dir = check_temp_dir();
  kg__wake_file file = KG__WAKE_FILE_NONE;
  kg__listener listener = KG__LISTENER_NONE;
  kg__dir opened;
  CHECK_RESULT(kg__dir_open(dir, false, &opened, NULL), KG_OK, NULL);
  kg__wake_file_keep(&opened, WAKE_FILE, &file);
  CHECK_EQUAL(file.id, 0);
  CHECK(kg__wake_file_signal(&file));
  CHECK(kg__wake_file_open(&opened, WAKE_FILE, 1, &file) < 0);
  CHECK(kg__listener_open(&opened, WAKE_FILE, 1, &listener) < 0);
  kg__listener_drain(&listener);
  kg__listener_close(&listener);
  kg__wake_file_close(&file);
  kg__dir_close(&opened);
  kg_writer *writer = open_writer(dir, 16);
  kg_reader *reader = open_reader(dir);
  CHECK(kg__reader_open_listener(reader) < 0);
  CHECK(!kg__reader_can_listen(reader));
  CHECK(!has_file(dir, WAKE_FILE));
  kg_reader_close(reader);
  kg_writer_close(writer);
}
