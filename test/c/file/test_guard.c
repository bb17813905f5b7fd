/* Just which bytes a guard is for. */
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../../native/platform/platform.h"
#include "../file_fixture.h"

#define PAGE 4096

static volatile sig_atomic_t handled;

/* Mends what is not ours, and counts. */
static void mend(int number, siginfo_t *info, void *context) {
  (void)number;
  (void)context;
  handled++;
  void *page = (void *)((uintptr_t)info->si_addr & ~(uintptr_t)(PAGE - 1));
  mmap(page, PAGE, PROT_READ | PROT_WRITE,
       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

TEST(edges, "F22 the byte behind a mapping and the one before are not ours") {
  const struct sigaction action = {.sa_sigaction = mend,
                                   .sa_flags = SA_SIGINFO};
  CHECK(sigaction(SIGBUS, &action, NULL) == 0);
  int fd = open(check_path(check_temp_dir(), "file"), O_RDWR | O_CREAT, 0600);
  CHECK(fd >= 0 && ftruncate(fd, 4 * PAGE) == 0);
  volatile char *base = mmap(NULL, 4 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
  CHECK(base != MAP_FAILED && ftruncate(fd, 0) == 0);
  kg__guard *guard;
  kg_failure failure;
  CHECK_RESULT(kg__guard_add((char *)base + PAGE, PAGE, PAGE, &guard, &failure),
               KG_OK, &failure);
  CHECK_EQUAL(base[2 * PAGE], 0);
  CHECK_EQUAL(handled, 1);
  CHECK_EQUAL(base[PAGE - 1], 0);
  CHECK_EQUAL(handled, 2);
  CHECK(!kg__guard_is_broken(guard));
  CHECK_EQUAL(base[PAGE], 0);
  CHECK_EQUAL(handled, 2);
  CHECK(kg__guard_is_broken(guard));
  kg__guard_remove(guard);
  /* What it was for is nobody's now. */
  CHECK_EQUAL(base[3 * PAGE], 0);
  CHECK_EQUAL(handled, 3);
  kg__guard *next;
  CHECK_RESULT(kg__guard_add((char *)base, PAGE, PAGE, &next, &failure), KG_OK,
               &failure);
  CHECK(next == guard && !kg__guard_is_broken(next));
  kg__guard_remove(next);
  kg__guard_remove(NULL);
  close(fd);
}

TEST(huge, "F22 a page that is larger is exchanged as a whole") {
  const size_t large = 4 * PAGE;
  int fd = open(check_path(check_temp_dir(), "file"), O_RDWR | O_CREAT, 0600);
  CHECK(fd >= 0 && ftruncate(fd, (off_t)(4 * large)) == 0);
  char *mapped = mmap(NULL, 4 * large, PROT_READ, MAP_SHARED, fd, 0);
  CHECK(mapped != MAP_FAILED);
  char *aligned = mapped + (-(uintptr_t)mapped & (large - 1));
  volatile char *base = aligned;
  kg__guard *guard;
  kg_failure failure;
  CHECK_RESULT(kg__guard_add(aligned, 2 * large, large, &guard, &failure),
               KG_OK, &failure);
  CHECK(ftruncate(fd, 0) == 0);
  CHECK_EQUAL(base[large + PAGE], 0);
  CHECK(kg__guard_is_broken(guard));
  /* All of that page can be read with no guard, and nothing before it is
   * mapped otherwise. */
  kg__guard_remove(guard);
  CHECK_EQUAL(base[large], 0);
  CHECK_EQUAL(base[2 * large - 1], 0);
  CHECK(msync(aligned, large, MS_ASYNC) == 0);
  const struct sigaction action = {.sa_sigaction = mend,
                                   .sa_flags = SA_SIGINFO};
  CHECK(sigaction(SIGBUS, &action, NULL) == 0);
  int before = handled;
  CHECK_EQUAL(base[large - 1], 0);
  CHECK_EQUAL(handled, before + 1);
  close(fd);
}

TEST(child, "F42 a child does not mend what was its parent's to mend") {
  const struct sigaction action = {.sa_sigaction = mend,
                                   .sa_flags = SA_SIGINFO};
  CHECK(sigaction(SIGBUS, &action, NULL) == 0);
  int fd = open(check_path(check_temp_dir(), "file"), O_RDWR | O_CREAT, 0600);
  CHECK(fd >= 0 && ftruncate(fd, PAGE) == 0);
  volatile char *base = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
  CHECK(base != MAP_FAILED && ftruncate(fd, 0) == 0);
  kg__guard *guard;
  CHECK_RESULT(kg__guard_add((char *)base, PAGE, PAGE, &guard, NULL), KG_OK,
               NULL);
  pid_t child = check_fork();
  if (child == 0) {
    CHECK_EQUAL(base[0], 0);
    CHECK_EQUAL(handled, 1);
    check_done();
  }
  CHECK_EXIT(child);
  CHECK_EQUAL(base[0], 0);
  CHECK_EQUAL(handled, 0);
  CHECK(kg__guard_is_broken(guard));
  kg__guard_remove(guard);
  close(fd);
}

TEST(not_ignored, "F65 a host that ignores the signal cannot ignore a fault") {
  const char *file = check_path(check_temp_dir(), "file");
  pid_t child = check_fork();
  if (child == 0) {
    char own[PAGE];
    kg__guard *guard;
    CHECK(signal(SIGBUS, SIG_IGN) != SIG_ERR);
    CHECK_RESULT(kg__guard_add(own, sizeof own, PAGE, &guard, NULL), KG_OK,
                 NULL);
    int fd = open(file, O_RDWR | O_CREAT, 0600);
    volatile char *base = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
    CHECK(raise(SIGBUS) == 0);
    (void)base[0];
    check_done();
  }
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
}
