/* When a reader that waits naps: sleeps for a moment without asking to be
 * woken. Where many readers sleep, the first of them are back and ask again
 * before the writer has a CPU, so that each event of a burst takes it as long
 * as waking them all.
 *
 * From events that just come this often, that can be told only by trying:
 * behind some short sleeps in a row, each beside others that sleep, the reader
 * naps sixteen times. If many events gather in a nap, or it lasts far longer
 * than asked because others have the CPUs, it goes on. If not, it takes twice
 * as many short sleeps until the next trial, so that of a steady trickle few
 * events are late. Who sleeps alone never naps.
 *
 * Pure: it is told how long a sleep was, and how many events came. Of one
 * thread. */
#ifndef KG_NAP_H
#define KG_NAP_H

#include <stdbool.h>
#include <stdint.h>

typedef struct kg__nap {
  uint64_t asked_ns; /* how long the last one was meant to be */
  uint64_t left_ns;  /* of a trial; 0: there is none */
  uint32_t sleeps;   /* short ones, in a row */
  uint32_t patience; /* a trial follows so many of them */
} kg__nap;

void kg__nap_init(kg__nap *nap);

/* How long to nap before asking to be woken, in nanoseconds; 0: not at all. No
 * writer writes as many events as a ring of so many slots holds meanwhile. */
uint64_t kg__nap_begin(kg__nap *nap, uint32_t slots);

/* How long the nap was that this began, and what came meanwhile. */
void kg__nap_end(kg__nap *nap, uint64_t ns, uint64_t events);

/* How long a sleep was that the reader asked to be woken from, whether another
 * one had asked already, and what came. */
void kg__nap_slept(kg__nap *nap, uint64_t ns, bool has_company,
                   uint64_t events);

#endif
