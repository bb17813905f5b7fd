/* The default directories of macOS, over what Linux has in their place. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../../native/platform/platform.h"
#include "../file_fixture.h"

enum { CACHE, HOME };

static void check_candidate(unsigned index, const char *base,
                            const char *name) {
  char path[KG_PATH_BYTES];
  char wanted[2 * KG_PATH_BYTES] = "";
  CHECK(kg__dir_candidate(index, path));
  if (base != NULL) {
    snprintf(wanted, sizeof wanted, "%s%s", base, name);
  }
  CHECK(strcmp(path, wanted) == 0);
}

TEST(fixed, "the user's cache is the best, the home the last") {
  char path[KG_PATH_BYTES];
  const char *cache = check_temp_dir();
  const char *home = check_temp_dir();
  CHECK(setenv("KG_DARWIN_CACHE", cache, 1) == 0);
  CHECK(setenv("HOME", home, 1) == 0);
  check_candidate(CACHE, cache, "/kindly-guard");
  check_candidate(HOME, home, "/Library/Caches/kindly-guard");
  CHECK(!kg__dir_candidate(HOME + 1, path));
  CHECK(!kg__dir_candidate(UINT32_MAX, path));
}

TEST(without,
     "what is no home of this user's, or does not fit, is passed over") {
  char longer[KG_PATH_BYTES];
  memset(longer, 'a', sizeof longer);
  longer[0] = '/';
  longer[sizeof longer - 1] = '\0';
  CHECK(setenv("KG_DARWIN_CACHE", longer, 1) == 0);
  check_candidate(CACHE, NULL, NULL);
  CHECK(setenv("KG_DARWIN_CACHE", "relative", 1) == 0);
  check_candidate(CACHE, NULL, NULL);
  /* The list of users says where it is. */
  CHECK(setenv("HOME", "relative", 1) == 0);
  char path[KG_PATH_BYTES];
  CHECK(kg__dir_candidate(HOME, path));
  CHECK(path[0] == '\0' || path[0] == '/');
  CHECK(strstr(path, "relative") == NULL);
}

TEST(used, "a ring is made in the first that can be used, and found there") {
  const char *cache = check_temp_dir();
  CHECK(setenv("KG_DARWIN_CACHE", cache, 1) == 0);
  kg_writer *writer = open_writer(NULL, 16);
  kg_reader *reader = open_reader(NULL);
  account account = {.next = 1};
  CHECK_CONTAINS(writer_info(writer).path, cache);
  write_events(writer, 3);
  read_file_once(reader, &account);
  CHECK_EQUAL(account.received, 3);
  kg_reader_close(reader);
  kg_writer_close(writer);
  /* The directory is not check_temp_dir's, which removes only files. */
  const char *dir = check_path(cache, "kindly-guard");
  static const char *const names[] = {RING_FILE, LOCK_FILE, WAKE_FILE};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    char path[KG_PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", dir, names[i]);
    CHECK(unlink(path) == 0);
  }
  CHECK(rmdir(check_path(cache, "kindly-guard")) == 0);
}
