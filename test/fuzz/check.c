/* The checks of ../c/check.h for a fuzz target: one that fails says where and
 * with what values, and ends the process by a signal. */
#include "../c/check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void fail(const char *file, int line, const char *what) {
  fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
  abort();
}

void check_true(const char *file, int line, bool fine, const char *what) {
  if (!fine) {
    fail(file, line, what);
  }
}

void check_equal(const char *file, int line, uint64_t got, uint64_t wanted,
                 const char *what) {
  if (got != wanted) {
    fprintf(stderr, "got %" PRIu64 " (0x%" PRIx64 "), wanted %" PRIu64 "\n",
            got, got, wanted);
    fail(file, line, what);
  }
}

void check_result(const char *file, int line, int64_t got, int64_t wanted,
                  const kg_failure *failure, const char *what) {
  if (got != wanted) {
    fprintf(stderr, "got %" PRId64 " %s, wanted %" PRId64 " %s (%s)\n", got,
            got < 0 ? kg_error_code((int)got) : "", wanted,
            wanted < 0 ? kg_error_code((int)wanted) : "",
            failure == NULL ? "" : failure->detail);
    fail(file, line, what);
  }
}

void check_bytes(const char *file, int line, const void *got,
                 const void *wanted, size_t length, const char *what) {
  if (length > 0 && memcmp(got, wanted, length) != 0) {
    fail(file, line, what);
  }
}

uint64_t check_random(uint64_t *state) {
  /* splitmix64 */
  uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
  z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
  return z ^ (z >> 31);
}
