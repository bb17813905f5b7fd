#include "threat_wide.h"

#if defined(__x86_64__)

#include <stddef.h>

#include "crc32c_x86.h"

#define LINE 64

/* Where the parts of a slot are that are put together here. */
#define SOURCE_AT ((int)offsetof(kg_slot, body.event.source))
#define DETAILS_AT ((int)offsetof(kg_slot, body.event.details))
#define CHECKSUM_AT offsetof(kg_slot, body.event.checksum)
#define LAST_AT (sizeof(kg_slot) - sizeof(__m128i))

static_assert(sizeof(kg_slot) == 6 * LINE, "a slot's lines");
static_assert(offsetof(kg_slot, span) == 24, "words of the first line");
static_assert(offsetof(kg_slot, flags) == 32, "words of the first line");
static_assert(offsetof(kg_slot, body.event.timestamp_us) == 40,
              "words of the first line");
static_assert(offsetof(kg_slot, body.event.threat_type) == 48,
              "words of the first line");
static_assert(SOURCE_AT == 54 && KG_SOURCE_BYTES == LINE,
              "a source is in the first two lines");
static_assert(DETAILS_AT == 118 && CHECKSUM_AT == 374,
              "the details are in all lines but the first");
static_assert(offsetof(kg_slot, priority_count) == LAST_AT + 12,
              "the last word of the last line");

#define EIGHT(n) n, n + 1, n + 2, n + 3, n + 4, n + 5, n + 6, n + 7
#define LINE_OF(n)                                                     \
  EIGHT(n), EIGHT(n + 8), EIGHT(n + 16), EIGHT(n + 24), EIGHT(n + 32), \
      EIGHT(n + 40), EIGHT(n + 48), EIGHT(n + 56)

/* The number of each byte of four lines, to compare with where a text ends. */
_Alignas(LINE) static const uint8_t numbers[4 * LINE] = {
    LINE_OF(0), LINE_OF(LINE), LINE_OF(2 * LINE), LINE_OF(3 * LINE)};

#define NUMBERS(line) _mm512_load_si512(&numbers[(line)*LINE])

/* The bytes of a line in which a text begins, of those that stand where it
 * does. */
#define BEGINNING (~UINT64_C(0) << SOURCE_AT)
static_assert(DETAILS_AT - LINE == SOURCE_AT,
              "both texts begin at the same place of a line");

/* What a line of the slot has of a text, `from` bytes behind its beginning, or
 * before it, where `mask` has the bytes that are the text's; zeros beside them.
 * What a mask leaves out is not touched, whatever is there. GCC's sanitizers
 * see nothing of such a load. */
KG__WIDE static inline __m512i part_of(kg_text text, int from, __mmask64 mask) {
  /* Leaving out all is slow where there is no page, or where a store is still
   * on its way. Leaving out a part is so only beside a page that is not there,
   * which is rare. */
  bool is_any = text.length > (size_t)(from > 0 ? from : 0);
  uintptr_t at = is_any ? (uintptr_t)text.bytes + (uintptr_t)(intptr_t)from
                        : (uintptr_t)numbers;
  return _mm512_maskz_loadu_epi8(mask, (const void *)at);
}

/* What an event has beside its texts and its time, in words of the first line.
 */
KG__WIDE static inline __m512i facts_of(const kg_threat *threat,
                                        const kg__event_header *header) {
  const uint64_t span = 1;
  uint64_t used = (uint64_t)threat->source.length << 32 |
                  (uint64_t)threat->details.length << 48;
  uint64_t kind = threat->threat_type | (uint64_t)threat->severity << 32 |
                  (uint64_t)(threat->blocked ? 1 : 0) << 40;
  uint64_t time =
      threat->timestamp_us != 0 ? threat->timestamp_us : header->wall_us;
  return _mm512_set_epi64(0, (int64_t)kind, (int64_t)time, header->flags,
                          (int64_t)(used | span), 0, (int64_t)header->sequence,
                          (int64_t)header->position);
}

/* Where readers of the ring may look meanwhile, as kg__ring_copy does. */
KG__WIDE static inline void store_line(kg_slot *slot, int index, __m512i line) {
  char *at = (char *)slot + index * LINE;
  __asm__ __volatile__("vmovdqu64 %[line], (%[at])"
                       :
                       : [at] "r"(at), [line] "v"(line)
                       : "memory");
}

/* Likewise; its place is no multiple of its size. */
static inline void store_checksum(kg_slot *slot, uint32_t checksum) {
  char *at = (char *)slot + CHECKSUM_AT;
  __asm__ __volatile__("movl %[checksum], (%[at])"
                       :
                       : [at] "r"(at), [checksum] "r"(checksum)
                       : "memory");
}

KG__WIDE static inline __m512i add_line(__m512i sum, int index, __m512i line) {
  return kg__crc32c_add(sum, line, (size_t)index * LINE / sizeof(kg__word));
}

KG__WIDE static inline __m512i put_line(kg_slot *slot, int index, __m512i line,
                                        __m512i sum) {
  store_line(slot, index, line);
  return add_line(sum, index, line);
}

/* Once with `checksums`, and once without what those take. */
KG__WIDE static inline __attribute__((always_inline)) void
encode(const kg_threat *threat, const kg__event_header *header,
       const bool checksums, kg_slot *slot) {
  kg_text source = threat->source;
  kg_text details = threat->details;
  /* The number of a text's last byte, from the line on in which it begins; and
   * how many bytes of the details are in the last line, whose numbers no longer
   * are bytes. */
  size_t last_number = SOURCE_AT - 1 + details.length;
  __m512i source_end = _mm512_set1_epi8((char)(SOURCE_AT - 1 + source.length));
  __m512i details_end =
      _mm512_set1_epi8((char)(last_number < 255 ? last_number : 255));
  __m512i in_last = _mm512_set1_epi8(
      (char)(last_number < 255 ? 0 : (unsigned)last_number - 255));
  __m512i sum = _mm512_setzero_si512();
  __m512i line;

  /* Those first that wait for the least. */
  line = _mm512_or_si512(
      part_of(source, LINE - SOURCE_AT,
              _mm512_cmple_epu8_mask(NUMBERS(1), source_end)),
      part_of(details, -SOURCE_AT,
              _mm512_mask_cmple_epu8_mask(BEGINNING, NUMBERS(0), details_end)));
  sum = put_line(slot, 1, line, sum);
  line = part_of(details, LINE - SOURCE_AT,
                 _mm512_cmple_epu8_mask(NUMBERS(1), details_end));
  sum = put_line(slot, 2, line, sum);
  line = part_of(details, 2 * LINE - SOURCE_AT,
                 _mm512_cmple_epu8_mask(NUMBERS(2), details_end));
  sum = put_line(slot, 3, line, sum);
  line = part_of(details, 3 * LINE - SOURCE_AT,
                 _mm512_cmple_epu8_mask(NUMBERS(3), details_end));
  sum = put_line(slot, 4, line, sum);
  line = _mm512_or_si512(
      facts_of(threat, header),
      part_of(source, -SOURCE_AT,
              _mm512_mask_cmple_epu8_mask(BEGINNING, NUMBERS(0), source_end)));
  sum = put_line(slot, 0, line, sum);
  line = part_of(details, 4 * LINE - SOURCE_AT,
                 _mm512_cmplt_epu8_mask(NUMBERS(0), in_last));
  sum = add_line(sum, 5, line);
  __m128i last = _mm_or_si128(
      _mm512_extracti32x4_epi32(line, 3),
      _mm_set_epi64x((int64_t)((uint64_t)header->priority_count << 32), 0));
  store_line(slot, 5, _mm512_inserti32x4(line, last, 3));

  /* What has to be waited for stands in no line: neither the counter that the
   * time is from, nor the sum. Relaxed, as a line. */
  kg__store64_relaxed(&slot->publish_ns, header->publish_ns);
  if (checksums) {
    last =
        kg__crc32c_add_word(last, header->publish_ns,
                            offsetof(kg_slot, publish_ns) / sizeof(kg__word));
    store_checksum(slot, KG__CRC32C_END(kg__crc32c_sum(sum, last)));
  }
}

KG__WIDE void kg__threat_encode_wide(const kg_threat *threat,
                                     const kg__event_header *header,
                                     bool checksums, kg_slot *slot) {
  if (checksums) {
    encode(threat, header, true, slot);
  } else {
    encode(threat, header, false, slot);
  }
}

#endif
