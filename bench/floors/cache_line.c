/* A cache line that goes to another process, which spins for it, and one that
 * comes back: half of a round trip. */

#include <stdlib.h>
#include <sys/mman.h>

#include "../line.h"
#include "../pin.h"
#include "floor.h"

static struct line_pair *pair;

static void ping(struct shared *shared, int count, int pause_us) {
  (void)shared;
  (void)pause_us;
  pin(0);
  double *samples = calloc((size_t)count, sizeof *samples);
  line_time(pair, count, samples);
  print_samples(samples, count);
  free(samples);
}

static void pong(struct shared *shared, int count, int pause_us) {
  (void)shared;
  (void)pause_us;
  pin(1);
  line_echo(pair, count);
}

int main(int argc, char **argv) {
  pair = mmap(NULL, sizeof *pair, PROT_READ | PROT_WRITE,
              MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  return pair == MAP_FAILED ? 1 : run_floor(argc, argv, ping, pong);
}
