/* When a reader naps, by what it was told of its sleeps and naps. */
#include "../../../native/base/nap.h"
#include "../check.h"

/* A ring that nobody writes around in a nap. */
#define MANY_SLOTS (UINT32_C(1) << 20)
#define TRIAL 16
#define NAP_NS 250000
#define SLACK_NS 60000
#define SHORT_NS 5000000
#define FIRST_PATIENCE 4
#define MOST_PATIENCE 4096
#define MANY_EVENTS 16

static kg__nap nap;

/* Sleeps shortly, one event each time, until a nap is due; how often. */
static uint32_t sleeps_until_nap(uint32_t slots) {
  uint32_t sleeps = 0;
  while (kg__nap_begin(&nap, slots) == 0) {
    CHECK(sleeps++ < 2 * MOST_PATIENCE);
    kg__nap_slept(&nap, SHORT_NS - 1, true, 1);
  }
  return sleeps;
}

/* A trial that brings nothing. */
static void nap_in_vain(void) {
  for (int i = 0; i < TRIAL; i++) {
    CHECK_EQUAL(kg__nap_begin(&nap, MANY_SLOTS), NAP_NS);
    kg__nap_end(&nap, NAP_NS, MANY_EVENTS - 1);
  }
}

TEST(trial, "a nap follows short sleeps, ever more of them while it is vain") {
  kg__nap_init(&nap, SLACK_NS);
  for (uint32_t patience = FIRST_PATIENCE; patience < MOST_PATIENCE;
       patience *= 2) {
    CHECK_EQUAL(sleeps_until_nap(MANY_SLOTS), patience);
    nap_in_vain();
  }
  for (int i = 0; i < 2; i++) {
    CHECK_EQUAL(sleeps_until_nap(MANY_SLOTS), MOST_PATIENCE);
    nap_in_vain();
  }
}

TEST(in_a_row,
     "of sleeps in a row, short ones in company that few events end count") {
  static const struct {
    uint64_t ns;
    bool has_company;
    uint64_t events;
  } others[] = {
      {SHORT_NS, true, 1}, {1, false, 1}, {1, true, 0}, {1, true, MANY_EVENTS}};
  for (int i = 0; i < 4; i++) {
    kg__nap_init(&nap, SLACK_NS);
    for (int n = 0; n < FIRST_PATIENCE - 1; n++) {
      kg__nap_slept(&nap, 1, true, MANY_EVENTS - 1);
    }
    kg__nap_slept(&nap, others[i].ns, others[i].has_company, others[i].events);
    CHECK_EQUAL(sleeps_until_nap(MANY_SLOTS), FIRST_PATIENCE);
  }
}

TEST(hurry, "while many events gather, it naps on") {
  kg__nap_init(&nap, SLACK_NS);
  CHECK_EQUAL(sleeps_until_nap(MANY_SLOTS), FIRST_PATIENCE);
  kg__nap_end(&nap, NAP_NS, 1);
  for (int i = 0; i < 100; i++) {
    CHECK_EQUAL(kg__nap_begin(&nap, MANY_SLOTS), NAP_NS);
    kg__nap_end(&nap, NAP_NS, MANY_EVENTS);
  }
  /* Fifteen naps were left of the first trial, and sixteen are now. Then it is
   * over, and the next one is noticed early; and that again. */
  nap_in_vain();
  CHECK_EQUAL(sleeps_until_nap(MANY_SLOTS), 1);
  nap_in_vain();
  CHECK_EQUAL(sleeps_until_nap(MANY_SLOTS), 2);
}

TEST(late, "while most naps are late, it naps on, and what ends is no hurry") {
  kg__nap_init(&nap, SLACK_NS);
  sleeps_until_nap(MANY_SLOTS);
  for (int i = 0; i < 1001; i++) {
    CHECK_EQUAL(kg__nap_begin(&nap, MANY_SLOTS), NAP_NS);
    kg__nap_end(&nap, i % 2 == 0 ? NAP_NS + 100000 : NAP_NS, 1);
  }
  nap_in_vain();
  CHECK_EQUAL(sleeps_until_nap(MANY_SLOTS), 2 * FIRST_PATIENCE);
  /* Two of three in vain: each three naps leave one less. */
  int naps = 0;
  for (; kg__nap_begin(&nap, MANY_SLOTS) != 0; naps++) {
    kg__nap_end(&nap, naps % 3 == 2 ? NAP_NS + 100000 : NAP_NS, 1);
  }
  CHECK_EQUAL(naps, 3 * (TRIAL - 2) + 2);
  CHECK_EQUAL(sleeps_until_nap(MANY_SLOTS), 4 * FIRST_PATIENCE);
}

TEST(vain, "a nap that is late by less, or that nothing came in, is vain") {
  for (int i = 0; i < 2; i++) {
    kg__nap_init(&nap, SLACK_NS);
    sleeps_until_nap(MANY_SLOTS);
    for (int n = 0; n < TRIAL; n++) {
      CHECK_EQUAL(kg__nap_begin(&nap, MANY_SLOTS), NAP_NS);
      kg__nap_end(&nap, NAP_NS + (i == 0 ? 99999 : 4000000), i == 0);
    }
    CHECK_EQUAL(sleeps_until_nap(MANY_SLOTS), 2 * FIRST_PATIENCE);
  }
}

TEST(slack, "where a sleep ends late anyhow, only a large ring is napped on") {
  kg__nap_init(&nap, 16000000);
  CHECK_EQUAL(sleeps_until_nap(MANY_SLOTS), FIRST_PATIENCE);
  CHECK_EQUAL(kg__nap_begin(&nap, 812499), 0);
  for (int n = 0; n < TRIAL; n++) {
    CHECK_EQUAL(kg__nap_begin(&nap, 812500), NAP_NS);
    kg__nap_end(&nap, NAP_NS + 16039999, 1);
  }
  CHECK_EQUAL(sleeps_until_nap(MANY_SLOTS), 2 * FIRST_PATIENCE);
}

TEST(lap, "nobody naps on a ring that is written around in a nap") {
  kg__nap_init(&nap, SLACK_NS);
  /* 20 ns for each slot. */
  CHECK_EQUAL(sleeps_until_nap(15500), FIRST_PATIENCE);
  CHECK_EQUAL(kg__nap_begin(&nap, 15499), 0);
  CHECK_EQUAL(kg__nap_begin(&nap, 16), 0);
}
