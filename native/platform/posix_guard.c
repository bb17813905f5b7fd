/* Mappings that survive their file being cut short, as Linux and macOS share
 * them: the signal's handler puts an empty page where the missing one was, and
 * marks the mapping. A signal about other memory goes to the handler that was
 * there before. The host may install one of its own at any time, so ours is
 * looked at again and again, and put back in front of what took its place. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../base/atomic.h"
#include "platform.h"

/* Guards are only ever added, so that the handler needs no lock. */
struct kg__guard {
  uint64_t base; /* 0: this one is free */
  uint64_t length;
  uint64_t page_bytes;
  uint64_t next; /* struct kg__guard *, as in `first` */
  uint32_t broken;
};

/* What was installed when ours was put in front of it. Only ever added, too: a
 * handler may run while another is found. */
struct before {
  struct sigaction action;
  struct before *older; /* NULL: there was none */
  struct before *next;  /* of all that there ever were */
};

static uint64_t first;
static uint64_t before; /* struct before *, the one that ours has displaced */
static struct before *all_before;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static struct kg__guard *guard_at(const uint64_t *link) {
  /* G1: partner of G2 in find_free. */
  return (struct kg__guard *)(uintptr_t)kg__load64_acquire(link);
}

static struct before *newest_before(void) {
  /* G5: partner of G6 in remember. */
  return (struct before *)(uintptr_t)kg__load64_acquire(&before);
}

/* --- In the handler: nothing but what a signal's handler may do ----------- */

/* By kill() or the like. The codes that say so are no positive numbers on
 * Linux, and large ones on macOS. */
static bool is_sent(const siginfo_t *info) {
  return info->si_code <= 0 || info->si_code == SI_USER ||
         info->si_code == SI_QUEUE;
}

static struct kg__guard *find(uint64_t address) {
  struct kg__guard *guard = guard_at(&first);
  for (; guard != NULL; guard = guard_at(&guard->next)) {
    /* G3: partner of G4 in kg__guard_add. */
    uint64_t base = kg__load64_acquire(&guard->base);
    /* G7: partner of G8 in kg__guard_add. With the length of a mapping that
     * came later, the second look finds the first base gone. */
    uint64_t length = kg__load64_acquire(&guard->length);
    if (base != 0 && address >= base && address - base < length &&
        kg__load64_relaxed(&guard->base) == base) {
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
  /* Relaxed: set with the length, which find() has loaded. A huge page is
   * exchanged as a whole; the system refuses a part of it. */
  uint64_t page_bytes = kg__load64_relaxed(&guard->page_bytes);
  void *page = (void *)(uintptr_t)(address & ~(page_bytes - 1));
  return mmap(page, page_bytes, PROT_READ | PROT_WRITE,
              MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == page;
}

/* A handler before ours may hand the signal on in its turn, and to us, if it
 * came in front of us once: then it is for the one that is older than that. How
 * often this signal came to us stands at the end of what tells about it, which
 * is as empty with each new one. */
struct passes {
  uint32_t magic;
  uint32_t count;
};
#define PASSES_MAGIC UINT32_C(0x6B677061)

static uint32_t count_passes(siginfo_t *info) {
  char *end = (char *)info + sizeof *info - sizeof(struct passes);
  struct passes passes;
  memcpy(&passes, end, sizeof passes);
  uint32_t count = passes.magic == PASSES_MAGIC ? passes.count : 0;
  passes = (struct passes){.magic = PASSES_MAGIC, .count = count + 1};
  memcpy(end, &passes, sizeof passes);
  return count;
}

/* As if this handler were not installed. */
static void hand_on(int number, siginfo_t *info, void *context) {
  struct before *to = newest_before();
  for (uint32_t i = count_passes(info); to != NULL && i > 0; i--) {
    to = to->older;
  }
  if (to != NULL && (to->action.sa_flags & SA_SIGINFO) != 0) {
    to->action.sa_sigaction(number, info, context);
    return;
  }
  void (*handler)(int) = to == NULL ? SIG_DFL : to->action.sa_handler;
  /* A fault cannot be ignored. */
  if (handler == SIG_IGN && is_sent(info)) {
    return;
  }
  if (handler == SIG_DFL || handler == SIG_IGN) {
    struct sigaction standard = {.sa_handler = SIG_DFL};
    sigaction(number, &standard, NULL);
    /* Delivered when this returns; a fault would come again anyway. */
    raise(number);
    return;
  }
  handler(number);
}

static void on_fault(int number, siginfo_t *info, void *context) {
  int saved = errno;
  if (is_sent(info) || !mend(info)) {
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

static void begin(void) {
  pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

static bool is_ours(const struct sigaction *action) {
  return (action->sa_flags & SA_SIGINFO) != 0 &&
         action->sa_sigaction == on_fault;
}

static bool is_same(const struct sigaction *a, const struct sigaction *b) {
  return a->sa_flags == b->sa_flags &&
         ((a->sa_flags & SA_SIGINFO) != 0 ? a->sa_sigaction == b->sa_sigaction
                                          : a->sa_handler == b->sa_handler);
}

/* Makes `action` what signals are handed on to. Call it with the mutex. */
static bool remember(const struct sigaction *action) {
  if (is_ours(action)) {
    return true;
  }
  /* One that comes and goes, as with process.on() and removeListener(), takes
   * no new memory each time: what was before it then is before it now. */
  struct before *entry = all_before;
  while (entry != NULL && !is_same(action, &entry->action)) {
    entry = entry->next;
  }
  if (entry == NULL) {
    entry = calloc(1, sizeof *entry);
    if (entry == NULL) {
      return false;
    }
    *entry = (struct before){
        .action = *action, .older = newest_before(), .next = all_before};
    all_before = entry;
  }
  /* G6: partner of G5 in newest_before. */
  kg__store64_release(&before, (uint64_t)(uintptr_t)entry);
  return true;
}

/* Installs the handler unless it is. Call it with the mutex. */
static bool keep(void) {
  struct sigaction found;
  if (sigaction(SIGBUS, NULL, &found) != 0) {
    return false;
  }
  if (is_ours(&found)) {
    return true;
  }
  /* On the thread's own stack for signals, where it has one: a handler before
   * us may rely on that. */
  struct sigaction action = {.sa_flags = SA_SIGINFO | SA_ONSTACK};
  action.sa_sigaction = on_fault;
  sigemptyset(&action.sa_mask);
  /* Before ours is there, so that it knows whom to hand on to; and again, since
   * another thread may have installed one in between. */
  return remember(&found) && sigaction(SIGBUS, &action, &found) == 0 &&
         remember(&found);
}

/* Unless that was done since `trust_ns` ago. */
static void keep_at(uint64_t now_ns, uint64_t trust_ns) {
  static uint64_t kept_at;
  struct sigaction found;
  /* Relaxed: a thread that misses another one's look looks once too often. */
  if (now_ns - kg__load64_relaxed(&kept_at) < trust_ns) {
    return;
  }
  kg__store64_relaxed(&kept_at, now_ns);
  if (sigaction(SIGBUS, NULL, &found) == 0 && !is_ours(&found)) {
    pthread_mutex_lock(&mutex);
    /* Without memory it is tried again at the next look. */
    (void)keep();
    pthread_mutex_unlock(&mutex);
  }
}

/* Nobody displaces ours and cuts a file short in less time. */
#define TRUST_NS UINT64_C(2000)

void kg__guard_keep(void) {
  keep_at(kg__clock_monotonic_ns(), TRUST_NS);
}

/* The process ends when somebody displaces ours and a file is cut short, both
 * between two looks. A JavaScript program needs some 50 microseconds for both
 * unless it does nothing else; looking as often as this is 3 % of a write. */
#define BUSY_TRUST_NS UINT64_C(20000)

void kg__guard_keep_often(uint64_t now_ns) {
  keep_at(now_ns, BUSY_TRUST_NS);
}

void kg__guard_keep_early(uint64_t now_ns) {
  keep_at(now_ns, BUSY_TRUST_NS / 2);
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

int kg__guard_add(void *base, size_t length, uint64_t page_bytes,
                  kg__guard **guard, kg_failure *failure) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, begin);
  *guard = NULL;
  pthread_mutex_lock(&mutex);
  struct kg__guard *entry = find_free();
  bool is_kept = entry != NULL && keep();
  if (is_kept) {
    kg__store32_relaxed(&entry->broken, 0);
    /* Relaxed: G8 orders it. */
    kg__store64_relaxed(&entry->page_bytes, page_bytes);
    /* G8: partner of G7 in find. */
    kg__store64_release(&entry->length, length);
    /* G4: partner of G3 in find. */
    kg__store64_release(&entry->base, (uint64_t)(uintptr_t)base);
  }
  pthread_mutex_unlock(&mutex);
  if (!is_kept) {
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
