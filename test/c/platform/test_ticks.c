/* When the clock believes the CPU's counter. The linker puts what stands here
 * in the place of the kernel's clock, which stands still
 * (__wrap_kg__clock_monotonic_ns, __wrap_kg__posix_clock_ns), of asking the
 * kernel itself (__wrap_syscall), and of the name of the clock's source
 * (__wrap_kg__posix_read_text). */
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "../../../native/platform/platform.h"
#include "../../../native/platform/posix.h"
#include "../check.h"

uint64_t __wrap_kg__clock_monotonic_ns(void);
void __wrap_kg__posix_read_text(const char *path, char *text, size_t bytes);
uint64_t __wrap_kg__posix_clock_ns(clockid_t clock);
long __wrap_syscall(long number, ...);

#define START UINT64_C(1000000000000)
#define ONE_TO_ONE (UINT64_C(1) << 32)

static uint64_t now_ns = START;
static const char *source = "tsc\n";

/* So many ticks pass while the kernel's clock is asked. */
static uint64_t disturbance;

/* And while the kernel itself is. */
static uint64_t by_call;

/* Somebody comes in between when the next ones of either are asked: a bit for
 * each, the lowest first. */
static unsigned slow_looks;
static unsigned slow_calls;

static void pass(uint64_t ticks) {
#if defined(__x86_64__)
  uint64_t start = __builtin_ia32_rdtsc();
  while (__builtin_ia32_rdtsc() - start < ticks) {
  }
#else
  (void)ticks;
#endif
}

static void pass_slowly(uint64_t ticks, unsigned *slow) {
  pass(ticks + (*slow & 1) * 100000);
  *slow >>= 1;
}

uint64_t __wrap_kg__clock_monotonic_ns(void) {
  pass_slowly(disturbance, &slow_looks);
  return now_ns;
}

uint64_t __wrap_kg__posix_clock_ns(clockid_t clock) {
  CHECK_EQUAL(clock, CLOCK_MONOTONIC);
  return __wrap_kg__clock_monotonic_ns();
}

long __wrap_syscall(long number, ...) {
  CHECK_EQUAL(number, SYS_clock_gettime);
  pass_slowly(by_call, &slow_calls);
  return 0;
}

void __wrap_kg__posix_read_text(const char *path, char *text, size_t bytes) {
  CHECK_CONTAINS(path, "clocksource");
  snprintf(text, bytes, "%s", source);
}

static bool believes(const char *name) {
  kg__clock clock;
  source = name;
  kg__clock_begin(&clock);
  return clock.has_ticks;
}

TEST(sources, "only the counter that the kernel takes as its source counts") {
  const char *names[] = {"tsc\n",       "hpet\n", "acpi_pm\n",
                         "tsc-early\n", "kvm\n",  ""};
  by_call = 100000;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    CHECK_EQUAL(believes(names[i]), i == 0);
  }
}

TEST(back, "it never goes back") {
  kg__clock clock;
  source = "hpet\n";
  kg__clock_begin(&clock);
  CHECK_EQUAL(kg__clock_ns(&clock), START);
  now_ns = START + 50;
  CHECK_EQUAL(kg__clock_ns(&clock), START + 50);
  now_ns = START + 49;
  CHECK_EQUAL(kg__clock_ns(&clock), START + 50);
  now_ns = START + 51;
  CHECK_EQUAL(kg__clock_ns(&clock), START + 51);
}

#if defined(__x86_64__)

/* What it does most often of so many times: somebody may come in between in the
 * one try that counts. */
#define TIMES 9

static bool mostly_believes(const char *name, unsigned looks, unsigned calls) {
  int believed = 0;
  for (int i = 0; i < TIMES; i++) {
    slow_looks = looks;
    slow_calls = calls;
    believed += believes(name);
  }
  return believed > TIMES / 2;
}

TEST(virtual, "in a virtual machine, where the kernel lets all take it from "
              "there without a system call") {
  const char *names[] = {"kvm-clock\n", "hyperv_clocksource_tsc_page\n"};
  for (size_t i = 0; i < 2; i++) {
    disturbance = 10000;
    by_call = 40000;
    CHECK(mostly_believes(names[i], 0, 0));
    /* One of the eight tries is enough, the first or the last. */
    CHECK(mostly_believes(names[i], 0x7F, 0));
    CHECK(mostly_believes(names[i], 0xFE, 0));
    CHECK(!mostly_believes(names[i], 0xFF, 0));
    /* The library makes a system call, which may be a little faster. */
    by_call = 15000;
    CHECK(!mostly_believes(names[i], 0, 0));
    by_call = 10000;
    CHECK(!mostly_believes(names[i], 0, 0));
    CHECK(!mostly_believes(names[i], 0, 0x7F));
    CHECK(!mostly_believes(names[i], 0, 0xFE));
    CHECK(believes("tsc\n"));
  }
  disturbance = 0;
}

/* More ticks than the fastest of so many questions takes. Somebody may come in
 * between in others, and a look at the kernel's clock tells nothing then. */
#define QUESTION 20000
#define QUESTIONS 200

/* Asks a clock as it would be `ticks` after its last look. */
static uint64_t ask(kg__clock *clock, uint64_t ticks) {
  kg__clock before = *clock;
  uint64_t answer = 0;
  uint64_t fastest = UINT64_MAX;
  for (int i = 0; i < QUESTIONS; i++) {
    kg__clock asked = before;
    uint64_t start = __builtin_ia32_rdtsc();
    asked.base_ticks = start - ticks;
    uint64_t now = kg__clock_ns(&asked);
    uint64_t taken = __builtin_ia32_rdtsc() - start;
    if (taken < fastest) {
      fastest = taken;
      answer = now;
      *clock = asked;
    }
  }
  CHECK(fastest < QUESTION);
  return answer;
}

TEST(trust, "the counter is believed for a millisecond") {
  kg__clock clock = {.has_ticks = true, .rate = ONE_TO_ONE, .base_ns = START};
  now_ns = START + 5000000;
  uint64_t answer = ask(&clock, 1000000 - QUESTION);
  CHECK(answer >= START + 1000000 - QUESTION && answer < START + 1000000);
  clock = (kg__clock){.has_ticks = true, .rate = ONE_TO_ONE, .base_ns = START};
  CHECK_EQUAL(ask(&clock, 1000000), now_ns);
}

TEST(jump, "a jump of the counter is no time") {
  /* At so low a rate that the jump would be a nanosecond. */
  kg__clock clock = {.has_ticks = true, .rate = 1, .base_ns = START};
  now_ns = START + 5000000;
  CHECK_EQUAL(ask(&clock, (UINT64_C(1) << 24) - QUESTION), START);
  clock = (kg__clock){.has_ticks = true, .rate = 1, .base_ns = START};
  CHECK_EQUAL(ask(&clock, UINT64_C(1) << 24), now_ns);
}

TEST(disturbed,
     "a look at the clock that somebody came into is none to go by") {
  /* Over 1000 ticks, of which a look takes some. */
  const uint64_t disturbances[] = {0, 1001, 5000};
  for (size_t i = 0; i < 3; i++) {
    kg__clock clock = {.has_ticks = true, .base_ns = START};
    now_ns = START + 1000000;
    disturbance = disturbances[i];
    CHECK_EQUAL(ask(&clock, 1000000), now_ns);
    disturbance = 0;
    CHECK_EQUAL(clock.rate != 0, i == 0);
    CHECK_EQUAL(clock.base_ns, i == 0 ? now_ns : START);
  }
}

TEST(kept, "nor does it take away the rate that was known") {
  for (uint64_t by = 0; by <= 5000; by += 5000) {
    kg__clock clock = {.has_ticks = true, .rate = 1, .base_ns = START};
    now_ns = START + 1000000;
    disturbance = by;
    CHECK_EQUAL(ask(&clock, UINT64_C(1) << 24), now_ns);
    disturbance = 0;
    CHECK_EQUAL(clock.rate == 1, by != 0);
    CHECK_EQUAL(clock.base_ns, by == 0 ? now_ns : START);
    /* It is believed no longer for that: the next call looks again. */
    now_ns++;
    CHECK_EQUAL(ask(&clock, UINT64_C(1) << 24), now_ns);
  }
}

TEST(soon, "a rate is measured over no less than half a millisecond") {
  for (uint64_t passed = 499999; passed <= 500000; passed++) {
    kg__clock clock = {.has_ticks = true, .base_ns = START};
    now_ns = START + passed;
    CHECK_EQUAL(ask(&clock, passed), now_ns);
    CHECK_EQUAL(clock.rate != 0, passed == 500000);
    CHECK_EQUAL(clock.base_ns, passed == 500000 ? now_ns : START);
  }
}

TEST(late, "and over no more than ten milliseconds") {
  for (uint64_t passed = 10000000; passed <= 10000001; passed++) {
    kg__clock clock = {.has_ticks = true, .base_ns = START};
    now_ns = START + passed;
    CHECK_EQUAL(ask(&clock, passed), now_ns);
    CHECK_EQUAL(clock.rate != 0, passed == 10000000);
    CHECK_EQUAL(clock.base_ns, now_ns);
  }
}

TEST(rates, "a rate of more ticks or fewer than any counter makes is none") {
  const uint64_t passed = 4000000;
  const struct {
    uint64_t ticks;
    bool is_rate;
  } cases[] = {{passed * 16 - QUESTION, true},
               {passed * 16, false},
               {passed / 16 + 1, true},
               {passed / 16 - QUESTION, false}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    kg__clock clock = {.has_ticks = true, .base_ns = START};
    now_ns = START + passed;
    CHECK_EQUAL(ask(&clock, cases[i].ticks), now_ns);
    CHECK_EQUAL(clock.rate != 0, cases[i].is_rate);
  }
}

#endif
