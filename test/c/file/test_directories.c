/* Writers without a directory of their own. The linker puts
 * __wrap_kg__dir_candidate in the place of the system's default directories. */
#include <stdio.h>

#include "../../../native/file/lock_file.h"
#include "../file_fixture.h"

bool __wrap_kg__dir_candidate(unsigned index, char path[KG_PATH_BYTES]);
int __real_kg__lock_take(kg__dir *dir, const kg__names *names, kg__file *lock,
                         kg_failure *failure);
int __wrap_kg__lock_take(kg__dir *dir, const kg__names *names, kg__file *lock,
                         kg_failure *failure);

/* The best one, and one in the home. */
static char best[KG_PATH_BYTES];
static char above[KG_PATH_BYTES];
static char home[KG_PATH_BYTES];

/* As for a process that another environment tells of them. */
static bool is_home_best;

/* Looks at what the environment says. */
static uint32_t looks;

bool __wrap_kg__dir_candidate(unsigned index, char path[KG_PATH_BYTES]) {
  looks++;
  bool is_home = (index == 0) == is_home_best;
  snprintf(path, KG_PATH_BYTES, "%s", is_home ? home : best);
  return index < 2;
}

/* Called once, before a lock file is taken. */
static void (*before_lock)(void);

int __wrap_kg__lock_take(kg__dir *dir, const kg__names *names, kg__file *lock,
                         kg_failure *failure) {
  void (*act)(void) = before_lock;
  before_lock = NULL;
  if (act != NULL) {
    act();
  }
  return __real_kg__lock_take(dir, names, lock, failure);
}

static void begin(void) {
  const char *dir = check_temp_dir();
  snprintf(best, sizeof best, "%s", check_path(dir, "best"));
  snprintf(above, sizeof above, "%s", check_path(dir, ".kindly-guard"));
  snprintf(home, sizeof home, "%s", check_path(above, "shm"));
}

#if SYSTEM_REMOVES_OPENED

/* A writer in the home, since what has the better place is no directory. */
static kg_writer *open_at_home(void) {
  put_file(best, "", 0);
  kg_writer *writer = open_writer(NULL, 16);
  CHECK_CONTAINS(writer_info(writer).path, home);
  CHECK(system_remove_file(best));
  return writer;
}

static void remove_home(void) {
  static const char *const names[] = {RING_FILE, LOCK_FILE, WAKE_FILE};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    remove_file(home, names[i]);
  }
  remove_dir(home);
  remove_dir(above);
}

TEST(home_gone, "F24 a directory in the home that went away is made again") {
  begin();
  kg_failure failure;
  kg_writer *writer = open_at_home();
  remove_home();
  CHECK_RESULT(kg_writer_beat(writer, &failure), KG_OK, &failure);
  CHECK(has_file(home, RING_FILE));
  CHECK_EQUAL(write_events(writer, 3), 3);
  kg_writer_close(writer);
}

TEST(both_gone, "F38 F74 who came while a directory was away stays the one") {
  begin();
  kg_failure failure;
  kg_writer *writer = open_at_home();
  remove_home();
  kg_writer *other = open_writer(NULL, 16);
  CHECK_CONTAINS(writer_info(other).path, best);
  int descriptors = 0;
  for (int i = 0; i < 3; i++) {
    CHECK_RESULT(kg_writer_beat(writer, &failure), KG_E_RING_LOCKED, &failure);
    CHECK_CONTAINS(failure.detail, best);
    CHECK(i == 0 || check_open_descriptors() == descriptors);
    descriptors = check_open_descriptors();
    CHECK(!has_file(home, RING_FILE));
    CHECK_RESULT((int)kg_writer_write(writer, &(kg_threat){0}),
                 KG_E_RING_LOCKED, NULL);
    CHECK_RESULT(kg_writer_beat(other, &failure), KG_OK, &failure);
  }
  kg_writer_close(other);
  CHECK_RESULT(kg_writer_beat(writer, &failure), KG_OK, &failure);
  CHECK_EQUAL(write_events(writer, 3), 3);
  refuse_writer(NULL, KG_E_RING_LOCKED);
  kg_writer_close(writer);
}

#endif

static kg_writer *first;
static kg_ring_info first_info;

static void end_first(void) {
  CHECK_EQUAL(write_events(first, 2), 7);
  kg_writer_close(first);
}

TEST(last_events, "F70 what the one before published last is counted") {
  begin();
  first = open_writer(NULL, 16);
  first_info = writer_info(first);
  CHECK_EQUAL(write_events(first, 5), 5);
  is_home_best = true;
  before_lock = end_first;
  kg_writer *writer = open_writer(NULL, 16);
  kg_ring_info info = writer_info(writer);
  CHECK_CONTAINS(info.path, home);
  CHECK_EQUAL(info.predecessor_generation, first_info.generation);
  CHECK_EQUAL(info.predecessor_sequence, 7);
  kg_writer_close(writer);
}

TEST(environment, "F74 no thread looks at the environment to see who writes") {
  begin();
  enum kg_writer_life life;
  kg_writer *writer = open_writer(NULL, 16);
  kg_reader *reader = open_reader(NULL);
  kg_writer_close(writer);
  looks = 0;
  CHECK_RESULT(kg_reader_check(reader, &life), KG_OK, NULL);
  CHECK_EQUAL(life, KG_WRITER_GONE);
  CHECK_EQUAL(looks, 0);
  is_home_best = true;
  writer = open_writer(NULL, 16);
  looks = 0;
  CHECK_RESULT(kg_reader_check(reader, &life), KG_E_NO_RING, NULL);
  CHECK_EQUAL(looks, 0);
  kg_reader_close(reader);
  kg_writer_close(writer);
}
