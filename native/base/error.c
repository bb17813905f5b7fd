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

static const struct entry *find(int error) {
  static const struct entry entries[] = {
#define X(name, number, what, advice) {number, "ERR_" #name, what, advice},
      KG_ERROR_MAP(X)
#undef X
          {0, "ERR_UNKNOWN", "An unknown error.", "Please report it."},
  };
  size_t i = 0;
  while (entries[i].number != 0 && entries[i].number != error) {
    i++;
  }
  return &entries[i];
}

/* Where the table names what only JavaScript has. NULL: as there. */
static const struct {
  int number;
  const char *what;
  const char *advice;
} of_c[] = {
    {KG_E_NO_SPACE, NULL,
     "Free space in the file system, or lower max_events."},
    {KG_E_NO_MEMORY, NULL, "Free memory, or lower max_events."},
    {KG_E_EVENT_TOO_LARGE,
     "The threat takes more than a quarter of the ring, or has more text than "
     "was to be taken.",
     "Shorten its text or its context, or raise max_events or "
     "max_event_bytes."},
    {KG_E_BATCH_TOO_LARGE, NULL,
     "Commit it in smaller batches, or raise max_events."},
    {KG_E_RING_FULL, NULL,
     "Nothing was written; try again after kg_writer_wait_for_space."},
    {KG_E_POSITION_INVALID, NULL,
     "Read from KG_FROM_OLDEST or KG_FROM_LATEST; kg_reader_position gives one "
     "that can be used."},
};

const char *kg_error_code(int error) {
  return find(error)->code;
}

const char *kg_error_what(int error) {
  for (size_t i = 0; i < sizeof of_c / sizeof *of_c; i++) {
    if (of_c[i].number == error && of_c[i].what != NULL) {
      return of_c[i].what;
    }
  }
  return find(error)->what;
}

const char *kg_error_advice(int error) {
  for (size_t i = 0; i < sizeof of_c / sizeof *of_c; i++) {
    if (of_c[i].number == error) {
      return of_c[i].advice;
    }
  }
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
