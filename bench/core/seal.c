/* The checksum of the core, for events that peers carry. It stands behind the
 * longest details that the harness sends. */
#include <string.h>

#include "../../native/ring/crc32c.h"
#include "harness.h"

_Static_assert(sizeof(struct event) == KG__SLOT_WORDS * 8,
               "as large as a slot");

#define OTHER_BYTES UINT64_C(0x00000000FFFFFFFF) /* of the last word */

static uint32_t checksum(const struct event *event) {
  const kg__word *words = (const kg__word *)(const void *)event;
  return kg__crc32c_slot(words, UINT64_MAX, OTHER_BYTES);
}

static char *place_in(const struct event *event) {
  return (char *)event + sizeof *event - sizeof(uint32_t);
}

void seal_event(struct event *event) {
  uint32_t crc = checksum(event);
  memcpy(place_in(event), &crc, sizeof crc);
}

bool is_sealed(const struct event *event) {
  uint32_t stored;
  memcpy(&stored, place_in(event), sizeof stored);
  return stored == checksum(event);
}
