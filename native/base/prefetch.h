/* Asks for memory before it is needed. Nothing but a hint: it reads nothing,
 * writes nothing and never faults, whatever the address. */
#ifndef KG_BASE_PREFETCH_H
#define KG_BASE_PREFETCH_H

#include <stddef.h>

/* The smallest cache line there is: where lines are larger, one is asked for
 * twice. */
#define KG__LINE_BYTES 64

/* To read from it. */
static inline void kg__prefetch(const void *address, size_t bytes) {
  for (size_t at = 0; at < bytes; at += KG__LINE_BYTES) {
    __builtin_prefetch((const char *)address + at, 0, 3);
  }
}

/* To write to it, which takes it away from all who have it. */
static inline void kg__prefetch_to_write(void *address, size_t bytes) {
  for (size_t at = 0; at < bytes; at += KG__LINE_BYTES) {
    char *line = (char *)address + at;
#if defined(__x86_64__)
    /* Unless a compiler is told that the CPU knows this instruction, it asks to
     * read instead. A CPU that does not know it passes over it. */
    __asm__ volatile("prefetchw %0" : : "m"(*line));
#else
    __builtin_prefetch(line, 1, 3);
#endif
  }
}

#endif
