/* What ring/ may ask of the system, and all it may: nothing of a file or a
 * clock. */
#ifndef KG_CPU_H
#define KG_CPU_H

#include <stdbool.h>

/* Whether the CPU has an instruction for CRC32C, and on x86 the carry-less
 * multiplication that joins its lanes. */
bool kg__cpu_has_crc32c(void);

#endif
