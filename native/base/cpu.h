/* What the CPU is found to have, without asking a system. */
#ifndef KG_BASE_CPU_H
#define KG_BASE_CPU_H

#include <stdbool.h>

/* Whether the CPU moves 64 bytes at a time and multiplies so, too, and the
 * system keeps such registers. False where the compiler cannot be trusted with
 * them. */
bool kg__cpu_is_wide(void);

#endif
