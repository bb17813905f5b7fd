/* A CPU without the instruction for checksums. The linker puts
 * __wrap_kg__cpu_has_crc32c in the place of the question. */
#include <string.h>

#include "../../../native/platform/cpu.h"
#include "../../../native/ring/crc32c.h"
#include "../fixture.h"

bool __wrap_kg__cpu_has_crc32c(void);

bool __wrap_kg__cpu_has_crc32c(void) {
  return false;
}

TEST(method, "without the instruction checksums are the same, and it is said") {
  CHECK(strcmp(kg_checksum_method(), "portable") == 0);
  CHECK_EQUAL(kg__crc32c("123456789", 9), 0xE3069283);
  check_spans_come_whole();
}
