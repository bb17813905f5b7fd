/* When a reader naps, by what it was told of its sleeps and naps. */
#include "../../../native/base/nap.h"
#include "../check.h"

/* A ring that nobody writes around in a nap. */
#define MANY_SLOTS (UINT32_C(1) << 20)
#define TRIAL_NS 4000000
#define NAP_NS 250000
#define SHORT_NS 5000000
#define FIRST_PATIENCE 4
#define MOST_PATIENCE 4096
#define MANY_EVENTS 16

static kg__nap nap;

/* Sleeps shortly, one event each time, until a nap is due; how often. */
static uint32_t sleeps_until_nap(void) {
  uint32_t sleeps = 0;
  while (kg__nap_begin(&nap, MANY_SLOTS) == 0) {
    CHECK(sleeps++ < 2 * MOST_PATIENCE);
    kg__nap_slept(&nap, SHORT_NS - 1, true, 1);
  }
  return sleeps;
}

/* A trial that brings nothing. */
static void nap_in_vain(void) {
  for (int i = 0; i < TRIAL_NS / NAP_NS; i++) {
    CHECK_EQUAL(kg__nap_begin(&nap, MANY_SLOTS), NAP_NS);
    kg__nap_end(&nap, NAP_NS, MANY_EVENTS - 1);
  }
}

TEST(trial, "a nap follows short sleeps, ever more of them while it is vain") {
  kg__nap_init(&nap);
  for (uint32_t patience = FIRST_PATIENCE; patience < MOST_PATIENCE;
       patience *= 2) {
    CHECK_EQUAL(sleeps_until_nap(), patience);
    nap_in_vain();
  }
  for (int i = 0; i < 2; i++) {
    CHECK_EQUAL(sleeps_until_nap(), MOST_PATIENCE);
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
    kg__nap_init(&nap);
    for (int n = 0; n < FIRST_PATIENCE - 1; n++) {
      kg__nap_slept(&nap, 1, true, MANY_EVENTS - 1);
    }
    kg__nap_slept(&nap, others[i].ns, others[i].has_company, others[i].events);
    CHECK_EQUAL(sleeps_until_nap(), FIRST_PATIENCE);
  }
}

TEST(hurry, "while many events gather, or its CPU comes late, it naps on") {
  kg__nap_init(&nap);
  CHECK_EQUAL(sleeps_until_nap(), FIRST_PATIENCE);
  kg__nap_end(&nap, NAP_NS, 1);
  for (int i = 0; i < 100; i++) {
    uint64_t ns = kg__nap_begin(&nap, MANY_SLOTS);
    CHECK_EQUAL(ns, NAP_NS);
    bool is_late = i % 2 == 1;
    kg__nap_end(&nap, is_late ? ns + 100000 : ns, is_late ? 1 : MANY_EVENTS);
  }
  /* Fifteen naps were left of the first trial, and sixteen are now. Then it is
   * over, and the next one is noticed early; and that again. */
  nap_in_vain();
  CHECK_EQUAL(sleeps_until_nap(), 1);
  nap_in_vain();
  CHECK_EQUAL(sleeps_until_nap(), 2);
}

TEST(late, "a nap that is late by less, or that nothing came in, is vain") {
  for (int i = 0; i < 2; i++) {
    kg__nap_init(&nap);
    sleeps_until_nap();
    bool is_empty = i == 1;
    kg__nap_end(&nap, NAP_NS + (is_empty ? TRIAL_NS : 99999), !is_empty);
    for (int n = 1; n < TRIAL_NS / NAP_NS; n++) {
      CHECK_EQUAL(kg__nap_begin(&nap, MANY_SLOTS), NAP_NS);
      kg__nap_end(&nap, NAP_NS, 0);
    }
    CHECK_EQUAL(sleeps_until_nap(), 2 * FIRST_PATIENCE);
  }
}

TEST(lap, "no nap is longer than a writer takes for what the ring holds") {
  kg__nap_init(&nap);
  sleeps_until_nap();
  /* 20 ns for each event, and 60 us that the nap may be late. */
  CHECK_EQUAL(kg__nap_begin(&nap, 8192), 8192 * 20 - 60000);
  CHECK_EQUAL(kg__nap_begin(&nap, 3001), 20);
  CHECK_EQUAL(kg__nap_begin(&nap, 3000), 0);
  CHECK_EQUAL(kg__nap_begin(&nap, 16), 0);
}
