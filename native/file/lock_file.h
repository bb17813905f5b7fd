/* <name>.lock: its holder is the only process that publishes under that name.
 * The file stays for ever; only the kernel's lock on it counts. */
#ifndef KG_LOCK_FILE_H
#define KG_LOCK_FILE_H

#include "segment.h"

/* Takes the lock, makes sure that the file still has its name, and removes what
 * others left half-made. KG_E_RING_LOCKED when another one has it. */
int kg__lock_take(kg__dir *dir, const kg__names *names, kg__file *lock,
                  kg_failure *failure);

/* Fails with KG_E_RING_LOCKED and the pid that the ring's header gives, which
 * may be wrong; without a pid when only the lock file is held. */
int kg__lock_name_holder(kg__dir *dir, const kg__names *names,
                         kg_failure *failure);

/* Whether the ring has a writer, which may have lost its lock file. */
bool kg__ring_is_held(kg__dir *dir, const kg__names *names);

#endif
