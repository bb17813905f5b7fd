/* Where a reader has come to, and what of a stream lies between that and the
 * ring that took its ring's place. */
#ifndef KG_FILE_POSITION_H
#define KG_FILE_POSITION_H

#include "../include/kg_ipc.h"

/* Where the reader is. */
kg_position kg__position_of(const kg_reader *reader);

/* What of the position's stream nobody will read any more who goes over to the
 * beginning of this ring, of another generation. */
kg_batch kg__position_loss(const kg_position *position,
                           const kg_ring_info *ring);

#endif
