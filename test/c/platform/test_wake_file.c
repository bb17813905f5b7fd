/* The wake file: what event loops hear. */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../../native/file/reader.h"
#include "../../../native/include/kg_layout.h"
#include "../../../native/platform/platform.h"
#include "../file_fixture.h"

#define LONG_MS 20000

/* Whether the descriptor can be read within that time. */
static bool rings(intptr_t descriptor, int timeout_ms) {
  struct pollfd item = {.fd = (int)descriptor, .events = POLLIN};
  return poll(&item, 1, timeout_ms) == 1;
}

static intptr_t listen_to(kg_reader *reader) {
  intptr_t descriptor = kg__reader_open_listener(reader);
  CHECK(descriptor >= 0);
  CHECK(kg__reader_can_listen(reader));
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
      /* A listener that comes reads the file too, and that rings. */
      CHECK(write(ready[1], "o", 1) == 1 && read(done[0], &byte, 1) == 1);
      kg__reader_drain_listener(reader);
      for (uint64_t round = 1; round <= 50; round++) {
        CHECK(kg__reader_request_wake(reader, kg__reader_seen(reader)));
        CHECK(write(ready[1], "r", 1) == 1);
        CHECK(rings(descriptor, LONG_MS));
        kg__reader_drain_listener(reader);
        drain_file(reader, &account);
        CHECK_EQUAL(account.received, round);
        /* One stroke wakes nobody twice. */
        CHECK(!rings(descriptor, 0));
        CHECK(read(done[0], &byte, 1) == 1);
      }
      kg_reader_close(reader);
      check_done();
    }
  }
  for (int round = 0; round <= 50; round++) {
    char bytes[4];
    for (int i = 0; i < 4; i++) {
      CHECK(read(ready[0], bytes, 1) == 1);
    }
    if (round > 0) {
      CHECK_EQUAL(write_events(writer, 1), round);
    }
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
  CHECK(!kg__reader_request_wake(reader, 0));
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(own_queue, "strokes wait for a listener, as one, and no other has them") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 64);
  kg_reader *readers[2] = {open_reader(dir), open_reader(dir)};
  intptr_t descriptors[2];
  for (int i = 0; i < 2; i++) {
    descriptors[i] = listen_to(readers[i]);
  }
  kg__reader_drain_listener(readers[0]);
  for (int round = 0; round < 100; round++) {
    CHECK(kg__reader_request_wake(readers[1], kg__reader_head(readers[1])));
    write_events(writer, 1);
    CHECK(rings(descriptors[1], LONG_MS));
    kg__reader_drain_listener(readers[1]);
    CHECK(!rings(descriptors[1], 0));
  }
  CHECK(rings(descriptors[0], 0));
  kg__reader_drain_listener(readers[0]);
  CHECK(!rings(descriptors[0], 0));
  kg_reader_close(readers[0]);
  kg_reader_close(readers[1]);
  kg_writer_close(writer);
}

TEST(again, "listening again keeps one descriptor") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 64);
  int without = check_open_descriptors();
  kg_reader *reader = open_reader(dir);
  int before = check_open_descriptors();
  CHECK(!kg__reader_can_listen(reader));
  for (int i = 0; i < 5; i++) {
    listen_to(reader);
    CHECK_EQUAL(check_open_descriptors(), before + 1);
  }
  kg_reader_close(reader);
  CHECK_EQUAL(check_open_descriptors(), without);
  kg_writer_close(writer);
}

TEST(take_over, "the wake file stays when another writer takes over") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 64);
  kg_reader *reader = open_reader(dir);
  intptr_t descriptor = listen_to(reader);
  kg_writer_close(writer);
  writer = open_writer(dir, 64);
  CHECK(kg__reader_can_listen(reader));
  kg__reader_drain_listener(reader);
  CHECK(kg__reader_request_wake(reader, 0));
  write_events(writer, 1);
  CHECK(rings(descriptor, LONG_MS));
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(removed, "F24 a wake file that is removed is made again, readers notice") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 64);
  kg_reader *reader = open_reader(dir);
  listen_to(reader);
  remove_file(dir, WAKE_FILE);
  CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
  CHECK(!kg__reader_can_listen(reader));
  kg_reader_close(reader);
  reader = open_reader(dir);
  intptr_t descriptor = listen_to(reader);
  CHECK(kg__reader_request_wake(reader, 0));
  write_events(writer, 1);
  CHECK(rings(descriptor, LONG_MS));
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(squatted, "F26 F27 what stands in the wake file's place is none") {
  const char *dir = check_temp_dir();
  char path[512];
  char other[512];
  strcpy(path, check_path(dir, WAKE_FILE));
  strcpy(other, check_path(dir, "other"));
  for (int kind = 0; kind < 8; kind++) {
    unlink(path);
    unlink(other);
    put_file(other, "another file", 12);
    if (kind == 0) {
      put_file(path, "short", 5);
    } else if (kind == 1) {
      CHECK(symlink(other, path) == 0);
    } else if (kind == 2) {
      CHECK(link(other, path) == 0);
    } else if (kind == 3) {
      put_file(path, "12345678", 8);
      CHECK(chmod(path, 0666) == 0);
    } else if (kind == 4) {
      put_file(path, "12345678", 8);
      CHECK(chmod(path, 0) == 0);
    } else if (kind == 5) {
      CHECK(mkfifo(path, 0600) == 0);
    } else if (kind == 6) {
      put_file(path, "\0\0\0\0\0\0\0\0", 8);
    } else {
      make_dir(path);
    }
    struct stat before;
    CHECK(lstat(path, &before) == 0);
    int descriptors = check_open_descriptors();
    kg_writer *writer = open_writer(dir, 64);
    kg_reader *reader = open_reader(dir);
    struct stat info;
    CHECK(lstat(path, &info) == 0);
    if (kind == 2 || kind == 3) {
      /* What is in it would do as an id. That others can reach it would not. */
      char id[8] = "";
      CHECK_EQUAL(info.st_nlink, 1);
      CHECK(info.st_ino != before.st_ino);
      CHECK_EQUAL(get_file(path, id, sizeof id), sizeof id);
      CHECK(memcmp(id, "another ", 8) != 0 && memcmp(id, "12345678", 8) != 0);
    }
    if (kind == 7) {
      /* A directory stays, and readers do without a wake file. */
      CHECK(S_ISDIR(info.st_mode));
      CHECK(kg__reader_open_listener(reader) < 0 &&
            !kg__reader_can_listen(reader));
    } else {
      CHECK(S_ISREG(info.st_mode));
      CHECK_EQUAL(info.st_mode & 07777, 0600);
      CHECK_EQUAL(info.st_size, 8);
      intptr_t descriptor = listen_to(reader);
      CHECK(kg__reader_request_wake(reader, kg__reader_head(reader)));
      write_events(writer, 1);
      CHECK(rings(descriptor, LONG_MS));
    }
    char bytes[16];
    CHECK_EQUAL(get_file(other, bytes, sizeof bytes), 12);
    CHECK_BYTES(bytes, "another file", 12);
    kg_reader_close(reader);
    kg_writer_close(writer);
    CHECK_EQUAL(check_open_descriptors(), descriptors);
  }
  remove_dir(path);
}

TEST(umask_, "F29 the wake file has mode 0600 under any umask") {
  const mode_t masks[] = {0, 077, 0777};
  for (int i = 0; i < 3; i++) {
    const char *dir = check_temp_dir();
    mode_t before = umask(masks[i]);
    kg_writer *writer = open_writer(dir, 64);
    umask(before);
    struct stat info;
    CHECK(lstat(check_path(dir, WAKE_FILE), &info) == 0);
    CHECK_EQUAL(info.st_mode & 07777, 0600);
    kg_writer_close(writer);
  }
}

TEST(cut, "F18 a wake file that is cut short is given up, and made again") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 64);
  kg_reader *reader = open_reader(dir);
  intptr_t descriptor = listen_to(reader);
  CHECK(truncate(check_path(dir, WAKE_FILE), 0) == 0);
  CHECK(kg__reader_request_wake(reader, kg__reader_head(reader)));
  CHECK_EQUAL(write_events(writer, 1), 1);
  CHECK(!rings(descriptor, 0));
  /* It can be seen that there is nothing to be heard. */
  CHECK(!kg__reader_can_listen(reader));
  CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
  descriptor = listen_to(reader);
  CHECK(kg__reader_request_wake(reader, kg__reader_head(reader)));
  CHECK_EQUAL(write_events(writer, 1), 2);
  CHECK(rings(descriptor, LONG_MS));
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(held, "F18 who holds, reads or writes the wake file holds up nobody") {
  const char *dir = check_temp_dir();
  char garbage[4096];
  memset(garbage, 'x', sizeof garbage);
  kg_writer *writer = open_writer(dir, 64);
  kg_reader *reader = open_reader(dir);
  intptr_t descriptor = listen_to(reader);
  int fd = open(check_path(dir, WAKE_FILE), O_RDWR);
  CHECK(fd >= 0);
  CHECK(flock(fd, LOCK_EX) == 0 && lockf(fd, F_LOCK, 0) == 0);
  for (int round = 1; round <= 5; round++) {
    CHECK(pwrite(fd, garbage, sizeof garbage, 0) == (ssize_t)sizeof garbage);
    CHECK(pread(fd, garbage, sizeof garbage, 0) == (ssize_t)sizeof garbage);
    kg__reader_drain_listener(reader);
    CHECK(!rings(descriptor, 0));
    CHECK(kg__reader_request_wake(reader, kg__reader_head(reader)));
    CHECK_EQUAL(write_events(writer, 1), round);
    CHECK(rings(descriptor, LONG_MS));
  }
  close(fd);
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(forged, "F18 a header that names another wake file is not believed") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 64);
  int fd = open(check_path(dir, RING_FILE), O_RDWR);
  uint64_t id = 12345;
  CHECK(fd >= 0);
  CHECK(pwrite(fd, &id, sizeof id, offsetof(kg_ring_header, wake_file_id)) ==
        (ssize_t)sizeof id);
  kg_reader *reader = open_reader(dir);
  CHECK(kg__reader_open_listener(reader) < 0);
  CHECK(!kg__reader_can_listen(reader));
  /* The writer puts it right. */
  CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
  listen_to(reader);
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(successor, "F25 a successor of another geometry rings for the readers") {
  const char *dir = check_temp_dir();
  kg_writer_close(open_writer(dir, 64));
  kg_reader *reader = open_reader(dir);
  intptr_t descriptor = listen_to(reader);
  kg__reader_drain_listener(reader);
  kg_writer *writer = open_writer(dir, 128);
  CHECK(rings(descriptor, LONG_MS));
  CHECK(kg__reader_is_retired(reader));
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(renamed, "F26 another wake file that takes its name is the one") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 64);
  put_file(check_path(dir, "other"), "ABCDEFGH", 8);
  rename_file(dir, "other", WAKE_FILE);
  CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
  kg_reader *reader = open_reader(dir);
  intptr_t descriptor = listen_to(reader);
  CHECK(kg__reader_request_wake(reader, kg__reader_head(reader)));
  write_events(writer, 1);
  CHECK(rings(descriptor, LONG_MS));
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(several, "several strokes and the file's end are drained at once") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 64);
  kg_reader *reader = open_reader(dir);
  intptr_t descriptor = listen_to(reader);
  CHECK(kg__reader_request_wake(reader, kg__reader_head(reader)));
  write_events(writer, 1);
  remove_file(dir, WAKE_FILE);
  kg_writer_close(writer);
  CHECK(rings(descriptor, LONG_MS));
  kg__reader_drain_listener(reader);
  CHECK(!rings(descriptor, 0));
  kg_reader_close(reader);
}

TEST(anew, "F24 a ring that is made anew rings for its readers") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 64);
  kg_reader *reader = open_reader(dir);
  intptr_t descriptor = listen_to(reader);
  kg__reader_drain_listener(reader);
  CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
  CHECK(!rings(descriptor, 0));
  remove_file(dir, RING_FILE);
  CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
  CHECK(rings(descriptor, LONG_MS));
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(cut_unheard,
     "F18 one that is cut short is made again before it is needed") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 64);
  struct stat info;
  CHECK(truncate(check_path(dir, WAKE_FILE), 7) == 0);
  CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
  CHECK(lstat(check_path(dir, WAKE_FILE), &info) == 0);
  CHECK_EQUAL(info.st_size, 8);
  kg_writer_close(writer);
}
