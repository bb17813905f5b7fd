/* The default directories of Windows. */
#include <windows.h>

#include <stdio.h>
#include <string.h>

#include "../file_fixture.h"

enum { NAMED, PROFILE };

static void set_local(const char *path) {
  CHECK(SetEnvironmentVariableA("LOCALAPPDATA", path));
}

static void check_candidate(unsigned index, const char *base) {
  char path[KG_PATH_BYTES];
  char wanted[2 * KG_PATH_BYTES] = "";
  CHECK(kg__dir_candidate(index, path));
  if (base != NULL) {
    snprintf(wanted, sizeof wanted, "%s\\KindlyGuard\\shm", base);
  }
  if (strcmp(path, wanted) != 0) {
    fprintf(stderr, "%u: \"%s\", wanted \"%s\"\n", index, path, wanted);
  }
  CHECK(strcmp(path, wanted) == 0);
}

/* Where the system keeps this user's data. */
static const char *profile(void) {
  static char path[KG_PATH_BYTES];
  char given[KG_PATH_BYTES];
  DWORD length = GetEnvironmentVariableA("LOCALAPPDATA", given, sizeof given);
  set_local(NULL);
  CHECK(kg__dir_candidate(PROFILE, path));
  char *end = strstr(path, "\\KindlyGuard\\shm");
  CHECK(end != NULL && strlen(end) == strlen("\\KindlyGuard\\shm"));
  *end = '\0';
  CHECK(system_exists(path));
  set_local(length == 0 ? NULL : given);
  return path;
}

TEST(fixed, "the local data that are named are the best, then the profile's") {
  char path[KG_PATH_BYTES];
  const char *dir = check_temp_dir();
  set_local(dir);
  check_candidate(NAMED, dir);
  check_candidate(PROFILE, profile());
  CHECK(!kg__dir_candidate(PROFILE + 1, path));
  CHECK(!kg__dir_candidate(UINT32_MAX, path));
}

TEST(same, "those of the profile are no second place, whoever names them") {
  char upper[KG_PATH_BYTES];
  const char *base = profile();
  snprintf(upper, sizeof upper, "%s", base);
  set_local(upper);
  check_candidate(NAMED, base);
  check_candidate(PROFILE, NULL);
  CharUpperA(upper);
  set_local(upper);
  check_candidate(NAMED, upper);
  check_candidate(PROFILE, NULL);
}

TEST(none, "F32 no name, a relative one, none of a directory: no place") {
  const char *dir = check_temp_dir();
  const char *file = check_path(dir, "file");
  put_file(file, "", 0);
  CHECK(system_change_dir(dir));
  make_dir("relative");
  const char *none[] = {NULL, "", "relative", "C:", "Q:\\not\\there", file};
  for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
    set_local(none[i]);
    check_candidate(NAMED, NULL);
    check_candidate(PROFILE, profile());
  }
}

TEST(long_path, "a path that does not fit is passed over") {
  char name[KG_PATH_BYTES];
  size_t room = KG_PATH_BYTES - 1 - strlen("\\KindlyGuard\\shm");
  const char *dir = check_temp_dir();
  for (size_t length = room; length <= room + 1; length++) {
    char as_it_is[KG_PATH_BYTES + 8];
    size_t at = (size_t)snprintf(name, sizeof name, "%s", dir);
    while (at < length) {
      size_t part = length - at - 1 < 100 ? length - at - 1 : 100;
      if (length - at - 1 - part == 1) {
        part--;
      }
      name[at] = '\\';
      memset(name + at + 1, 'd', part);
      at += 1 + part;
      name[at] = '\0';
      /* Longer ones than 260 have to be told so. */
      wchar_t wide[KG_PATH_BYTES + 8];
      snprintf(as_it_is, sizeof as_it_is, "\\\\?\\%s", name);
      swprintf(wide, KG_PATH_BYTES + 8, L"%hs", as_it_is);
      CHECK(CreateDirectoryW(wide, NULL) ||
            GetLastError() == ERROR_ALREADY_EXISTS);
    }
    CHECK_EQUAL(strlen(name), length);
    set_local(as_it_is);
    check_candidate(NAMED, length == room ? name : NULL);
  }
}

TEST(used, "a ring is made in the first that can be used, and found there") {
  const char *dir = check_temp_dir();
  const char *above = check_path(dir, "KindlyGuard");
  set_local(dir);
  for (int i = 0; i < 2; i++) {
    kg_writer *writer = open_writer(NULL, 16);
    kg_reader *reader = open_reader(NULL);
    account account = {.next = 1};
    CHECK_CONTAINS(writer_info(writer).path, check_path(above, "shm"));
    CHECK_RESULT(kg_reader_seek(reader, KG_FROM_SEQUENCE, 1), KG_OK, NULL);
    write_events(writer, 3);
    read_file_once(reader, &account);
    CHECK_EQUAL(account.received, 3 + 3 * (uint64_t)i);
    kg_reader_close(reader);
    kg_writer_close(writer);
  }
}

TEST(above, "F28 what the product has above it is looked at as well") {
  const char *dir = check_temp_dir();
  const char *above = check_path(dir, "KindlyGuard");
  char path[KG_PATH_BYTES];
  kg__dir opened;
  kg_failure failure;
  set_local(dir);
  CHECK(kg__dir_candidate(NAMED, path));
  CHECK_RESULT(kg__dir_open_candidate(path, false, &opened, &failure),
               KG_E_NO_RING, &failure);
  int handles = check_open_descriptors();
  CHECK_RESULT(kg__dir_open_candidate(path, true, &opened, &failure), KG_OK,
               &failure);
  CHECK(strcmp(opened.path, path) == 0);
  CHECK_EQUAL(check_open_descriptors(), handles + 1);
  kg__dir_close(&opened);
  CHECK(system_open_to_others(above));
  for (int create = 0; create < 2; create++) {
    CHECK_RESULT(kg__dir_open_candidate(path, create != 0, &opened, &failure),
                 KG_E_UNSAFE_PATH, &failure);
  }
  CHECK_EQUAL(check_open_descriptors(), handles);
}

TEST(the_default, "the default directory is made, and is the best there is") {
  const char *dir = check_temp_dir();
  char path[KG_PATH_BYTES] = "";
  char wanted[KG_PATH_BYTES];
  kg_failure failure;
  set_local(dir);
  CHECK(kg__dir_candidate(NAMED, wanted));
  CHECK_RESULT(kg_default_directory(path, &failure), KG_OK, &failure);
  CHECK(strcmp(path, wanted) == 0 && system_exists(path));
}
