/* A threat as slots, and slots as a threat. */
#ifndef KG_THREAT_H
#define KG_THREAT_H

#include "../include/kg_ipc.h"

/* The slots that `threat` takes, or 0 when it, or its texts as they are, take
 * more than `most`. */
uint32_t kg__threat_span(const kg_threat *threat, uint32_t most);

/* Fills `span` (of kg__threat_span) private slots with everything but
 * position, sequence, publish time and checksums. */
void kg__threat_encode(const kg_threat *threat, kg_slot *slots, uint32_t span);

#endif
