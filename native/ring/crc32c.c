#include "crc32c.h"

#include <string.h>

#if defined(__x86_64__)
#include <wmmintrin.h>
#endif

#include "../include/kg_ipc.h"
#include "../platform/cpu.h"

typedef uint32_t (*crc_function)(uint32_t crc, const kg__word *words,
                                 size_t count);

/* Slicing by four bits keeps the table at 64 bytes, so a machine without the
 * instruction pays in time and not in cache. */
uint32_t kg__crc32c_words_portable(uint32_t crc, const kg__word *words,
                                   size_t count) {
  static const uint32_t table[16] = {
      0x00000000, 0x105EC76F, 0x20BD8EDE, 0x30E349B1, 0x417B1DBC, 0x5125DAD3,
      0x61C69362, 0x7198540D, 0x82F63B78, 0x92A8FC17, 0xA24BB5A6, 0xB21572C9,
      0xC38D26C4, 0xD3D3E1AB, 0xE330A81A, 0xF36E6F75};
  for (size_t i = 0; i < count; i++) {
    uint64_t word = words[i];
    for (int half = 0; half < 2; half++) {
      crc ^= (uint32_t)word;
      word >>= 32;
      for (int nibble = 0; nibble < 8; nibble++) {
        crc = (crc >> 4) ^ table[crc & 15];
      }
    }
  }
  return crc;
}

#if defined(__x86_64__)

#define HARDWARE_METHOD "sse4.2"

/* The words of one lane: three of them are nearly a slot. */
#define LANE 15

/* What moves a checksum past one lane and past two: x^(64 n LANE - 33) modulo
 * the polynomial, its bits reversed as those of the checksum are. */
#define PAST_ONE INT64_C(0x2ad91c30)
#define PAST_TWO INT64_C(0x299847d5)

__attribute__((target("sse4.2,pclmul"))) static uint64_t past(uint64_t crc,
                                                              int64_t lanes) {
  __m128i product = _mm_clmulepi64_si128(_mm_cvtsi64_si128((int64_t)crc),
                                         _mm_cvtsi64_si128(lanes), 0);
  return (uint64_t)_mm_cvtsi128_si64(product);
}

/* Inline assembly, because compilers do not agree on the name of the feature
 * under which they offer the intrinsic. */
static inline uint64_t step(uint64_t crc, uint64_t word) {
  __asm__("crc32q %1, %0" : "+r"(crc) : "r"(word));
  return crc;
}

/* The same from memory: a load of its own for each word would be half as many
 * instructions again. */
static inline uint64_t step_at(uint64_t crc, const kg__word *word) {
  __asm__("crc32q %1, %0" : "+r"(crc) : "m"(*word));
  return crc;
}

/* Each instruction waits for the one before, and would do so for half of the
 * time that a slot takes. Three that do not wait for each other keep the CPU
 * busy; what they found is joined at the end. */
__attribute__((target("sse4.2,pclmul"))) static uint32_t
crc_hardware(uint32_t crc, const kg__word *words, size_t count) {
  uint64_t wide = crc;
  for (; count >= 3 * LANE; count -= 3 * LANE, words += 3 * LANE) {
    uint64_t second = 0;
    uint64_t third = 0;
    for (size_t i = 0; i < LANE; i++) {
      wide = step_at(wide, &words[i]);
      second = step_at(second, &words[LANE + i]);
      third = step_at(third, &words[2 * LANE + i]);
    }
    wide = step(0, past(wide, PAST_TWO) ^ past(second, PAST_ONE)) ^ third;
  }
  for (size_t i = 0; i < count; i++) {
    wide = step_at(wide, &words[i]);
  }
  return (uint32_t)wide;
}

#elif defined(__aarch64__)

#define HARDWARE_METHOD "armv8-crc"

/* Inline assembly, because the intrinsic's header wants a compiler flag that
 * would let the compiler use the instruction everywhere. */
static uint32_t crc_hardware(uint32_t crc, const kg__word *words,
                             size_t count) {
  for (size_t i = 0; i < count; i++) {
    __asm__(".arch_extension crc\n\tcrc32cx %w0, %w0, %x1"
            : "+r"(crc)
            : "r"(words[i]));
  }
  return crc;
}

#else

#define HARDWARE_METHOD "portable"
#define crc_hardware kg__crc32c_words_portable

#endif

uint32_t kg__crc32c_words(uint32_t crc, const kg__word *words, size_t count) {
  /* Relaxed: every thread that finds it empty stores the same value. */
  static crc_function chosen;
  crc_function function = __atomic_load_n(&chosen, __ATOMIC_RELAXED);
  if (function == NULL) {
    function = kg__cpu_has_crc32c() ? crc_hardware : kg__crc32c_words_portable;
    __atomic_store_n(&chosen, function, __ATOMIC_RELAXED);
  }
  return function(crc, words, count);
}

uint32_t kg__crc32c(const void *bytes, size_t length) {
  const unsigned char *at = bytes;
  uint32_t crc = KG__CRC32C_BEGIN;
  for (; length >= 8; length -= 8, at += 8) {
    kg__word word;
    memcpy(&word, at, 8);
    crc = kg__crc32c_words(crc, &word, 1);
  }
  for (; length > 0; length--, at++) {
    crc ^= *at;
    for (int bit = 0; bit < 8; bit++) {
      crc = (crc >> 1) ^ (UINT32_C(0x82F63B78) & (0U - (crc & 1)));
    }
  }
  return KG__CRC32C_END(crc);
}

const char *kg_checksum_method(void) {
  return kg__cpu_has_crc32c() ? HARDWARE_METHOD : "portable";
}
