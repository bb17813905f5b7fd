/* In which pages a ring is: huge ones or small ones, and on which node. */
#ifndef KG_PLACEMENT_H
#define KG_PLACEMENT_H

#include "../platform/platform.h"
#include "../ring/ring.h"

/* Whether a ring of so many bytes in a file is to be placed at all. Others are
 * left to the system, and cost no call of it. `placement`: NULL for the
 * system's own. */
bool kg__is_placed(const kg__file *file, uint64_t length,
                   const kg__placement *placement);

/* How much of a mapping is put in its place at once. */
size_t kg__prefault_bytes(size_t length, const kg__placement *placement);

/* Makes the file of a ring: kg__file_create, with pages as they are wanted.
 * KG_E_INVALID_OPTION when it would be larger than the setup lets it be;
 * KG_E_HUGE_PAGES where too few are free. */
int kg__create_placed(kg__dir *dir, const char *name,
                      const kg__ring_setup *setup,
                      const kg__placement *placement, kg__file *file,
                      kg_failure *failure);

#endif
