/* What x86 has for the checksum: an instruction for eight bytes and, where its
 * registers have 64 (kg__cpu_is_wide), one that multiplies eight words at once.
 * Each is multiplied by what moves it to the end of the slot, and all are added
 * up; none waits for another. */
#ifndef KG_CRC32C_X86_H
#define KG_CRC32C_X86_H

#if defined(__x86_64__)

#include <immintrin.h>

#include "crc32c.h"

/* Inline assembly, because compilers do not agree on the name of the feature
 * under which they offer the intrinsic. */
static inline uint64_t kg__crc32c_step(uint64_t crc, uint64_t word) {
  __asm__("crc32q %1, %0" : "+r"(crc) : "r"(word));
  return crc;
}

#define KG__WIDE \
  __attribute__((target("sse4.2,pclmul,avx512f,avx512bw,vpclmulqdq")))

/* The number of word i is x^(64 (47 - i) - 33) modulo the polynomial, its bits
 * reversed as those of the checksum are. Those of the last two are 0: they
 * are where they belong. */
_Alignas(64) extern const uint64_t kg__crc32c_past_rest[KG__SLOT_WORDS];

/* Adds the words from `index` on, a multiple of eight. */
KG__WIDE static inline __m512i kg__crc32c_add(__m512i sum, __m512i words,
                                              size_t index) {
  __m512i past = _mm512_load_si512(&kg__crc32c_past_rest[index]);
  __m512i even = _mm512_clmulepi64_epi128(words, past, 0x00);
  __m512i odd = _mm512_clmulepi64_epi128(words, past, 0x11);
  return _mm512_ternarylogic_epi64(sum, even, odd, 0x96); /* xor of the three */
}

/* Adds the word at `index` alone. The sum of this and of the others is that of
 * all, in any order. */
KG__WIDE static inline __m128i kg__crc32c_add_word(__m128i sum, uint64_t word,
                                                   size_t index) {
  __m128i past = _mm_cvtsi64_si128((int64_t)kg__crc32c_past_rest[index]);
  return _mm_xor_si128(
      sum, _mm_clmulepi64_si128(_mm_cvtsi64_si128((int64_t)word), past, 0x00));
}

/* The checksum but for KG__CRC32C_END, when all are added, and these are the
 * last two words without the slot's own, with what is still to be added. */
KG__WIDE static inline uint32_t kg__crc32c_sum(__m512i sum, __m128i last) {
  /* What KG__CRC32C_BEGIN makes of a slot of zeros. */
  const uint32_t begin = 0x4509D0C9;
  __m256i half = _mm256_xor_si256(_mm512_castsi512_si256(sum),
                                  _mm512_extracti64x4_epi64(sum, 1));
  __m128i rest = _mm_xor_si128(_mm256_castsi256_si128(half),
                               _mm256_extracti128_si256(half, 1));
  rest = _mm_xor_si128(rest, last);
  uint64_t crc = kg__crc32c_step(0, (uint64_t)_mm_cvtsi128_si64(rest));
  crc = kg__crc32c_step(crc, (uint64_t)_mm_extract_epi64(rest, 1));
  return (uint32_t)crc ^ begin;
}

#endif

#endif
