/* What the floors have in common: two processes, memory that both see, one
 * clock, and latencies printed as a JSON array in microseconds. */
#ifndef KG_BENCH_FLOOR_H
#define KG_BENCH_FLOOR_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdint.h>

/* A word that is alone on its cache line, and on its neighbour's. */
struct line {
  alignas(128) _Atomic uint32_t word;
};

struct shared {
  struct line there; /* counts what was sent */
  struct line back;  /* counts what was taken */
  alignas(128) _Atomic uint64_t sent_ns;
};

/* One of the two processes. */
typedef void part(struct shared *shared, int count, int pause_us);

uint64_t now_ns(void);
void pause_for(int pause_us);

/* Wait until the word is not `old`, without and with sleep. */
uint32_t spin_while(_Atomic uint32_t *word, uint32_t old);
uint32_t sleep_while(_Atomic uint32_t *word, uint32_t old);
void wake(_Atomic uint32_t *word);

/* Writes the time, then the word, once after each pause, and waits until it was
 * taken: the sender of all floors that are one-way. */
void send_singles(struct shared *shared, int count, int pause_us);

/* Says that what `sent_ns` tells has arrived. */
void took(struct shared *shared, double *sample);

/* Runs `other` in a child and `self` here, with the arguments COUNT PAUSE_US
 * of the command line. */
int run_floor(int argc, char **argv, part *self, part *other);

void print_samples(const double *microseconds, int count);

#endif
