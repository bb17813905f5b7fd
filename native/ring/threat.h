/* A threat as slots, and slots as a threat. */
#ifndef KG_THREAT_H
#define KG_THREAT_H

#include "../include/kg_ipc.h"

/* What an event has beside its threat. */
typedef struct kg__event_header {
  uint64_t position; /* of the lead slot */
  uint64_t sequence;
  uint64_t publish_ns;
  uint64_t wall_us;        /* for a threat that has no time of its own */
  uint32_t flags;          /* KG_EVENT_PRIORITY or 0 */
  uint32_t priority_count; /* this one included */
} kg__event_header;

/* Whether one slot has room for all of it, as for most. */
static inline bool kg__threat_fits_slot(const kg_threat *threat) {
  return threat->source.length <= KG_SOURCE_BYTES &&
         threat->details.length <= KG_DETAILS_BYTES &&
         (threat->id.length | threat->context.length |
          threat->deflated.length) == 0;
}

/* The slots that `threat` takes, or 0 when it, or its texts as they are, take
 * more than `most`. */
uint32_t kg__threat_span(const kg_threat *threat, uint32_t most);

/* Fills `span` (of kg__threat_span) private slots with everything but
 * position, sequence, publish time and checksums. */
void kg__threat_encode(const kg_threat *threat, kg_slot *slots, uint32_t span);

#endif
