/* Whether the texts of a threat are what a writer was told to take. */
#ifndef KG_TEXT_THREAT_CHECK_H
#define KG_TEXT_THREAT_CHECK_H

#include "../include/kg_ipc.h"

/* `checks`: enum kg_checks. KG_E_INVALID_THREAT, with the field and the place
 * in `failure`. What texts there are can be read. */
int kg__threat_check(const kg_threat *threat, uint64_t checks,
                     kg_failure *failure);

#endif
