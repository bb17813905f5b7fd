#include "threat.h"

#include <string.h>

#include "../base/atomic.h"
#include "../base/error.h"
#include "../text/continuation.h"
#include "../text/deflate.h"

/* The most bytes of `text` that fit into `limit` and end with a character. */
static size_t cut(kg_text text, size_t limit) {
  if (text.length <= limit) {
    return text.length;
  }
  /* A character has three continuation bytes at the most; more of them are
   * no UTF-8 and have no border to keep. */
  for (size_t back = 0; back <= 3 && back < limit; back++) {
    if (((unsigned char)text.bytes[limit - back] & 0xC0) != 0x80) {
      return limit - back;
    }
  }
  return limit;
}

static uint32_t span_of_fields(const kg_threat *threat, uint32_t most) {
  kg__field fields[KG__MOST_FIELDS];
  int count = kg__fields_list(threat, fields);
  uint64_t limit = (uint64_t)(most - 1) * KG_EVENT_BYTES;
  uint64_t bytes = 0;
  for (int i = 0; i < count; i++) {
    /* Compared before they are added, so that no sum can overflow. */
    if (fields[i].text.length > limit) {
      return 0;
    }
    bytes += KG_FIELD_HEADER_BYTES + (uint64_t)fields[i].text.length;
  }
  if (bytes > limit || threat->deflated.length > limit) {
    return 0;
  }
  if (threat->deflated.length > 0) {
    bytes = threat->deflated.length;
  }
  return (uint32_t)(1 + (bytes + KG_EVENT_BYTES - 1) / KG_EVENT_BYTES);
}

uint32_t kg__threat_span(const kg_threat *threat, uint32_t most) {
  return kg__threat_fits_slot(threat) ? 1 : span_of_fields(threat, most);
}

int64_t kg_threat_span(const kg_threat *threat) {
  if (threat == NULL) {
    return KG_E_INVALID_ARGUMENT;
  }
  uint32_t span = kg__threat_span(threat, UINT32_MAX);
  return span == 0 ? KG_E_EVENT_TOO_LARGE : (int64_t)span;
}

/* Appends to the continuation, which is spread over the slots behind the
 * lead. */
static void append(kg_slot *slots, uint32_t *at, const void *bytes,
                   size_t length) {
  const char *from = bytes;
  while (length > 0) {
    uint32_t offset = *at % KG_EVENT_BYTES;
    size_t free = KG_EVENT_BYTES - offset;
    size_t part = length < free ? length : free;
    memcpy(slots[1 + *at / KG_EVENT_BYTES].body.tail + offset, from, part);
    *at += (uint32_t)part;
    from += part;
    length -= part;
  }
}

/* Fills the slots behind the lead, and says in all of them what they are. */
static void encode_continuation(const kg_threat *threat, kg_slot *slots,
                                uint32_t span) {
  uint32_t tail_bytes = 0;
  uint32_t flags = 0;
  if (threat->deflated.length > 0) {
    flags = KG_EVENT_DEFLATED;
    append(slots, &tail_bytes, threat->deflated.bytes, threat->deflated.length);
  } else {
    kg__field fields[KG__MOST_FIELDS];
    int count = kg__fields_list(threat, fields);
    for (int i = 0; i < count; i++) {
      kg__field_header header = {.tag = fields[i].tag,
                                 .length = (uint32_t)fields[i].text.length};
      append(slots, &tail_bytes, &header, sizeof header);
      append(slots, &tail_bytes, fields[i].text.bytes, header.length);
    }
  }
  for (uint32_t place = 0; place < span; place++) {
    slots[place].span = (uint16_t)span;
    slots[place].place = (uint16_t)place;
    slots[place].tail_bytes = tail_bytes;
    slots[place].flags = flags;
  }
}

static void put(uint8_t *to, kg_text text, size_t length) {
  if (length > 0) {
    memcpy(to, text.bytes, kg__opaque(length));
  }
}

void kg__threat_encode(const kg_threat *threat, kg_slot *slots, uint32_t span) {
  kg_slot *lead = &slots[0];
  kg_threat_event *event = &lead->body.event;
  size_t source = cut(threat->source, KG_SOURCE_BYTES);
  size_t details = cut(threat->details, KG_DETAILS_BYTES);

  memset(slots, 0, (size_t)span * sizeof *slots);
  event->timestamp_us = threat->timestamp_us;
  event->threat_type = threat->threat_type;
  event->severity = threat->severity;
  event->blocked = threat->blocked ? 1 : 0;
  lead->source_used = (uint16_t)source;
  lead->details_used = (uint16_t)details;
  put(event->source, threat->source, source);
  put(event->details, threat->details, details);
  lead->span = 1;
  if (span > 1) {
    encode_continuation(threat, slots, span);
  }
}

/* Puts the continuation's bytes in one piece into `scratch`. */
static void gather(const kg_slot *slots, char *scratch, uint32_t bytes) {
  for (uint32_t at = 0; at < bytes; at += KG_EVENT_BYTES) {
    uint32_t left = bytes - at;
    uint32_t part = left < KG_EVENT_BYTES ? left : KG_EVENT_BYTES;
    memcpy(scratch + at, slots[1 + at / KG_EVENT_BYTES].body.tail, part);
  }
}

/* A text that was cut has lost no more than the beginning of a character. */
#define MOST_LOST 3

/* The texts of an event of which something may be missing where these were
 * `found` whole behind its lead slot, and not all were. */
KG__COLD static uint8_t missing_in(const kg_slot *lead, uint8_t found) {
  int missing = KG_TEXT_ID | KG_TEXT_CONTEXT;
  if (lead->source_used + MOST_LOST >= KG_SOURCE_BYTES) {
    missing |= KG_TEXT_SOURCE;
  }
  if (lead->details_used + MOST_LOST >= KG_DETAILS_BYTES) {
    missing |= KG_TEXT_DETAILS;
  }
  return (uint8_t)(missing & ~found);
}

/* What the lead slot has. */
static inline void decode_lead(const kg_slot *lead, kg_threat *threat) {
  const kg_threat_event *event = &lead->body.event;
  /* Each by itself: of a whole struct, GCC makes a copy that it fills first. */
  const kg_text none = {NULL, 0};
  threat->timestamp_us = event->timestamp_us;
  threat->threat_type = event->threat_type;
  threat->severity = event->severity;
  threat->blocked = event->blocked != 0;
  threat->source = (kg_text){(const char *)event->source, lead->source_used};
  threat->details = (kg_text){(const char *)event->details, lead->details_used};
  threat->id = none;
  threat->context = none;
  threat->deflated = none;
  threat->sequence = lead->sequence;
  threat->publish_ns = lead->publish_ns;
  threat->cut = false;
  threat->missing = 0;
}

/* The same, for an event that could not be read whole, or is none. */
KG__COLD static void leave_cut(const kg_slot *lead, kg_threat *threat) {
  decode_lead(lead, threat);
  threat->cut = true;
  threat->missing = missing_in(lead, 0);
}

static bool is_deflated(const kg_slot *lead) {
  return (lead->flags & KG_EVENT_DEFLATED) != 0;
}

/* A run of fields over what the lead slot has. */
static int decode_fields(const kg_slot *lead, const void *fields, size_t bytes,
                         kg_threat *threat) {
  uint8_t found;
  int result = kg__fields_decode(fields, bytes, threat, &found);
  threat->cut = threat->cut || result != KG_OK;
  threat->missing = threat->cut ? missing_in(lead, found) : 0;
  return result;
}

int kg_event_decode(const void *buffer, uint32_t *offset, void *scratch,
                    kg_threat *threat) {
  if (buffer == NULL || offset == NULL || threat == NULL) {
    return KG_E_INVALID_ARGUMENT;
  }
  const kg_slot *lead = (const kg_slot *)buffer + *offset;
  bool has_fields = lead->span > 1 && !is_deflated(lead);
  if (has_fields && scratch == NULL) {
    return KG_E_INVALID_ARGUMENT;
  }
  decode_lead(lead, threat);
  if ((lead->flags & (KG_EVENT_CUT | KG_EVENT_DEFLATED)) != 0) {
    leave_cut(lead, threat);
  }
  *offset += lead->span;
  if (!has_fields) {
    return KG_OK;
  }
  gather(lead, scratch, lead->tail_bytes);
  return decode_fields(lead, scratch, lead->tail_bytes, threat);
}

/* The whole continuation as it was before it was deflated, or the error that
 * leaves the event cut. */
static int64_t restore_fields(const kg_slot *lead, void *scratch,
                              void *inflated, uint32_t max_event_bytes) {
  size_t most = KG_CONTINUATION_BYTES(max_event_bytes);
  if (lead->tail_bytes > most) {
    return KG_E_EVENT_TOO_LARGE;
  }
  gather(lead, scratch, lead->tail_bytes);
  return is_deflated(lead)
             ? kg__inflate(scratch, lead->tail_bytes, inflated, most)
             : (int64_t)lead->tail_bytes;
}

static size_t text_bytes(const kg_threat *threat) {
  /* Each is of one buffer, or of the lead slot: no sum overflows. */
  return threat->source.length + threat->details.length + threat->id.length +
         threat->context.length;
}

int kg_event_decode_whole(const void *buffer, uint32_t *offset, void *scratch,
                          void *inflated, uint32_t max_event_bytes,
                          kg_threat *threat) {
  if (buffer == NULL || offset == NULL || threat == NULL) {
    return KG_E_INVALID_ARGUMENT;
  }
  const kg_slot *lead = (const kg_slot *)buffer + *offset;
  bool has_fields = lead->span > 1;
  if (has_fields &&
      (scratch == NULL || (is_deflated(lead) && inflated == NULL))) {
    return KG_E_INVALID_ARGUMENT;
  }
  decode_lead(lead, threat);
  if ((lead->flags & KG_EVENT_CUT) != 0) {
    leave_cut(lead, threat);
  }
  *offset += lead->span;
  if (!has_fields) {
    return KG_OK;
  }
  int64_t bytes = restore_fields(lead, scratch, inflated, max_event_bytes);
  if (bytes < 0) {
    leave_cut(lead, threat);
    return (int)bytes;
  }
  const void *fields = is_deflated(lead) ? inflated : scratch;
  int result = decode_fields(lead, fields, (size_t)bytes, threat);
  if (text_bytes(threat) > max_event_bytes) {
    leave_cut(lead, threat);
    return KG_E_EVENT_TOO_LARGE;
  }
  return result;
}
