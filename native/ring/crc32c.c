#include "crc32c.h"

#include <string.h>

#include "../base/cpu.h"
#include "../include/kg_ipc.h"
#include "../platform/cpu.h"
#include "crc32c_x86.h"

static_assert(KG__SLOT_WORDS * 8 == KG_SLOT_BYTES, "a slot's words");

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

/* The last two words of a slot, as far as they count. */
#define LAST_BUT_ONE(words, mask) ((words)[KG__SLOT_WORDS - 2] & (mask))
#define LAST(words, mask) ((words)[KG__SLOT_WORDS - 1] & (mask))

static uint32_t slot_portable(const kg__word *words, uint64_t last_but_one_mask,
                              uint64_t last_mask) {
  kg__word rest[] = {LAST_BUT_ONE(words, last_but_one_mask),
                     LAST(words, last_mask)};
  uint32_t crc =
      kg__crc32c_words_portable(KG__CRC32C_BEGIN, words, KG__SLOT_WORDS - 2);
  return kg__crc32c_words_portable(crc, rest, 2);
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

/* The same as kg__crc32c_step from memory: a load of its own for each word
 * would be half as many instructions again. */
static inline uint64_t step_at(uint64_t crc, const kg__word *word) {
  __asm__("crc32q %1, %0" : "+r"(crc) : "m"(*word));
  return crc;
}

/* Each instruction waits for the one before, and would do so for half of the
 * time that a slot takes. Three that do not wait for each other keep the CPU
 * busy; what they found is joined at the end. */
__attribute__((target("sse4.2,pclmul"))) static inline uint64_t
three_lanes(uint64_t wide, const kg__word *words) {
  uint64_t second = 0;
  uint64_t third = 0;
  for (size_t i = 0; i < LANE; i++) {
    wide = step_at(wide, &words[i]);
    second = step_at(second, &words[LANE + i]);
    third = step_at(third, &words[2 * LANE + i]);
  }
  return kg__crc32c_step(0, past(wide, PAST_TWO) ^ past(second, PAST_ONE)) ^
         third;
}

__attribute__((target("sse4.2,pclmul"))) static uint32_t
words_hardware(uint32_t crc, const kg__word *words, size_t count) {
  uint64_t wide = crc;
  for (; count >= 3 * LANE; count -= 3 * LANE, words += 3 * LANE) {
    wide = three_lanes(wide, words);
  }
  for (size_t i = 0; i < count; i++) {
    wide = step_at(wide, &words[i]);
  }
  return (uint32_t)wide;
}

static_assert(KG__SLOT_WORDS == 3 * LANE + 3,
              "a slot is three lanes and three");

__attribute__((target("sse4.2,pclmul"))) static uint32_t
slot_hardware(const kg__word *words, uint64_t last_but_one_mask,
              uint64_t last_mask) {
  uint64_t wide = three_lanes(KG__CRC32C_BEGIN, words);
  wide = step_at(wide, &words[3 * LANE]);
  wide = kg__crc32c_step(wide, LAST_BUT_ONE(words, last_but_one_mask));
  return (uint32_t)kg__crc32c_step(wide, LAST(words, last_mask));
}

_Alignas(64) const uint64_t kg__crc32c_past_rest[KG__SLOT_WORDS] = {
    0x8D6D2C43, 0x61D82E56, 0xA00457F7, 0xCE7F39F4, 0x8F158014, 0xA60CE07B,
    0x21F3D99C, 0xBAC2FD7B, 0x18B0D4FF, 0x78D9CCB7, 0x6051D5A2, 0xB6DD949B,
    0xF37C5AEE, 0x18B33A4E, 0xDCB17AA4, 0xB9E02B86, 0xFFD852C6, 0x299847D5,
    0x71D111A8, 0x83348832, 0x8462D800, 0x2162D385, 0xA87AB8A8, 0xAB7AFF2A,
    0xF1D0F55E, 0xDAECE73E, 0x1B3D8F29, 0x878A92A7, 0x7E908048, 0xC96CFDC0,
    0x6992CEA2, 0x0D3B6092, 0x2AD91C30, 0x47DB8317, 0xC49F4F67, 0x0715CE53,
    0x083A6EEC, 0x39D3B296, 0x740EEF02, 0x9E4ADDF8, 0x1C291D04, 0xDDC0152B,
    0x3DA6D0CB, 0xBA4FC28E, 0xF20C0DFE, 0x493C7D27};

KG__WIDE static uint32_t slot_wide(const kg__word *words,
                                   uint64_t last_but_one_mask,
                                   uint64_t last_mask) {
  __m128i masks =
      _mm_set_epi64x((int64_t)last_mask, (int64_t)last_but_one_mask);
  __m512i sum = _mm512_setzero_si512();
  __m512i line = sum;
  for (size_t i = 0; i < KG__SLOT_WORDS; i += 8) {
    line = _mm512_loadu_si512(&words[i]);
    sum = kg__crc32c_add(sum, line, i);
  }
  return kg__crc32c_sum(
      sum, _mm_and_si128(_mm512_extracti32x4_epi32(line, 3), masks));
}

#elif defined(__aarch64__)

#define HARDWARE_METHOD "armv8-crc"
#define slot_wide slot_hardware

/* Inline assembly, because the intrinsic's header wants a compiler flag that
 * would let the compiler use the instruction everywhere. */
static uint32_t words_hardware(uint32_t crc, const kg__word *words,
                               size_t count) {
  for (size_t i = 0; i < count; i++) {
    __asm__(".arch_extension crc\n\tcrc32cx %w0, %w0, %x1"
            : "+r"(crc)
            : "r"(words[i]));
  }
  return crc;
}

static uint32_t slot_hardware(const kg__word *words, uint64_t last_but_one_mask,
                              uint64_t last_mask) {
  kg__word rest[] = {LAST_BUT_ONE(words, last_but_one_mask),
                     LAST(words, last_mask)};
  uint32_t crc = words_hardware(KG__CRC32C_BEGIN, words, KG__SLOT_WORDS - 2);
  return words_hardware(crc, rest, 2);
}

#else

#define HARDWARE_METHOD "portable"
#define words_hardware kg__crc32c_words_portable
#define slot_hardware slot_portable
#define slot_wide slot_portable

#endif

typedef struct method {
  uint32_t (*words)(uint32_t crc, const kg__word *words, size_t count);
  uint32_t (*slot)(const kg__word *words, uint64_t last_but_one_mask,
                   uint64_t last_mask);
} method;

static const method hardware = {words_hardware, slot_hardware};
static const method wide = {words_hardware, slot_wide};
static const method portable = {kg__crc32c_words_portable, slot_portable};

static const method *method_here(void) {
  /* Relaxed: every thread that finds it empty stores the same value, and what
   * it points to never changes. */
  static const method *chosen;
  const method *found = __atomic_load_n(&chosen, __ATOMIC_RELAXED);
  if (found == NULL) {
    found = !kg__cpu_has_crc32c() ? &portable
            : kg__cpu_is_wide()   ? &wide
                                  : &hardware;
    __atomic_store_n(&chosen, found, __ATOMIC_RELAXED);
  }
  return found;
}

uint32_t kg__crc32c_words(uint32_t crc, const kg__word *words, size_t count) {
  return method_here()->words(crc, words, count);
}

uint32_t kg__crc32c_slot(const kg__word *words, uint64_t last_but_one_mask,
                         uint64_t last_mask) {
  return KG__CRC32C_END(
      method_here()->slot(words, last_but_one_mask, last_mask));
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
