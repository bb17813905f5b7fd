#include "cpu.h"

/* GCC for Windows may keep such registers on a stack that is not aligned for
 * them, and then the program crashes (its bug 54412). */
#if defined(__x86_64__) && (!defined(__MINGW32__) || defined(__clang__))

#include <cpuid.h>

/* The registers are AVX-512's, and the states SSE's, AVX's and all three of its
 * parts, in XCR0. CPUs that have it without the multiplication pay for it with
 * their clock. */
bool kg__cpu_is_wide(void) {
  unsigned ignored;
  unsigned base;
  unsigned extended;
  unsigned features;
  const unsigned states = 0xE6;
  unsigned kept;
  const unsigned wanted = bit_AVX512F | bit_AVX512BW;
  if (__get_cpuid(1, &ignored, &ignored, &features, &ignored) == 0 ||
      (features & bit_OSXSAVE) == 0 ||
      __get_cpuid_count(7, 0, &ignored, &base, &extended, &ignored) == 0 ||
      (base & wanted) != wanted || (extended & bit_VPCLMULQDQ) == 0) {
    return false;
  }
  __asm__("xgetbv" : "=a"(kept), "=d"(ignored) : "c"(0));
  return (kept & states) == states;
}

#else

bool kg__cpu_is_wide(void) {
  return false;
}

#endif
