/* A futex between two processes: from before the word is written until the
 * other one, which slept, goes on. */

#include <stdlib.h>

#include "floor.h"

static void receive(struct shared *shared, int count, int pause_us) {
  (void)pause_us;
  double *samples = calloc((size_t)count, sizeof *samples);
  for (int i = 0; i < count; i++) {
    sleep_while(&shared->there.word, (uint32_t)i);
    took(shared, &samples[i]);
  }
  print_samples(samples, count);
  free(samples);
}

int main(int argc, char **argv) {
  return run_floor(argc, argv, receive, send_singles);
}
