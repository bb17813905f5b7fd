/* The fields of a continuation: the texts of a threat that its lead slot does
 * not hold whole, one behind the other (kg_layout.h). */
#ifndef KG_TEXT_CONTINUATION_H
#define KG_TEXT_CONTINUATION_H

#include "../include/kg_ipc.h"

typedef struct kg__field {
  uint8_t tag;
  kg_text text;
} kg__field;

#define KG__MOST_FIELDS 4

/* As it stands in the ring, little-endian as all of it. */
typedef struct kg__field_header {
  uint8_t tag;
  uint8_t reserved[3];
  uint32_t length;
} kg__field_header;

static_assert(sizeof(kg__field_header) == KG_FIELD_HEADER_BYTES,
              "kg__field_header");

/* The fields that the continuation of this threat needs; returns how many. Here
 * and not in a file: each write asks. */
static inline int kg__fields_list(const kg_threat *threat, kg__field *fields) {
  int count = 0;
  if (threat->source.length > KG_SOURCE_BYTES) {
    fields[count++] = (kg__field){KG_FIELD_SOURCE, threat->source};
  }
  if (threat->details.length > KG_DETAILS_BYTES) {
    fields[count++] = (kg__field){KG_FIELD_DETAILS, threat->details};
  }
  if (threat->id.length > 0) {
    fields[count++] = (kg__field){KG_FIELD_ID, threat->id};
  }
  if (threat->context.length > 0) {
    fields[count++] = (kg__field){KG_FIELD_CONTEXT, threat->context};
  }
  return count;
}

/* Sets the texts whose fields stand in `bytes`, which they then point into, and
 * leaves the others. `found` gets a bit of enum kg_text_bit for each that was
 * there whole. KG_E_RING_CORRUPT when a field reaches behind the end: those
 * before it are set all the same. */
int kg__fields_decode(const void *bytes, size_t length, kg_threat *threat,
                      uint8_t *found);

#endif
