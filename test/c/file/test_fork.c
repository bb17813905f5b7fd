/* Forks without exec: what a child may do, and what its life does not keep. */
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../file_fixture.h"

TEST(forked, "F42 a forked child is refused; its parent goes on") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  kg_reader *reader = open_reader(dir);
  account account = {.next = 1};
  write_events(writer, 2);
  system_process child = check_fork();
  if (child == 0) {
    kg_threat threat = {.timestamp_us = 1};
    kg_slot buffer[4];
    kg_batch batch;
    enum kg_writer_life life;
    kg_failure failure;
    CHECK_RESULT(kg_writer_write(writer, &threat), KG_E_FORKED, NULL);
    CHECK_RESULT(kg_writer_stage(writer, &threat), KG_E_FORKED, NULL);
    CHECK_RESULT(kg_writer_commit(writer), KG_E_FORKED, NULL);
    CHECK_RESULT(kg_writer_beat(writer, &failure), KG_E_FORKED, &failure);
    CHECK_RESULT(kg_reader_read(reader, buffer, 4, &batch), KG_E_FORKED, NULL);
    CHECK_RESULT(kg_reader_seek(reader, KG_FROM_OLDEST, 0), KG_E_FORKED, NULL);
    CHECK_RESULT(kg_reader_check(reader, &life), KG_E_FORKED, NULL);
    kg_reader_wait(reader, 1);
    CHECK(!kg_reader_spin(reader, 1000000));
    kg_writer_close(writer);
    kg_reader_close(reader);
    refuse_writer(dir, KG_E_RING_LOCKED);
    check_done();
  }
  CHECK_EXIT(child);
  CHECK_EQUAL(write_events(writer, 2), 4);
  drain_file(reader, &account);
  CHECK_EQUAL(account.received, 4);
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(forked_reliable, "F42 a child of a reliable reader closes nothing else") {
  const char *dir = check_temp_dir();
  const kg_ring_options writes = {.dir = dir, .rejects = true};
  const kg_ring_options reads = {.dir = dir, .reliable = true};
  kg_writer *writer = NULL;
  kg_reader *reader = NULL;
  kg_failure failure;
  CHECK_RESULT(kg_writer_open(&writes, &writer, &failure), KG_OK, &failure);
  CHECK_RESULT(kg_reader_open(&reads, &reader, &failure), KG_OK, &failure);
  system_process child = check_fork();
  if (child == 0) {
    int own[16];
    for (int i = 0; i < 16; i++) {
      own[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
    kg_reader_close(reader);
    kg_writer_close(writer);
    for (int i = 0; i < 16; i++) {
      CHECK(fcntl(own[i], F_GETFD) >= 0);
    }
    check_done();
  }
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(forked_full, "F42 nor a child of one that found no cell") {
  const char *dir = check_temp_dir();
  const kg_ring_options writes = {.dir = dir, .rejects = true};
  const kg_ring_options reads = {.dir = dir, .reliable = true};
  kg_writer *writer = NULL;
  kg_reader *readers[KG_READER_CELLS];
  kg_reader *none = NULL;
  kg_failure failure;
  CHECK_RESULT(kg_writer_open(&writes, &writer, &failure), KG_OK, &failure);
  for (int i = 0; i < KG_READER_CELLS; i++) {
    CHECK_RESULT(kg_reader_open(&reads, &readers[i], &failure), KG_OK,
                 &failure);
  }
  /* It tries the lock on each byte of a file that it then closes. */
  CHECK_RESULT(kg_reader_open(&reads, &none, &failure), KG_E_TOO_MANY_READERS,
               &failure);
  int own[16];
  for (int i = 0; i < 16; i++) {
    own[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    CHECK(own[i] >= 0);
  }
  system_process child = check_fork();
  if (child == 0) {
    for (int i = 0; i < 16; i++) {
      CHECK(fcntl(own[i], F_GETFD) >= 0);
    }
    check_done();
  }
  CHECK_EXIT(child);
  for (int i = 0; i < 16; i++) {
    close(own[i]);
  }
  for (int i = 0; i < KG_READER_CELLS; i++) {
    kg_reader_close(readers[i]);
  }
  kg_writer_close(writer);
}

TEST(forked_reader, "F42 a child of a process that only reads is refused") {
  const char *dir = check_temp_dir();
  system_process other = check_fork();
  if (other == 0) {
    kg_writer *writer = open_writer(dir, 16);
    write_events(writer, 3);
    kg_writer_close(writer);
    check_done();
  }
  CHECK_EXIT(other);
  kg_reader *reader = open_reader(dir);
  system_process child = check_fork();
  if (child == 0) {
    kg_slot buffer[4];
    kg_batch batch;
    kg_reader_stats stats;
    CHECK_RESULT(kg_reader_read(reader, buffer, 4, &batch), KG_E_FORKED, NULL);
    kg_reader_stats_get(reader, &stats);
    kg_reader_wait(reader, 1);
    kg_reader_close(reader);
    check_done();
  }
  CHECK_EXIT(child);
  kg_reader_close(reader);
}

TEST(forked_own, "F22 F42 a ring of the child's own may be cut short, too") {
  kg_writer *writer = open_writer(check_temp_dir(), 256);
  system_process child = check_fork();
  if (child == 0) {
    check_own_dirs();
    /* As long as its parent's, so that it gets the address that is free. */
    const char *dir = check_temp_dir();
    kg_writer *own = open_writer(dir, 256);
    kg_reader *reader = open_reader(dir);
    kg_threat threat = {.timestamp_us = 1};
    kg_slot buffer[4];
    kg_batch batch;
    CHECK_RESULT(kg_writer_write(own, &threat), 1, NULL);
    CHECK(truncate(check_path(dir, RING_FILE), 0) == 0);
    CHECK_RESULT(kg_writer_write(own, &threat), KG_E_RING_TRUNCATED, NULL);
    CHECK_RESULT(kg_reader_read(reader, buffer, 4, &batch), KG_E_RING_TRUNCATED,
                 NULL);
    kg_reader_close(reader);
    kg_writer_close(own);
    kg_writer_close(writer);
    check_remove_dirs();
    check_done();
  }
  CHECK_EXIT(child);
  kg_writer_close(writer);
}

/* Starts a child that does nothing until the pipe's other end is closed. It
 * says through `ready`, unless that is -1, that it runs. */
static system_process start_idler(const int *pipe_ends, int ready) {
  system_process child = check_fork();
  if (child == 0) {
    char byte;
    close(pipe_ends[1]);
    CHECK(ready < 0 || write(ready, "r", 1) == 1);
    CHECK(read(pipe_ends[0], &byte, 1) == 0);
    check_done();
  }
  return child;
}

TEST(fork_lives, "F42 the life of a forked child does not keep the lock") {
  const char *dir = check_temp_dir();
  int pipe_ends[2];
  CHECK(pipe(pipe_ends) == 0);
  kg_writer *writer = open_writer(dir, 16);
  write_events(writer, 3);
  system_process idler = start_idler(pipe_ends, -1);
  refuse_writer(dir, KG_E_RING_LOCKED);
  kg_writer_close(writer);
  writer = open_writer(dir, 16);
  CHECK_EQUAL(write_events(writer, 1), 4);
  kg_writer_close(writer);
  CHECK(close(pipe_ends[1]) == 0);
  CHECK_EXIT(idler);
}

TEST(fork_survives, "F42 nor when its parent is killed") {
  const char *dir = check_temp_dir();
  int pipe_ends[2];
  int ready[2];
  char byte;
  CHECK(pipe(pipe_ends) == 0 && pipe(ready) == 0);
  system_process parent = check_fork();
  if (parent == 0) {
    kg_writer *writer = open_writer(dir, 16);
    write_events(writer, 3);
    CHECK(start_idler(pipe_ends, ready[1]) > 0);
    for (;;) {
      pause();
    }
  }
  CHECK(read(ready[0], &byte, 1) == 1);
  refuse_writer(dir, KG_E_RING_LOCKED);
  CHECK(kill(parent, SIGKILL) == 0 && waitpid(parent, NULL, 0) == parent);
  kg_writer *writer = open_writer(dir, 16);
  CHECK_EQUAL(write_events(writer, 1), 4);
  kg_writer_close(writer);
  /* The idler lived through all this and goes when the pipe is closed. */
  CHECK(close(pipe_ends[1]) == 0);
}

TEST(grandchild, "F42 nor does a child close what it opened itself") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  system_process child = check_fork();
  if (child == 0) {
    /* They get the numbers of the locks that its parent has. */
    int opened[8];
    for (int i = 0; i < 8; i++) {
      opened[i] = dup(0);
      CHECK(opened[i] >= 0);
    }
    system_process grandchild = check_fork();
    if (grandchild == 0) {
      for (int i = 0; i < 8; i++) {
        CHECK(fcntl(opened[i], F_GETFD) >= 0);
      }
      check_done();
    }
    CHECK_EXIT(grandchild);
    check_done();
  }
  CHECK_EXIT(child);
  CHECK_EQUAL(write_events(writer, 1), 1);
  kg_writer_close(writer);
}

TEST(child_waits,
     "F42 a child of a writer that rejects neither waits nor asks") {
  const char *dir = check_temp_dir();
  const kg_ring_options options = {
      .dir = dir, .max_events = 16, .rejects = true};
  kg_writer *writer = NULL;
  kg_attached_reader attached[1];
  CHECK_RESULT(kg_writer_open(&options, &writer, NULL), KG_OK, NULL);
  system_process child = check_fork();
  if (child == 0) {
    kg_failure failure;
    kg_writer_stats stats;
    CHECK_RESULT(kg_writer_wait_for_space(writer, 1, 10), KG_E_FORKED, NULL);
    CHECK_EQUAL(kg_writer_readers(writer, attached, 1), 0);
    CHECK_RESULT(kg_writer_beat(writer, &failure), KG_E_FORKED, &failure);
    CHECK_CONTAINS(failure.detail, "forked");
    kg_writer_skip_to(writer, 9, 0);
    kg_writer_stats_get(writer, &stats);
    CHECK_EQUAL(stats.overwritten, 0);
    check_done();
  }
  CHECK_EXIT(child);
  CHECK_RESULT(kg_writer_wait_for_space(writer, 1, 10), KG_OK, NULL);
  kg_writer_close(writer);
}

TEST(child_frees,
     "F42 a child that frees its parent's lock closes nothing else") {
  const char *dir = check_temp_dir();
  const kg_ring_options options = {.dir = dir};
  kg_lock *lock = NULL;
  CHECK_RESULT(kg_lock_take(&options, &lock, NULL), KG_OK, NULL);
  system_process child = check_fork();
  if (child == 0) {
    int opened[8];
    for (int i = 0; i < 8; i++) {
      opened[i] = dup(0);
    }
    kg_lock_free(lock);
    for (int i = 0; i < 8; i++) {
      CHECK(fcntl(opened[i], F_GETFD) >= 0);
    }
    check_done();
  }
  CHECK_EXIT(child);
  refuse_writer(dir, KG_E_RING_LOCKED);
  kg_lock_free(lock);
}
