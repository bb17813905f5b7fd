/* The chime: the bell that event loops hear. */
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../native/core/layout.h"
#include "../../native/core/reader.h"
#include "../../native/platform/platform.h"
#include "file_fixture.h"

#define LONG_MS 20000

/* Whether the descriptor can be read within that time. */
static bool rings(intptr_t descriptor, int timeout_ms) {
  struct pollfd item = {.fd = (int)descriptor, .events = POLLIN};
  return poll(&item, 1, timeout_ms) == 1;
}

static intptr_t listen_to(kg_reader *reader) {
  intptr_t descriptor = kg__reader_listen(reader);
  CHECK(descriptor >= 0);
  CHECK(kg__reader_hears(reader));
  return descriptor;
}

static uint64_t bells_of(const kg_writer *writer) {
  kg_writer_stats stats;
  kg_writer_stats_get(writer, &stats);
  return stats.bells;
}

TEST(one_stroke, "one stroke wakes every listener of every process") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 64);
  int ready[2];
  int done[2];
  CHECK(pipe(ready) == 0 && pipe(done) == 0);
  pid_t children[4];
  for (int i = 0; i < 4; i++) {
    children[i] = check_fork();
    if (children[i] == 0) {
      kg_reader *reader = open_reader(dir);
      intptr_t descriptor = listen_to(reader);
      account account = {.next = 1};
      char byte;
      for (uint64_t round = 1; round <= 50; round++) {
        CHECK(kg__reader_expects_chime(reader, kg__reader_seen(reader)));
        CHECK(write(ready[1], "r", 1) == 1);
        CHECK(rings(descriptor, LONG_MS));
        kg__reader_heard(reader);
        drain_file(reader, &account);
        CHECK_EQUAL(account.received, round);
        /* One stroke is one edge: it wakes nobody twice. */
        CHECK(!rings(descriptor, 0));
        CHECK(read(done[0], &byte, 1) == 1);
      }
      kg_reader_close(reader);
      check_done();
    }
  }
  for (int round = 1; round <= 50; round++) {
    char bytes[4];
    for (int i = 0; i < 4; i++) {
      CHECK(read(ready[0], bytes, 1) == 1);
    }
    CHECK_EQUAL(write_events(writer, 1), round);
    CHECK_EQUAL(bells_of(writer), round);
    for (int i = 0; i < 4; i++) {
      CHECK(write(done[1], "d", 1) == 1);
    }
  }
  for (int i = 0; i < 4; i++) {
    CHECK_EXIT(children[i]);
  }
  kg_writer_close(writer);
}

TEST(nobody_waits, "nobody waits, nothing rings") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 64);
  kg_reader *reader = open_reader(dir);
  intptr_t descriptor = listen_to(reader);
  CHECK_EQUAL(write_events(writer, 3), 3);
  CHECK(!rings(descriptor, 20));
  CHECK_EQUAL(bells_of(writer), 0);
  /* Who asks too late is told so, and nobody rings for what was there. */
  CHECK(!kg__reader_expects_chime(reader, 0));
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(deaf, "a listener that is deaf hears again when it wants to") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 64);
  kg_reader *reader = open_reader(dir);
  intptr_t descriptor = listen_to(reader);
  kg__reader_deafen(reader, true);
  CHECK(kg__reader_expects_chime(reader, 0));
  write_events(writer, 1);
  CHECK(!rings(descriptor, 20));
  kg__reader_deafen(reader, false);
  CHECK(rings(descriptor, LONG_MS));
  kg__reader_heard(reader);
  CHECK(!rings(descriptor, 0));
  CHECK(kg__reader_expects_chime(reader, kg__reader_head(reader)));
  write_events(writer, 1);
  CHECK(rings(descriptor, LONG_MS));
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(take_over, "the chime stays when another writer takes over") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 64);
  kg_reader *reader = open_reader(dir);
  intptr_t descriptor = listen_to(reader);
  kg_writer_close(writer);
  writer = open_writer(dir, 64);
  CHECK(kg__reader_hears(reader));
  kg__reader_heard(reader);
  CHECK(kg__reader_expects_chime(reader, 0));
  write_events(writer, 1);
  CHECK(rings(descriptor, LONG_MS));
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(removed, "F24 a chime that is removed is hung up again, readers notice") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 64);
  kg_reader *reader = open_reader(dir);
  listen_to(reader);
  CHECK(unlink(check_path(dir, CHIME_FILE)) == 0);
  CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
  CHECK(!kg__reader_hears(reader));
  kg_reader_close(reader);
  reader = open_reader(dir);
  intptr_t descriptor = listen_to(reader);
  CHECK(kg__reader_expects_chime(reader, 0));
  write_events(writer, 1);
  CHECK(rings(descriptor, LONG_MS));
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(squatted, "F26 F27 what stands in the chime's place is no chime") {
  const char *dir = check_temp_dir();
  char path[512];
  char other[512];
  strcpy(path, check_path(dir, CHIME_FILE));
  strcpy(other, check_path(dir, "other"));
  for (int kind = 0; kind < 6; kind++) {
    unlink(path);
    unlink(other);
    put_file(other, "kept", 4);
    if (kind == 0) {
      put_file(path, "file", 4);
    } else if (kind == 1) {
      CHECK(symlink(other, path) == 0);
    } else if (kind == 2) {
      CHECK(link(other, path) == 0);
    } else if (kind == 3) {
      CHECK(mkfifo(path, 0600) == 0 && chmod(path, 0666) == 0);
    } else if (kind == 4) {
      CHECK(mkfifo(path, 0600) == 0 && chmod(path, 0) == 0);
    } else {
      CHECK(mkdir(path, 0700) == 0);
    }
    kg_writer *writer = open_writer(dir, 64);
    kg_reader *reader = open_reader(dir);
    struct stat info;
    CHECK(lstat(path, &info) == 0);
    if (kind == 5) {
      /* A directory stays, and readers do without a chime. */
      CHECK(S_ISDIR(info.st_mode));
      CHECK(kg__reader_listen(reader) < 0 && !kg__reader_hears(reader));
    } else {
      CHECK(S_ISFIFO(info.st_mode));
      CHECK_EQUAL(info.st_mode & 07777, 0600);
      intptr_t descriptor = listen_to(reader);
      CHECK(kg__reader_expects_chime(reader, kg__reader_head(reader)));
      write_events(writer, 1);
      CHECK(rings(descriptor, LONG_MS));
    }
    char bytes[8];
    CHECK_EQUAL(get_file(other, bytes, sizeof bytes), 4);
    CHECK_BYTES(bytes, "kept", 4);
    kg_reader_close(reader);
    kg_writer_close(writer);
  }
  CHECK(rmdir(path) == 0);
}

TEST(umask_, "F29 the chime has mode 0600 under any umask") {
  const mode_t masks[] = {0, 077, 0777};
  for (int i = 0; i < 3; i++) {
    const char *dir = check_temp_dir();
    mode_t before = umask(masks[i]);
    kg_writer *writer = open_writer(dir, 64);
    umask(before);
    struct stat info;
    CHECK(lstat(check_path(dir, CHIME_FILE), &info) == 0);
    CHECK_EQUAL(info.st_mode & 07777, 0600);
    kg_writer_close(writer);
  }
}

TEST(stuffed, "F18 a chime stuffed with bytes neither blocks nor is silent") {
  const char *dir = check_temp_dir();
  char garbage[4096];
  memset(garbage, 'x', sizeof garbage);
  kg_writer *writer = open_writer(dir, 64);
  kg_reader *reader = open_reader(dir);
  intptr_t descriptor = listen_to(reader);
  int pipe_end = open(check_path(dir, CHIME_FILE), O_WRONLY | O_NONBLOCK);
  CHECK(pipe_end >= 0);
  for (int round = 1; round <= 5; round++) {
    while (write(pipe_end, garbage, sizeof garbage) > 0) {
    }
    kg__reader_heard(reader);
    CHECK(!rings(descriptor, 0));
    CHECK(kg__reader_expects_chime(reader, kg__reader_head(reader)));
    CHECK_EQUAL(write_events(writer, 1), round);
    CHECK(rings(descriptor, LONG_MS));
  }
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(forged, "F18 a header that names another pipe is not believed") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 64);
  int fd = open(check_path(dir, RING_FILE), O_RDWR);
  uint64_t id = 12345;
  CHECK(fd >= 0);
  CHECK(pwrite(fd, &id, sizeof id, offsetof(kg_ring_header, chime_id)) ==
        (ssize_t)sizeof id);
  kg_reader *reader = open_reader(dir);
  CHECK(kg__reader_listen(reader) < 0);
  CHECK(!kg__reader_hears(reader));
  /* The writer puts it right. */
  CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
  listen_to(reader);
  kg_reader_close(reader);
  kg_writer_close(writer);
}
