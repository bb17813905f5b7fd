/* Files that are cut short under the hands of those who have them mapped. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../../native/file/reader.h"
#include "../../../native/platform/platform.h"
#include "../file_fixture.h"

#define CAPACITY 256

/* To nothing, within the header, behind it, within the slots, by a page. */
static const off_t lengths[] = {
    0, 4096, KG_DOORBELL_OFFSET, KG_SLOTS_OFFSET, KG_SLOTS_OFFSET + 4096, -1};
#define LENGTHS (sizeof lengths / sizeof *lengths)

static void cut(const char *dir, size_t which) {
  off_t length = lengths[which];
  if (length < 0) {
    length = (off_t)kg__ring_bytes(CAPACITY, KG_DEFAULT_PRIORITY_EVENTS) - 4096;
  }
  CHECK(truncate(check_path(dir, RING_FILE), length) == 0);
}

TEST(reading, "F22 cut short while a reader has it: told, and it lives") {
  for (size_t i = 0; i < LENGTHS; i++) {
    const char *dir = check_temp_dir();
    kg_writer *writer = open_writer(dir, CAPACITY);
    kg_reader *reader = open_reader(dir);
    account account = {.next = 1};
    enum kg_writer_life life;
    kg_slot buffer[64];
    kg_batch batch;
    CHECK_RESULT(kg_reader_seek(reader, KG_FROM_SEQUENCE, 1), KG_OK, NULL);
    write_events(writer, 5);
    read_file_once(reader, &account);
    write_events(writer, 40);
    cut(dir, i);
    CHECK_RESULT(kg_reader_check(reader, &life), KG_E_RING_TRUNCATED, NULL);
    /* What still stands may come, and nothing else: no loss is made up. */
    int result = KG_OK;
    for (int reads = 0; result == KG_OK && reads < 100; reads++) {
      result = kg_reader_read(reader, buffer, 64, &batch);
      if (result == KG_OK) {
        account_batch(&account, buffer, &batch);
        if (batch.events == 0) {
          break;
        }
      }
    }
    CHECK_EQUAL(account.lost, 0);
    if (result != KG_OK) {
      CHECK_RESULT(result, KG_E_RING_TRUNCATED, NULL);
      CHECK_EQUAL(batch.events, 0);
      /* Nothing more is to be had, and nobody spins on that. */
      CHECK_EQUAL(kg__reader_head(reader), kg__reader_seen(reader));
      CHECK(!kg__reader_request_wake(reader, 0));
      kg__reader_sleep(reader, kg__reader_seen(reader), 1000000);
      CHECK_RESULT(kg_reader_read(reader, buffer, 64, &batch),
                   KG_E_RING_TRUNCATED, NULL);
    } else {
      /* By a page that no event stood in. */
      CHECK_EQUAL(account.received, 45);
    }
    kg_reader_stats stats;
    kg_reader_stats_get(reader, &stats);
    CHECK_EQUAL(stats.received, account.received);
    CHECK_EQUAL(stats.corrupt, 0);
    kg_reader_close(reader);
    kg_writer_close(writer);
  }
}

TEST(within, "F22 cut short within a page: that is no damage") {
  /* Before the claim, between it and the head, behind them, within a slot. */
  const off_t cuts[] = {300, 500, 4000, KG_SLOTS_OFFSET + 200};
  for (int i = 0; i < 4; i++) {
    const char *dir = check_temp_dir();
    kg_writer *writer = open_writer(dir, CAPACITY);
    kg_reader *reader = open_reader(dir);
    kg_slot buffer[4];
    kg_batch batch;
    kg_reader_stats stats;
    write_events(writer, 1);
    if (i < 3) {
      CHECK_RESULT(kg_reader_read(reader, buffer, 4, &batch), KG_OK, NULL);
      CHECK_EQUAL(batch.events, 1);
      write_events(writer, i == 2 ? 1 : 0);
    }
    CHECK(truncate(check_path(dir, RING_FILE), cuts[i]) == 0);
    CHECK_RESULT(kg_reader_read(reader, buffer, 4, &batch), KG_E_RING_TRUNCATED,
                 NULL);
    kg_reader_stats_get(reader, &stats);
    CHECK_EQUAL(stats.corrupt, 0);
    CHECK_EQUAL(stats.lost, 0);
    kg_reader_close(reader);
    kg_writer_close(writer);
  }
}

TEST(unchecked, "F22 nothing torn comes of it where slots have no checksums") {
  /* Between two pages, within one, which faults nowhere, and within the last
   * one of a ring whose slots end where the file does. */
  const struct {
    uint32_t capacity;
    uint64_t events;
    off_t length;
  } cuts[] = {{CAPACITY, 11, KG_SLOTS_OFFSET + 4096},
              {CAPACITY, 1, KG_SLOTS_OFFSET + 200},
              {512, 512, (off_t)kg__ring_bytes(512, 0) - 200},
              /* The last page's first bytes are the end of a slot. */
              {512, 502, (off_t)kg__ring_bytes(512, 0) - 4096 + 100}};
  for (int i = 0; i < 4; i++) {
    const char *dir = check_temp_dir();
    const kg_ring_options options = {.dir = dir,
                                     .max_events = cuts[i].capacity,
                                     .priority_events = KG_PRIORITY_NONE,
                                     .no_checksums = true};
    kg_writer *writer = NULL;
    kg_failure failure;
    kg_slot buffer[64];
    kg_batch batch;
    made_threat made;
    CHECK_RESULT(kg_writer_open(&options, &writer, &failure), KG_OK, &failure);
    kg_reader *reader = open_reader(dir);
    for (uint64_t sequence = 1; sequence <= cuts[i].events; sequence++) {
      make_threat(&made, sequence, 1);
      CHECK_EQUAL(kg_writer_write(writer, &made.threat), sequence);
    }
    CHECK_RESULT(kg_reader_seek(reader, KG_FROM_SEQUENCE,
                                cuts[i].events > 8 ? cuts[i].events - 8 : 1),
                 KG_OK, NULL);
    CHECK(truncate(check_path(dir, RING_FILE), cuts[i].length) == 0);
    for (int reads = 0; reads < 2; reads++) {
      int result;
      /* On the way to where it shall begin, it brings nothing. */
      do {
        result = kg_reader_read(reader, buffer, 64, &batch);
      } while (result == KG_OK && batch.events == 0 && batch.more);
      CHECK_RESULT(result, KG_E_RING_TRUNCATED, NULL);
      CHECK_EQUAL(batch.events, 0);
      /* Nobody spins on that. */
      CHECK_EQUAL(kg__reader_head(reader), kg__reader_seen(reader));
    }
    kg_reader_close(reader);
    kg_writer_close(writer);
  }
}

TEST(writing, "F22 cut short while it is written: told, then made anew") {
  for (size_t i = 0; i < LENGTHS; i++) {
    const char *dir = check_temp_dir();
    kg_failure failure;
    kg_writer *writer = open_writer(dir, CAPACITY);
    kg_reader *reader = open_reader(dir);
    uint64_t last = write_events(writer, 30);
    kg_ring_info before = writer_info(writer);
    made_threat made;
    cut(dir, i);
    make_threat(&made, 1, 1);
    int64_t result = KG_OK;
    /* Until it comes to where something is missing. */
    for (int writes = 0; result >= 0 && writes < 2 * CAPACITY; writes++) {
      result = kg_writer_write(writer, &made.threat);
      if (result > 0) {
        CHECK_EQUAL(result, ++last);
      }
    }
    if (lengths[i] >= 0) {
      CHECK_RESULT(result, KG_E_RING_TRUNCATED, NULL);
      CHECK_RESULT(kg_writer_write(writer, &made.threat), KG_E_RING_TRUNCATED,
                   NULL);
      CHECK_RESULT(kg_writer_stage(writer, &made.threat), KG_E_RING_TRUNCATED,
                   NULL);
    }
    CHECK_EQUAL(sequence_of(writer), last);
    CHECK_RESULT(kg_writer_beat(writer, &failure), KG_OK, &failure);
    kg_ring_info after = writer_info(writer);
    CHECK(after.generation != before.generation);
    CHECK_EQUAL(after.predecessor_generation, before.generation);
    CHECK_EQUAL(after.predecessor_sequence, last);
    CHECK_EQUAL(kg_writer_write(writer, &made.threat), 1);
    kg_writer_stats stats;
    kg_writer_stats_get(writer, &stats);
    CHECK_EQUAL(stats.published, last + 1);
    kg_reader_close(reader);
    kg_writer_close(writer);
  }
}

TEST(mended, "F22 cut short and made long again: made anew, and read again") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, CAPACITY);
  account account = {.next = 1};
  kg_ring_info info;
  kg_writer_info(writer, &info);
  write_events(writer, 2);
  cut(dir, LENGTHS - 1);
  CHECK(truncate(check_path(dir, RING_FILE), (off_t)info.file_bytes) == 0);
  kg_failure failure;
  CHECK_RESULT(kg_writer_beat(writer, &failure), KG_OK, &failure);
  kg_writer_stats stats;
  kg_writer_stats_get(writer, &stats);
  CHECK_EQUAL(stats.replaced, 1);
  kg_reader *reader = open_reader(dir);
  write_events(writer, 3);
  read_file_once(reader, &account);
  CHECK_EQUAL(account.received, 3);
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(batch, "F22 cut short under a batch: none of it is published") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, CAPACITY);
  uint64_t last = write_events(writer, 10);
  made_threat made;
  make_threat(&made, 1, 1);
  for (int i = 0; i < 20; i++) {
    CHECK_RESULT(kg_writer_stage(writer, &made.threat), KG_OK, NULL);
  }
  cut(dir, 3);
  CHECK_RESULT(kg_writer_commit(writer), KG_E_RING_TRUNCATED, NULL);
  CHECK_EQUAL(sequence_of(writer), last);
  CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
  CHECK_EQUAL(writer_info(writer).predecessor_sequence, last);
  kg_writer_close(writer);
}

TEST(half_a_batch, "F22 nor seen, where its first slots were not cut away") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, CAPACITY);
  kg_reader *reader = open_reader(dir);
  kg_slot buffer[4];
  kg_batch batch;
  made_threat made;
  make_threat(&made, 1, 1);
  for (int i = 0; i < 20; i++) {
    CHECK_RESULT(kg_writer_stage(writer, &made.threat), KG_OK, NULL);
  }
  cut(dir, 4);
  CHECK_RESULT(kg_writer_commit(writer), KG_E_RING_TRUNCATED, NULL);
  CHECK_RESULT(kg_reader_read(reader, buffer, 4, &batch), KG_OK, NULL);
  CHECK_EQUAL(batch.events, 0);
  CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
  CHECK_EQUAL(writer_info(writer).predecessor_sequence, 0);
  kg_reader_close(reader);
  kg_writer_close(writer);
}

#define ENOUGH "enough"

TEST(hammered, "F22 cut and mended again and again while two work on it") {
  const char *dir = check_temp_dir();
  pid_t child = check_fork();
  if (child == 0) {
    kg_writer *writer = open_writer(dir, CAPACITY);
    made_threat made;
    make_threat(&made, 1, 1);
    uint64_t written = 0;
    /* Until the other one had its part in it, however fast this is. */
    while (written % 1000 != 0 || !has_file(dir, ENOUGH)) {
      if (kg_writer_write(writer, &made.threat) == KG_E_RING_TRUNCATED) {
        CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
      } else {
        written++;
      }
    }
    kg_writer_close(writer);
    check_done();
  }
  uint64_t state = 7;
  uint64_t events = 0;
  int status = 0;
  for (int rounds = 0; waitpid(child, &status, WNOHANG) == 0; rounds++) {
    if (rounds >= 500 && events > 0) {
      close(open(check_path(dir, ENOUGH), O_CREAT | O_WRONLY, 0600));
    }
    const kg_ring_options options = {.dir = dir};
    kg_reader *reader = NULL;
    static kg_slot buffer[256];
    kg_batch batch;
    if (kg_reader_open(&options, &reader, NULL) != KG_OK) {
      continue;
    }
    kg_reader_seek(reader, KG_FROM_OLDEST, 0);
    if (check_random(&state) % 4 == 0) {
      if (truncate(check_path(dir, RING_FILE),
                   (off_t)(check_random(&state) % 100000)) != 0) {
        kg_reader_close(reader);
        continue;
      }
    }
    for (int i = 0; i < 20; i++) {
      if (kg_reader_read(reader, buffer, 256, &batch) != KG_OK) {
        break;
      }
      events += batch.events;
    }
    kg_reader_close(reader);
  }
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

#define MAPPINGS 40

TEST(many, "F22 more mappings than one table holds") {
  const char *dirs[MAPPINGS];
  kg_reader *readers[MAPPINGS];
  kg_slot buffer[16];
  kg_batch batch;
  for (int i = 0; i < MAPPINGS; i++) {
    dirs[i] = check_temp_dir();
    kg_writer *writer = open_writer(dirs[i], 16);
    write_events(writer, 1);
    readers[i] = open_reader(dirs[i]);
    kg_writer_close(writer);
  }
  for (int i = 0; i < MAPPINGS; i += 2) {
    CHECK(truncate(check_path(dirs[i], RING_FILE), 0) == 0);
  }
  for (int i = 0; i < MAPPINGS; i++) {
    CHECK_RESULT(kg_reader_read(readers[i], buffer, 16, &batch),
                 i % 2 == 0 ? KG_E_RING_TRUNCATED : KG_OK, NULL);
    kg_reader_close(readers[i]);
  }
}

/* --- The signals of others ------------------------------------------------ */

static volatile sig_atomic_t handled;

static void handle(int number) {
  handled = number;
}

static void handle_info(int number, siginfo_t *info, void *context) {
  (void)context;
  /* A fault outside of every ring: mend it, so that the program goes on. */
  if (info->si_code > 0) {
    void *page = (void *)((uintptr_t)info->si_addr & ~(uintptr_t)4095);
    if (mmap(page, 4096, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == page) {
      handled = number;
    }
  }
}

/* Maps a file of nobody's and cuts it short. */
static volatile char *hole(const char *dir) {
  int fd = open(check_path(dir, "other"), O_RDWR | O_CREAT, 0600);
  CHECK(fd >= 0 && ftruncate(fd, 8192) == 0);
  char *base = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, 0);
  CHECK(base != MAP_FAILED && ftruncate(fd, 0) == 0);
  close(fd);
  return base;
}

TEST(chained, "F22 a handler before ours gets what is not ours") {
  const char *dir = check_temp_dir();
  struct sigaction action = {.sa_flags = SA_SIGINFO};
  action.sa_sigaction = handle_info;
  CHECK(sigaction(SIGBUS, &action, NULL) == 0);
  kg_writer *writer = open_writer(dir, CAPACITY);
  kg_reader *reader = open_reader(dir);
  kg_slot buffer[16];
  kg_batch batch;
  CHECK_EQUAL(hole(dir)[100], 0);
  CHECK_EQUAL(handled, SIGBUS);
  handled = 0;
  cut(dir, 0);
  CHECK_RESULT(kg_reader_read(reader, buffer, 16, &batch), KG_E_RING_TRUNCATED,
               NULL);
  CHECK_EQUAL(handled, 0);
  kg_reader_close(reader);
  kg_writer_close(writer);
  CHECK_EQUAL(hole(dir)[5000], 0);
  CHECK_EQUAL(handled, SIGBUS);
}

TEST(sent, "F22 a SIGBUS that somebody sends goes where it went before") {
  const char *dir = check_temp_dir();
  struct sigaction action = {.sa_handler = handle};
  CHECK(sigaction(SIGBUS, &action, NULL) == 0);
  kg_writer_close(open_writer(dir, CAPACITY));
  CHECK(raise(SIGBUS) == 0);
  CHECK_EQUAL(handled, SIGBUS);
}

TEST(fatal, "F22 without a handler before ours, others' faults end it") {
  for (int kind = 0; kind < 2; kind++) {
    pid_t child = check_fork();
    if (child == 0) {
      check_own_dirs();
      const char *dir = check_temp_dir();
      /* A sanitizer has one of its own. */
      CHECK(signal(SIGBUS, SIG_DFL) != SIG_ERR);
      kg_writer_close(open_writer(dir, CAPACITY));
      volatile char *missing = hole(dir);
      check_remove_dirs();
      if (kind == 0) {
        kill(getpid(), SIGBUS);
      } else {
        (void)missing[0];
      }
      check_done();
    }
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
  }
}
