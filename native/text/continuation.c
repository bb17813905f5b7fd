#include "continuation.h"

#include <string.h>

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

/* The bit of a tag that has a text. */
static uint8_t bit_of(uint8_t tag) {
  return (uint8_t)(KG_TEXT_SOURCE << (tag - KG_FIELD_SOURCE));
}

static_assert(KG_TEXT_CONTEXT == KG_TEXT_SOURCE
                                     << (KG_FIELD_CONTEXT - KG_FIELD_SOURCE),
              "the bits have the order of the tags");

int kg__fields_decode(const void *bytes, size_t length, kg_threat *threat,
                      uint8_t *found) {
  const char *from = bytes;
  size_t at = 0;
  *found = 0;
  while (at < length) {
    kg__field_header header;
    if (length - at < sizeof header) {
      return KG_E_RING_CORRUPT;
    }
    memcpy(&header, from + at, sizeof header);
    at += sizeof header;
    if (header.length > length - at) {
      return KG_E_RING_CORRUPT;
    }
    kg_text *text = text_of(threat, header.tag);
    if (text != NULL) {
      *text = (kg_text){from + at, header.length};
      *found |= bit_of(header.tag);
    }
    at += header.length;
  }
  return KG_OK;
}

int kg_continuation_decode(const void *bytes, size_t length,
                           kg_threat *threat) {
  uint8_t found;
  if (threat == NULL || (bytes == NULL && length > 0)) {
    return KG_E_INVALID_ARGUMENT;
  }
  return kg__fields_decode(bytes, length, threat, &found);
}

int64_t kg_continuation_encode(const kg_threat *threat, void *bytes,
                               size_t room) {
  kg__field fields[KG__MOST_FIELDS];
  if (threat == NULL || (bytes == NULL && room > 0)) {
    return KG_E_INVALID_ARGUMENT;
  }
  int count = kg__fields_list(threat, fields);
  size_t length = 0;
  for (int i = 0; i < count; i++) {
    if (fields[i].text.bytes == NULL) {
      return KG_E_INVALID_ARGUMENT;
    }
    /* Compared before it is added, so that no sum can overflow. */
    if (fields[i].text.length > KG_MAX_CONTINUATION_BYTES) {
      return KG_E_EVENT_TOO_LARGE;
    }
    length += KG_FIELD_HEADER_BYTES + fields[i].text.length;
  }
  if (length > KG_MAX_CONTINUATION_BYTES) {
    return KG_E_EVENT_TOO_LARGE;
  }
  if (length > room) {
    return (int64_t)length;
  }
  char *to = bytes;
  for (int i = 0; i < count; i++) {
    const kg__field_header header = {.tag = fields[i].tag,
                                     .length = (uint32_t)fields[i].text.length};
    memcpy(to, &header, sizeof header);
    memcpy(to + sizeof header, fields[i].text.bytes, fields[i].text.length);
    to += sizeof header + fields[i].text.length;
  }
  return (int64_t)length;
}
