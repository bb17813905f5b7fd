/* The process around us handles SIGBUS itself, and changes that at any time: a
 * ring that is cut short ends nobody all the same. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../../native/file/reader.h"
#include "../../../native/file/reader_fields.h"
#include "../../../native/file/writer.h"
#include "../../../native/platform/platform.h"
#include "../file_fixture.h"

#define CAPACITY 256

/* --- What hosts do -------------------------------------------------------- */

static volatile sig_atomic_t handled;
static struct sigaction chained_to;

/* As libuv's: it notes the signal and returns. A fault would come again. */
static void note(int number) {
  if (++handled > 100) {
    static const char text[] = "a fault was left to the host\n";
    (void)!write(2, text, sizeof text - 1);
    _exit(3);
  }
  (void)number;
}

/* Mends what is not ours, as a program with mappings of its own may. */
static void mend(int number, siginfo_t *info, void *context) {
  (void)context;
  note(number);
  if (info->si_code > 0) {
    void *page = (void *)((uintptr_t)info->si_addr & ~(uintptr_t)4095);
    mmap(page, 4096, PROT_READ | PROT_WRITE,
         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  }
}

/* Hands everything on to what was there when it was installed. */
static void chain(int number, siginfo_t *info, void *context) {
  note(number);
  if ((chained_to.sa_flags & SA_SIGINFO) != 0) {
    chained_to.sa_sigaction(number, info, context);
  } else if (chained_to.sa_handler != SIG_DFL &&
             chained_to.sa_handler != SIG_IGN) {
    chained_to.sa_handler(number);
  }
}

enum host { STANDARD, IGNORES, NOTES, MENDS, CHAINS, HOSTS };

static void install(enum host host) {
  struct sigaction action = {.sa_handler = SIG_DFL};
  switch (host) {
  case IGNORES:
    action.sa_handler = SIG_IGN;
    break;
  case NOTES:
    action.sa_handler = note;
    action.sa_flags = SA_RESTART;
    break;
  case MENDS:
    action.sa_sigaction = mend;
    action.sa_flags = SA_SIGINFO;
    break;
  case CHAINS:
    action.sa_sigaction = chain;
    action.sa_flags = SA_SIGINFO;
    break;
  default:
    break;
  }
  CHECK(sigaction(SIGBUS, &action, host == CHAINS ? &chained_to : NULL) == 0);
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

static void cut(const char *dir) {
  CHECK(truncate(check_path(dir, RING_FILE), 0) == 0);
}

/* --- Orders --------------------------------------------------------------- */

static void check_all_live(const char *dir, kg_writer *writer) {
  kg_reader *reader = open_reader(dir);
  kg_slot buffer[16];
  kg_batch batch;
  made_threat made;
  make_threat(&made, 1, 1);
  for (enum host host = STANDARD; host < HOSTS; host++) {
    handled = 0;
    write_events(writer, 1);
    install(host);
    cut(dir);
    CHECK_RESULT(kg_reader_read(reader, buffer, 16, &batch),
                 KG_E_RING_TRUNCATED, NULL);
    kg_reader_close(reader);
    CHECK_RESULT(kg_writer_write(writer, &made.threat), KG_E_RING_TRUNCATED,
                 NULL);
    CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
    CHECK_EQUAL(handled, 0);
    reader = open_reader(dir);
  }
  kg_reader_close(reader);
}

TEST(installed_later, "F65 a host's handler of any kind displaces ours") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, CAPACITY);
  check_all_live(dir, writer);
  /* And again, with each of them known. */
  check_all_live(dir, writer);
  kg_writer_close(writer);
}

TEST(installed_before, "F65 a host's handler was there before, and goes") {
  for (enum host before = STANDARD; before < HOSTS; before++) {
    for (enum host after = STANDARD; after < HOSTS; after++) {
      pid_t child = check_fork();
      if (child == 0) {
        check_own_dirs();
        const char *dir = check_temp_dir();
        kg_slot buffer[16];
        kg_batch batch;
        install(before);
        kg_writer *writer = open_writer(dir, CAPACITY);
        kg_reader *reader = open_reader(dir);
        install(after);
        cut(dir);
        CHECK_RESULT(kg_reader_read(reader, buffer, 16, &batch),
                     KG_E_RING_TRUNCATED, NULL);
        kg_reader_close(reader);
        CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
        install(STANDARD);
        cut(dir);
        CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
        CHECK_EQUAL(handled, 0);
        kg_writer_close(writer);
        check_done();
      }
      CHECK_EXIT(child);
    }
  }
}

/* Every call that touches a ring finds it cut short behind a displaced
 * handler. */
TEST(calls, "F65 every call of a reader and a writer looks first") {
  const char *dir = check_temp_dir();
  for (int call = 0; call < 14; call++) {
    kg_writer *writer = open_writer(dir, CAPACITY);
    kg_reader *reader = open_reader(dir);
    kg_attached_reader attached[4];
    enum kg_writer_life life;
    kg_writer_stats writer_stats;
    kg_reader_stats reader_stats;
    made_threat made;
    make_threat(&made, 1, 1);
    write_events(writer, CAPACITY);
    CHECK_RESULT(kg_writer_stage(writer, &made.threat), KG_OK, NULL);
    CHECK_RESULT(kg_writer_stage(writer, &made.threat), KG_OK, NULL);
    install(call % 2 == 0 ? STANDARD : NOTES);
    handled = 0;
    cut(dir);
    switch (call) {
    case 0:
      kg_writer_stats_get(writer, &writer_stats);
      break;
    case 1:
      CHECK_RESULT(kg_writer_commit(writer), KG_E_RING_TRUNCATED, NULL);
      break;
    case 2:
      kg_writer_skip_to(writer, 1000, KG_PRIORITY_UNKNOWN);
      break;
    case 3:
      kg_writer_wait_for_space(writer, 1, 0);
      break;
    case 4:
      kg_writer_readers(writer, attached, 4);
      break;
    case 5:
      kg_reader_stats_get(reader, &reader_stats);
      break;
    case 6:
      kg_reader_seek(reader, KG_FROM_OLDEST, 0);
      break;
    case 7:
      kg_reader_wait(reader, 1);
      break;
    case 8:
      kg_reader_spin(reader, 10);
      break;
    case 9:
      CHECK_RESULT(kg_reader_check(reader, &life), KG_E_RING_TRUNCATED, NULL);
      break;
    case 10:
      kg__reader_is_retired(reader);
      break;
    case 11:
      kg__reader_head(reader);
      break;
    case 12:
      CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
      break;
    default:
      break;
    }
    kg_reader_close(reader);
    kg_writer_close(writer);
    CHECK_EQUAL(handled, 0);
  }
}

/* The linker puts this in the way of a reader that naps. */
void __real_kg__sleep(uint64_t ns);
void __wrap_kg__sleep(uint64_t ns);

static const char *cut_in_sleep;

void __wrap_kg__sleep(uint64_t ns) {
  __real_kg__sleep(ns);
  if (cut_in_sleep != NULL) {
    install(NOTES);
    cut(cut_in_sleep);
    cut_in_sleep = NULL;
  }
}

TEST(nap, "F65 a reader that napped meanwhile looks first") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16384);
  kg_reader *reader = open_reader(dir);
  reader->nap.sleeps = reader->nap.patience;
  cut_in_sleep = dir;
  kg_reader_wait(reader, 10);
  CHECK(cut_in_sleep == NULL);
  CHECK_EQUAL(handled, 0);
  kg_reader_close(reader);
  kg_writer_close(writer);
}

/* --- The host's own signals ----------------------------------------------- */

TEST(staged, "F65 one event that was staged before: committing looks") {
  const char *dir = check_temp_dir();
  made_threat made;
  make_threat(&made, 1, 1);
  for (int i = 0; i < 20; i++) {
    kg_writer *writer = open_writer(dir, CAPACITY);
    kg_writer_stats stats;
    kg_writer_stats_get(writer, &stats);
    CHECK_RESULT(kg_writer_stage(writer, &made.threat), KG_OK, NULL);
    install(STANDARD);
    cut(dir);
    CHECK_RESULT((int)kg_writer_commit(writer), KG_E_RING_TRUNCATED, NULL);
    kg_writer_close(writer);
  }
}

TEST(sent_to_newest, "F65 what is sent goes to the handler that came last") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, CAPACITY);
  for (int i = 0; i < 3; i++) {
    install(NOTES);
    CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
    handled = 0;
    CHECK(raise(SIGBUS) == 0);
    CHECK_EQUAL(handled, 1);
    install(IGNORES);
    CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
    CHECK(raise(SIGBUS) == 0);
    CHECK_EQUAL(handled, 1);
  }
  kg_writer_close(writer);
}

TEST(ends_by_it,
     "F65 nobody's handler is there any more: it ends the process") {
  pid_t child = check_fork();
  if (child == 0) {
    check_own_dirs();
    const char *dir = check_temp_dir();
    install(NOTES);
    kg_writer *writer = open_writer(dir, CAPACITY);
    install(STANDARD);
    CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
    check_remove_dirs();
    raise(SIGBUS);
    check_done();
  }
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
}

TEST(in_circles, "F65 a host that hands on to us: its elder gets it, once") {
  const char *dir = check_temp_dir();
  install(MENDS);
  kg_writer *writer = open_writer(dir, CAPACITY);
  /* In front of ours, to which it hands on what it gets. */
  install(CHAINS);
  CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
  handled = 0;
  CHECK_EQUAL(hole(dir)[100], 0);
  /* By the one that chains, then by the one that mends. */
  CHECK_EQUAL(handled, 2);
  handled = 0;
  CHECK(raise(SIGBUS) == 0);
  CHECK_EQUAL(handled, 2);
  kg_writer_close(writer);
}

static void *toggle(void *stop) {
  while (__atomic_load_n((int *)stop, __ATOMIC_RELAXED) == 0) {
    install(NOTES);
    install(MENDS);
  }
  return NULL;
}

TEST(threads, "F65 one thread changes handlers, others put ours back") {
  char dir[64];
  pthread_t thread;
  int stop = 0;
  snprintf(dir, sizeof dir, "%s", check_temp_dir());
  kg_writer *writer = open_writer(dir, CAPACITY);
  CHECK(pthread_create(&thread, NULL, toggle, &stop) == 0);
  for (int i = 0; i < 20000; i++) {
    write_events(writer, 1);
  }
  __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
  CHECK(pthread_join(thread, NULL) == 0);
  cut(dir);
  CHECK_RESULT(kg_writer_beat(writer, NULL), KG_OK, NULL);
  kg_writer_close(writer);
}

/* A host's handler that does what may fail. */
static void spoil_errno(int number) {
  (void)number;
  errno = EIO;
}

TEST(keeps_errno, "F65 errno is what it was, whatever a handler does") {
  const char *dir = check_temp_dir();
  const struct sigaction action = {.sa_handler = spoil_errno};
  CHECK(sigaction(SIGBUS, &action, NULL) == 0);
  kg_writer *writer = open_writer(dir, CAPACITY);
  errno = ENOTTY;
  CHECK(raise(SIGBUS) == 0);
  CHECK_EQUAL(errno, ENOTTY);
  kg_writer_close(writer);
}

TEST(ignored, "F65 a host that ignores what is sent goes on doing so") {
  pid_t child = check_fork();
  if (child == 0) {
    check_own_dirs();
    install(IGNORES);
    kg_writer *writer = open_writer(check_temp_dir(), CAPACITY);
    CHECK(raise(SIGBUS) == 0 && kill(getpid(), SIGBUS) == 0);
    CHECK_EQUAL(write_events(writer, 1), 1);
    kg_writer_close(writer);
    check_remove_dirs();
    check_done();
  }
  CHECK_EXIT(child);
}

TEST(sent_address, "F65 what is sent with an address of ours is no fault") {
  const char *dir = check_temp_dir();
  install(NOTES);
  kg_writer *writer = open_writer(dir, CAPACITY);
  kg_writer_info(writer, &(kg_ring_info){0});
  siginfo_t info = {.si_signo = SIGBUS, .si_code = SI_QUEUE};
  info.si_addr = writer->segment.base;
  handled = 0;
  CHECK(syscall(SYS_rt_sigqueueinfo, getpid(), SIGBUS, &info) == 0);
  CHECK_EQUAL(handled, 1);
  CHECK_EQUAL(write_events(writer, 1), 1);
  CHECK_EQUAL(check_ring_from(dir, 1), 1);
  kg_writer_close(writer);
}
