#include "options.h"

#include <stddef.h>
#include <string.h>

#include "../base/error.h"

/* Of version 0.1, which had no other size. */
#define FIRST_BYTES (offsetof(kg_ring_options, any_thread) + sizeof(bool))

/* Beyond that it is no size: nothing so far behind the struct is looked at. */
#define MOST_BYTES 4096

int kg__options_copy(const kg_ring_options *given, kg_ring_options *options,
                     kg_failure *failure) {
  if (given == NULL) {
    return kg__fail(failure, KG_E_INVALID_ARGUMENT, 0, "options is NULL");
  }
  size_t size = given->struct_size == 0 ? FIRST_BYTES : given->struct_size;
  size_t known = size < sizeof *options ? size : sizeof *options;
  const char *bytes = (const char *)given;
  if (size < FIRST_BYTES || size > MOST_BYTES) {
    return kg__fail(failure, KG_E_INVALID_OPTION, 0,
                    "struct_size is %zu: sizeof(kg_ring_options) will do, or 0",
                    size);
  }
  memset(options, 0, sizeof *options);
  memcpy(options, bytes, known);
  for (size_t i = known; i < size; i++) {
    if (bytes[i] != 0) {
      return kg__fail(failure, KG_E_INVALID_OPTION, 0,
                      "struct_size is %zu: the program sets options that this "
                      "library, version %s, does not know",
                      size, KG_VERSION);
    }
  }
  return KG_OK;
}
