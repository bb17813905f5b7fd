/* A threat as the one slot that most take, where the CPU has registers of 64
 * bytes (kg__cpu_is_wide): each line of the slot is put together in one before
 * it is stored. Bytes that are stored and soon loaded again with their
 * neighbours would have to reach the cache first, which takes longer than all
 * of this. */
#ifndef KG_THREAT_WIDE_H
#define KG_THREAT_WIDE_H

#include <stdbool.h>

#include "threat.h"

#if defined(__x86_64__)

/* Fills the slot of a threat that takes one (kg__threat_span), and seals it
 * when there are `checksums`. A private one, or one of a ring: nothing of it is
 * read, and what is stored are relaxed words. For such a CPU alone. */
void kg__threat_encode_wide(const kg_threat *threat,
                            const kg__event_header *header, bool checksums,
                            kg_slot *slot);

#else

/* No other CPU has them, so nobody comes here. */
static inline void kg__threat_encode_wide(const kg_threat *threat,
                                          const kg__event_header *header,
                                          bool checksums, kg_slot *slot) {
  (void)threat, (void)header, (void)checksums, (void)slot;
}

#endif

#endif
