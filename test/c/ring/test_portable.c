/* A CPU without the instruction for checksums, and so without wide registers.
 * The linker puts these functions in the place of the questions. */
#include <string.h>

#include "../../../native/base/cpu.h"
#include "../../../native/platform/cpu.h"
#include "../../../native/ring/crc32c.h"
#include "../fixture.h"

bool __wrap_kg__cpu_has_crc32c(void);

bool __wrap_kg__cpu_has_crc32c(void) {
  return false;
}

bool __wrap_kg__cpu_is_wide(void);

bool __wrap_kg__cpu_is_wide(void) {
  return false;
}

TEST(method, "without the instruction checksums are the same, and it is said") {
  CHECK(strcmp(kg_checksum_method(), "portable") == 0);
  CHECK_EQUAL(kg__crc32c("123456789", 9), 0xE3069283);
  check_spans_come_whole();
}
