#include "thread.h"

#ifdef KG_DEBUG
uint64_t kg__thread(void) {
  /* Each thread has one, at an address of its own. */
  static _Thread_local char mark;
  return (uint64_t)(uintptr_t)&mark;
}
#endif
