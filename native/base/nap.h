/* When a reader that waits naps: sleeps for a moment without asking to be
 * woken. Where many readers sleep, the first of them are back and ask again
 * before the writer has a CPU, so that each event of a burst takes it as long
 * as waking them all.
 *
 * From events that just come this often, that can be told only by trying:
 * behind some short sleeps in a row, each beside others that sleep, the reader
 * naps sixteen times: a trial. A nap in which many events gather proves the
 * hurry, and another trial follows at once. One that lasted far longer than
 * asked, since others have the CPUs, and brought something proves none, but
 * makes up for one that brought nothing. Behind a trial in vain the next one
 * waits for twice as many short sleeps, so that of a steady trickle few events
 * are late. Who sleeps alone begins none.
 *
 * Pure: it is told how long a sleep was, and how many events came. Of one
 * thread. */
#ifndef KG_NAP_H
#define KG_NAP_H

#include <stdbool.h>
#include <stdint.h>

typedef struct kg__nap {
  uint64_t slack_ns; /* a sleep may be so much longer than it was asked to be */
  uint32_t left;     /* naps of a trial; 0: there is none */
  uint32_t sleeps;   /* short ones, in a row */
  uint32_t patience; /* a trial follows so many of them */
} kg__nap;

void kg__nap_init(kg__nap *nap, uint64_t slack_ns);

/* How long to nap before asking to be woken, in nanoseconds; 0: not at all, and
 * never where a writer may go around a ring of so many slots meanwhile. */
uint64_t kg__nap_begin(kg__nap *nap, uint32_t slots);

/* How long the nap was that this began, and what came meanwhile. */
void kg__nap_end(kg__nap *nap, uint64_t ns, uint64_t events);

/* How long a sleep was that the reader asked to be woken from, whether another
 * one had asked already, and what came. */
void kg__nap_slept(kg__nap *nap, uint64_t ns, bool has_company,
                   uint64_t events);

#endif
