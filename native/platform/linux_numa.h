/* NUMA nodes on Linux, for linux_placement.c. */
#ifndef KG_LINUX_NUMA_H
#define KG_LINUX_NUMA_H

#include "platform.h"

/* `node`: 0, KG_NUMA_NODE() or KG_NUMA_INTERLEAVE. KG_E_NUMA_NODE unless this
 * machine has that node and another one. */
int kg__numa_check(uint32_t node, kg_failure *failure);

/* Says where the pages of a mapping are to be, and moves those that are there
 * and nobody else has mapped. The file keeps it, for all who map it.
 * KG_E_NUMA_NODE when the system refuses. */
int kg__numa_bind(void *base, size_t length, uint32_t node,
                  kg_failure *failure);

/* Adds on which nodes the pages between two addresses are. */
void kg__numa_look(uint64_t from, uint64_t to, kg_memory *memory);

#endif
