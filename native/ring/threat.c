#include "threat.h"

#include <string.h>

#include "../base/atomic.h"

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

typedef struct field {
  uint8_t tag;
  kg_text text;
} field;

#define MOST_FIELDS 4

/* As it stands in the ring, little-endian as all of it. */
typedef struct field_header {
  uint8_t tag;
  uint8_t reserved[3];
  uint32_t length;
} field_header;

static_assert(sizeof(field_header) == KG_FIELD_HEADER_BYTES, "field_header");

/* The fields that the continuation of this threat needs. */
static int list_fields(const kg_threat *threat, field *fields) {
  int count = 0;
  if (threat->source.length > KG_SOURCE_BYTES) {
    fields[count++] = (field){KG_FIELD_SOURCE, threat->source};
  }
  if (threat->details.length > KG_DETAILS_BYTES) {
    fields[count++] = (field){KG_FIELD_DETAILS, threat->details};
  }
  if (threat->id.length > 0) {
    fields[count++] = (field){KG_FIELD_ID, threat->id};
  }
  if (threat->context.length > 0) {
    fields[count++] = (field){KG_FIELD_CONTEXT, threat->context};
  }
  return count;
}

/* Whether the lead slot has room for all of it, as for most. */
static bool fits_lead(const kg_threat *threat) {
  return threat->source.length <= KG_SOURCE_BYTES &&
         threat->details.length <= KG_DETAILS_BYTES &&
         (threat->id.length | threat->context.length |
          threat->deflated.length) == 0;
}

static uint32_t span_of_fields(const kg_threat *threat, uint32_t most) {
  field fields[MOST_FIELDS];
  int count = list_fields(threat, fields);
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
  return fits_lead(threat) ? 1 : span_of_fields(threat, most);
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
    field fields[MOST_FIELDS];
    int count = list_fields(threat, fields);
    for (int i = 0; i < count; i++) {
      field_header header = {.tag = fields[i].tag,
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

/* Where the text of a field belongs; NULL for one of a newer writer. */
static kg_text *text_of(kg_threat *threat, uint8_t tag) {
  switch (tag) {
  case KG_FIELD_SOURCE:
    return &threat->source;
  case KG_FIELD_DETAILS:
    return &threat->details;
  case KG_FIELD_ID:
    return &threat->id;
  case KG_FIELD_CONTEXT:
    return &threat->context;
  default:
    return NULL;
  }
}

static int decode_continuation(const char *tail, uint32_t bytes,
                               kg_threat *threat) {
  uint32_t at = 0;
  while (at < bytes) {
    field_header header;
    if (bytes - at < sizeof header) {
      return KG_E_RING_CORRUPT;
    }
    memcpy(&header, tail + at, sizeof header);
    at += sizeof header;
    if (header.length > bytes - at) {
      return KG_E_RING_CORRUPT;
    }
    kg_text *text = text_of(threat, header.tag);
    if (text != NULL) {
      *text = (kg_text){tail + at, header.length};
    }
    at += header.length;
  }
  return KG_OK;
}

int kg_event_decode(const void *buffer, uint32_t *offset, void *scratch,
                    kg_threat *threat) {
  if (buffer == NULL || offset == NULL || threat == NULL) {
    return KG_E_INVALID_ARGUMENT;
  }
  const kg_slot *slots = (const kg_slot *)buffer + *offset;
  const kg_slot *lead = &slots[0];
  const kg_threat_event *event = &lead->body.event;
  bool has_fields = lead->span > 1 && (lead->flags & KG_EVENT_DEFLATED) == 0;
  if (has_fields && scratch == NULL) {
    return KG_E_INVALID_ARGUMENT;
  }

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
  threat->cut = (lead->flags & (KG_EVENT_CUT | KG_EVENT_DEFLATED)) != 0;
  *offset += lead->span;
  if (!has_fields) {
    return KG_OK;
  }
  gather(slots, scratch, lead->tail_bytes);
  return decode_continuation(scratch, lead->tail_bytes, threat);
}
