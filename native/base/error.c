#include "error.h"

#include <stdarg.h>
#include <stdio.h>

const char *kg_error_code(int error) {
  switch (error) {
#define X(name, number, code, what, advice) \
  case name:                                \
    return code;
    KG_ERROR_MAP(X)
#undef X
  default:
    return "ERR_UNKNOWN";
  }
}

const char *kg_error_what(int error) {
  switch (error) {
#define X(name, number, code, what, advice) \
  case name:                                \
    return what;
    KG_ERROR_MAP(X)
#undef X
  default:
    return "An unknown error.";
  }
}

const char *kg_error_advice(int error) {
  switch (error) {
#define X(name, number, code, what, advice) \
  case name:                                \
    return advice;
    KG_ERROR_MAP(X)
#undef X
  default:
    return "Please report it.";
  }
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
