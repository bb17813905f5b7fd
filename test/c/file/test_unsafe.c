/* Paths through which somebody else could come in. */
#include <stdio.h>
#include <string.h>

#include "../file_fixture.h"

#if SYSTEM_HAS_MODES
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#endif

/* Nothing here may wait. */
#define NO_HANG_SECONDS 20

static void refuse_both(const char *dir) {
  kg_failure failure = refuse_writer(dir, KG_E_UNSAFE_PATH);
  CHECK_CONTAINS(failure.detail, dir);
  failure = refuse_reader(dir, KG_E_UNSAFE_PATH);
  CHECK_CONTAINS(failure.detail, dir);
}

#if SYSTEM_HAS_MODES

static mode_t mode_of(const char *path) {
  struct stat info;
  CHECK(lstat(path, &info) == 0);
  return info.st_mode & 07777;
}

TEST(dir_link, "F26 a symlink as directory is refused, its target unchanged") {
  const char *home = check_temp_dir();
  const char *target = check_path(home, "target");
  const char *link = check_path(home, "link");
  make_dir(target);
  CHECK(symlink(target, link) == 0);
  refuse_both(link);
  refuse_writer(check_path(home, "link/"), KG_E_UNSAFE_PATH);
  refuse_reader(check_path(home, "link///"), KG_E_UNSAFE_PATH);
  CHECK_EQUAL(check_count_files(target, ""), 0);
  CHECK_EQUAL(mode_of(target), 0700);
  /* One that leads nowhere, where a writer would make a directory. */
  CHECK(unlink(link) == 0 && symlink(check_path(home, "nowhere"), link) == 0);
  refuse_writer(link, KG_E_UNSAFE_PATH);
  CHECK(access(check_path(home, "nowhere"), F_OK) != 0);
}

/* `path` becomes a link to a file of ours, whose content must stay. */
static void check_link(const char *dir, const char *name, bool reader) {
  const char *target = check_path(check_temp_dir(), "precious");
  char content[16] = {0};
  put_file(target, "precious", 8);
  CHECK(symlink(target, check_path(dir, name)) == 0);
  kg_failure failure = refuse_writer(dir, KG_E_UNSAFE_PATH);
  CHECK_CONTAINS(failure.detail, name);
  if (reader) {
    refuse_reader(dir, KG_E_UNSAFE_PATH);
  }
  CHECK_EQUAL(get_file(target, content, sizeof content), 8);
  CHECK_BYTES(content, "precious", 8);
  CHECK_EQUAL(mode_of(target), 0600);
  /* Mended, it works. */
  CHECK(unlink(check_path(dir, name)) == 0);
  kg_writer_close(open_writer(dir, 16));
}

TEST(ring_link, "F26 a symlink as ring is refused, its target unchanged") {
  check_link(check_temp_dir(), RING_FILE, true);
}

TEST(lock_link, "F26 a symlink as lock is refused, its target unchanged") {
  check_link(check_temp_dir(), LOCK_FILE, false);
}

#endif

enum thing { FIFO, SOCKET, DIRECTORY, HARD_LINK, OPEN_TO_OTHERS };

/* The first of them that a system has where files are. */
#if SYSTEM_HAS_MODES
#define FIRST_THING FIFO
#else
#define FIRST_THING DIRECTORY
#endif

#if SYSTEM_HAS_MODES
static void make_socket(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  CHECK(strlen(path) < sizeof address.sun_path);
  strcpy(address.sun_path, path);
  CHECK(bind(fd, (struct sockaddr *)&address, sizeof address) == 0);
  CHECK(close(fd) == 0 && chmod(path, 0600) == 0);
}
#endif

static void make_thing(const char *home, const char *path, enum thing thing) {
  const char *other = check_path(home, "other");
  switch (thing) {
#if SYSTEM_HAS_MODES
  case FIFO:
    CHECK(mkfifo(path, 0600) == 0);
    break;
  case SOCKET:
    make_socket(path);
    break;
#endif
  case DIRECTORY:
    make_dir(path);
    break;
  case HARD_LINK:
    put_file(other, "", 0);
    CHECK(system_link(other, path));
    break;
  case OPEN_TO_OTHERS:
    put_file(path, "", 0);
    CHECK(system_open_to_others(path));
    break;
  default:
    CHECK(!"not of this system");
  }
}

static void check_things(const char *name, bool reader) {
  system_limit(NO_HANG_SECONDS);
  for (enum thing thing = FIRST_THING; thing <= OPEN_TO_OTHERS; thing++) {
    const char *home = check_temp_dir();
    const char *dir = check_path(home, "dir");
    make_dir(dir);
    const char *path = check_path(dir, name);
    make_thing(home, path, thing);
    kg_failure failure = refuse_writer(dir, KG_E_UNSAFE_PATH);
    CHECK_CONTAINS(failure.detail, path);
    if (reader) {
      failure = refuse_reader(dir, KG_E_UNSAFE_PATH);
      CHECK_CONTAINS(failure.detail, path);
    }
    CHECK(thing == DIRECTORY ? system_remove_dir(path)
                             : system_remove_file(path));
    kg_writer_close(open_writer(dir, 16));
  }
}

TEST(ring_things, "F27 a FIFO, socket, directory or hard link as ring") {
  check_things(RING_FILE, true);
}

TEST(lock_things, "F27 a FIFO, socket, directory or hard link as lock") {
  check_things(LOCK_FILE, false);
}

TEST(dir_things, "F27 a FIFO, socket or file as directory") {
  system_limit(NO_HANG_SECONDS);
  for (enum thing thing = FIRST_THING; thing <= OPEN_TO_OTHERS; thing++) {
    const char *home = check_temp_dir();
    const char *path = check_path(home, "dir");
    if (thing != DIRECTORY) {
      make_thing(home, path, thing);
      refuse_both(path);
    }
  }
}

#if SYSTEM_HAS_MODES

TEST(device, "F27 a character device as ring, lock and directory") {
  system_limit(NO_HANG_SECONDS);
  /* Making one takes root; there is one that everybody has. */
  kg__dir dir;
  kg__file file;
  kg_failure failure;
  int fd = open("/dev", O_PATH | O_DIRECTORY | O_CLOEXEC);
  CHECK(fd >= 0);
  dir = (kg__dir){.handle = fd, .path = "/dev"};
  CHECK_RESULT(kg__file_open(&dir, "null", &file, &failure), KG_E_UNSAFE_PATH,
               &failure);
  CHECK_RESULT(kg__file_open_or_create(&dir, "zero", &file, &failure),
               KG_E_UNSAFE_PATH, &failure);
  refuse_both("/dev/null");
  kg__dir_close(&dir);
}

TEST(open_dirs, "F28 a directory open to others is refused as it is") {
  static const mode_t modes[] = {0755, 0770, 0701, 0710, 0702, 0777, 01777};
  for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
    const char *dir = check_temp_dir();
    CHECK(chmod(dir, modes[i]) == 0);
    int descriptors = check_open_descriptors();
    refuse_both(dir);
    CHECK_EQUAL(check_open_descriptors(), descriptors);
    CHECK_EQUAL(mode_of(dir), modes[i]);
    CHECK_EQUAL(check_count_files(dir, ""), 0);
    CHECK(chmod(dir, 0700) == 0);
    kg_writer_close(open_writer(dir, 16));
  }
}

static void check_umask(mode_t mask) {
  if (become_plain_user()) {
    const char *dir = check_path(check_temp_dir(), "made");
    umask(mask);
    kg_writer *writer = open_writer(dir, 16);
    CHECK_EQUAL(mode_of(dir), 0700);
    CHECK_EQUAL(mode_of(check_path(dir, RING_FILE)), 0600);
    CHECK_EQUAL(mode_of(check_path(dir, LOCK_FILE)), 0600);
    write_events(writer, 3);
    /* What takes its place is no wider. */
    remove_file(dir, RING_FILE);
    remove_file(dir, LOCK_FILE);
    remove_file(dir, WAKE_FILE);
    CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
    CHECK_EQUAL(mode_of(check_path(dir, RING_FILE)), 0600);
    CHECK_EQUAL(mode_of(check_path(dir, LOCK_FILE)), 0600);
    CHECK_EQUAL(mode_of(check_path(dir, WAKE_FILE)), 0600);
    kg_writer_close(writer);
    remove_file(dir, RING_FILE);
    remove_file(dir, LOCK_FILE);
    remove_file(dir, WAKE_FILE);
    remove_dir(dir);
    leave_plain_user();
  }
}

TEST(umask_0, "F29 umask 0: exactly 0700 and 0600") {
  check_umask(0);
}

TEST(umask_077, "F29 umask 0077: exactly 0700 and 0600") {
  check_umask(0077);
}

TEST(umask_0777, "F29 umask 0777: exactly 0700 and 0600") {
  check_umask(0777);
}

TEST(sticky, "F29 a directory of ours with another bit is made 0700") {
  const char *dir = check_temp_dir();
  CHECK(chmod(dir, 01700) == 0);
  kg_writer_close(open_writer(dir, 16));
  CHECK_EQUAL(mode_of(dir), 0700);
}

TEST(open_files, "F28 a ring or lock open to others is refused as it is") {
  static const mode_t modes[] = {0604, 0640, 0601, 0610, 0666};
  static const char *const names[] = {RING_FILE, LOCK_FILE};
  for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
    for (size_t n = 0; n < 2; n++) {
      const char *dir = check_temp_dir();
      const char *file = check_path(dir, names[n]);
      kg_writer_close(open_writer(dir, 16));
      int descriptors = check_open_descriptors();
      CHECK(chmod(file, modes[i]) == 0);
      refuse_writer(dir, KG_E_UNSAFE_PATH);
      if (n == 0) {
        refuse_reader(dir, KG_E_UNSAFE_PATH);
      }
      CHECK_EQUAL(mode_of(file), modes[i]);
      CHECK_EQUAL(check_open_descriptors(), descriptors);
    }
  }
}

#endif
