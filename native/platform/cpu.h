/* What ring/ may ask of the system, and all it may: nothing of a file or a
 * clock. */
#ifndef KG_CPU_H
#define KG_CPU_H

#include <stdbool.h>

/* Whether the CPU has an instruction for CRC32C, and on x86 the carry-less
 * multiplication that joins its lanes. */
bool kg__cpu_has_crc32c(void);

/* Whether the CPU moves 64 bytes at a time and multiplies so, too, and the
 * system keeps such registers. */
bool kg__cpu_is_wide(void);

#if defined(__x86_64__)

#include <cpuid.h>

/* The same, for those that implement them: no system need be asked. Not
 * __builtin_cpu_supports, which wants a part of the compiler's runtime that not
 * every compiler links. */
static inline bool kg__x86_has_crc32c(void) {
  unsigned ignored;
  unsigned features;
  const unsigned wanted = bit_SSE4_2 | bit_PCLMUL;
  return __get_cpuid(1, &ignored, &ignored, &features, &ignored) != 0 &&
         (features & wanted) == wanted;
}

/* The registers are AVX-512's, and the states SSE's, AVX's and all three of its
 * parts, in XCR0. CPUs that have it without the multiplication pay for it with
 * their clock. */
static inline bool kg__x86_is_wide(void) {
  unsigned ignored;
  unsigned base;
  unsigned extended;
  unsigned features;
  const unsigned states = 0xE6;
  unsigned kept;
  if (__get_cpuid(1, &ignored, &ignored, &features, &ignored) == 0 ||
      (features & bit_OSXSAVE) == 0 ||
      __get_cpuid_count(7, 0, &ignored, &base, &extended, &ignored) == 0 ||
      (base & bit_AVX512F) == 0 || (extended & bit_VPCLMULQDQ) == 0) {
    return false;
  }
  __asm__("xgetbv" : "=a"(kept), "=d"(ignored) : "c"(0));
  return (kept & states) == states;
}

#endif

#endif
