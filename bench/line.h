/* A cache line that goes to another process, which spins for it, and one that
 * comes back. How long half of that takes says how far the CPUs of the two are
 * from each other. */
#ifndef BENCH_LINE_H
#define BENCH_LINE_H

#include <stdint.h>
#include <stdlib.h>
#include <time.h>

/* So many round trips are one sample: the clock takes its time, too. */
#define LINE_TRIPS 10
/* Samples that are not counted: in the first ones the processes find each
 * other. */
#define LINE_WARM_UP 100

/* Words that are alone on their cache lines, and on the neighbours'. In memory
 * that both processes see; zeros before the first time. */
struct line_pair {
  _Alignas(128) uint32_t there;
  _Alignas(128) uint32_t back;
  _Alignas(128) char end;
};

static inline uint64_t line_now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline void line_await(uint32_t *word, uint32_t value) {
  while (__atomic_load_n(word, __ATOMIC_ACQUIRE) != value) {
  }
}

/* One end: half round trips in microseconds into `samples`, of `count`. The
 * other process calls line_echo with the same count meanwhile. */
static inline void line_time(struct line_pair *pair, int count,
                             double *samples) {
  uint32_t trip = __atomic_load_n(&pair->back, __ATOMIC_ACQUIRE);
  for (int i = -LINE_WARM_UP; i < count; i++) {
    uint64_t begin = line_now_ns();
    for (int j = 0; j < LINE_TRIPS; j++) {
      __atomic_store_n(&pair->there, ++trip, __ATOMIC_RELEASE);
      line_await(&pair->back, trip);
    }
    if (i >= 0)
      samples[i] = (double)(line_now_ns() - begin) / LINE_TRIPS / 2 / 1000;
  }
}

/* The other end. */
static inline void line_echo(struct line_pair *pair, int count) {
  uint32_t trip = __atomic_load_n(&pair->back, __ATOMIC_ACQUIRE);
  for (int i = 0; i < (LINE_WARM_UP + count) * LINE_TRIPS; i++) {
    line_await(&pair->there, ++trip);
    __atomic_store_n(&pair->back, trip, __ATOMIC_RELEASE);
  }
}

static inline int line_compare(const void *a, const void *b) {
  double difference = *(const double *)a - *(const double *)b;
  return (difference > 0) - (difference < 0);
}

/* The median of `count` samples, which it sorts. */
static inline double line_median(double *samples, int count) {
  qsort(samples, (size_t)count, sizeof *samples, line_compare);
  return samples[count / 2];
}

#endif
