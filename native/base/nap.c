#include "nap.h"

/* A longer sleep is no writer's hurry. Where 128 readers share two CPUs, each
 * has its turn behind a millisecond or two. */
#define SHORT_NS UINT64_C(5000000)

/* Naps of a trial: many have their turn between two of one, and the writer is
 * to have it, too. */
#define TRIAL 16

/* An event is no later than that. Shorter ones, of many readers, would keep the
 * CPUs from the writer, too. */
#define NAP_NS UINT64_C(250000)

/* So many events at once say that the writer was in a hurry. */
#define MANY_EVENTS 16

/* Short sleeps before a first trial, and at the most. */
#define FIRST_PATIENCE 4
#define MOST_PATIENCE 4096

/* No writer fills a slot faster. */
#define SLOT_NS 20

/* A nap that is so much later than the system's own slack had to wait for a
 * CPU. */
#define LATE_NS 40000

void kg__nap_init(kg__nap *nap, uint64_t slack_ns) {
  *nap = (kg__nap){.slack_ns = slack_ns, .patience = FIRST_PATIENCE};
}

uint64_t kg__nap_begin(kg__nap *nap, uint32_t slots) {
  if ((uint64_t)slots * SLOT_NS < NAP_NS + nap->slack_ns) {
    return 0;
  }
  if (nap->left == 0 && nap->sleeps >= nap->patience) {
    nap->left = TRIAL;
  }
  return nap->left > 0 ? NAP_NS : 0;
}

void kg__nap_end(kg__nap *nap, uint64_t ns, uint64_t events) {
  bool is_late = events > 0 && ns >= NAP_NS + nap->slack_ns + LATE_NS;
  nap->sleeps = 0;
  if (events >= MANY_EVENTS) {
    /* Another trial follows at once. */
    nap->patience = 0;
    nap->left = 0;
  } else if (is_late) {
    /* It makes up for one that was in vain. */
    nap->left += nap->left < TRIAL;
  } else if (nap->left > 1) {
    nap->left--;
  } else {
    /* In vain; or it is the end of a hurry, and the next one is noticed behind
     * one short sleep. */
    uint32_t more = nap->patience > 0 ? 2 * nap->patience : 1;
    nap->patience = more < MOST_PATIENCE ? more : MOST_PATIENCE;
    nap->left = 0;
  }
}

void kg__nap_slept(kg__nap *nap, uint64_t ns, bool has_company,
                   uint64_t events) {
  bool is_short =
      has_company && ns < SHORT_NS && events > 0 && events < MANY_EVENTS;
  nap->sleeps = is_short ? nap->sleeps + 1 : 0;
}
