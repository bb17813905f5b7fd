/* A clock for those who ask it again and again: the CPU's own counter between
 * two looks at the kernel's clock. */
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "posix.h"

/* So long the counter is believed. The kernel bends its clock by half a
 * thousandth at the most, which makes half a microsecond here. */
#define TRUST_NS UINT64_C(1000000)

/* A rate is measured over no less and no more than this. The counter may go on
 * while the machine is suspended and its clock stands; over so short a time,
 * that makes more ticks than any counter. */
#define RATE_LEAST_NS (TRUST_NS / 2)
#define RATE_MOST_NS (10 * TRUST_NS)

/* No counter makes more than that in a nanosecond, nor takes more of them for a
 * tick. */
#define RATE_TICKS 16

/* More ticks than that pass around a look at the kernel's clock only when
 * somebody came in between. */
#define LOOK_TICKS 1000

/* A rate is nanoseconds in a tick, times 2^32. */
#define RATE_BITS 32

/* More ticks than any counter makes in TRUST_NS. */
#define TICKS_BITS 24

/* Elsewhere the kernel's clock is hardly dearer than the counter. */
#if defined(__x86_64__)
#define TICKS() __builtin_ia32_rdtsc()
#else
#define TICKS() UINT64_C(0)
#endif

#if defined(__x86_64__)

/* The least of so many is what it takes when nobody comes in between. */
#define TRIES 8

/* Whether the kernel's clock is had without the kernel. The library takes it
 * from a counter then, and the kernel has it do so only where all CPUs count
 * alike. A system call takes several times as long. */
static bool is_without_system_call(void) {
  uint64_t by_library = UINT64_MAX;
  uint64_t by_call = UINT64_MAX;
  for (int i = 0; i < TRIES; i++) {
    struct timespec time;
    uint64_t start = TICKS();
    (void)kg__posix_clock_ns(CLOCK_MONOTONIC);
    uint64_t middle = TICKS();
    (void)syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &time);
    uint64_t end = TICKS();
    by_library = middle - start < by_library ? middle - start : by_library;
    by_call = end - middle < by_call ? end - middle : by_call;
  }
  return by_library < by_call / 2;
}

#else

static bool is_without_system_call(void) {
  return false;
}

#endif

/* Whether the kernel itself takes its time from this counter; then all CPUs
 * count alike, at one rate. In a virtual machine it may do so by way of a page
 * of the host's, which says at what rate, and whether that may be done. */
static bool has_ticks(void) {
  char name[32];
  kg__posix_read_text("/sys/devices/system/clocksource/clocksource0/"
                      "current_clocksource",
                      name, sizeof name);
  return strcmp(name, "tsc\n") == 0 ||
         ((strcmp(name, "kvm-clock\n") == 0 ||
           strcmp(name, "hyperv_clocksource_tsc_page\n") == 0) &&
          is_without_system_call());
}

void kg__clock_begin(kg__clock *clock) {
  *clock = (kg__clock){.has_ticks = has_ticks()};
}

/* The kernel's clock, and how the counter stands to it. */
static uint64_t look(kg__clock *clock) {
  uint64_t before = TICKS();
  uint64_t now = kg__clock_monotonic_ns();
  if (TICKS() - before > LOOK_TICKS) {
    /* It says nothing of the rate, so the one that is known is kept, and the
     * next call looks again. */
    return now;
  }
  uint64_t passed_ns = now - clock->base_ns;
  uint64_t passed_ticks = before - clock->base_ticks;
  if (clock->base_ns != 0 && passed_ns < RATE_LEAST_NS && clock->rate == 0) {
    return now; /* Too soon to measure a rate. */
  }
  bool is_rate = clock->base_ns != 0 && passed_ns >= RATE_LEAST_NS &&
                 passed_ns <= RATE_MOST_NS &&
                 passed_ticks < passed_ns * RATE_TICKS &&
                 passed_ticks * RATE_TICKS > passed_ns;
  clock->rate = is_rate ? (passed_ns << RATE_BITS) / passed_ticks : 0;
  clock->base_ns = now;
  clock->base_ticks = before;
  return now;
}

uint64_t kg__clock_ns(kg__clock *clock) {
  uint64_t now;
  if (clock->rate != 0) {
    uint64_t passed = TICKS() - clock->base_ticks;
    /* Tested first: for a larger one the product could be anything. */
    bool is_near = passed < UINT64_C(1) << TICKS_BITS;
    uint64_t passed_ns = (passed * clock->rate) >> RATE_BITS;
    now = is_near && passed_ns < TRUST_NS ? clock->base_ns + passed_ns
                                          : look(clock);
  } else {
    now = clock->has_ticks ? look(clock) : kg__clock_monotonic_ns();
  }
  if (now < clock->last_ns) {
    now = clock->last_ns;
  }
  clock->last_ns = now;
  return now;
}
