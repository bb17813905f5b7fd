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
