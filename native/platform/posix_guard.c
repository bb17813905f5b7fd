/* Mappings that survive their file being cut short, as Linux and macOS share
 * them: the signal's handler puts an empty page where the missing one was, and
 * marks the mapping. It is installed once and stays; a signal about other
 * memory goes to the handler before. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../base/atomic.h"
#include "platform.h"

/* Guards are only ever added, so that the handler needs no lock. */
struct kg__guard {
  uint64_t base; /* 0: this one is free */
  uint64_t length;
  uint64_t next; /* struct kg__guard *, as in `first` */
  uint32_t broken;
};

static uint64_t first;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct sigaction previous;
static uint64_t page_bytes;
static int install_result;

static struct kg__guard *guard_at(const uint64_t *link) {
  /* G1: partner of G2 in find_free. */
  return (struct kg__guard *)(uintptr_t)kg__load64_acquire(link);
}

/* --- In the handler: nothing but what a signal's handler may do ----------- */

static struct kg__guard *find(uint64_t address) {
  struct kg__guard *guard = guard_at(&first);
  for (; guard != NULL; guard = guard_at(&guard->next)) {
    /* G3: partner of G4 in kg__guard_add. */
    uint64_t base = kg__load64_acquire(&guard->base);
    if (base != 0 && address >= base &&
        address - base < kg__load64_relaxed(&guard->length)) {
      break;
    }
  }
  return guard;
}

static bool mend(const siginfo_t *info) {
  uint64_t address = (uint64_t)(uintptr_t)info->si_addr;
  struct kg__guard *guard = find(address);
  if (guard == NULL) {
    return false;
  }
  /* Relaxed: the thread that touched the page looks at this later; others find
   * the empty page only after the system call that puts it there. */
  kg__store32_relaxed(&guard->broken, 1);
  void *page = (void *)(uintptr_t)(address & ~(page_bytes - 1));
  return mmap(page, page_bytes, PROT_READ | PROT_WRITE,
              MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == page;
}

/* As if this handler were not installed. */
static void hand_on(int number, siginfo_t *info, void *context) {
  if ((previous.sa_flags & SA_SIGINFO) != 0) {
    previous.sa_sigaction(number, info, context);
    return;
  }
  /* Sent by kill() or the like; a fault cannot be ignored. */
  bool is_sent = info->si_code <= 0;
  if (previous.sa_handler == SIG_IGN && is_sent) {
    return;
  }
  if (previous.sa_handler == SIG_DFL || previous.sa_handler == SIG_IGN) {
    struct sigaction standard = {.sa_handler = SIG_DFL};
    sigaction(number, &standard, NULL);
    /* Delivered when this returns; a fault would come again anyway. */
    raise(number);
    return;
  }
  previous.sa_handler(number);
}

static void on_fault(int number, siginfo_t *info, void *context) {
  int saved = errno;
  if (info->si_code <= 0 || !mend(info)) {
    hand_on(number, info, context);
  }
  errno = saved;
}

/* --- Outside ------------------------------------------------------------- */

static void before_fork(void) {
  pthread_mutex_lock(&mutex);
}

static void after_fork_in_parent(void) {
  pthread_mutex_unlock(&mutex);
}

/* A child has none of the mappings, and the system gives their addresses to
 * its own: those must not be taken for its parent's. */
static void after_fork_in_child(void) {
  struct kg__guard *guard = guard_at(&first);
  for (; guard != NULL; guard = guard_at(&guard->next)) {
    kg__store64_relaxed(&guard->base, 0);
  }
  pthread_mutex_unlock(&mutex);
}

static void install(void) {
  pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
  /* On the thread's own stack for signals, where it has one: a handler before
   * us may rely on that. */
  struct sigaction action = {.sa_flags = SA_SIGINFO | SA_ONSTACK};
  action.sa_sigaction = on_fault;
  sigemptyset(&action.sa_mask);
  page_bytes = kg__page_bytes();
  install_result = sigaction(SIGBUS, &action, &previous);
}

/* Call it with the mutex. */
static struct kg__guard *find_free(void) {
  struct kg__guard *guard = guard_at(&first);
  /* Relaxed: the last user of a free one touches it no more. */
  while (guard != NULL && kg__load64_relaxed(&guard->base) != 0) {
    guard = guard_at(&guard->next);
  }
  if (guard == NULL && (guard = calloc(1, sizeof *guard)) != NULL) {
    guard->next = first;
    /* G2: partner of G1 in guard_at. */
    kg__store64_release(&first, (uint64_t)(uintptr_t)guard);
  }
  return guard;
}

int kg__guard_add(void *base, size_t length, kg__guard **guard,
                  kg_failure *failure) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, install);
  *guard = NULL;
  if (install_result != 0) {
    return kg__fail(failure, KG_E_SYSTEM, 0, "sigaction failed");
  }
  pthread_mutex_lock(&mutex);
  struct kg__guard *entry = find_free();
  if (entry != NULL) {
    kg__store32_relaxed(&entry->broken, 0);
    kg__store64_relaxed(&entry->length, length);
    /* G4: partner of G3 in find. */
    kg__store64_release(&entry->base, (uint64_t)(uintptr_t)base);
  }
  pthread_mutex_unlock(&mutex);
  if (entry == NULL) {
    return kg__fail(failure, KG_E_NO_MEMORY, 0, "no memory for a guard");
  }
  *guard = entry;
  return KG_OK;
}

void kg__guard_remove(kg__guard *guard) {
  if (guard != NULL) {
    /* Relaxed: nobody touches the mapping any more. */
    kg__store64_relaxed(&guard->base, 0);
  }
}

bool kg__guard_is_broken(const kg__guard *guard) {
  /* Relaxed: see mend(). */
  return kg__load32_relaxed(&guard->broken) != 0;
}
