/* Just which bytes a guard is for. */
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
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
  CHECK_RESULT(kg__guard_add((char *)base + PAGE, PAGE, &guard, &failure),
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
  CHECK_RESULT(kg__guard_add((char *)base, PAGE, &next, &failure), KG_OK,
               &failure);
  CHECK(next == guard && !kg__guard_is_broken(next));
  kg__guard_remove(next);
  kg__guard_remove(NULL);
  close(fd);
}
