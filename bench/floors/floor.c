#include "floor.h"

#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A floor takes seconds. */
#define PATIENCE_SECONDS 120

uint64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void pause_for(int pause_us) {
  struct timespec pause = {pause_us / 1000000, pause_us % 1000000 * 1000L};
  nanosleep(&pause, NULL);
}

uint32_t spin_while(_Atomic uint32_t *word, uint32_t old) {
  uint32_t value;
  do {
    value = atomic_load_explicit(word, memory_order_acquire);
  } while (value == old);
  return value;
}

static long futex(_Atomic uint32_t *word, int operation, uint32_t value) {
  return syscall(SYS_futex, word, operation, value, NULL, NULL, 0);
}

uint32_t sleep_while(_Atomic uint32_t *word, uint32_t old) {
  for (;;) {
    uint32_t value = atomic_load_explicit(word, memory_order_acquire);
    if (value != old)
      return value;
    futex(word, FUTEX_WAIT, old);
  }
}

void wake(_Atomic uint32_t *word) {
  futex(word, FUTEX_WAKE, 1);
}

void send_singles(struct shared *shared, int count, int pause_us) {
  for (int i = 1; i <= count; i++) {
    pause_for(pause_us);
    atomic_store_explicit(&shared->sent_ns, now_ns(), memory_order_relaxed);
    atomic_store_explicit(&shared->there.word, (uint32_t)i,
                          memory_order_release);
    wake(&shared->there.word);
    while (atomic_load_explicit(&shared->back.word, memory_order_acquire) <
           (uint32_t)i) {
      pause_for(20);
    }
  }
}

void took(struct shared *shared, double *sample) {
  uint64_t now = now_ns();
  uint64_t sent = atomic_load_explicit(&shared->sent_ns, memory_order_relaxed);
  *sample = (double)(now - sent) / 1000;
  atomic_fetch_add_explicit(&shared->back.word, 1, memory_order_release);
}

void print_samples(const double *microseconds, int count) {
  printf("[");
  for (int i = 0; i < count; i++) {
    printf("%s%.4f", i == 0 ? "" : ",", microseconds[i]);
  }
  printf("]\n");
}

int run_floor(int argc, char **argv, part *self, part *other) {
  if (argc < 3) {
    fprintf(stderr, "usage: %s COUNT PAUSE_US\n", argv[0]);
    return 2;
  }
  int count = atoi(argv[1]);
  int pause_us = atoi(argv[2]);
  struct shared *shared =
      mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
           MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (shared == MAP_FAILED) {
    perror("mmap");
    return 1;
  }
  alarm(PATIENCE_SECONDS);
  pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    other(shared, count, pause_us);
    _exit(0);
  }
  self(shared, count, pause_us);
  int status = 0;
  waitpid(child, &status, 0);
  return status == 0 ? 0 : 1;
}
