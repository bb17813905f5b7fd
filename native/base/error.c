#include "error.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

struct entry {
  int number;
  const char *code;
  const char *what;
  const char *advice;
};

/* Where JavaScript's options and methods stand in the table, which C's users do
 * not have. */
static const struct entry *find_of_c(int error) {
  static const struct entry entries[] = {
      {KG_E_NO_SPACE, "ERR_NO_SPACE", "There is no space for the ring.",
       "Free space in the file system, or lower max_events."},
      {KG_E_NO_MEMORY, "ERR_NO_MEMORY", "There is no memory for this.",
       "Free memory, or lower max_events."},
      {KG_E_EVENT_TOO_LARGE, "ERR_EVENT_TOO_LARGE",
       "The threat takes more than a quarter of the ring.",
       "Shorten its text or its context, or raise max_events."},
      {KG_E_BATCH_TOO_LARGE, "ERR_BATCH_TOO_LARGE",
       "The batch takes more than a quarter of the ring.",
       "Commit it in smaller batches, or raise max_events."},
      {KG_E_RING_FULL, "ERR_RING_FULL",
       "A reliable reader has not taken what would be overwritten.",
       "Nothing was written; try again after kg_writer_wait_for_space."},
  };
  for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
    if (entries[i].number == error) {
      return &entries[i];
    }
  }
  return NULL;
}

static const struct entry *find(int error) {
  const struct entry *own = find_of_c(error);
  static const struct entry entries[] = {
#define X(name, number, what, advice) {number, "ERR_" #name, what, advice},
      KG_ERROR_MAP(X)
#undef X
          {0, "ERR_UNKNOWN", "An unknown error.", "Please report it."},
  };
  if (own != NULL) {
    return own;
  }
  size_t i = 0;
  while (entries[i].number != 0 && entries[i].number != error) {
    i++;
  }
  return &entries[i];
}

const char *kg_error_code(int error) {
  return find(error)->code;
}

const char *kg_error_what(int error) {
  return find(error)->what;
}

const char *kg_error_advice(int error) {
  return find(error)->advice;
}

int kg__fail(kg_failure *failure, int error, int system_error,
             const char *format, ...) {
  if (failure != NULL) {
    va_list arguments;
    failure->error = error;
    failure->system_error = system_error;
    va_start(arguments, format);
    vsnprintf(failure->detail, sizeof failure->detail, format, arguments);
    va_end(arguments);
  }
  return error;
}

int kg__fail_as(kg_failure *failure, const kg_failure *other) {
  if (failure != NULL) {
    *failure = *other;
  }
  return other->error;
}
