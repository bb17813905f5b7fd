#include "threat_wide.h"

#if defined(__x86_64__)

#include <stddef.h>

#include "crc32c_x86.h"

#define LINE 64

/* Where the parts of a slot are that are put together here. */
#define SOURCE_AT ((int)offsetof(kg_slot, body.event.source))
#define DETAILS_AT ((int)offsetof(kg_slot, body.event.details))
#define CHECKSUM_AT offsetof(kg_slot, body.event.checksum)
#define LAST_LINE (5 * LINE)
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

/* The bytes of a text that belong to a line of the slot, where the text begins
 * `at` bytes behind the beginning of that line, or before it; zeros beside
 * them. What a mask leaves out is not touched, whatever is there. GCC's
 * sanitizers see nothing of such a load. */
KG__WIDE static inline __m512i part_of(kg_text text, int at) {
  const int64_t before = at < 0 ? -at : 0;
  const int first = at > 0 ? at : 0;
  int64_t left = (int64_t)text.length - before;
  left = left > 0 ? left : 0;
  left = left < LINE ? left : LINE;
  uint64_t mask = _bzhi_u64(~UINT64_C(0), (unsigned)left) << first;
  /* Leaving out all is slow where there is no page, or where a store is still
   * on its way. Leaving out a part is so only beside a page that is not there,
   * which is rare. */
  uintptr_t from = left > 0 ? (uintptr_t)text.bytes - (uintptr_t)(intptr_t)at
                            : (uintptr_t)kg__crc32c_past_rest;
  return _mm512_maskz_loadu_epi8(mask, (const void *)from);
}

/* What an event has beside its texts, in words of the first line. */
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
                          (int64_t)(used | span), (int64_t)header->publish_ns,
                          (int64_t)header->sequence, (int64_t)header->position);
}

KG__WIDE static inline __m512i put_line(kg_slot *slot, int index, __m512i line,
                                        __m512i sum) {
  _mm512_storeu_si512((char *)slot + index * LINE, line);
  return kg__crc32c_add(sum, line, (size_t)index * LINE / sizeof(kg__word));
}

KG__WIDE void kg__threat_encode_wide(const kg_threat *threat,
                                     const kg__event_header *header,
                                     bool checksums, kg_slot *slot) {
  kg_text source = threat->source;
  kg_text details = threat->details;
  __m512i sum = _mm512_setzero_si512();
  /* Those first that wait for the least. */
  sum = put_line(slot, 1,
                 _mm512_or_si512(part_of(source, SOURCE_AT - LINE),
                                 part_of(details, DETAILS_AT - LINE)),
                 sum);
  sum = put_line(slot, 2, part_of(details, DETAILS_AT - 2 * LINE), sum);
  sum = put_line(slot, 3, part_of(details, DETAILS_AT - 3 * LINE), sum);
  sum = put_line(slot, 4, part_of(details, DETAILS_AT - 4 * LINE), sum);
  sum = put_line(
      slot, 0,
      _mm512_or_si512(facts_of(threat, header), part_of(source, SOURCE_AT)),
      sum);
  __m512i line = part_of(details, DETAILS_AT - 5 * LINE);
  __m128i last = _mm_or_si128(
      _mm512_extracti32x4_epi32(line, 3),
      _mm_set_epi64x((int64_t)((uint64_t)header->priority_count << 32), 0));
  if (checksums) {
    sum = kg__crc32c_add(sum, line, LAST_LINE / sizeof(kg__word));
    uint32_t checksum = KG__CRC32C_END(kg__crc32c_sum(sum, last));
    last = _mm_or_si128(last, _mm_slli_si128(_mm_cvtsi32_si128((int)checksum),
                                             CHECKSUM_AT - LAST_AT));
  }
  _mm512_storeu_si512((char *)slot + LAST_LINE,
                      _mm512_inserti32x4(line, last, 3));
}

#endif
