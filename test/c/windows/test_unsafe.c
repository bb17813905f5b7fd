/* Access lists, through which somebody else could come in. */
#include <windows.h>

#include <sddl.h>
#include <stdio.h>
#include <string.h>

#include "../file_fixture.h"

/* This user, as lists name him. */
static const char *user(void) {
  static char text[256];
  unsigned char buffer[256];
  HANDLE token;
  DWORD length;
  char *sid;
  CHECK(OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token));
  CHECK(GetTokenInformation(token, TokenUser, buffer, sizeof buffer, &length));
  CloseHandle(token);
  CHECK(ConvertSidToStringSidA(((TOKEN_USER *)(void *)buffer)->User.Sid, &sid));
  snprintf(text, sizeof text, "%s", sid);
  LocalFree(sid);
  return text;
}

/* Gives a file or directory a list, in which %s is this user. */
static void set_list(const char *path, const char *list) {
  char text[512];
  PSECURITY_DESCRIPTOR descriptor;
  snprintf(text, sizeof text, list, user());
  CHECK(ConvertStringSecurityDescriptorToSecurityDescriptorA(
      text, SDDL_REVISION_1, &descriptor, NULL));
  CHECK(SetFileSecurityA(
      path, DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION,
      descriptor));
  LocalFree(descriptor);
}

static void get_list(const char *path, char list[512]) {
  unsigned char descriptor[1024];
  DWORD length;
  char *text;
  CHECK(GetFileSecurityA(path, DACL_SECURITY_INFORMATION, descriptor,
                         sizeof descriptor, &length));
  CHECK(ConvertSecurityDescriptorToStringSecurityDescriptorA(
      descriptor, SDDL_REVISION_1, DACL_SECURITY_INFORMATION, &text, NULL));
  snprintf(list, 512, "%s", text);
  LocalFree(text);
}

#define MINE "D:P(A;OICI;FA;;;%s)"

/* Everybody, who may do everything, or read. Wine keeps no other strangers. */
static const char *const open_lists[] = {MINE "(A;OICI;FA;;;WD)",
                                         MINE "(A;OICI;FR;;;WD)"};
#define OPEN_LISTS (sizeof open_lists / sizeof *open_lists)

TEST(open_dirs, "F28 a directory whose list names others is refused as it is") {
  for (size_t i = 0; i < OPEN_LISTS; i++) {
    char before[512];
    char after[512];
    const char *dir = check_temp_dir();
    set_list(dir, open_lists[i]);
    get_list(dir, before);
    kg_failure failure = refuse_writer(dir, KG_E_UNSAFE_PATH);
    CHECK_CONTAINS(failure.detail, dir);
    int handles = check_open_descriptors();
    failure = refuse_reader(dir, KG_E_UNSAFE_PATH);
    CHECK_CONTAINS(failure.detail, "open to others");
    refuse_writer(dir, KG_E_UNSAFE_PATH);
    CHECK_EQUAL(check_open_descriptors(), handles);
    get_list(dir, after);
    CHECK(strcmp(before, after) == 0);
    CHECK_EQUAL(check_count_files(dir, ""), 0);
    set_list(dir, MINE);
    kg_writer_close(open_writer(dir, 16));
  }
}

TEST(open_files,
     "F28 a ring, its name or a lock whose list names others, too") {
  for (size_t i = 0; i < OPEN_LISTS; i++) {
    for (int which = 0; which < 3; which++) {
      const char *dir = check_temp_dir();
      kg_writer_close(open_writer(dir, 16));
      const char *path = which == 0   ? ring_file(dir)
                         : which == 1 ? check_path(dir, RING_FILE)
                                      : check_path(dir, LOCK_FILE);
      set_list(path, open_lists[i]);
      refuse_writer(dir, KG_E_UNSAFE_PATH);
      if (which < 2) {
        refuse_reader(dir, KG_E_UNSAFE_PATH);
      }
      set_list(path, MINE);
      kg_reader_close(open_reader(dir));
      kg_writer_close(open_writer(dir, 16));
    }
  }
}

TEST(trusted, "F28 the system and its administrators may be named") {
  const char *dir = check_temp_dir();
  set_list(dir, MINE "(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)");
  kg_writer_close(open_writer(dir, 16));
  kg_reader_close(open_reader(dir));
}

TEST(made, "F29 what is made names nobody but this user") {
  const char *dir = check_path(check_temp_dir(), "made");
  kg_writer *writer = open_writer(dir, 16);
  const char *const paths[] = {dir, ring_file(dir), check_path(dir, RING_FILE),
                               check_path(dir, LOCK_FILE)};
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
    char list[512];
    get_list(paths[i], list);
    CHECK_CONTAINS(list, user());
    CHECK(strstr(list, ";;;WD)") == NULL);
    CHECK(strstr(list, ";;;BU)") == NULL);
  }
  kg_writer_close(writer);
}

TEST(devices, "F27 a device as directory is refused, and waits for nothing") {
  static const char *const devices[] = {"NUL", "\\\\.\\NUL", "\\\\.\\pipe\\x",
                                        "CON"};
  for (size_t i = 0; i < sizeof devices / sizeof *devices; i++) {
    const kg_ring_options options = {.dir = devices[i]};
    kg_writer *writer = NULL;
    kg_reader *reader = NULL;
    CHECK(kg_writer_open(&options, &writer, NULL) < 0);
    CHECK(kg_reader_open(&options, &reader, NULL) < 0);
  }
}

TEST(device_names, "F27 a ring that is called like a device is a file") {
  static const char *const names[] = {"nul", "con", "com1", "aux"};
  const char *dir = check_temp_dir();
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    const kg_ring_options options = {
        .dir = dir, .name = names[i], .max_events = 16};
    kg_failure failure;
    kg_writer *writer = NULL;
    kg_reader *reader = NULL;
    CHECK_RESULT(kg_writer_open(&options, &writer, &failure), KG_OK, &failure);
    CHECK_RESULT(kg_reader_open(&options, &reader, &failure), KG_OK, &failure);
    account account = {.next = 1};
    CHECK_EQUAL(write_events(writer, 3), 3);
    drain_file(reader, &account);
    CHECK_EQUAL(account.received, 3);
    kg_reader_close(reader);
    kg_writer_close(writer);
  }
  CHECK_EQUAL(check_count_files(dir, ".lock"), 4);
}
