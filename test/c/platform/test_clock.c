/* The clock of those who ask for the time of each event. */
#include "../../../native/platform/platform.h"
#include "../check.h"

/* What it may be off, and as much again for the looks themselves, which are
 * not one. */
#define SLACK_NS 2000

/* Between what the kernel's clock says before and after, however long somebody
 * else had the CPU in between. */
static uint64_t ask(kg__clock *clock) {
  uint64_t before = kg__clock_monotonic_ns();
  uint64_t now = kg__clock_ns(clock);
  uint64_t after = kg__clock_monotonic_ns();
  CHECK(now + SLACK_NS >= before && now <= after + SLACK_NS);
  return now;
}

TEST(agrees, "it goes with the kernel's clock, and never back") {
  kg__clock clock;
  kg__clock_begin(&clock);
  uint64_t last = 0;
  uint64_t until = kg__clock_monotonic_ns() + 300000000;
  uint64_t by_ticks = 0;
  while (kg__clock_monotonic_ns() < until) {
    uint64_t base = clock.base_ns;
    uint64_t now = ask(&clock);
    CHECK(now >= last);
    last = now;
    by_ticks += clock.rate != 0 && base != 0 && clock.base_ns == base;
  }
  /* Where there is a counter to believe, it was. */
  CHECK(!clock.has_ticks || by_ticks > 0);
}

TEST(pauses, "who asks seldom is told as exactly") {
  kg__clock clock;
  kg__clock_begin(&clock);
  for (int i = 0; i < 20; i++) {
    ask(&clock);
    kg__sleep(i % 4 == 0 ? 20000000 : 500000);
  }
}

TEST(counter_is_reset, "a counter that jumped is not believed") {
  const uint64_t jumps[] = {UINT64_C(1) << 63, UINT64_C(1) << 40, 1 << 25, 0,
                            UINT64_MAX};
  for (size_t i = 0; i < sizeof jumps / sizeof *jumps; i++) {
    kg__clock clock;
    kg__clock_begin(&clock);
    for (int j = 0; j < 3; j++) {
      ask(&clock);
      kg__sleep(1500000);
    }
    clock.base_ticks += jumps[i];
    ask(&clock);
    clock.base_ticks -= jumps[i];
    ask(&clock);
    kg__sleep(1500000);
    ask(&clock);
  }
}

TEST(suspended, "ticks that pass while the clock stands make no rate") {
  /* A blink, seconds, hours; behind a look not long ago, and long ago. */
  const uint64_t ticks[] = {UINT64_C(1) << 30, UINT64_C(1) << 33,
                            UINT64_C(1) << 45};
  const uint64_t sleeps[] = {700000, 5000000, 50000000, 500000000};
  for (size_t i = 0; i < 12; i++) {
    kg__clock clock;
    kg__clock_begin(&clock);
    for (int j = 0; j < 3; j++) {
      ask(&clock);
      kg__sleep(1500000);
    }
    clock.base_ticks -= ticks[i % 3];
    kg__sleep(sleeps[i / 3]);
    for (int j = 0; j < 10; j++) {
      ask(&clock);
      kg__sleep(200000);
    }
  }
}

TEST(without, "without a counter it is the kernel's clock") {
  kg__clock clock;
  kg__clock_begin(&clock);
  clock.has_ticks = false;
  for (int i = 0; i < 1000; i++) {
    ask(&clock);
    CHECK_EQUAL(clock.rate, 0);
  }
}
