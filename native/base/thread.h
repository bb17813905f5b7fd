/* Which thread this is, for builds that look whether a handle is used by the
 * one that it belongs to (KG_DEBUG). */
#ifndef KG_BASE_THREAD_H
#define KG_BASE_THREAD_H

#include <stdint.h>

#ifdef KG_DEBUG
/* A number that no other thread has which lives at the same time. */
uint64_t kg__thread(void);
#endif

#endif
