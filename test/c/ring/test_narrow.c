/* A CPU whose registers are not wide. The linker puts __wrap_kg__cpu_is_wide in
 * the place of the question. */
#include "../../../native/base/cpu.h"
#include "../fixture.h"

bool __wrap_kg__cpu_is_wide(void);

bool __wrap_kg__cpu_is_wide(void) {
  return false;
}

TEST(checksum, "CRC32C of a slot is the same where registers are narrow") {
  check_slot_checksums();
}

TEST(copies, "slots are copied whole where registers are narrow") {
  check_spans_come_whole();
}
