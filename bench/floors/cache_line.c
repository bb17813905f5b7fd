/* A cache line that goes to another process, which spins for it, and one that
 * comes back: half of a round trip. */

#include <stdlib.h>

#include "../pin.h"
#include "floor.h"

/* So many round trips are one sample: the clock takes its time, too. */
#define TRIPS 10

static void ping(struct shared *shared, int count, int pause_us) {
  (void)pause_us;
  pin(0);
  double *samples = calloc((size_t)count, sizeof *samples);
  uint32_t trip = 0;
  /* The first ones find the other process. */
  for (int i = -100; i < count; i++) {
    uint64_t begin = now_ns();
    for (int j = 0; j < TRIPS; j++) {
      atomic_store_explicit(&shared->there.word, ++trip, memory_order_release);
      spin_while(&shared->back.word, trip - 1);
    }
    if (i >= 0)
      samples[i] = (double)(now_ns() - begin) / TRIPS / 2 / 1000;
  }
  print_samples(samples, count);
  free(samples);
}

static void pong(struct shared *shared, int count, int pause_us) {
  (void)pause_us;
  pin(1);
  uint32_t trips = (uint32_t)(count + 100) * TRIPS;
  for (uint32_t trip = 1; trip <= trips; trip++) {
    spin_while(&shared->there.word, trip - 1);
    atomic_store_explicit(&shared->back.word, trip, memory_order_release);
  }
}

int main(int argc, char **argv) {
  return run_floor(argc, argv, ping, pong);
}
