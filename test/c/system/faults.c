#include "faults.h"

#include <string.h>

#include "../check.h"

static const system_fault *fault; /* NULL: nothing fails */
static uint32_t fails_at;
static uint32_t fails_until;
static uint32_t called;

size_t system_fault_find(const char *name, int error) {
  size_t i = 0;
  while (i < system_fault_count && (strcmp(system_faults[i].name, name) != 0 ||
                                    system_faults[i].error != error)) {
    i++;
  }
  CHECK(i < system_fault_count);
  return i;
}

void system_fault_begin(const system_fault *which, uint32_t at,
                        uint32_t until) {
  fails_at = at;
  fails_until = until;
  called = 0;
  fault = which;
}

bool system_fault_end(void) {
  fault = NULL;
  return called >= fails_at;
}

int system_fault_next(int call) {
  if (fault == NULL || fault->call != call) {
    return 0;
  }
  called++;
  return called == fails_at || called <= fails_until ? fault->number : 0;
}
