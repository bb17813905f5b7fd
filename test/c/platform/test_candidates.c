/* The default directories of this system, best first, by the environment and
 * by who owns what it names. */
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../../native/platform/platform.h"
#include "../file_fixture.h"

enum { SHM, NAMED_RUNTIME, RUNTIME, NAMED_TEMPORARY, TEMPORARY, HOME };

static const char *by_user(void) {
  static char name[64];
  snprintf(name, sizeof name, "/kindly-guard-%ld", (long)geteuid());
  return name;
}

static void check_candidate(unsigned index, const char *base,
                            const char *name) {
  char path[KG_PATH_BYTES];
  char wanted[2 * KG_PATH_BYTES] = "";
  CHECK(kg__dir_candidate(index, path));
  if (base != NULL) {
    snprintf(wanted, sizeof wanted, "%s%s", base, name);
  }
  if (strcmp(path, wanted) != 0) {
    fprintf(stderr, "%u: \"%s\", wanted \"%s\"\n", index, path, wanted);
  }
  CHECK(strcmp(path, wanted) == 0);
}

static void set(const char *name, const char *value) {
  CHECK((value == NULL ? unsetenv(name) : setenv(name, value, 1)) == 0);
}

/* A directory of this user's with that mode. */
static const char *make_mode_dir(mode_t mode) {
  const char *dir = check_temp_dir();
  CHECK(chmod(dir, mode) == 0);
  return dir;
}

TEST(fixed, "/dev/shm is the best, /tmp comes before the home, then no more") {
  char path[KG_PATH_BYTES];
  check_candidate(SHM, "/dev/shm", by_user());
  check_candidate(TEMPORARY, "/tmp", by_user());
  CHECK(HOME < KG__DIR_CANDIDATES);
  CHECK(!kg__dir_candidate(HOME + 1, path));
  CHECK(!kg__dir_candidate(UINT32_MAX, path));
}

TEST(runtime, "XDG_RUNTIME_DIR counts if it is there and this user's") {
  char run[64];
  const char *dir = make_mode_dir(0700);
  snprintf(run, sizeof run, "/run/user/%ld", (long)geteuid());
  set("XDG_RUNTIME_DIR", dir);
  check_candidate(NAMED_RUNTIME, dir, "/kindly-guard");
  check_candidate(RUNTIME, run, "/kindly-guard");
  const char *file = check_path(dir, "file");
  put_file(file, "", 0);
  CHECK(chdir(dir) == 0 && mkdir("relative", 0700) == 0);
  const char *none[] = {NULL, "", "relative", "/not/there", file};
  for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
    set("XDG_RUNTIME_DIR", none[i]);
    check_candidate(NAMED_RUNTIME, NULL, "");
    check_candidate(RUNTIME, run, "/kindly-guard");
  }
}

/* What depends on who we are is asked as a user who is not root. */
TEST(owners, "F74 a directory of another user's that sudo left is none") {
  const char *roots = geteuid() == 0 ? make_mode_dir(0755) : "/";
  if (become_plain_user()) {
    set("XDG_RUNTIME_DIR", roots);
    check_candidate(NAMED_RUNTIME, NULL, "");
    set("HOME", roots);
    char path[KG_PATH_BYTES];
    CHECK(kg__dir_candidate(HOME, path));
    CHECK(strncmp(path, roots, strlen(roots)) != 0 || strcmp(roots, "/") == 0);
    /* For files that come and go root's will do. */
    set("TMPDIR", roots);
    check_candidate(NAMED_TEMPORARY, roots, by_user());
    leave_plain_user();
  }
}

TEST(temporary, "TMPDIR counts if nobody else can exchange what is in it") {
  const struct {
    mode_t mode;
    bool counts;
  } cases[] = {{0700, true},  {0755, true},  {01777, true}, {0777, false},
               {0720, false}, {0702, false}, {01702, true}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const char *dir = make_mode_dir(cases[i].mode);
    set("TMPDIR", dir);
    check_candidate(NAMED_TEMPORARY, cases[i].counts ? dir : NULL, by_user());
  }
  const char *none[] = {NULL, "/tmp", "relative", "/not/there"};
  for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
    set("TMPDIR", none[i]);
    check_candidate(NAMED_TEMPORARY, NULL, "");
  }
  if (geteuid() == 0) {
    const char *others = make_mode_dir(0755);
    CHECK(chown(others, 65534, 65534) == 0);
    set("TMPDIR", others);
    check_candidate(NAMED_TEMPORARY, NULL, "");
  }
}

TEST(long_path, "a path that does not fit is passed over") {
  char name[KG_PATH_BYTES];
  const char *dir = make_mode_dir(0700);
  /* The path is to have the room's last byte but for its end, then that too. */
  size_t room = KG_PATH_BYTES - 1 - strlen("/kindly-guard");
  for (size_t length = room; length <= room + 1; length++) {
    size_t at = (size_t)snprintf(name, sizeof name, "%s", dir);
    while (at < length) {
      size_t part = length - at - 1 < 100 ? length - at - 1 : 100;
      if (length - at - 1 - part == 1) {
        part--;
      }
      name[at] = '/';
      memset(name + at + 1, 'd', part);
      at += 1 + part;
      name[at] = '\0';
      CHECK(mkdir(name, 0700) == 0 || access(name, F_OK) == 0);
    }
    CHECK_EQUAL(strlen(name), length);
    set("XDG_RUNTIME_DIR", name);
    check_candidate(NAMED_RUNTIME, length == room ? name : NULL,
                    "/kindly-guard");
  }
}

/* A home of this user's, or of the system's list where HOME is not. */
TEST(home, "the home has the last one, in a directory of its own") {
  const char *dir = make_mode_dir(0700);
  kg_failure failure;
  kg__dir opened;
  char path[KG_PATH_BYTES];
  struct stat info;
  set("HOME", dir);
  check_candidate(HOME, dir, "/.kindly-guard/shm");
  CHECK(kg__dir_candidate(HOME, path));
  CHECK_RESULT(kg__dir_open_candidate(path, false, &opened, &failure),
               KG_E_NO_RING, &failure);
  CHECK_RESULT(kg__dir_open_candidate(path, true, &opened, &failure), KG_OK,
               &failure);
  CHECK(strcmp(opened.path, path) == 0);
  const char *made[] = {path, check_path(dir, ".kindly-guard")};
  for (int i = 0; i < 2; i++) {
    CHECK(stat(made[i], &info) == 0);
    CHECK_EQUAL(info.st_mode & 07777, 0700);
  }
  kg__dir_close(&opened);
  CHECK_RESULT(kg__dir_open_candidate(path, false, &opened, &failure), KG_OK,
               &failure);
  kg__dir_close(&opened);
  /* The directory above is checked as well, not passed through. */
  CHECK(chmod(made[1], 0777) == 0);
  for (int create = 0; create < 2; create++) {
    CHECK_RESULT(kg__dir_open_candidate(path, create != 0, &opened, &failure),
                 KG_E_UNSAFE_PATH, &failure);
  }
  int descriptors = check_open_descriptors();
  CHECK(chmod(made[1], 0700) == 0);
  CHECK_RESULT(kg__dir_open_candidate(path, true, &opened, &failure), KG_OK,
               &failure);
  CHECK_EQUAL(check_open_descriptors(), descriptors + 1);
  kg__dir_close(&opened);
  set("HOME", NULL);
  CHECK(kg__dir_candidate(HOME, path));
  CHECK(strncmp(path, dir, strlen(dir)) != 0);
}

TEST(above, "only the home's has a directory above it that is made") {
  const char *dir = make_mode_dir(0700);
  char path[KG_PATH_BYTES];
  kg__dir opened;
  snprintf(path, sizeof path, "%s/not-there/kindly-guard", dir);
  CHECK_RESULT(kg__dir_open_candidate(path, true, &opened, NULL),
               KG_E_INVALID_OPTION, NULL);
  snprintf(path, sizeof path, "%s/kindly-guard", dir);
  CHECK_RESULT(kg__dir_open_candidate(path, true, &opened, NULL), KG_OK, NULL);
  kg__dir_close(&opened);
}

TEST(the_default, "the default directory is made, and is the best there is") {
  char path[KG_PATH_BYTES] = "";
  char wanted[KG_PATH_BYTES];
  kg_failure failure;
  struct stat info;
  CHECK(kg__dir_candidate(SHM, wanted));
  bool is_new = access(wanted, F_OK) != 0;
  int descriptors = check_open_descriptors();
  CHECK_RESULT(kg_default_directory(path, &failure), KG_OK, &failure);
  CHECK(strcmp(path, wanted) == 0);
  CHECK(stat(path, &info) == 0 && S_ISDIR(info.st_mode));
  CHECK_EQUAL(info.st_mode & 07777, 0700);
  CHECK_EQUAL(check_open_descriptors(), descriptors);
  if (is_new) {
    /* Somebody may have come meanwhile, who has files in it. */
    rmdir(path);
  }
}

TEST(listed, "without HOME, the home is that of the list of users") {
  char wanted[KG_PATH_BYTES] = "";
  char path[KG_PATH_BYTES];
  struct stat info;
  const struct passwd *entry = getpwuid(geteuid());
  if (entry != NULL && stat(entry->pw_dir, &info) == 0 &&
      info.st_uid == geteuid()) {
    snprintf(wanted, sizeof wanted, "%s/.kindly-guard/shm", entry->pw_dir);
  }
  const char *none[] = {NULL, "", "relative", "/not/there"};
  for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
    set("HOME", none[i]);
    CHECK(kg__dir_candidate(HOME, path));
    CHECK(strcmp(path, wanted) == 0);
  }
}
