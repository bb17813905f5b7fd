/* What ring/ may ask of the system, and all it may: nothing of a file or a
 * clock. */
#ifndef KG_CPU_H
#define KG_CPU_H

#include <stdbool.h>

/* Whether the CPU has an instruction for CRC32C, and on x86 the carry-less
 * multiplication that joins its lanes. */
bool kg__cpu_has_crc32c(void);

#if defined(__x86_64__)

#include <cpuid.h>

/* The same, for those that implement it: no system need be asked. Not
 * __builtin_cpu_supports, which wants a part of the compiler's runtime that not
 * every compiler links. */
static inline bool kg__x86_has_crc32c(void) {
  unsigned ignored;
  unsigned features;
  const unsigned wanted = bit_SSE4_2 | bit_PCLMUL;
  return __get_cpuid(1, &ignored, &ignored, &features, &ignored) != 0 &&
         (features & wanted) == wanted;
}

#endif

#endif
