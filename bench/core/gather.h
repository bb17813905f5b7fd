/* What kg_reader_spin does for the core's reader, for peers: a reader that
 * follows a writer in a hurry gets more when it lets a few gather, and one that
 * gets them one by one looks at once. */
#ifndef KG_BENCH_GATHER_H
#define KG_BENCH_GATHER_H

#include <stdint.h>

#define MOST_GATHERS 128

struct gather {
  uint64_t through; /* received when it last found nothing */
  uint32_t pauses;
};

/* To be called when nothing is there. */
static inline void gather(struct gather *gather, uint64_t received) {
  uint32_t more = gather->pauses == 0 ? 4 : 2 * gather->pauses;
  if (received - gather->through <= 1) {
    gather->pauses = 0;
  } else {
    gather->pauses = more < MOST_GATHERS ? more : MOST_GATHERS;
  }
  gather->through = received;
  for (uint32_t i = 0; i < gather->pauses; i++) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("yield");
#endif
  }
}

#endif
