/* How a function says why it failed. */
#ifndef KG_BASE_ERROR_H
#define KG_BASE_ERROR_H

#include "../include/kg_error.h"

/* What makes an error and is called from where each event passes: kept out of
 * there, so that nothing is paid for it before. */
#define KG__COLD __attribute__((cold, noinline))

/* Fills `failure` (may be NULL) and returns `error`, so that a function can
 * `return kg__fail(...)`. `format` is printf's. */
#if defined(__clang__)
__attribute__((format(printf, 4, 5)))
#elif defined(__GNUC__)
/* To GCC, plain printf is on Windows the one of an old library there. */
__attribute__((format(gnu_printf, 4, 5)))
#endif
int kg__fail(kg_failure *failure, int error, int system_error,
             const char *format, ...);

/* The same with what another call said. */
int kg__fail_as(kg_failure *failure, const kg_failure *other);

#endif
