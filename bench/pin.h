/* To the first or the second of the CPUs that it may have: two that spin would
 * share one for a while. */
#ifndef BENCH_PIN_H
#define BENCH_PIN_H

#include <sched.h>

static inline void pin(int which) {
  cpu_set_t all, one;
  if (sched_getaffinity(0, sizeof all, &all) != 0)
    return;
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
    if (!CPU_ISSET(cpu, &all) || which-- > 0)
      continue;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    sched_setaffinity(0, sizeof one, &one);
    return;
  }
}

#endif
