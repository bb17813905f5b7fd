#include "nap.h"

/* A longer sleep is no writer's hurry. Where 128 readers share two CPUs, each
 * has its turn behind a millisecond or two. */
#define SHORT_NS UINT64_C(5000000)

/* Sixteen naps, however late they are: many have their turn between two of
 * one, and the writer is to have it, too. */
#define TRIAL_NS UINT64_C(4000000)

/* An event is no later than that. */
#define NAP_NS UINT64_C(250000)

/* So many events at once say that the writer was in a hurry. */
#define MANY_EVENTS 16

/* Short sleeps before a first trial, and at the most. */
#define FIRST_PATIENCE 4
#define MOST_PATIENCE 4096

/* No writer is faster, and a nap on an idle system is so much longer than it
 * was asked to be. */
#define EVENT_NS 20
#define SLACK_NS 60000

/* A nap that is so much longer had to wait for a CPU. */
#define LATE_NS 100000

static uint64_t least(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}

void kg__nap_init(kg__nap *nap) {
  *nap = (kg__nap){.patience = FIRST_PATIENCE};
}

uint64_t kg__nap_begin(kg__nap *nap, uint32_t slots) {
  uint64_t lap_ns = (uint64_t)slots * EVENT_NS;
  if (lap_ns <= SLACK_NS) {
    return 0;
  }
  if (nap->left_ns == 0 && nap->sleeps >= nap->patience) {
    nap->left_ns = TRIAL_NS;
  }
  nap->asked_ns = least(nap->left_ns, least(lap_ns - SLACK_NS, NAP_NS));
  return nap->asked_ns;
}

void kg__nap_end(kg__nap *nap, uint64_t ns, uint64_t events) {
  bool pays =
      events >= MANY_EVENTS || (events > 0 && ns >= nap->asked_ns + LATE_NS);
  nap->sleeps = 0;
  if (pays) {
    /* Another trial follows at once. */
    nap->patience = 0;
    nap->left_ns = 0;
  } else if (nap->asked_ns < nap->left_ns) {
    nap->left_ns -= nap->asked_ns;
  } else {
    /* In vain; or it is the end of a hurry, and the next one is noticed behind
     * one short sleep. */
    uint32_t more = nap->patience > 0 ? 2 * nap->patience : 1;
    nap->patience = more < MOST_PATIENCE ? more : MOST_PATIENCE;
    nap->left_ns = 0;
  }
}

void kg__nap_slept(kg__nap *nap, uint64_t ns, bool has_company,
                   uint64_t events) {
  bool is_short =
      has_company && ns < SHORT_NS && events > 0 && events < MANY_EVENTS;
  nap->sleeps = is_short ? nap->sleeps + 1 : 0;
}
